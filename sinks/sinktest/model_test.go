package sinktest

import (
	"context"
	"errors"
	"sync"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
)

// store is a small destination: one pair, one neighbour, a version.
type store struct {
	mu        sync.Mutex
	pair      Pair
	neighbour string
	version   int
	fault     Fault
	healed    chan struct{}
}

func (s *store) read(ctx context.Context) (Pair, error) {
	if err := s.gate(ctx); err != nil {
		return Pair{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pair, nil
}

func (s *store) write(ctx context.Context, p Pair) error {
	if err := s.gate(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault == FailBefore {
		return sinks.Errorf(sinks.Temporary, "model: write", "the store failed")
	}
	s.pair, s.version = p, s.version+1
	if s.fault == FailAfter {
		return sinks.Errorf(sinks.Temporary, "model: write", "the answer was lost")
	}
	return nil
}

// gate is what every request has to pass.
func (s *store) gate(ctx context.Context) error {
	s.mu.Lock()
	fault, healed := s.fault, s.healed
	s.mu.Unlock()
	switch fault {
	case Unreachable:
		return sinks.Errorf(sinks.Temporary, "model", "connection refused")
	case Denied:
		return sinks.Errorf(sinks.Denied, "model", "wrong token")
	case Missing:
		return sinks.Errorf(sinks.Missing, "model", "no such place")
	case Hang:
		select {
		case <-ctx.Done():
		case <-healed:
			return errors.New("model: the request was dropped")
		}
	}
	if ctx.Err() != nil {
		return sinks.Errorf(sinks.Temporary, "model", "%w", ctx.Err())
	}
	return nil
}

func (s *store) set(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault == Hang {
		close(s.healed)
	}
	s.fault = f
	if f == Hang {
		s.healed = make(chan struct{})
	}
}

// modelConfig is the configuration of the model kind.
type modelConfig struct {
	Path  string `yaml:"path"`
	store *store
	order *[]string
	bug   string
}

func (c *modelConfig) Validate() error {
	switch {
	case c.bug == "anonymous error":
		return errors.New("something is wrong")
	case c.Path == "":
		return sinks.Fieldf("path", "must not be empty")
	}
	return nil
}

func (c *modelConfig) Destination() string {
	if c.bug == "token in destination" {
		return modelToken
	}
	return "model " + c.Path
}

const modelToken = "model-token-0123456789"

// modelSink is a correct sink, unless it has a bug.
type modelSink struct {
	store *store
	bug   string
	token secret.Text
	Plain string // shows what a careless field shows
}

func (m *modelSink) Check(ctx context.Context) ([]sinks.Warning, error) {
	switch m.bug {
	case "check writes":
		_ = m.store.write(ctx, NewPair())
	case "check is blind":
		return nil, nil
	case "check warns with the token":
		return []sinks.Warning{sinks.Warning("token " + modelToken + " expires")}, nil
	}
	_, err := m.store.read(ctx)
	return nil, err
}

func (m *modelSink) Push(ctx context.Context, cred sinks.Credential) (sinks.Receipt, error) {
	next := Pair{ID: string(cred.KeyID), Secret: cred.Secret.Reveal()}
	switch m.bug {
	case "push ignores the context":
		ctx = context.WithoutCancel(ctx)
	case "push goes on in the background":
		go m.insist(next)
	case "push touches a neighbour":
		m.store.neighbour = "gone"
	case "push wipes its argument":
		defer cred.Secret.Wipe()
	case "push leaks in its error":
		if err := m.store.write(ctx, next); err != nil {
			return sinks.Receipt{}, sinks.Errorf(sinks.Temporary, "push", "cannot write %q: %w", next.Secret, err)
		}
	case "push leaks in its receipt":
		return sinks.Receipt{Stamp: next.Secret}, m.store.write(ctx, next)
	case "push lies about failure":
		_ = m.store.write(ctx, next)
		return sinks.Receipt{}, nil
	case "push calls every failure refused":
		if err := m.store.write(ctx, next); err != nil {
			return sinks.Receipt{}, sinks.Errorf(sinks.Refused, "push", "failed")
		}
	case "push writes once only":
		if m.store.version > 0 {
			return sinks.Receipt{}, sinks.Errorf(sinks.Refused, "push", "exists")
		}
	}
	now, err := m.store.read(ctx)
	if err != nil {
		return sinks.Receipt{}, err
	}
	if m.bug == "push keeps the session token" {
		next.SessionToken = now.SessionToken
	}
	if m.bug == "push overlooks a new session token" && now.ID == next.ID {
		return sinks.Receipt{}, nil
	}
	if now == next {
		return sinks.Receipt{}, nil
	}
	return sinks.Receipt{}, m.store.write(ctx, next)
}

// insist writes until it succeeds, whatever the caller wants by now.
func (m *modelSink) insist(p Pair) {
	for range 100 {
		if m.store.write(context.Background(), p) == nil {
			return
		}
		time.Sleep(patience / 10)
	}
}

func (m *modelSink) Verify(ctx context.Context, cred sinks.Credential, _ sinks.KeyID, _ sinks.Receipt) (sinks.Evidence, error) {
	if m.bug == "verify believes" {
		return sinks.Exact, nil
	}
	now, err := m.store.read(ctx)
	if err != nil {
		return sinks.None, err
	}
	if m.bug == "verify looks at the id only" && now.ID == string(cred.KeyID) {
		return sinks.Exact, nil
	}
	if m.bug == "verify claims less" {
		return sinks.Accepted, nil
	}
	if now.ID != string(cred.KeyID) || !cred.Secret.EqualString(now.Secret) || now.SessionToken != "" {
		class := sinks.Stale
		if m.bug == "verify calls stale temporary" {
			class = sinks.Temporary
		}
		return sinks.None, sinks.Errorf(class, "model: verify", "another pair is served")
	}
	return sinks.Exact, nil
}

func (m *modelSink) Serving(ctx context.Context) (sinks.KeyID, error) {
	now, err := m.store.read(ctx)
	switch {
	case m.bug == "serving takes errors for nothing":
		return sinks.KeyID(now.ID), nil
	case m.bug == "serving takes nothing for an error" && now.ID == "":
		return "", errors.New("no pair")
	}
	return sinks.KeyID(now.ID), err
}

const modelDoc = `// Package model writes to a model.
//
//	sinks:
//	  here:
//	    model:
//	      path: a/b   # where
//
//	      other: 1
//	  there: {}
//
// Verified against: itself.
package model
`

// modelKind is the kind with the given bug; "" has none.
func modelKind(bug string) Kind {
	doc := modelDoc
	if bug == "no example" {
		doc = "// Package model is undocumented.\npackage model\n"
	}
	spec := sinks.Define(sinks.Definition[modelConfig, *modelConfig]{
		Kind: "model", Summary: "a model", Best: sinks.Exact, Verified: "itself", Source: doc,
		Defaults: modelConfig{bug: bug},
		Open: func(_ context.Context, c *modelConfig, _ sinks.Env) (sinks.Sink, error) {
			m := &modelSink{store: c.store, bug: bug, token: secret.FromString(modelToken)}
			if bug == "sink prints its token" {
				m.Plain = modelToken
			}
			return m, nil
		},
	})
	return Kind{Spec: spec, New: func(T) Target {
		s := &store{neighbour: "kept"}
		return Target{
			Config:  &modelConfig{Path: "a", store: s, bug: bug},
			Read:    func(T) Pair { return s.look().pair },
			Write:   func(_ T, p Pair) { s.mu.Lock(); defer s.mu.Unlock(); s.pair = p; s.version++ },
			Others:  func(T) string { return s.look().neighbour },
			Secrets: []string{modelToken},
			Break:   func(_ T, f Fault) { s.set(f) },
			Heal:    func(T) { s.set("") },
		}
	}}
}

func (s *store) look() (c struct {
	pair      Pair
	neighbour string
}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.pair, c.neighbour = s.pair, s.neighbour
	return c
}
