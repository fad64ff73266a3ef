package faultproxy_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"keyturn/internal/e2e/faultproxy"
)

// iam is a small model of an emulator: one user's keys, no limit, no authentication, no pages.
type iam struct {
	mu     sync.Mutex
	minted int
	keys   []string
	hosts  []string
}

func (s *iam) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hosts = append(s.hosts, r.Host)
	switch r.FormValue("Action") {
	case "CreateAccessKey":
		s.minted++
		id := fmt.Sprintf("AKIA%d", s.minted)
		s.keys = append(s.keys, id)
		fmt.Fprintf(w, "<R><AccessKeyId>%s</AccessKeyId><SecretAccessKey>secret-%s</SecretAccessKey></R>", id, id)
	case "DeleteAccessKey":
		s.keys = nil
		fmt.Fprint(w, "<R/>")
	case "ListAccessKeys":
		fmt.Fprint(w, "<R><L>")
		for _, id := range s.keys {
			fmt.Fprintf(w, "<member><AccessKeyId>%s</AccessKeyId></member>", id)
		}
		fmt.Fprint(w, "</L><IsTruncated>false</IsTruncated></R>")
	case "Fail":
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, "<ErrorResponse><Errors><Error><Code>LimitExceeded</Code><Message><![CDATA[two keys]]></Message></Error></Errors></ErrorResponse>")
	default:
		fmt.Fprint(w, "<R/>")
	}
}

func (s *iam) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.minted
}

func start(t *testing.T) (*faultproxy.Proxy, *iam) {
	t.Helper()
	backend := &iam{}
	server := httptest.NewServer(backend)
	t.Cleanup(server.Close)
	p, err := faultproxy.Start(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p, backend
}

// post sends a call signed by signer and returns the status and the body.
func post(p *faultproxy.Proxy, signer, action string, params ...string) (int, string, error) {
	form := url.Values{"Action": {action}}
	for _, kv := range params {
		k, v, _ := strings.Cut(kv, "=")
		form.Set(k, v)
	}
	req, err := http.NewRequest(http.MethodPost, p.URL, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+signer+"/20261120/us-east-1/iam/aws4_request, Signature=0")
	req.Host = "iam.example.com"
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func call(t *testing.T, p *faultproxy.Proxy, signer, action string, params ...string) (int, string) {
	t.Helper()
	status, body, err := post(p, signer, action, params...)
	if err != nil {
		t.Fatal(err)
	}
	return status, body
}
