package rotator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"keyturn/internal/secret"
	"keyturn/sinks"
)

// Rotator runs rotations. Its fields are set once, before the first call.
type Rotator struct {
	Journal Journal
	Sealer  Sealer
	// Issuer reaches the AWS account of a robot. rotation goes into the name of the session.
	Issuer func(ctx context.Context, robot Robot, rotation ID) (Issuer, error)
	Log    *zap.Logger
}

// Run finishes what is in flight for the robot, and starts a rotation if one is asked for or owed. Start and
// resume are the same call. watch, if not nil, sees every event that was made durable, in order, one at a time.
// The error, if any, is a *RunError.
func (r *Rotator) Run(ctx context.Context, req Request, watch func(Event)) (Rotation, error) {
	x := &run{
		Rotator: r, req: req, watch: watch,
		log:    r.Log.With(zap.String("robot", req.Robot.Name)),
		policy: req.Robot.Policy,
		opened: map[string]sinks.Sink{},
		busy:   map[string]bool{}, tried: map[string]bool{},
	}
	if req.RetireNow {
		x.policy.Grace, x.policy.Quiet, x.policy.Soak, x.policy.IgnoreUse = 0, 0, 0, true
	}
	ctx, x.cancel = context.WithCancelCause(ctx)
	defer x.cancel(nil)
	defer x.close(ctx)
	step, err := x.do(ctx)
	x.background.Wait()
	rot := x.state.summary(req.Robot, x.ref, step)
	switch {
	case err != nil:
		rot.Reason = err.Error()
	case step.Do == DoNothing && rot.NextAt.IsZero():
		_, rot.NextAt = x.owed(time.Now())
	}
	return rot, err
}

// run is one call of Run.
type run struct {
	*Rotator
	req    Request
	policy Policy
	watch  func(Event)
	log    *zap.Logger
	cancel context.CancelCauseFunc

	ref            UserRef
	id             ID // of the rotation in flight, or of the one that would start
	iam            Issuer
	began          bool // a rotation was started by this run
	secret         secret.Text
	forKey         KeyID // what secret belongs to
	quarantine     []string
	quarantineRead bool
	sealing        Sealing

	mu     sync.Mutex // guards all below; sinks work side by side
	events Log
	state  State
	until  time.Time // of the own claim; zero: none
	world  World
	opened map[string]sinks.Sink
	busy   map[string]bool
	tried  map[string]bool
	broken error // an append by a sink's goroutine failed

	background sync.WaitGroup // optional sinks
}

func (x *run) do(ctx context.Context) (Step, error) {
	if err := x.locate(ctx); err != nil {
		return Step{Name: StepNone}, err
	}
	if len(x.req.Leaked) > 0 || x.req.Trigger == Leak {
		if err := x.reportLeak(ctx); err != nil {
			return Step{Name: StepNone}, err
		}
	}
	step := x.next()
	if step.Do == DoNothing && x.uncertain() {
		if err := x.observe(ctx, ""); err != nil {
			return step, &RunError{Refused, err}
		}
	}
	if x.idle(step) {
		return step, nil
	}
	if err := x.claim(ctx); err != nil {
		return x.next(), x.stopped(err)
	}
	if err := x.operator(ctx); err != nil {
		return x.next(), x.stopped(err)
	}
	return x.loop(ctx)
}

// uncertain says that only AWS can tell how old the key in use is, and with that whether a rotation is owed.
func (x *run) uncertain() bool {
	_, created := x.state.lastKey(x.world)
	return !x.req.Now && !x.world.seen() && created.IsZero()
}

// idle says that there is nothing to claim the user for.
func (x *run) idle(step Step) bool {
	return step.Do == DoNothing && !x.wanted() && x.req.Resolve == nil && !x.req.Restore
}

// wanted says that a rotation is to be started when none is in flight.
func (x *run) wanted() bool {
	if x.began || x.req.Resolve != nil || x.req.Restore {
		return false
	}
	if leak := x.state.Owed; leak != nil {
		x.req.Trigger, x.req.Reason = Leak, leak.Reason
		return true
	}
	if x.req.Now {
		return true
	}
	reason, _ := x.owed(time.Now())
	if reason != "" && x.req.Reason == "" {
		x.req.Reason = reason
	}
	return reason != ""
}

func (x *run) owed(now time.Time) (string, time.Time) {
	if x.req.Robot.Owed == nil {
		return "", time.Time{}
	}
	x.mu.Lock()
	last, created := x.state.lastKey(x.world)
	x.mu.Unlock()
	return x.req.Robot.Owed(last, created, now)
}

// steps bounds one run: a rotation takes some thirty.
const steps = 500

func (x *run) loop(ctx context.Context) (Step, error) {
	for range steps {
		if err := x.trouble(ctx); err != nil {
			return x.next(), x.stopped(err)
		}
		step := x.next()
		switch {
		case step.Do == DoNothing && x.wanted():
			if err := x.begin(ctx); err != nil {
				return x.next(), err
			}
			continue
		case step.Do == DoNothing:
			x.background.Wait()
			return step, nil
		case step.Do == DoWait:
			if stop, err := x.wait(ctx, step); stop {
				return step, err
			}
			continue
		case step.Do == DoHold && x.inForce(step.Hold):
			return step, &RunError{OnHold, errors.New(step.Hold.Message)}
		}
		if err := x.act(ctx, step); err != nil && !errors.Is(err, errRebase) {
			return x.next(), x.stopped(err)
		}
		if step.Do == DoFinish && step.Outcome == Failed {
			return x.next(), &RunError{Refused, errors.New(step.Error)}
		}
	}
	return x.next(), x.stopped(fmt.Errorf("no end after %d steps; this is a defect of keyturn", steps))
}

