package faultproxy_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"keyturn/internal/e2e/faultproxy"
)

func TestAGateRefusesWritesOnly(t *testing.T) {
	tests := map[string]struct {
		method, path string
		status       int // with which writes are refused; 0 resets
		want         int // 0: no answer
	}{
		"a read passes":                         {"GET", "/v1/secret/data/ci", 503, 200},
		"a write is refused":                    {"PUT", "/v1/secret/data/ci", 503, 503},
		"a patch is refused":                    {"PATCH", "/v1/secret/data/ci", 403, 403},
		"a write is reset":                      {"POST", "/v1/secret/data/ci", 0, 0},
		"logging in passes":                     {"POST", "/v1/auth/approle/login", 503, 200},
		"asking for the capabilities passes":    {"POST", "/v1/sys/capabilities-self", 503, 200},
		"a list is a read, whatever its method": {"LIST", "/v1/secret/metadata", 503, 200},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
			defer backend.Close()
			g, err := faultproxy.StartGate(backend.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			send := func() int {
				req, err := http.NewRequest(tt.method, g.URL+tt.path, strings.NewReader("{}"))
				if err != nil {
					t.Fatal(err)
				}
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					return 0
				}
				defer resp.Body.Close()
				return resp.StatusCode
			}
			if got := send(); got != 200 {
				t.Errorf("before: %d", got)
			}
			g.RefuseWrites(tt.status)
			if got := send(); got != tt.want {
				t.Errorf("refusing: got %d, want %d", got, tt.want)
			}
			if refused := tt.want != 200; (g.Refused() == 1) != refused {
				t.Errorf("%d refused", g.Refused())
			}
			g.Heal()
			if got := send(); got != 200 {
				t.Errorf("healed: %d", got)
			}
		})
	}
}
