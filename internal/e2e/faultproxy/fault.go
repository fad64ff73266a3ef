package faultproxy

import "context"

// Fault is what happens to one call. Make it with one of the functions below.
type Fault struct {
	before func(context.Context) (*answer, error) // an answer or an error: the backend is not called
	after  func(*answer) error
}

// Answer refuses the call with an error of the service; the backend does not see it.
func Answer(status int, code, message string) Fault {
	return Fault{before: func(context.Context) (*answer, error) { return refuse(status, code, message), nil }}
}

// DropBefore breaks the connection; the backend does not see the call.
func DropBefore() Fault {
	return Fault{before: func(context.Context) (*answer, error) { return nil, errDropped }}
}

// DropAfter breaks the connection after the backend has done what it was asked.
func DropAfter() Fault { return Fault{after: func(*answer) error { return errDropped }} }

// Truncate cuts the backend's answer to half of its length: that of CreateAccessKey ends amid the secret.
func Truncate() Fault {
	return Fault{after: func(a *answer) error {
		a.body = a.body[:len(a.body)/2]
		return nil
	}}
}

// Hang never answers, until the client gives up or the proxy is closed; the backend does not see the call.
func Hang() Fault {
	return Fault{before: func(ctx context.Context) (*answer, error) {
		<-ctx.Done()
		return nil, errDropped
	}}
}

// Lose calls f, and breaks the connection; the backend does not see the call.
func Lose(f func()) Fault {
	return Fault{before: func(context.Context) (*answer, error) {
		f()
		return nil, errDropped
	}}
}

// Before calls f before the call goes to the backend, where it goes even if f has ended the client.
func Before(f func()) Fault {
	return Fault{before: func(context.Context) (*answer, error) {
		f()
		return nil, nil
	}}
}

// After calls f after the backend has answered and before the client sees it.
func After(f func()) Fault {
	return Fault{after: func(*answer) error {
		f()
		return nil
	}}
}

// plan is a fault that waits for its call.
type plan struct {
	action string
	call   int // which arrival of the action; 0 is each
	fault  Fault
}

// At plans a fault for the nth call of an action from now on, counted from 1.
func (p *Proxy) At(action string, nth int, f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plans = append(p.plans, plan{action: action, call: p.arrived[action] + nth, fault: f})
}

// Always plans a fault for every call of an action from now on.
func (p *Proxy) Always(action string, f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plans = append(p.plans, plan{action: action, fault: f})
}

// Heal forgets all planned faults.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plans = nil
}

// planned is the fault of the call that arrived last. p.mu is held.
func (p *Proxy) planned(action string) Fault {
	for _, pl := range p.plans {
		if pl.action == action && (pl.call == 0 || pl.call == p.arrived[action]) {
			return pl.fault
		}
	}
	return Fault{}
}
