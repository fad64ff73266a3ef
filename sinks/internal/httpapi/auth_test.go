package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"keyturn/internal/secret"
	"keyturn/sinks"
)

// inFile puts a token where ref finds it.
func inFile(t *testing.T, value string) secret.Ref {
	t.Helper()
	ref := secret.Ref{File: filepath.Join(t.TempDir(), "token")}
	rewrite(t, ref, value)
	return ref
}

func rewrite(t *testing.T, ref secret.Ref, value string) {
	t.Helper()
	if err := os.WriteFile(ref.File, []byte(value+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// lock answers 401 unless the header holds key, and counts.
func lock(key *string, header string, requests *int) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		*requests++
		if r.Header.Get(header) != *key {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}
}

func TestATokenStandsInItsHeader(t *testing.T) {
	for name, c := range map[string]struct {
		make         func(context.Context, secret.Ref) (*Token, error)
		header, want string
	}{
		"bearer": {func(ctx context.Context, r secret.Ref) (*Token, error) { return Bearer(ctx, "o", r) }, "Authorization", "Bearer t0k"},
		"basic":  {func(ctx context.Context, r secret.Ref) (*Token, error) { return Basic(ctx, "o", "ann", r) }, "Authorization", "Basic YW5uOnQwaw=="},
		"a name": {func(ctx context.Context, r secret.Ref) (*Token, error) {
			return HeaderToken(ctx, "o", r, "PRIVATE-TOKEN", "")
		}, "Private-Token", "t0k"},
		"a word": {func(ctx context.Context, r secret.Ref) (*Token, error) {
			return HeaderToken(ctx, "o", r, "Authorization", "token ")
		}, "Authorization", "token t0k"},
	} {
		t.Run(name, func(t *testing.T) {
			auth, err := c.make(t.Context(), inFile(t, "t0k"))
			if err != nil {
				t.Fatal(err)
			}
			requests := 0
			cl := client(t, lock(&c.want, c.header, &requests))
			cl.header, cl.auth = nil, auth
			if _, err := cl.Do(t.Context(), Request{Op: "o"}, nil); err != nil || requests != 1 {
				t.Errorf("%v after %d requests", err, requests)
			}
			if text := fmt.Sprintf("%v %+v %#v", auth, auth, auth); strings.Contains(text, "t0k") {
				t.Errorf("%s shows the token", text)
			}
		})
	}
}

func TestATokenThatWasRenewedIsReadAgain(t *testing.T) {
	ref := inFile(t, "first")
	auth, err := Bearer(t.Context(), "store: token", ref)
	if err != nil {
		t.Fatal(err)
	}
	want, requests := "Bearer first", 0
	c := client(t, lock(&want, "Authorization", &requests))
	c.header, c.auth = nil, auth
	call := func() error { _, err := c.Do(t.Context(), Request{Op: "o"}, nil); return err }
	if err := call(); err != nil || requests != 1 {
		t.Errorf("%v after %d requests", err, requests)
	}
	want = "Bearer second"
	if err := call(); sinks.ClassOf(err) != sinks.Denied || err.Error() != "o: 401 Unauthorized" || requests != 2 {
		t.Errorf("no other token: %v after %d requests", err, requests)
	}
	rewrite(t, ref, "second")
	if err := call(); err != nil || requests > 4 {
		t.Errorf("another token: %v after %d requests", err, requests)
	}
	// Several are refused side by side: each gets through with the new token.
	want = "Bearer third"
	rewrite(t, ref, "third")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := call(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestATokenThatIsMissingIsNoticedAtOnce(t *testing.T) {
	_, err := Bearer(t.Context(), "store: token", secret.Ref{File: "/nonexistent"})
	if sinks.ClassOf(err) != sinks.Denied || err.Error() != "store: token: secret from file /nonexistent: no such file or directory" {
		t.Error(err)
	}
}
