package rotator

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"keyturn/sinks"
)

const (
	// askEvery is how often a canary's verdict is asked for.
	askEvery = 10 * time.Second
	// askFor is how long one action asks; the claim is extended in between.
	askFor = actFor / 2
)

// wanted is what the store itself has to show. A canary is the better evidence, and comes after it.
func (s *SinkProgress) wanted() sinks.Evidence {
	if s.Canary {
		return sinks.Accepted
	}
	return s.MinEvidence
}

// startCanaries starts a job in the CI of each of the sinks, side by side. A job that was started and not recorded before a
// crash is started again, which is harmless.
func (x *run) startCanaries(ctx context.Context, p *Progress, names []string) error {
	text, err := x.credential(ctx, p)
	if err != nil {
		return err
	}
	x.sideBySide(p, names, func(sp *SinkProgress) error {
		canary, err := x.canary(ctx, sp.Name)
		if err != nil {
			return x.sinkFailed(ctx, sp, StageOpen, err, true)
		}
		id, err := retrying(ctx, func(ctx context.Context) (string, error) {
			return canary.StartCanary(ctx, sinks.Credential{KeyID: p.New.ID, Secret: text})
		})
		if err != nil {
			return x.sinkFailed(ctx, sp, StageCanary, err, true)
		}
		by := time.Now().Round(0).Add(x.canaryFor(sp.Name))
		return x.outcome(CanaryStarted{Sink: sp.Name, Key: p.New.ID, Run: id, By: by})
	})
	return nil
}

// awaitVerdicts asks for a while how the jobs went. One that is still running is asked for again by the next action.
func (x *run) awaitVerdicts(ctx context.Context, p *Progress, names []string) error {
	x.sideBySide(p, names, func(sp *SinkProgress) error {
		canary, err := x.canary(ctx, sp.Name)
		if err != nil {
			return x.sinkFailed(ctx, sp, StageOpen, err, true)
		}
		for until := time.Now().Add(askFor); ctx.Err() == nil && time.Now().Before(until); _ = sleep(ctx, askEvery) {
			if over, err := x.ask(ctx, p, sp, canary); over || err != nil {
				return err
			}
		}
		return nil
	})
	return nil
}

// ask asks once how a job went, and records its verdict, or that there is none in time.
func (x *run) ask(ctx context.Context, p *Progress, sp *SinkProgress, canary sinks.Canary) (over bool, err error) {
	asked := time.Now().Round(0)
	done, err := retrying(ctx, func(ctx context.Context) (bool, error) { return canary.CanaryResult(ctx, sp.CanaryRun) })
	if ctx.Err() != nil && !done { // the run ends, or extends its claim; the job goes on
		return true, nil
	}
	switch {
	case err == nil && done:
		return true, x.outcome(Verified{Sink: sp.Name, Key: p.New.ID, Evidence: sinks.Proven, AskedAt: asked})
	case err != nil && !sinks.ClassOf(err).Retryable():
		return true, x.sinkFailed(ctx, sp, StageCanary, err, true)
	case !time.Now().Before(sp.CanaryBy):
		return true, x.sinkFailed(ctx, sp, StageCanary, fmt.Errorf("no verdict by %s", stamp(sp.CanaryBy)), true)
	}
	return false, nil
}

func (x *run) canary(ctx context.Context, name string) (sinks.Canary, error) {
	sink, err := x.sink(ctx, name)
	if err != nil {
		return nil, err
	}
	canary, ok := sink.(sinks.Canary)
	if !ok {
		return nil, errors.New("this kind of sink has no canary")
	}
	return canary, nil
}

func (x *run) canaryFor(name string) time.Duration {
	for _, s := range x.req.Robot.Sinks {
		if s.Name == name {
			return s.CanaryFor
		}
	}
	return 0
}

// sideBySide does f for each of the sinks, and returns when all are through. An error is that of the journal.
func (x *run) sideBySide(p *Progress, names []string, f func(*SinkProgress) error) {
	var wg sync.WaitGroup
	for _, name := range names {
		sp := p.Sink(name)
		wg.Go(func() {
			if err := f(sp); err != nil {
				x.breakOff(err)
			}
		})
	}
	wg.Wait()
}
