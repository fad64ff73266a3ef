package httpapi

import (
	"context"
	"encoding/base64"
	"net/http"
	"sync"

	"keyturn/internal/secret"
	"keyturn/sinks"
)

// Auth authenticates requests. It is safe for concurrent use.
type Auth interface {
	// Authenticate adds the headers.
	Authenticate(ctx context.Context, h http.Header) error
	// Forget is told that the store refused (401) a request that had the headers used. What it then
	// adds may differ, and the request is made once more if it does.
	Forget(used http.Header)
}

// Source is where a secret is read; a secret.Ref is one.
type Source interface {
	Resolve(ctx context.Context) (secret.Text, error)
}

// Token authenticates by a secret in a header. The secret is kept after it was read, and read again
// when the store refuses it: somebody may have renewed the file.
type Token struct {
	op     string
	ref    Source
	header string
	value  func(token string) string

	mu   sync.Mutex
	last secret.Text
}

// Bearer is Authorization: Bearer <token>. It reads the token, so that one that is missing is noticed now;
// op begins its errors: "github: token".
func Bearer(ctx context.Context, op string, ref Source) (*Token, error) {
	return HeaderToken(ctx, op, ref, "Authorization", "Bearer ")
}

// Basic is Authorization: Basic of user and the secret.
func Basic(ctx context.Context, op, user string, ref Source) (*Token, error) {
	return newToken(ctx, op, ref, "Authorization", func(token string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+token))
	})
}

// HeaderToken is a header of any name, with prefix before the token: "PRIVATE-TOKEN" and "", "Authorization" and "token ".
func HeaderToken(ctx context.Context, op string, ref Source, header, prefix string) (*Token, error) {
	return newToken(ctx, op, ref, header, func(token string) string { return prefix + token })
}

func newToken(ctx context.Context, op string, ref Source, header string, value func(string) string) (*Token, error) {
	t := &Token{op: op, ref: ref, header: header, value: value}
	_, err := t.current(ctx)
	return t, err
}

// Authenticate adds the header.
func (t *Token) Authenticate(ctx context.Context, h http.Header) error {
	token, err := t.current(ctx)
	if err != nil {
		return err
	}
	h.Set(t.header, t.value(token.Reveal()))
	return nil
}

func (t *Token) current(ctx context.Context) (secret.Text, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.last.Empty() {
		return t.last, nil
	}
	token, err := t.ref.Resolve(ctx)
	if err != nil {
		return secret.Text{}, sinks.Errorf(sinks.Denied, t.op, "%w", err)
	}
	t.last = token
	return token, nil
}

// Forget makes the next request read the secret again, unless that was done meanwhile.
func (t *Token) Forget(used http.Header) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if used.Get(t.header) == t.value(t.last.Reveal()) {
		t.last = secret.Text{} // not wiped: a request side by side may hold it
	}
}
