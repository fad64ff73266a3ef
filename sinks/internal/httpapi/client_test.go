package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"keyturn/internal/pace"
	"keyturn/sinks"
)

const (
	token = "ghp_TheTokenThatNobodySees"
	value = "TheSecretInTheBody/+0123456789"
)

// handler is a transport without sockets, so that it runs in fake time.
type handler http.HandlerFunc

func (h handler) RoundTrip(req *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	done := make(chan struct{})
	go func() { defer close(done); h(rec, req) }()
	select {
	case <-done:
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	resp := rec.Result()
	resp.Request = req
	return resp, nil
}

func client(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	c, err := New(Options{Base: "https://store.example/api/", UserAgent: "keyturn/test", Header: authenticate})
	if err != nil {
		t.Fatal(err)
	}
	c.http.Transport = bounded{handler(h), "keyturn/test"}
	return c
}

func authenticate(_ context.Context, h http.Header) error {
	h.Set("Authorization", "Bearer "+token)
	return nil
}

func TestASuccessIsDecoded(t *testing.T) {
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		got, _ := io.ReadAll(r.Body)
		if r.URL.String() != "https://store.example/api/vars/A%2FB?page=2" || r.Method != "PUT" || string(got) != `{"v":"x"}` {
			t.Errorf("request %s %s %s", r.Method, r.URL, got)
		}
		for name, want := range map[string]string{
			"User-Agent": "keyturn/test", "Authorization": "Bearer " + token, "Content-Type": "application/json",
			"Accept": "application/vnd.x", "X-Api": "1",
		} {
			if r.Header.Get(name) != want {
				t.Errorf("%s is %q, want %q", name, r.Header.Get(name), want)
			}
		}
		w.Header().Set("Date", "Tue, 03 Nov 2026 10:00:00 GMT")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"name":"n"}`)
	})
	var out struct{ Name string }
	resp, err := c.Do(t.Context(), Request{
		Op: "store: write", Method: "PUT", Path: "/vars/A%2FB", Query: map[string][]string{"page": {"2"}},
		Header: http.Header{"Accept": {"application/vnd.x"}, "X-Api": {"1"}}, Body: map[string]string{"v": "x"},
	}, &out)
	want := time.Date(2026, 11, 3, 10, 0, 0, 0, time.UTC)
	if err != nil || out.Name != "n" || resp.Status != 201 || !resp.Date.Equal(want) {
		t.Errorf("%+v, %+v, %v", out, resp, err)
	}
}

func TestAStatusHasAClass(t *testing.T) {
	at := "Tue, 03 Nov 2026 10:00:00 GMT"
	for name, c := range map[string]struct {
		status int
		header map[string]string
		class  sinks.Class
		after  time.Duration
	}{
		"a wrong token":                      {401, nil, sinks.Denied, 0},
		"a right that is missing":            {403, nil, sinks.Denied, 0},
		"a quota hidden in a 403":            {403, map[string]string{"X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "1793700060"}, sinks.Throttled, time.Minute},
		"a second limit hidden in a 403":     {403, map[string]string{"Retry-After": "30"}, sinks.Throttled, 30 * time.Second},
		"a quota that is not used up":        {403, map[string]string{"X-Ratelimit-Remaining": "7"}, sinks.Denied, 0},
		"too many, with seconds":             {429, map[string]string{"Retry-After": "1.5"}, sinks.Throttled, 1500 * time.Millisecond},
		"too many, with a date":              {429, map[string]string{"Retry-After": "Tue, 03 Nov 2026 10:00:20 GMT"}, sinks.Throttled, 20 * time.Second},
		"too many, with a date that is past": {429, map[string]string{"Retry-After": "Tue, 03 Nov 2026 09:00:00 GMT"}, sinks.Throttled, 0},
		"too many, with a reset in seconds":  {429, map[string]string{"Ratelimit-Remaining": "0", "Ratelimit-Reset": "12"}, sinks.Throttled, 12 * time.Second},
		"too many, without a word":           {429, nil, sinks.Throttled, 0},
		"too many, with nonsense":            {429, map[string]string{"Retry-After": "soon"}, sinks.Throttled, 0},
		"too many, for longer than a day":    {429, map[string]string{"Retry-After": "999999999"}, sinks.Throttled, 24 * time.Hour},
		"maintenance":                        {503, map[string]string{"Retry-After": "5"}, sinks.Temporary, 5 * time.Second},
		"a broken proxy":                     {502, nil, sinks.Temporary, 0},
		"a slow client":                      {408, nil, sinks.Temporary, 0},
		"nothing there":                      {404, nil, sinks.Missing, 0},
		"gone":                               {410, nil, sinks.Missing, 0},
		"somebody else wrote":                {409, nil, sinks.Conflict, 0},
		"a failed precondition":              {412, nil, sinks.Conflict, 0},
		"a bad name":                         {422, nil, sinks.Refused, 0},
		"a bad request":                      {400, nil, sinks.Refused, 0},
		"a method it never had":              {501, nil, sinks.Refused, 0},
		"not modified":                       {304, nil, sinks.Refused, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{"Date": {at}}
			for k, v := range c.header {
				h.Set(k, v)
			}
			if class, after := ClassOf(c.status, h); class != c.class || after != c.after {
				t.Errorf("%v, %v, want %v, %v", class, after, c.class, c.after)
			}
		})
	}
}

// Every error text is exact, and holds neither body nor token nor query.
func TestErrorsSayWhatFailedAndNoMore(t *testing.T) {
	explain := func(status int, body []byte) error {
		if bytes.Contains(body, []byte("immutable")) {
			return sinks.Errorf(sinks.Refused, "store: read", "the variable is immutable")
		}
		return nil
	}
	for name, c := range map[string]struct {
		h     http.HandlerFunc
		class sinks.Class
		text  string
	}{
		"a status": {
			func(w http.ResponseWriter, _ *http.Request) { http.Error(w, value, 422) },
			sinks.Refused, "store: read: 422 Unprocessable Entity",
		},
		"a status without a name": {
			func(w http.ResponseWriter, _ *http.Request) { http.Error(w, value, 499) },
			sinks.Refused, "store: read: status 499",
		},
		"a status that is explained": {
			func(w http.ResponseWriter, _ *http.Request) { http.Error(w, value+" is immutable", 404) },
			sinks.Refused, "store: read: the variable is immutable",
		},
		"an answer that is no JSON": {
			func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, value) },
			sinks.Temporary, "store: read: the answer is not the JSON that was expected",
		},
		"an answer without end": {
			func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxBody+1)) },
			sinks.Refused, "store: read: the answer is larger than 4194304 bytes",
		},
		"a redirect to another host": {
			func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "https://evil.example/"+value, 307) },
			sinks.Refused, "store: read: the store redirects to another address",
		},
		"a redirect to plain http": {
			func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "http://store.example/", 302) },
			sinks.Refused, "store: read: the store redirects to another address",
		},
		"a redirect without end": {
			func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/api/again", 302) },
			sinks.Refused, "store: read: the store redirects to another address",
		},
		"a hanging server": {
			func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			sinks.Temporary, "store: read: no answer within 15s",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				var out map[string]string
				r := Request{Op: "store: read", Query: map[string][]string{"q": {value}}, Explain: explain}
				_, err := client(t, c.h).Do(ctx, r, &out)
				if sinks.ClassOf(err) != c.class || err == nil || err.Error() != c.text {
					t.Errorf("%v: %v, want %v: %s", sinks.ClassOf(err), err, c.class, c.text)
				}
				for e := err; e != nil; e = errors.Unwrap(e) {
					if s := fmt.Sprintf("%v %+v %#v", e, e, e); strings.Contains(s, value) || strings.Contains(s, token) {
						t.Errorf("shows a secret: %s", s)
					}
				}
			})
		})
	}
}

func TestARedirectOnTheSameHostIsFollowed(t *testing.T) {
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/old" {
			http.Redirect(w, r, "/api/new", http.StatusMovedPermanently)
			return
		}
		fmt.Fprint(w, `{}`)
	})
	if _, err := c.Do(t.Context(), Request{Op: "o", Path: "/old"}, nil); err != nil {
		t.Error(err)
	}
	if _, err := c.Do(t.Context(), Request{Op: "o", Path: "/old", Method: "POST"}, nil); err == nil {
		t.Error("a POST was turned into a GET")
	}
}

func TestWhatMayBeRepeatedIsRepeated(t *testing.T) {
	for name, c := range map[string]struct {
		method     string
		repeatable bool
		status     int
		want       int // requests made
	}{
		"a read that fails":                     {"GET", false, 502, 4},
		"a put that fails":                      {"PUT", false, 500, 4},
		"a post that fails":                     {"POST", false, 500, 1},
		"a post that says that it may":          {"POST", true, 500, 4},
		"a post that is throttled, not applied": {"POST", false, 429, 4},
		"a conflict":                            {"PUT", false, 409, 1},
		"a refusal":                             {"PUT", false, 422, 1},
		"a denial":                              {"GET", false, 403, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				cl := client(t, func(w http.ResponseWriter, r *http.Request) {
					if got, _ := io.ReadAll(r.Body); string(got) != `{"v":"x"}` {
						t.Errorf("request %d has the body %q", calls, got)
					}
					if calls++; calls <= 3 {
						w.WriteHeader(c.status)
					}
				})
				r := Request{Op: "o", Method: c.method, Repeatable: c.repeatable, Body: map[string]string{"v": "x"}}
				_, err := cl.Do(t.Context(), r, nil)
				if calls != c.want || (err == nil) != (c.want == 4) {
					t.Errorf("%d requests, %v, want %d", calls, err, c.want)
				}
			})
		})
	}
}

func TestARetryWaitsAsLongAsTheStoreAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, calls := time.Now(), 0
		c := client(t, func(w http.ResponseWriter, _ *http.Request) {
			if calls++; calls == 1 {
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(503)
			}
		})
		if _, err := c.Do(t.Context(), Request{Op: "o"}, nil); err != nil || time.Since(start) != 7*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestACallEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		c := client(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
		_, err := c.Do(ctx, Request{Op: "o"}, nil)
		if err == nil || err.Error() != "o: 500 Internal Server Error" || time.Since(start) > 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		<-ctx.Done()
		_, err = c.Do(ctx, Request{Op: "o"}, nil)
		if err == nil || err.Error() != "o: wait for a turn: context deadline exceeded" || sinks.ClassOf(err) != sinks.Temporary {
			t.Errorf("after the end: %v", err)
		}
	})
}

// Two clients of one store share its limiter, and none of their calls fails.
func TestAThrottlingStoreIsPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var next time.Time
		store := func(w http.ResponseWriter, _ *http.Request) {
			if time.Now().Before(next) {
				w.WriteHeader(429)
				return
			}
			next = time.Now().Add(100 * time.Millisecond)
		}
		g := pace.NewGroup(1)
		env := sinks.Env{Pace: g.For}
		start := time.Now()
		for range 2 {
			c := client(t, store)
			c.limiter = Limiter(env, "https://store.example/api/")
			for range 50 {
				if _, err := c.Do(t.Context(), Request{Op: "o", Method: "POST"}, nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		if took := time.Since(start); took > 16*time.Second {
			t.Errorf("100 calls at 10 a second took %v", took)
		}
	})
}

func TestABadBaseIsRefusedWithoutRepeatingIt(t *testing.T) {
	for base, want := range map[string]string{
		"":                       "must be an address that starts with https:// or http://",
		"store.example":          "must be an address that starts with https:// or http://",
		"ftp://store.example":    "must be an address that starts with https:// or http://",
		"https://u:pw@host":      "must hold no user, password, query or fragment",
		"https://host/?token=pw": "must hold no user, password, query or fragment",
		"https://ho\x7fst":       "must be an address that starts with https:// or http://",
	} {
		if _, err := New(Options{Base: base}); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %q", base, err, want)
		}
	}
	for base, want := range map[string]bool{
		"http://store.example": true, "https://store.example": false, "http://127.0.0.1:1": false, "http://localhost": false,
	} {
		if Unencrypted(base) != want {
			t.Errorf("%s: unencrypted should be %t", base, want)
		}
	}
}

func TestOnlyTheGivenAuthorityIsTrusted(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) }))
	defer s.Close()
	s.Config.ErrorLog = nil
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	c, err := New(Options{Base: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.Do(ctx, Request{Op: "o"}, nil); sinks.ClassOf(err) != sinks.Temporary {
		t.Errorf("an unknown authority: %v", err)
	}
	if c, err = New(Options{Base: s.URL, CACert: ca}); err != nil {
		t.Fatal(err)
	}
	if _, err = c.Do(t.Context(), Request{Op: "o"}, nil); err != nil {
		t.Error(err)
	}
	if _, err = New(Options{Base: s.URL, CACert: ca + "x"}); err == nil {
		t.Error("a missing file was accepted")
	}
	if err := os.WriteFile(ca, []byte(value), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = New(Options{Base: s.URL, CACert: ca})
	if want := "read the CA certificates: " + ca + " holds no certificate in PEM"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestRawAnswersAndUnwritableRequests(t *testing.T) {
	c := client(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "plain") })
	var raw []byte
	if _, err := c.Do(t.Context(), Request{Op: "o"}, &raw); err != nil || string(raw) != "plain" {
		t.Errorf("%q, %v", raw, err)
	}
	_, err := c.Do(t.Context(), Request{Op: "o", Body: make(chan int)}, nil)
	if err == nil || err.Error() != "o: the request cannot be written as JSON" {
		t.Error(err)
	}
	var syntax *json.SyntaxError
	if _, err = c.Do(t.Context(), Request{Op: "o", Method: "POST"}, &struct{}{}); errors.As(err, &syntax) {
		t.Error("the error carries what was read")
	}
}
