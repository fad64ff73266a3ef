//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
)

// api is a server that speaks JSON, as somebody sees it.
type api struct {
	*world
	client *http.Client
	base   string
	header string // Authorization
}

// call fails unless it succeeds. answer may be nil.
func (a api) call(method, path string, body, answer any) {
	a.Helper()
	b, err := json.Marshal(body)
	a.must(err)
	req, err := http.NewRequestWithContext(a.Context(), method, a.base+path, bytes.NewReader(b))
	a.must(err)
	req.Header.Set("Authorization", a.header)
	req.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		req.Header.Set("Content-Type", "application/merge-patch+json")
	}
	resp, err := a.client.Do(req)
	a.must(err)
	defer resp.Body.Close()
	b, err = io.ReadAll(resp.Body)
	a.must(err)
	if resp.StatusCode >= 300 {
		a.Fatalf("%s %s: %s: %s", method, path, resp.Status, b)
	}
	if answer != nil {
		a.must(json.Unmarshal(b, answer))
	}
}
