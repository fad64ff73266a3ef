package faultproxy

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Gate forwards everything to a store and can refuse its writes. Logging in and asking what a token may do
// are not writes.
type Gate struct {
	// URL is where it listens.
	URL string

	server *http.Server

	mu      sync.Mutex
	refuse  bool
	status  int
	refused int
}

// StartGate listens on a free loopback port and forwards to backend, a base address.
func StartGate(backend string) (*Gate, error) {
	u, err := url.Parse(backend)
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	g := &Gate{URL: "http://" + l.Addr().String()}
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }}
	g.server = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isWrite(r) && g.refuses(w) {
			return
		}
		forward.ServeHTTP(w, r)
	})}
	go func() { _ = g.server.Serve(l) }() // ends with Close
	return g, nil
}

// Close stops listening.
func (g *Gate) Close() error { return g.server.Close() }

// RefuseWrites answers every write with status from now on; 0 resets the connection instead.
func (g *Gate) RefuseWrites(status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refuse, g.status = true, status
}

// Heal lets writes pass again.
func (g *Gate) Heal() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refuse = false
}

// Refused is how many writes were refused.
func (g *Gate) Refused() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused
}

func (g *Gate) refuses(w http.ResponseWriter) bool {
	g.mu.Lock()
	on, status := g.refuse, g.status
	if on {
		g.refused++
	}
	g.mu.Unlock()
	switch {
	case !on:
		return false
	case status == 0:
		reset(w)
	default:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"errors":["refused by the gate"]}`)) // the client went away: its own affair
	}
	return true
}

func isWrite(r *http.Request) bool {
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return !strings.HasPrefix(r.URL.Path, "/v1/auth/") && !strings.HasPrefix(r.URL.Path, "/v1/sys/")
	}
	return false
}
