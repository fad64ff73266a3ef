package rotator

import (
	"context"
	"errors"
	"fmt"
)

// operator applies what a person asked for, before the rotation goes on.
func (x *run) operator(ctx context.Context) error {
	switch {
	case x.req.Restore:
		return x.restore(ctx)
	case x.req.Resolve != nil:
		return x.resolve(ctx, *x.req.Resolve)
	}
	return nil
}

// restore reactivates the old key and holds the rotation, so that nothing retires it again by itself.
func (x *run) restore(ctx context.Context) error {
	p := x.state.Current()
	if p == nil || p.New.ID == "" || p.Old == "" {
		return &RunError{Refused, errors.New("there is nothing to restore: no rotation of this robot has an old key that still exists")}
	}
	if x.state.Key(p.Old).Leaked {
		return &RunError{Refused, fmt.Errorf("the old key %s has leaked, and is not restored", p.Old)}
	}
	if err := x.observe(ctx, ""); err != nil {
		return x.stopped(err)
	}
	k, there := x.world.key(p.Old)
	if !there {
		return &RunError{Refused, fmt.Errorf("there is nothing to restore: the old key %s is deleted", p.Old)}
	}
	if step, ok := sameUser(x.state, p, k.CreatedAt, x.policy, x.world); ok {
		return &RunError{OnHold, errors.New(step.Hold.Message)}
	}
	if k.Status != Active || !x.state.Key(p.Old).DisabledAt.IsZero() {
		if err := x.change(ctx, Step{Key: p.Old, Change: Enable, Why: WhyRestore}); err != nil {
			return x.stopped(err)
		}
	}
	step := p.hold(HoldByRestore, "--retry", "the old key %s is Active again, by keyturn restore; the sinks still serve %s; retry to go on and retire it", p.Old, p.New.ID)
	return x.outcome(Held{Hold: *step.Hold})
}

// resolve records an operator's decision, if it fits what is in flight.
func (x *run) resolve(ctx context.Context, r Resolved) error {
	p := x.state.Current()
	if p == nil {
		return &RunError{Refused, errors.New("there is nothing to resolve: no rotation of this robot is in flight")}
	}
	if err := x.fits(ctx, p, r); err != nil {
		return &RunError{Refused, err}
	}
	if err := x.followPlan(p); err != nil && !errors.Is(err, errRebase) { // a sink that is to take the place of another counts
		return err
	}
	return x.outcome(r)
}

func (x *run) fits(ctx context.Context, p *Progress, r Resolved) error {
	switch r.Action {
	case ResolveRetry, ResolveAbandon:
		return nil
	case ResolveDropSink:
		if s := p.Sink(r.Sink); s == nil || s.Dropped {
			return fmt.Errorf("the rotation has no sink %s", r.Sink)
		}
		return x.fitsDrop(p, r.Sink)
	case ResolveKeep, ResolveDelete:
		return x.fitsKey(ctx, p, r)
	}
	return fmt.Errorf("no such decision: %s", r.Action)
}

// fitsDrop: some required sink has to be left.
func (x *run) fitsDrop(p *Progress, name string) error {
	q := p.clone()
	q.plan(x.plans())
	q.Sink(name).Dropped = true
	if len(q.live(true)) == 0 {
		return fmt.Errorf("%s is the last required sink, and without it the new key would be served nowhere; configure another one first, or --abandon the rotation", name)
	}
	return nil
}

func (x *run) fitsKey(ctx context.Context, p *Progress, r Resolved) error {
	if p.Hold == nil {
		return fmt.Errorf("the rotation is not held; --%s answers a hold", r.Action)
	}
	if err := x.observe(ctx, ""); err != nil {
		return err
	}
	if _, there := x.world.key(r.Key); !there {
		return fmt.Errorf("the user %s has no key %s", x.req.Robot.User, r.Key)
	}
	if p.New.ID == "" {
		return nil
	}
	if r.Action == ResolveKeep && r.Key == p.Old {
		return fmt.Errorf("%s is the old key, and the sinks may serve the new one already; use keyturn restore %s to reactivate it, or --abandon", r.Key, x.req.Robot.Name)
	}
	if r.Action == ResolveDelete && (r.Key == p.New.ID || r.Key == p.Old) {
		return fmt.Errorf("%s belongs to the rotation; --retry goes on with it, --abandon ends it", r.Key)
	}
	return nil
}
