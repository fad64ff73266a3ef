package rotator

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"keyturn/internal/secret"
	"keyturn/sinks"
)

// serve gives the new pair to the named sinks, side by side, and returns when the required ones are
// through. Optional ones go on in the background, with the context of the whole run.
func (x *run) serve(ctx, whole context.Context, p *Progress, names []string) error {
	text, err := x.credential(ctx, p)
	if err != nil {
		return err
	}
	var required sync.WaitGroup
	for _, name := range names {
		sp := p.Sink(name)
		wg, own, done := &required, ctx, context.CancelFunc(func() {})
		if !sp.Required {
			wg = &x.background
			own, done = x.bounded(whole)
			x.setBusy(name, true)
		}
		wg.Go(func() {
			defer done()
			defer x.setBusy(name, false)
			if err := x.deliver(own, p, sp, sinks.Credential{KeyID: p.New.ID, Secret: text}); err != nil {
				x.breakOff(err)
			}
		})
	}
	required.Wait()
	if p.Outcome != "" {
		x.background.Wait()
	}
	return nil
}

func (x *run) setBusy(name string, busy bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.busy[name] = busy
}

// breakOff stops the run: an event could not be recorded.
func (x *run) breakOff(err error) {
	x.mu.Lock()
	x.broken = errors.Join(x.broken, err)
	x.mu.Unlock()
	x.cancel(err)
}

// followPlan records that the configuration has changed since the rotation began, before anything else is done: a sink that
// has joined is served before the old key goes.
func (x *run) followPlan(p *Progress) error {
	if p.Outcome != "" || !p.differs(x.plans()) {
		return nil
	}
	if err := x.outcome(SinksChanged{Sinks: x.plans()}); err != nil {
		return err
	}
	return errRebase
}

// differs says whether plan would change anything.
func (p *Progress) differs(plans []SinkPlan) bool {
	q := p.clone()
	q.plan(plans)
	if len(q.Sinks) != len(p.Sinks) {
		return true
	}
	for i, s := range q.Sinks {
		if s.SinkPlan != p.Sinks[i].SinkPlan || s.Dropped != p.Sinks[i].Dropped {
			return true
		}
	}
	return false
}

// deliver pushes and verifies. The error is only that of the journal: a sink's own is recorded.
func (x *run) deliver(ctx context.Context, p *Progress, sp *SinkProgress, cred sinks.Credential) error {
	sink, err := x.sink(ctx, sp.Name)
	if err != nil {
		return x.sinkFailed(ctx, sp, StageOpen, err, true)
	}
	receipt, err := retrying(ctx, func(ctx context.Context) (sinks.Receipt, error) { return sink.Push(ctx, cred) })
	if err != nil {
		return x.sinkFailed(ctx, sp, StagePush, err, true)
	}
	if err := x.outcome(Pushed{Sink: sp.Name, Key: cred.KeyID, Destination: sp.Destination, Receipt: receipt}); err != nil {
		return err
	}
	return x.confirm(ctx, p, sp, sink, cred, receipt, true)
}

// confirm verifies one sink and records what it showed.
func (x *run) confirm(ctx context.Context, p *Progress, sp *SinkProgress, sink sinks.Sink, cred sinks.Credential, receipt sinks.Receipt, pushed bool) error {
	asked := time.Now().Round(0)
	evidence, err := retrying(ctx, func(ctx context.Context) (sinks.Evidence, error) {
		return sink.Verify(ctx, cred, p.Old, receipt)
	})
	stale := sinks.ClassOf(err) == sinks.Stale
	switch {
	case err != nil:
		// A sink found stale is pushed to again at once, unless that was just tried.
		return x.sinkFailed(ctx, sp, StageVerify, err, pushed || !stale)
	case evidence < sp.wanted():
		return x.outcome(SinkFailed{Sink: sp.Name, Stage: StageVerify, Class: classWeak,
			Error: fmt.Sprintf("it is shown to serve the new key only as %q, and min_evidence is %q", evidence, sp.MinEvidence)})
	}
	x.log.Info("sink verified", zap.String("rotation", string(p.ID)), zap.String("sink", sp.Name), zap.Stringer("evidence", evidence))
	return x.outcome(Verified{Sink: sp.Name, Key: cred.KeyID, Evidence: evidence, AskedAt: asked})
}

// verify looks again at sinks that serve the new key.
func (x *run) verify(ctx context.Context, p *Progress, names []string) error {
	text, err := x.credential(ctx, p)
	if err != nil {
		return err
	}
	x.sideBySide(p, names, func(sp *SinkProgress) error { return x.reconfirm(ctx, p, sp, text) })
	return nil
}

func (x *run) reconfirm(ctx context.Context, p *Progress, sp *SinkProgress, text secret.Text) error {
	sink, err := x.sink(ctx, sp.Name)
	if err != nil {
		return x.sinkFailed(ctx, sp, StageOpen, err, true)
	}
	return x.confirm(ctx, p, sp, sink, sinks.Credential{KeyID: p.New.ID, Secret: text}, sp.Receipt, false)
}

// sinkFailed records a failure; tried keeps the sink from being tried again in this run. An interrupted call says
// nothing of the sink.
func (x *run) sinkFailed(ctx context.Context, sp *SinkProgress, stage string, err error, tried bool) error {
	class := sinks.ClassOf(err)
	x.log.Warn("sink failed", zap.String("rotation", string(x.id)), zap.String("sink", sp.Name), zap.String("stage", stage),
		zap.Stringer("class", class), zap.Error(err))
	if tried {
		x.mu.Lock()
		x.tried[sp.Name] = true
		x.mu.Unlock()
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("interrupted: %w", err)
	}
	return x.outcome(SinkFailed{Sink: sp.Name, Stage: stage, Class: class.String(), Error: err.Error()})
}

var errNoAnswer = fmt.Errorf("no answer within %s", callFor)

const (
	tries      = 3
	firstPause = 200 * time.Millisecond
)

// retrying gives one call its deadline, and makes it again if that may help.
func retrying[T any](ctx context.Context, call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, callFor, errNoAnswer)
	defer cancel()
	for try, pause := 1, firstPause; ; try, pause = try+1, 4*pause {
		v, err := call(ctx)
		if err == nil {
			return v, nil
		}
		if ctx.Err() != nil {
			return v, &sinks.Error{Class: sinks.Temporary, Err: errors.Join(context.Cause(ctx), err)}
		}
		again := sinks.ClassOf(err).Retryable() || sinks.ClassOf(err) == sinks.Stale
		if !again || try == tries || sleep(ctx, max(pause, min(sinks.AfterOf(err), callFor))) != nil {
			return v, err
		}
	}
}
