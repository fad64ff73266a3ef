package rotator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"keyturn/sinks"
)

// claim takes the user, or says who has it. A claim of a process that is certainly gone is taken over at once,
// any other when it has run out plus the longest deadline of a call.
func (x *run) claim(ctx context.Context) error {
	for {
		now := time.Now().Round(0)
		if c := x.state.Claim; c != nil && c.Owner.ID != x.Journal.Owner().ID && !x.Journal.Gone(c.Owner) {
			if free := c.Until.Add(awsFor); now.Before(free) {
				return &RunError{Unfinished, fmt.Errorf("claimed by process %d on %s until %s: it is at work on this user; look again later",
					c.Owner.PID, c.Owner.Host, stamp(c.Until))}
			}
		}
		err := x.claimUntil(ctx, now.Add(claimFor))
		if err == nil {
			x.join()
		}
		if !errors.Is(err, errRebase) {
			return err
		}
	}
}

// join goes on with the rotation that is in flight now: as long as the user was not claimed, somebody else may have ended
// the one that this run knew, and begun another. What this run saw of the world before says nothing of that one.
func (x *run) join() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.state.Current() != nil {
		x.world = World{}
	}
	p := x.state.Last()
	if p == nil || p.ID == x.id || p.Outcome != "" && (p.Outcome != Done || p.Forgotten) {
		return
	}
	x.id, x.sealing, x.opened = p.ID, nil, map[string]sinks.Sink{}
}

// claimUntil appends the claim as an intent: a conflict means to look again who has it.
func (x *run) claimUntil(ctx context.Context, until time.Time) error {
	if err := x.intend(ctx, Claimed{Owner: x.Journal.Owner(), Until: until}); err != nil {
		return err
	}
	x.mu.Lock()
	x.until = until
	x.mu.Unlock()
	return nil
}

// extend sees to it that the claim outlasts the next action. The wall clock decides: monotonic time
// stops while a host sleeps.
func (x *run) extend(ctx context.Context) error {
	now := time.Now().Round(0)
	if !now.Before(x.until) {
		return errFenced
	}
	if x.until.Sub(now) > actFor {
		return nil
	}
	err := x.claimUntil(ctx, now.Add(claimFor))
	if errors.Is(err, errRebase) {
		return nil // Next is asked again, and the claim extended then
	}
	return err
}

// bounded ends every effect before the claim does, and before a leaked key has to be contained.
func (x *run) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	end := x.until.Add(-time.Second)
	x.mu.Lock()
	by := x.state.containBy(x.world)
	x.mu.Unlock()
	if now := time.Now(); by.After(now) && by.Before(end) {
		end = by
	}
	return context.WithDeadlineCause(ctx, end, errors.New("out of time"))
}

// release gives the claim back, if it is still ours. Failing to only makes others wait.
func (x *run) release(ctx context.Context) {
	if x.until.IsZero() {
		return
	}
	x.until = time.Time{}
	if c := x.state.Claim; c == nil || c.Owner.ID != x.Journal.Owner().ID {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := x.append(ctx, x.event(Released{}), nil, false); err != nil {
		x.log.Debug("claim not released")
	}
}
