// Package secret holds values that must not be printed.
//
// A [Text] keeps its bytes behind a closure. Redaction methods alone are not
// enough: fmt never calls methods of unexported struct fields, and follows
// pointers and slices it finds there; of a function it can print only the
// address. Every formatted, marshalled or logged Text reads "[redacted]" or a
// code address, whatever the verb and however deep it is nested.
//
//	t := secret.New([]byte("hunter2"))
//	t.Use(func(b []byte) { send(b) })
//	t.Wipe()
package secret

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
)

// Redacted is what a Text shows of itself.
const Redacted = "[redacted]"

// Text is a secret value. The zero Text is empty. Copies share the same bytes:
// wiping one wipes all.
type Text struct {
	get func() *box
}

type box struct {
	mu sync.RWMutex
	b  []byte
}

// New returns a Text that holds a copy of b. The caller may wipe b.
func New(b []byte) Text {
	bx := &box{b: append([]byte(nil), b...)}
	return Text{get: func() *box { return bx }}
}

// FromString is New for values that arrive as strings, which cannot be wiped.
func FromString(s string) Text { return New([]byte(s)) }

// Use calls f with the bytes, which are valid, and must not be changed, until f returns.
func (t Text) Use(f func([]byte)) {
	if t.get == nil {
		f(nil)
		return
	}
	bx := t.get()
	bx.mu.RLock()
	defer bx.mu.RUnlock()
	f(bx.b)
}

// Reveal returns the value as a string, for libraries that take nothing else.
// The copy lives until the collector frees it: keep it short-lived.
func (t Text) Reveal() (s string) {
	t.Use(func(b []byte) { s = string(b) })
	return s
}

// Len is the number of bytes held.
func (t Text) Len() (n int) {
	t.Use(func(b []byte) { n = len(b) })
	return n
}

// Empty says whether nothing is held: never set, or wiped.
func (t Text) Empty() bool { return t.Len() == 0 }

// Equal compares in time that depends on the lengths only.
func (t Text) Equal(o Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.Reveal()), []byte(o.Reveal())) == 1
}

// EqualString is Equal with a value that a store gave back.
func (t Text) EqualString(s string) (eq bool) {
	t.Use(func(b []byte) { eq = subtle.ConstantTimeCompare(b, []byte(s)) == 1 })
	return eq
}

// Wipe overwrites the bytes of this Text and of all its copies.
func (t Text) Wipe() {
	if t.get == nil {
		return
	}
	bx := t.get()
	bx.mu.Lock()
	defer bx.mu.Unlock()
	clear(bx.b)
	bx.b = nil
}

// Format prints [redacted] for every verb.
func (t Text) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, Redacted) }

// String returns [redacted].
func (t Text) String() string { return Redacted }

// GoString returns [redacted].
func (t Text) GoString() string { return Redacted }

// LogValue is [redacted] for log/slog.
func (t Text) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText writes [redacted]; encoding/json and zap use it.
func (t Text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalBinary and gob fail: a secret is not stored by accident.
func (t Text) MarshalBinary() ([]byte, error) {
	return nil, errors.New("a secret is not marshalled")
}
