package pace

import "sync"

// Group holds one Limiter for each account or store, so that all who call it share what is
// known of its limit. It is safe for concurrent use.
type Group struct {
	mu          sync.Mutex
	concurrency int
	limiters    map[string]*Limiter
}

// NewGroup returns a Group whose limiters let concurrency calls run at once.
func NewGroup(concurrency int) *Group {
	return &Group{concurrency: concurrency, limiters: map[string]*Limiter{}}
}

// For is the limiter of the named account or store.
func (g *Group) For(name string) *Limiter {
	g.mu.Lock()
	defer g.mu.Unlock()
	l, ok := g.limiters[name]
	if !ok {
		l = New(g.concurrency)
		g.limiters[name] = l
	}
	return l
}
