package rotator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"keyturn/sinks"
)

// Report is what status, plan and check say of a robot. They call read operations only and need no claim.
type Report struct {
	Robot    string       `json:"robot"`
	User     string       `json:"user"`
	Account  string       `json:"account"`
	Keys     []KeyReport  `json:"keys"`
	Step     StepName     `json:"step"`
	Sinks    []SinkReport `json:"sinks"`
	Hold     *Hold        `json:"hold"`
	NextAt   time.Time    `json:"next_at,omitzero"`
	Plan     []string     `json:"plan,omitempty"`     // plan: what would happen, in order, with when and why
	Problems []string     `json:"problems,omitempty"` // what could not be read, or would stop a rotation
	Warnings []string     `json:"warnings,omitempty"`
}

// KeyReport is a key as status shows it.
type KeyReport struct {
	Key
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
	Role       string    `json:"role,omitempty"` // what the journal knows of it: in use, new, old, unknown
}

// SinkReport is a sink as status shows it.
type SinkReport struct {
	SinkStatus
	Serving KeyID `json:"serving,omitempty"` // the key that a readable sink serves now
}

// inspector is a run that only reads.
func (r *Rotator) inspector(ctx context.Context, req Request) (*run, error) {
	x := &run{
		Rotator: r, req: req, policy: req.Robot.Policy, log: r.Log.With(zap.String("robot", req.Robot.Name)),
		opened: map[string]sinks.Sink{}, busy: map[string]bool{}, tried: map[string]bool{},
	}
	if req.RetireNow {
		x.policy.Grace, x.policy.Quiet, x.policy.Soak, x.policy.IgnoreUse = 0, 0, 0, true
	}
	return x, x.locate(ctx)
}

// Status looks at the robot's keys, at what each readable sink serves, and at what is pending.
func (r *Rotator) Status(ctx context.Context, robot Robot) (Report, error) {
	x, err := r.inspector(ctx, Request{Robot: robot})
	if err != nil {
		return x.report(), err
	}
	err = x.survey(ctx)
	rep := x.report()
	if err != nil {
		rep.Problems = append(rep.Problems, err.Error())
		return rep, &RunError{Refused, err}
	}
	for _, name := range x.world.Serving.Unread {
		rep.Problems = append(rep.Problems, fmt.Sprintf("sink %s cannot be read now", name))
	}
	return rep, nil
}

// report is what the log and the world of x say.
func (x *run) report() Report {
	robot := x.req.Robot
	rep := Report{Robot: robot.Name, User: robot.User, Account: x.ref.Account, Step: StepNone, Keys: []KeyReport{}, Sinks: []SinkReport{}}
	step := x.next()
	p := x.state.Last()
	if p != nil {
		rep.Step, rep.Hold = p.stage(), p.Hold
	}
	if p != nil && p.Outcome == "" {
		rep.Step = step.Name
		if step.Do == DoHold {
			rep.Hold = step.Hold
		}
	}
	rep.NextAt = step.Until
	if step.Do == DoNothing && rep.NextAt.IsZero() {
		_, rep.NextAt = x.owed(time.Now())
	}
	for _, k := range x.world.Keys {
		rep.Keys = append(rep.Keys, KeyReport{Key: k, LastUsedAt: x.world.Uses[k.ID].Use.At, Role: x.state.role(k.ID)})
	}
	for _, s := range robot.Sinks {
		status := SinkStatus{Name: s.Name, Kind: s.Kind, Required: s.Required, State: SinkPending}
		if p != nil {
			if sp := p.Sink(s.Name); sp != nil {
				status = sp.status()
			}
		}
		sink := SinkReport{SinkStatus: status}
		if x.world.Serving != nil {
			sink.Serving = x.world.Serving.Keys[s.Name]
		}
		rep.Sinks = append(rep.Sinks, sink)
	}
	return rep
}

// role is what the journal knows of a key.
func (s State) role(id KeyID) string {
	p := s.Last()
	switch {
	case p == nil:
		return ""
	case id == p.New.ID && p.Outcome == Done:
		return "in use"
	case id == p.New.ID:
		return "new"
	case id == p.Old && p.New.ID == "":
		return "in use"
	case id == p.Old:
		return "old"
	case s.Key(id).Created:
		return "made by keyturn"
	}
	return "unknown"
}

// Plan says what Run would do, when and why.
func (r *Rotator) Plan(ctx context.Context, req Request) (Report, error) {
	x, err := r.inspector(ctx, req)
	if err != nil {
		return x.report(), err
	}
	if err := x.survey(ctx); err != nil {
		return x.report(), &RunError{Refused, err}
	}
	rep := x.report()
	rep.Plan = x.plan()
	return rep, nil
}

