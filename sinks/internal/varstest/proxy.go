package varstest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"

	"keyturn/sinks"
	"keyturn/sinks/sinktest"
)

// Front is how a Proxy tells the requests of a real server apart.
type Front struct {
	Address string // of the real server
	// Written is as in Model. Last is the variable that a push writes last.
	Written func(r *http.Request, body []byte) string
	Last    string
	// Spoil takes the right to do anything from a request, Lose the place that it is about.
	Spoil, Lose func(r *http.Request)
}

// Proxy stands before a real server, makes the faults of package sinktest, and knows what was written.
type Proxy struct {
	*httptest.Server
	front  Front
	mu     sync.Mutex
	fault  sinktest.Fault
	healed chan struct{}
	wrote  []string
}

// NewProxy starts a proxy, which ends with the test.
func NewProxy(t sinktest.T, f Front) *Proxy {
	to, err := url.Parse(f.Address)
	if err != nil {
		t.Fatalf("%v", err)
	}
	p := &Proxy{front: f}
	next := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve(next, w, r) }))
	t.Cleanup(p.Close)
	return p
}

func (p *Proxy) serve(next http.Handler, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	p.mu.Lock()
	fault, healed := p.fault, p.healed
	p.mu.Unlock()
	written := p.front.Written(r, body)
	switch {
	case fault == sinktest.Hang:
		select {
		case <-r.Context().Done():
		case <-healed:
		}
		panic(http.ErrAbortHandler)
	case fault == sinktest.Unreachable:
		panic(http.ErrAbortHandler)
	case fault == sinktest.FailBefore && written != "" && written == p.front.Last:
		w.WriteHeader(http.StatusInternalServerError)
		return
	case fault == sinktest.Denied:
		p.front.Spoil(r)
	case fault == sinktest.Missing:
		p.front.Lose(r)
	}
	answer := httptest.NewRecorder()
	next.ServeHTTP(answer, r)
	if written != "" && answer.Code < 300 {
		p.mu.Lock()
		p.wrote = append(p.wrote, written)
		p.mu.Unlock()
	}
	if fault == sinktest.FailAfter && written != "" {
		panic(http.ErrAbortHandler)
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// Break makes a fault, Heal ends it.
func (p *Proxy) Break(_ sinktest.T, f sinktest.Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.healed != nil {
		close(p.healed)
		p.healed = nil
	}
	if p.fault = f; f == sinktest.Hang {
		p.healed = make(chan struct{})
	}
}

// Heal ends the fault.
func (p *Proxy) Heal(t sinktest.T) { p.Break(t, "") }

// Order is what was written, as the suite wants it.
func (p *Proxy) Order(v sinks.Variables) (roles []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range slices.Clone(p.wrote) {
		roles = append(roles, map[string]string{
			v.AccessKeyID: sinktest.ID, v.SecretAccessKey: sinktest.Secret, v.SessionToken: sinktest.Session,
		}[name])
	}
	return roles
}