// trouble is why the run must not go on.
func (x *run) trouble(ctx context.Context) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.broken != nil {
		return x.broken
	}
	return context.Cause(ctx)
}

// stopped turns an error of a rotation that is in flight into what the caller decides on.
func (x *run) stopped(err error) error {
	var e *RunError
	if errors.As(err, &e) {
		return err
	}
	x.mu.Lock() // an optional sink may still be at work
	defer x.mu.Unlock()
	if x.state.Current() == nil && !x.began {
		return &RunError{Refused, err}
	}
	return &RunError{Unfinished, err}
}

func (x *run) next() Step {
	x.mu.Lock()
	defer x.mu.Unlock()
	w := x.world
	w.Busy, w.Tried = x.busy, x.tried
	if p := x.state.Current(); p != nil {
		w.Configured = map[string]bool{}
		for _, s := range x.req.Robot.Sinks {
			w.Configured[s.Name] = true
		}
	}
	return x.state.Next(time.Now().Round(0), x.policy, w)
}

func (x *run) inForce(h *Hold) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	p := x.state.Current()
	return p != nil && p.Hold != nil && *p.Hold == *h
}

// act does what step says and records it.
func (x *run) act(ctx context.Context, step Step) error {
	p := x.progress()
	x.log.Debug("step", zap.String("rotation", string(p.ID)), zap.String("step", string(step.Name)), zap.String("do", string(step.Do)))
	if err := x.extend(ctx); err != nil {
		return err
	}
	if step.Do == DoServe || step.Do == DoVerify || step.Do == DoChange {
		if err := x.followPlan(p); err != nil {
			return err
		}
	}
	whole := ctx
	ctx, done := x.bounded(whole)
	defer done()
	switch step.Do {
	case DoObserve:
		return x.observe(ctx, step.Key)
	case DoSurvey:
		return x.survey(ctx)
	case DoTag:
		return x.tag(ctx, p)
	case DoIssue:
		return x.issue(ctx, p)
	case DoSought:
		return x.outcome(OrphanSought{})
	case DoOrphan:
		return x.outcome(OrphanFound{Key: step.Orphan})
	case DoChange:
		return x.change(ctx, step)
	case DoProbe:
		return x.probe(ctx, p)
	case DoServe:
		return x.serve(ctx, whole, p, step.Sinks)
	case DoVerify:
		return x.verify(ctx, p, step.Sinks)
	case DoCanary:
		return x.startCanaries(ctx, p, step.Sinks)
	case DoVerdict:
		return x.awaitVerdicts(ctx, p, step.Sinks)
	case DoLift:
		return x.lift(ctx, p)
	case DoHold:
		x.log.Warn("held", zap.String("rotation", string(p.ID)), zap.String("code", string(step.Hold.Code)), zap.String("reason", step.Hold.Message))
		return x.outcome(Held{Hold: *step.Hold})
	case DoFinish:
		return x.finish(ctx, step)
	case DoForget:
		return x.forget(ctx, p)
	}
	return fmt.Errorf("no such action: %s; this is a defect of keyturn", step.Do)
}

// progress is a copy of the rotation in flight, or of the last one.
func (x *run) progress() *Progress {
	x.mu.Lock()
	defer x.mu.Unlock()
	if p := x.state.Last(); p != nil {
		return p.clone()
	}
	return &Progress{}
}

// patience is how long a run waits by itself for something that comes before the sinks are verified.
const patience = 2 * time.Minute

// wait sleeps without a claim, or ends the run.
func (x *run) wait(ctx context.Context, step Step) (stop bool, err error) {
	p := x.progress()
	served := p.New.ID != "" && !p.ServedAt().IsZero()
	now := time.Now()
	if step.Retry || !x.req.Wait && (served || step.Until.Sub(now) > patience) {
		x.background.Wait()
		if !step.Retry && served {
			return true, nil
		}
		return true, &RunError{Unfinished, waiting(step)}
	}
	x.background.Wait()
	x.release(ctx)
	if err := sleep(ctx, step.Until.Sub(now)); err != nil {
		return true, x.stopped(err)
	}
	x.mu.Lock()
	x.world, x.tried = World{}, map[string]bool{}
	x.mu.Unlock()
	if err := x.claim(ctx); err != nil {
		return true, x.stopped(err)
	}
	return false, nil
}

func waiting(step Step) error {
	text := strings.TrimSuffix(step.Error, ".")
	if text == "" {
		text = "waiting"
	}
	return fmt.Errorf("%s; goes on at %s", text, stamp(step.Until))
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(max(d, 0))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// close ends what the run still has going, gives the claim back, and wipes the secret.
func (x *run) close(ctx context.Context) {
	x.background.Wait()
	x.release(ctx)
	x.secret.Wipe()
}
