package faultproxy

import (
	"context"
	"net/http"
	"time"
)

// Conditions hold for every call. The zero value adds nothing.
type Conditions struct {
	RefuseInactive bool          // calls signed by an Inactive key answer InvalidClientTokenId
	UnusableFor    time.Duration // so do calls signed by a key that is younger than this
	UnlistedFor    time.Duration // ListAccessKeys leaves out keys that are younger than this
	UsesUnshownFor time.Duration // GetAccessKeyLastUsed does not show uses that are younger than this
	PageSize       int           // List* calls answer at most this many entries; 0 is no limit
	PerSecond      float64       // more calls than this answer Throttling; 0 is no limit
	Latency        time.Duration // added to every call
}

// refusal is the answer of a call that does not reach the backend, or nil.
func (p *Proxy) refusal(q *request, c Conditions) *answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	switch {
	case c.PerSecond > 0 && !p.bucket.take(now, c.PerSecond):
		return refuse(http.StatusBadRequest, "Throttling", "Rate exceeded")
	case c.RefuseInactive && p.keys.inactive[q.signer], p.keys.younger(q.signer, c.UnusableFor, now):
		return refuse(http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid.")
	}
	return nil
}

// refuseInactive is the refusal that a witness meets, or nil.
func (p *Proxy) refuseInactive(q *request) *answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conditions.RefuseInactive && p.keys.inactive[q.signer] {
		return refuse(http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid.")
	}
	return nil
}

// unlisted says which keys a list leaves out.
func (p *Proxy) unlisted(d time.Duration) func(keyID string) bool {
	return func(keyID string) bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.keys.younger(keyID, d, time.Now())
	}
}

// bucket is a token bucket that holds one second's worth. The zero bucket is full.
type bucket struct {
	used float64
	last time.Time
}

func (b *bucket) take(now time.Time, perSecond float64) bool {
	b.used = max(0, b.used-now.Sub(b.last).Seconds()*perSecond)
	b.last = now
	if b.used+1 > max(1, perSecond) {
		return false
	}
	b.used++
	return true
}

// pause waits, unless the client or the proxy goes away before.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
