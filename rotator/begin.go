package rotator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"keyturn/sinks"
)

// begin is start: everything is checked before anything exists. A failure changes nothing and is journalled
// nowhere; in a leak it is only reported.
func (x *run) begin(ctx context.Context) error {
	x.id = NewID(time.Now())
	x.opened = map[string]sinks.Sink{}
	iam, err := x.Issuer(ctx, x.req.Robot, x.id)
	if err != nil {
		return &RunError{Refused, fmt.Errorf("reach AWS: %w", err)}
	}
	x.iam = iam
	if err := x.preflight(ctx); err != nil {
		return &RunError{Refused, err}
	}
	if err := x.forgetLast(ctx); err != nil {
		return &RunError{Refused, err}
	}
	u := x.world.User
	started := Started{
		Robot: x.req.Robot.Name, User: u.Name, UserID: u.ID, ARN: u.ARN,
		Trigger: x.req.Trigger, Reason: x.req.Reason, Keys: x.state.living(x.world.Keys), Sinks: x.plans(),
	}
	if err := x.intend(ctx, started); err != nil {
		if errors.Is(err, errRebase) {
			return nil // somebody reported a leak meanwhile: look again
		}
		return &RunError{Refused, fmt.Errorf("write the journal: %w", err)}
	}
	x.began = true
	x.log.Info("rotation started", zap.String("rotation", string(x.id)), zap.String("trigger", string(x.req.Trigger)))
	if len(x.quarantine) > 0 {
		x.log.Warn("AWS has quarantined this user: its new key will be crippled too until the policy is detached", zap.Strings("policies", x.quarantine))
		return x.outcome(QuarantineSeen{Policies: x.quarantine})
	}
	return nil
}

func (x *run) plans() []SinkPlan {
	var out []SinkPlan
	for _, s := range x.req.Robot.Sinks {
		out = append(out, s.SinkPlan)
	}
	return out
}

// preflight observes the user and checks seal and sinks, all side by side.
func (x *run) preflight(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, actFor)
	defer cancel()
	var g errgroup.Group
	if !x.world.fresh(time.Now()) {
		g.Go(func() error { return x.observe(ctx, "") })
	}
	g.Go(func() error { return x.readQuarantine(ctx) })
	var soft []error
	var mu sync.Mutex
	report := func(err error) {
		if err != nil {
			mu.Lock()
			defer mu.Unlock()
			soft = append(soft, err)
		}
	}
	g.Go(func() error { report(x.checkSeal(ctx)); return nil })
	for _, s := range x.req.Robot.Sinks {
		g.Go(func() error { report(x.checkSink(ctx, s)); return nil })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if x.world.Gone {
		return fmt.Errorf("there is no IAM user %s", x.req.Robot.User)
	}
	report(x.checkOwn(ctx))
	for _, s := range x.req.Robot.Sinks {
		report(x.checkPrincipal(ctx, s))
	}
	if x.req.Trigger == Leak {
		for _, err := range soft {
			x.log.Error("the pre-flight found a fault; the leaked key is replaced all the same", zap.Error(err))
		}
		return nil
	}
	slices.SortFunc(soft, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(soft...)
}

func (x *run) checkSeal(ctx context.Context) error {
	sealing, err := x.Sealer.Prepare(ctx, x.binding(""))
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	x.sealing = sealing
	return nil
}

func (x *run) binding(key KeyID) Binding {
	return Binding{Account: x.ref.Account, User: strings.ToLower(x.ref.User), Rotation: x.id, Key: key}
}

// checkSink opens and checks one sink. An optional one that fails is only a warning.
func (x *run) checkSink(ctx context.Context, s Sink) error {
	sink, err := x.sink(ctx, s.Name)
	var warnings []sinks.Warning
	if err == nil {
		err = checkEvidence(sink, s)
	}
	if err == nil {
		warnings, err = check(ctx, sink)
	}
	for _, w := range warnings {
		x.log.Warn("sink", zap.String("sink", s.Name), zap.String("warning", string(w)))
	}
	if err == nil {
		return nil
	}
	err = fmt.Errorf("sink %s: %w", s.Name, err)
	if !s.Required {
		x.log.Warn("an optional sink cannot be served now", zap.Error(err))
		return nil
	}
	return err
}

// checkEvidence refuses a sink that cannot show as much as is asked of it, before a key is made for it.
func checkEvidence(sink sinks.Sink, s Sink) error {
	if l, ok := sink.(sinks.Limited); ok && l.Best() < s.MinEvidence {
		return fmt.Errorf("it can show %q at best, and min_evidence is %q; say min_evidence: %s if that is enough", l.Best(), s.MinEvidence, l.Best())
	}
	return nil
}

func check(ctx context.Context, sink sinks.Sink) ([]sinks.Warning, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, checkFor, fmt.Errorf("no answer within %s", checkFor))
	defer cancel()
	return sink.Check(ctx)
}

// checkOwn refuses the identity that keyturn itself works with.
func (x *run) checkOwn(ctx context.Context) error {
	own, err := x.iam.Credentials(ctx)
	if err != nil {
		return fmt.Errorf("keyturn's own credentials: %w", err)
	}
	for _, k := range x.world.Keys {
		if k.ID == own {
			return fmt.Errorf("the user %s is the one that keyturn itself works with; a key that does the rotating is not rotated by it", x.req.Robot.User)
		}
	}
	return nil
}

// checkPrincipal refuses the identity that a sink authenticates with.
func (x *run) checkPrincipal(ctx context.Context, s Sink) error {
	sink, _ := x.sink(ctx, s.Name) // that it cannot be opened is for checkSink to say
	p, ok := sink.(sinks.Principal)
	if !ok {
		return nil
	}
	arn, err := p.Principal(ctx)
	if err != nil {
		return fmt.Errorf("sink %s: its own AWS identity: %w", s.Name, err)
	}
	if arn != "" && arn == x.world.User.ARN {
		return fmt.Errorf("sink %s authenticates as the very user that is rotated (%s); give it an identity of its own", s.Name, arn)
	}
	return nil
}

// forgetLast erases what the rotation before this one still kept for an optional sink.
func (x *run) forgetLast(ctx context.Context) error {
	p := x.state.Last()
	if p == nil || p.Forgotten {
		return nil
	}
	if err := x.Journal.Forget(ctx, p.ID); err != nil {
		return fmt.Errorf("erase the secret of rotation %s: %w", p.ID, err)
	}
	e := x.event(Forgotten{})
	e.Rotation = p.ID
	return x.persist(ctx, e, nil)
}