func (x *run) plan() []string {
	if p := x.state.Current(); p != nil {
		return x.planRest(p)
	}
	reason, next := x.owed(time.Now())
	switch {
	case x.req.Now:
		reason = "asked for now"
	case reason == "" && next.IsZero():
		return []string{"nothing: no schedule and no max_age are configured; rotate with --now"}
	case reason == "":
		return []string{"nothing now: the next rotation is owed at " + stamp(next)}
	}
	return x.planNew(reason)
}

func (x *run) planNew(reason string) []string {
	out := []string{"start a rotation (" + reason + ")"}
	p := &Progress{Started: Started{Robot: x.req.Robot.Name}, StartedAt: time.Now(), Tolerated: map[KeyID]bool{}, Accepted: map[HoldCode]bool{}}
	if len(x.world.Keys) >= 2 {
		v, step := choose(x.state, p, x.policy, x.world)
		if step != nil && step.Hold != nil {
			return append(out, "hold: "+step.Hold.Message)
		}
		if step != nil {
			return append(out, "wait: "+step.Error)
		}
		out = append(out, fmt.Sprintf("delete the key %s to make room, after it was Inactive for %s", v.key.ID, v.soak))
	}
	out = append(out, fmt.Sprintf("create a key for %s, and prove it in %d rounds", x.req.Robot.User, x.policy.Probe.Rounds))
	if x.policy.Probe.Role != "" {
		out = append(out, "assume the role "+x.policy.Probe.Role+" with it")
	}
	for _, s := range x.req.Robot.Sinks {
		kind := "required"
		if !s.Required {
			kind = "optional"
		}
		out = append(out, fmt.Sprintf("serve it from %s (%s, %s, evidence at least %s)", s.Name, s.Kind, kind, s.MinEvidence))
	}
	for _, k := range x.world.Keys {
		if len(x.world.Keys) == 1 {
			out = append(out, x.planRetire(k.ID)...)
		}
	}
	return out
}

func (x *run) planRetire(id KeyID) []string {
	return []string{
		fmt.Sprintf("after %s of grace, and once the old key %s is seen to be quiet: deactivate it", x.policy.Grace, id),
		fmt.Sprintf("after %s of soak: delete it", x.policy.Soak),
	}
}

func (x *run) planRest(p *Progress) []string {
	step := x.next()
	head := fmt.Sprintf("go on with rotation %s, which is at %s", p.ID, step.Name)
	switch step.Do {
	case DoHold:
		return []string{head, "held: " + step.Hold.Message, "resolve it: " + step.Hold.Resolve}
	case DoWait:
		head += ", and waits until " + stamp(step.Until)
		if step.Error != "" {
			head += " (" + step.Error + ")"
		}
	}
	out := []string{head}
	if p.New.ID == "" {
		out = append(out, "create a key for "+p.Started.User)
	}
	for _, s := range append(p.live(true), p.live(false)...) {
		if !s.Serves() {
			out = append(out, "serve the new key from "+s.Name)
		}
	}
	switch rec := x.state.Key(p.Old); {
	case p.Old == "" || rec.Deleted:
	case rec.DisabledAt.IsZero():
		out = append(out, x.planRetire(p.Old)...)
	default:
		out = append(out, "delete the old key "+string(p.Old)+" at "+stamp(rec.DisabledAt.Add(x.policy.Soak)))
	}
	return out
}

