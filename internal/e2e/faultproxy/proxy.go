package faultproxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// maxBody bounds requests and answers of the Query protocol.
const maxBody = 1 << 20

// forwardWithin bounds a call to the backend.
const forwardWithin = 30 * time.Second

// Proxy forwards Query protocol calls to a backend, through conditions and faults.
type Proxy struct {
	// URL is where it listens.
	URL string

	backend   *url.URL
	transport *http.Transport
	server    *http.Server
	stop      context.CancelFunc

	mu         sync.Mutex
	conditions Conditions
	trusted    map[string]bool
	plans      []plan
	arrived    map[string]int // calls per action, forwarded or not
	calls      []Call
	bucket     bucket
	witness    func(Call)
	keys       ledger
}

// Start listens on a free loopback port and forwards to backend, a base address such as
// "http://127.0.0.1:5000".
func Start(backend string) (*Proxy, error) {
	u, err := url.Parse(backend)
	if err != nil {
		return nil, fmt.Errorf("fault proxy: %w", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("fault proxy: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &Proxy{
		URL:     "http://" + l.Addr().String(),
		backend: u,
		// A kept-alive connection that the backend closed would be retried, and a call be made twice.
		transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		stop:      stop,
		trusted:   map[string]bool{},
		arrived:   map[string]int{},
		keys:      newLedger(),
	}
	p.server = &http.Server{
		Handler:           http.HandlerFunc(p.serve),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	go func() { _ = p.server.Serve(l) }() // ends with Close
	return p, nil
}

// Close stops listening and cuts all connections, hanging ones too.
func (p *Proxy) Close() error {
	p.stop()
	return p.server.Close()
}

// Trust exempts calls signed by a key: they meet no condition and no fault, and are not counted. A key that they
// make is usable and listed at once. It is for the test's own administrator.
func (p *Proxy) Trust(keyID string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trusted[keyID] = true
}

// WitnessHeader marks calls that only look: they meet RefuseInactive and nothing else, and are not counted.
const WitnessHeader = "Faultproxy-Witness"

// OnChange calls f whenever the backend has changed or deleted a key, before the client sees the answer.
func (p *Proxy) OnChange(f func(Call)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.witness = f
}

// Set replaces the conditions from the next call on.
func (p *Proxy) Set(c Conditions) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conditions = c
	p.bucket = bucket{}
}

// Secrets are the secret keys that were seen in answers of CreateAccessKey, in order.
func (p *Proxy) Secrets() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.keys.secrets...)
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	q, err := read(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a, err := p.handle(r.Context(), q)
	if errors.Is(err, errDropped) {
		reset(w)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	a.write(w)
}

// handle takes a call through the conditions, its fault, and the backend.
func (p *Proxy) handle(ctx context.Context, q *request) (*answer, error) {
	if q.header.Get(WitnessHeader) != "" {
		q.header.Del(WitnessHeader)
		if a := p.refuseInactive(q); a != nil {
			return a, nil
		}
		return p.forward(ctx, q)
	}
	if p.trusts(q.signer) {
		return p.forward(ctx, q)
	}
	i, c, f := p.begin(q)
	a, forwarded, err := p.pass(ctx, q, c, f)
	p.end(i, a, forwarded)
	return a, err
}

func (p *Proxy) pass(ctx context.Context, q *request, c Conditions, f Fault) (a *answer, forwarded bool, err error) {
	if err := pause(ctx, c.Latency); err != nil {
		return nil, false, errDropped
	}
	if a := p.refusal(q, c); a != nil {
		return a, false, nil
	}
	if f.before != nil {
		if a, err := f.before(ctx); a != nil || err != nil {
			return a, false, err
		}
	}
	a, err = p.forward(ctx, q)
	if err != nil {
		return nil, false, err
	}
	a.list(q, c.PageSize, p.unlisted(c.UnlistedFor))
	a.lastUsed(q, c.UsesUnshownFor)
	a.denied(q)
	if a.status == http.StatusOK && (q.action == "UpdateAccessKey" || q.action == "DeleteAccessKey") {
		p.changed(q)
	}
	if f.after != nil {
		if err := f.after(a); err != nil {
			return a, true, err
		}
	}
	return a, true, nil
}

// forward keeps the Host header and the body as they are: both are signed.
func (p *Proxy) forward(ctx context.Context, q *request) (*answer, error) {
	// A server goes on with a call whose caller has died.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), forwardWithin)
	defer cancel()
	u := *p.backend
	u.Path, u.RawQuery = q.path, q.rawQuery
	req, err := http.NewRequestWithContext(ctx, q.method, u.String(), bytes.NewReader(q.body))
	if err != nil {
		return nil, err
	}
	req.Header, req.Host = q.header, q.host
	resp, err := p.transport.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("fault proxy: the backend did not answer: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("fault proxy: the backend did not answer: %w", err)
	}
	a := &answer{status: resp.StatusCode, header: resp.Header, body: body}
	a.asAWS(q)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys.learn(q, a, time.Now(), p.trusted[q.signer])
	return a, nil
}

func (p *Proxy) changed(q *request) {
	p.mu.Lock()
	f := p.witness
	p.mu.Unlock()
	if f != nil {
		f(Call{Action: q.action, Signer: q.signer, User: q.form.Get("UserName"), Key: q.form.Get("AccessKeyId")})
	}
}

func (p *Proxy) trusts(keyID string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.trusted[keyID]
}
