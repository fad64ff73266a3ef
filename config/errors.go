package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error says what is wrong at one place of the document. Its text holds names and keys, never a value.
type Error struct {
	File      string
	Line, Col int    // from 1; 0: the document as a whole
	Path      string // "robots.ci-bot.sinks[0]"
	Msg       string
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Col)
	}
	if e.Path != "" {
		b.WriteString(": " + e.Path)
	}
	return b.String() + ": " + e.Msg
}

// Errors are all that is wrong with a document, in the order of their places.
type Errors []*Error

func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the single errors to errors.As.
func (es Errors) Unwrap() []error {
	out := make([]error, len(es))
	for i, e := range es {
		out[i] = e
	}
	return out
}

// sorted puts them in order and drops repetitions: a shared part of the document is looked at once per user.
func (es Errors) sorted() Errors {
	out := slices.Clone(es)
	slices.SortStableFunc(out, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Msg, b.Msg))
	})
	return slices.CompactFunc(out, func(a, b *Error) bool { return *a == *b })
}

// report collects errors and warnings of one document.
type report struct {
	file     string
	errs     Errors
	warnings Errors
}

func (r *report) fail(at pos, p path, format string, args ...any) {
	r.errs = append(r.errs, r.finding(at, p, format, args...))
}

func (r *report) warn(at pos, p path, format string, args ...any) {
	r.warnings = append(r.warnings, r.finding(at, p, format, args...))
}

func (r *report) finding(at pos, p path, format string, args ...any) *Error {
	return &Error{File: r.file, Line: at.line, Col: at.col, Path: p.String(), Msg: fmt.Sprintf(format, args...)}
}

// err is all errors as one, or nil.
func (r *report) err() error {
	if len(r.errs) == 0 {
		return nil
	}
	return r.errs.sorted()
}