// Check is the pre-flight: credentials, permissions, seal, journal, every sink. It finds all faults at once. The
// error says how many there are; the report names them.
func (r *Rotator) Check(ctx context.Context, robot Robot) (Report, error) {
	x, err := r.inspector(ctx, Request{Robot: robot, Trigger: Manual})
	if err != nil {
		rep := x.report()
		rep.Problems = append(rep.Problems, err.Error())
		return rep, err
	}
	var mu sync.Mutex
	var problems, warnings []string
	problem := func(err error) {
		if err != nil {
			mu.Lock()
			defer mu.Unlock()
			problems = append(problems, err.Error())
		}
	}
	ctx, cancel := context.WithTimeout(ctx, actFor)
	defer cancel()
	var g errgroup.Group
	g.Go(func() error { problem(x.checkSeal(ctx)); return nil })
	g.Go(func() error { problem(x.checkAWS(ctx)); return nil })
	for _, s := range robot.Sinks {
		g.Go(func() error {
			sink, err := x.sink(ctx, s.Name)
			var found []sinks.Warning
			if err == nil {
				err = checkEvidence(sink, s)
			}
			if err == nil {
				found, err = check(ctx, sink)
			}
			if err != nil {
				err = fmt.Errorf("sink %s: %w", s.Name, err)
			}
			mu.Lock()
			for _, w := range found {
				warnings = append(warnings, fmt.Sprintf("sink %s: %s", s.Name, w))
			}
			if err != nil && !s.Required {
				warnings = append(warnings, err.Error()+" (optional)")
				err = nil
			}
			mu.Unlock()
			problem(err)
			return nil
		})
	}
	_ = g.Wait()
	for _, s := range robot.Sinks {
		problem(x.checkPrincipal(ctx, s))
	}
	slices.Sort(problems)
	slices.Sort(warnings)
	rep := x.report()
	rep.Problems, rep.Warnings = slices.Compact(problems), slices.Compact(warnings)
	if len(rep.Problems) > 0 {
		return rep, &RunError{Refused, fmt.Errorf("%d of the checks failed", len(rep.Problems))}
	}
	return rep, nil
}

// noKey is a well-formed id that no key has: AWS refuses to change it as unknown to whoever may change keys,
// and as forbidden to everybody else.
const noKey KeyID = "AKIAAAAAAAAAAAAAAAAA"

// checkAWS proves the permissions that can be proven without an effect. CreateAccessKey and TagUser cannot.
func (x *run) checkAWS(ctx context.Context) error {
	if err := x.observe(ctx, ""); err != nil {
		return err
	}
	user := x.req.Robot.User
	if x.world.Gone {
		return fmt.Errorf("there is no IAM user %s", user)
	}
	errs := []error{x.checkOwn(ctx)}
	policies, err := x.iam.Quarantine(ctx, user)
	errs = append(errs, err)
	if len(policies) > 0 {
		errs = append(errs, fmt.Errorf("AWS has quarantined the user (%s): one of its keys has leaked, and new keys are crippled too", names(policies)))
	}
	for _, k := range x.world.Keys {
		_, err := x.iam.LastUsed(ctx, k.ID)
		errs = append(errs, err)
	}
	if err := x.iam.SetActive(ctx, user, noKey, false); classOf(err) != ClassNoKey {
		errs = append(errs, err)
	}
	return errors.Join(append(errs, x.iam.Delete(ctx, user, noKey))...)
}

// History lists a robot's rotations, newest first, from the journal alone.
func (r *Rotator) History(ctx context.Context, robot Robot) ([]Rotation, error) {
	users, err := r.Journal.Users(ctx)
	if err != nil {
		return nil, err
	}
	var out []Rotation
	for _, ref := range users {
		l, err := r.Journal.Events(ctx, ref.Stream())
		if err != nil {
			return nil, err
		}
		for _, p := range Fold(r.Journal.ID(), l).Rotations {
			if p.Started.Robot == robot.Name {
				out = append(out, p.rotation(ref))
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Rotation) int { return b.StartedAt.Compare(a.StartedAt) })
	return out, nil
}

// Unconfigured lists the rotations in flight whose user is no robot of the configuration any more. They are
// held: nobody goes on with them.
func (r *Rotator) Unconfigured(ctx context.Context, robots []Robot) ([]Report, error) {
	users, err := r.Journal.Users(ctx)
	if err != nil {
		return nil, err
	}
	configured := map[Stream]bool{}
	for _, robot := range robots {
		for _, ref := range users {
			if (UserRef{ref.Account, robot.User}).Stream() == ref.Stream() {
				configured[ref.Stream()] = true
			}
		}
	}
	var out []Report
	for _, ref := range users {
		if configured[ref.Stream()] {
			continue
		}
		l, err := r.Journal.Events(ctx, ref.Stream())
		if err != nil {
			return nil, err
		}
		p := Fold(r.Journal.ID(), l).Current()
		if p == nil {
			continue
		}
		out = append(out, Report{
			Robot: p.Started.Robot, User: ref.User, Account: ref.Account, Step: StepHeld, Keys: []KeyReport{}, Sinks: []SinkReport{},
			Hold: &Hold{
				Code:    HoldRobotMissing,
				Message: fmt.Sprintf("the rotation %s of the IAM user %s is in flight, and no robot of the configuration is that user", p.ID, ref),
				Resolve: "put the robot back into the configuration",
			},
		})
	}
	return out, nil
}
