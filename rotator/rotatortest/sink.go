package rotatortest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"keyturn/rotator"
	"keyturn/sinks"
)

// Store is a small working model of a place that serves a pair. It keeps time with package time and
// starts no goroutines.
type Store struct {
	Name     string
	Best     sinks.Evidence // what Verify can show; Exact and Partial can also be read
	Torn     bool           // two requests per push: the secret first, the key id last
	Forgets  bool           // says yes to a push and stores nothing
	Latency  time.Duration
	Fault    func(op string, n int) SinkFault // asked once per call: check, push, verify, serving
	OnEffect func()                           // called after each change
	CheckErr error

	mu      sync.Mutex
	calls   map[string]int
	id      sinks.KeyID
	secret  string
	version int
}

// SinkFault is what goes wrong with a call of a Store.
type SinkFault string

// The faults.
const (
	SinkFine       SinkFault = ""
	SinkFailBefore SinkFault = "fail before" // not applied
	SinkFailAfter  SinkFault = "fail after"  // applied; the answer is lost
	SinkTorn       SinkFault = "torn"        // the first of two variables is written
	SinkHang       SinkFault = "hang"        // not applied; no answer until the context ends
	SinkDenied     SinkFault = "denied"
)

// Bind is the store as a robot's sink.
func (s *Store) Bind(required bool) rotator.Sink {
	minimum := min(s.Best, sinks.Stamped)
	return rotator.Sink{
		SinkPlan: rotator.SinkPlan{Name: s.Name, Kind: "store", Required: required, MinEvidence: minimum, Destination: s.Name},
		Open:     func(context.Context, rotator.ID) (sinks.Sink, error) { return s.sink(), nil },
	}
}

func (s *Store) sink() sinks.Sink {
	if s.Best >= sinks.Partial {
		return readableStore{s}
	}
	return s
}

// Serves is what a reader of the store gets.
func (s *Store) Serves() (id rotator.KeyID, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id, s.secret
}

// Put is somebody else writing.
func (s *Store) Put(id rotator.KeyID, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.id, s.secret, s.version = id, secret, s.version+1
}

// Calls is how often an operation was asked for.
func (s *Store) Calls(op string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[op]
}

func (s *Store) begin(ctx context.Context, op string) (SinkFault, error) {
	s.mu.Lock()
	if s.calls == nil {
		s.calls = map[string]int{}
	}
	s.calls[op]++
	n := s.calls[op]
	s.mu.Unlock()
	f := SinkFine
	if s.Fault != nil {
		f = s.Fault(op, n)
	}
	if err := wait(ctx, s.Latency); err != nil {
		return f, &sinks.Error{Class: sinks.Temporary, Op: op, Err: err}
	}
	switch f {
	case SinkFailBefore:
		return f, sinks.Errorf(sinks.Temporary, op, "the store answers 503")
	case SinkDenied:
		return f, sinks.Errorf(sinks.Denied, op, "the store answers 403")
	case SinkHang:
		<-ctx.Done()
		return f, &sinks.Error{Class: sinks.Temporary, Op: op, Err: context.Cause(ctx)}
	}
	return f, nil
}

// Check fails with CheckErr, if that is set.
func (s *Store) Check(ctx context.Context) ([]sinks.Warning, error) {
	if _, err := s.begin(ctx, "check"); err != nil {
		return nil, err
	}
	return nil, s.CheckErr
}

// Push stores the pair.
func (s *Store) Push(ctx context.Context, cred sinks.Credential) (sinks.Receipt, error) {
	f, err := s.begin(ctx, "push")
	if err != nil {
		return sinks.Receipt{}, err
	}
	if !s.Forgets {
		s.store(cred, f == SinkTorn)
	}
	if f == SinkFailAfter || f == SinkTorn {
		return sinks.Receipt{}, sinks.Errorf(sinks.Temporary, "push", "the answer was lost")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return sinks.Receipt{Stamp: fmt.Sprint(s.version), At: time.Now()}, nil
}

func (s *Store) store(cred sinks.Credential, torn bool) {
	s.mu.Lock()
	s.secret = cred.Secret.Reveal()
	s.version++
	if s.Torn {
		s.mu.Unlock()
		s.effect()
		s.mu.Lock()
	}
	if !torn {
		s.id = cred.KeyID
	}
	s.mu.Unlock()
	s.effect()
}

func (s *Store) effect() {
	if s.OnEffect != nil {
		s.OnEffect()
	}
}

// Verify shows what Best allows.
func (s *Store) Verify(ctx context.Context, cred sinks.Credential, _ sinks.KeyID, r sinks.Receipt) (sinks.Evidence, error) {
	if f, err := s.begin(ctx, "verify"); err != nil || f != SinkFine {
		return sinks.None, errors.Join(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.Best == sinks.Stamped && r.Stamp != fmt.Sprint(s.version):
		return sinks.None, sinks.Errorf(sinks.Stale, "verify", "somebody else has written since")
	case s.Best >= sinks.Partial && s.id != cred.KeyID:
		return sinks.None, sinks.Errorf(sinks.Stale, "verify", "it serves %s", s.id)
	case s.Best == sinks.Exact && !cred.Secret.EqualString(s.secret):
		return sinks.None, sinks.Errorf(sinks.Stale, "verify", "it serves another secret")
	}
	return s.Best, nil
}

type readableStore struct{ *Store }

// Serving says which key the store serves.
func (s readableStore) Serving(ctx context.Context) (sinks.KeyID, error) {
	if _, err := s.begin(ctx, "serving"); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id, nil
}
