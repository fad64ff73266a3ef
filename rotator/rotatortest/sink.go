package rotatortest

import (
	"context"
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
	LateBy   time.Duration                    // when a push that is late is applied, after its caller was told that it failed
	Fault    func(op string, n int) SinkFault // asked once per call: check, push, verify, serving
	OnEffect func()                           // called after each change
	CheckErr error

	mu      sync.Mutex
	calls   map[string]int
	id      sinks.KeyID
	secret  string
	version int
	theirs  bool      // somebody else wrote what it serves
	put     time.Time // when
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
	SinkHangAfter  SinkFault = "hang after"  // applied; no answer until the context ends
	SinkLate       SinkFault = "late"        // the answer is lost; applied LateBy after that. Only of push
	SinkHangLate   SinkFault = "hang late"   // no answer until the context ends; applied LateBy after that. Only of push
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
	s.id, s.secret, s.version, s.theirs, s.put = id, secret, s.version+1, true, time.Now()
}

// Theirs says that somebody else wrote what the store serves.
func (s *Store) Theirs() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.theirs
}

// since is when somebody else wrote what the store serves; zero if we did.
func (s *Store) since() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.theirs {
		return time.Time{}
	}
	return s.put
}

// Calls is how often an operation was asked for.
func (s *Store) Calls(op string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[op]
}

// call makes one call: the fault, the latency, then apply, then the fate of the answer.
func (s *Store) call(ctx context.Context, op string, apply func(f SinkFault) error) error {
	f, then := s.fault(ctx, op)
	if err := wait(ctx, s.Latency); err != nil {
		return &sinks.Error{Class: sinks.Temporary, Op: op, Err: err}
	}
	switch f {
	case SinkFailBefore:
		return sinks.Errorf(sinks.Temporary, op, "the store answers 503")
	case SinkDenied:
		return sinks.Errorf(sinks.Denied, op, "the store answers 403")
	case SinkHang, SinkHangLate:
		<-ctx.Done()
	}
	if f == SinkLate || f == SinkHangLate {
		time.AfterFunc(s.LateBy, func() { _ = apply(f) })
		return sinks.Errorf(sinks.Temporary, op, "the answer was lost")
	}
	if ctx.Err() != nil {
		return &sinks.Error{Class: sinks.Temporary, Op: op, Err: context.Cause(ctx)}
	}
	err := apply(f)
	then()
	switch {
	case err != nil:
		return err
	case f == SinkHangAfter:
		<-ctx.Done()
		return &sinks.Error{Class: sinks.Temporary, Op: op, Err: context.Cause(ctx)}
	case f == SinkFailAfter, f == SinkTorn:
		return sinks.Errorf(sinks.Temporary, op, "the answer was lost")
	}
	return nil
}

// fault counts the call and asks what goes wrong with it.
func (s *Store) fault(ctx context.Context, op string) (f SinkFault, then func()) {
	s.mu.Lock()
	if s.calls == nil {
		s.calls = map[string]int{}
	}
	s.calls[op]++
	n := s.calls[op]
	s.mu.Unlock()
	if own, ok := faultsOf(ctx); ok {
		return own.Sink(s.Name, op)
	}
	if s.Fault != nil {
		f = s.Fault(op, n)
	}
	return f, func() {}
}

// Check fails with CheckErr, if that is set.
func (s *Store) Check(ctx context.Context) ([]sinks.Warning, error) {
	return nil, s.call(ctx, "check", func(SinkFault) error { return s.CheckErr })
}

// Push stores the pair.
func (s *Store) Push(ctx context.Context, cred sinks.Credential) (r sinks.Receipt, err error) {
	text := cred.Secret.Reveal() // a request that lands late has its own copy
	version := 0
	err = s.call(ctx, "push", func(f SinkFault) error {
		v := s.store(cred.KeyID, text, f == SinkTorn)
		if f != SinkLate && f != SinkHangLate { // whose caller is gone
			version = v
		}
		return nil
	})
	if err != nil {
		return sinks.Receipt{}, err
	}
	if s.Forgets {
		return sinks.Receipt{At: time.Now()}, nil
	}
	return sinks.Receipt{Stamp: fmt.Sprint(version), At: time.Now()}, nil
}

func (s *Store) store(id sinks.KeyID, text string, torn bool) (version int) {
	s.mu.Lock()
	if s.Forgets {
		defer s.mu.Unlock()
		return s.version
	}
	s.secret = text
	s.version++
	if s.Torn {
		s.mu.Unlock()
		s.effect()
		s.mu.Lock()
	}
	if !torn {
		s.id, s.theirs = id, false
	}
	version = s.version
	s.mu.Unlock()
	s.effect()
	return version
}

func (s *Store) effect() {
	if s.OnEffect != nil {
		s.OnEffect()
	}
}

// Verify shows what Best allows.
func (s *Store) Verify(ctx context.Context, cred sinks.Credential, _ sinks.KeyID, r sinks.Receipt) (sinks.Evidence, error) {
	err := s.call(ctx, "verify", func(SinkFault) error { return s.compare(cred, r) })
	switch {
	case err != nil:
		return sinks.None, err
	case s.Best == sinks.Stamped && r.Stamp == "": // nothing moved when we wrote
		return sinks.Accepted, nil
	}
	return s.Best, nil
}

func (s *Store) compare(cred sinks.Credential, r sinks.Receipt) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.Best == sinks.Stamped && r.Stamp != "" && r.Stamp != fmt.Sprint(s.version):
		return sinks.Errorf(sinks.Stale, "verify", "somebody else has written since")
	case s.Best >= sinks.Partial && s.id != cred.KeyID:
		return sinks.Errorf(sinks.Stale, "verify", "it serves %s", s.id)
	case s.Best == sinks.Exact && !cred.Secret.EqualString(s.secret):
		return sinks.Errorf(sinks.Stale, "verify", "it serves another secret")
	}
	return nil
}

type readableStore struct{ *Store }

// Serving says which key the store serves.
func (s readableStore) Serving(ctx context.Context) (id sinks.KeyID, err error) {
	err = s.call(ctx, "serving", func(SinkFault) error {
		id, _ = s.Serves()
		return nil
	})
	if err != nil {
		return "", err
	}
	return id, nil
}
