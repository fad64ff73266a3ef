package awsiam

import (
	"context"
	"sync"
	"sync/atomic"

	"keyturn/rotator"
)

// Memory keeps, for each set of keyturn's own credentials, what AWS must be asked only once.
// It holds no secret.
type Memory struct {
	mu sync.Mutex
	by map[rotator.KeyID]*facts
}

// NewMemory returns an empty Memory.
func NewMemory() *Memory { return &Memory{by: map[rotator.KeyID]*facts{}} }

// maxFacts bounds the memory. Credentials of sessions come and go; what is forgotten is asked again.
const maxFacts = 1024

// facts belong to one set of credentials.
type facts struct {
	turn     chan struct{} // held by whoever asks
	identity rotator.Identity
	reads    atomic.Bool // GetAccessKeyLastUsed was allowed once
}

func (m *Memory) of(id rotator.KeyID) *facts {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := m.by[id]
	if !ok {
		if len(m.by) >= maxFacts {
			clear(m.by)
		}
		f = &facts{turn: make(chan struct{}, 1)}
		m.by[id] = f
	}
	return f
}

// caller asks, or waits for whoever is asking. A failure is not remembered.
func (f *facts) caller(ctx context.Context, ask func() (rotator.Identity, error)) (rotator.Identity, error) {
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return rotator.Identity{}, classify("GetCallerIdentity", context.Cause(ctx))
	}
	if f.identity.ARN != "" {
		return f.identity, nil
	}
	id, err := ask()
	if err == nil {
		f.identity = id
	}
	return id, err
}
