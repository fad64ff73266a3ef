package rotator

import "time"

// Action is what the runner is to do.
type Action string

// The actions.
const (
	DoNothing Action = "nothing" // no rotation is in flight
	DoObserve Action = "observe" // ask the world: the user and its keys; also Step.Key's last use, if named
	DoSurvey  Action = "survey"  // observe, and read every key's last use and what every readable sink serves
	DoTag     Action = "tag"
	DoIssue   Action = "issue"
	DoSought  Action = "sought" // record a list that showed no orphan
	DoOrphan  Action = "orphan" // record which key is the orphan
	DoChange  Action = "change" // Step.Change of Step.Key
	DoProbe   Action = "probe"
	DoServe   Action = "serve"   // push to and verify Step.Sinks
	DoVerify  Action = "verify"  // verify Step.Sinks again
	DoCanary  Action = "canary"  // start the canaries of Step.Sinks
	DoVerdict Action = "verdict" // wait for the verdicts of Step.Sinks' canaries
	DoLift    Action = "lift"    // detach AWS's quarantine policy
	DoWait    Action = "wait"    // until Step.Until
	DoHold    Action = "hold"    // Step.Hold; journalled already if it equals the one in force
	DoFinish  Action = "finish"  // erase the secret, record the outcome
	DoForget  Action = "forget"  // erase the secret of a rotation that is done
)

// Step is what Next decides.
type Step struct {
	Name    StepName
	Do      Action
	Key     KeyID
	Change  Change
	Why     Why
	Orphan  Key
	Sinks   []string
	Until   time.Time
	Hold    *Hold
	Outcome Outcome
	Retry   bool   // waiting because something failed
	Error   string // what is in the way, when waiting or ending in failure
}

// decision is one link of the chain: it decides, or passes on with ok false.
type decision func(s State, p *Progress, now time.Time, pol Policy, w World) (step Step, ok bool)

// protocol is the rotation, read from top to bottom: the first link that decides wins.
var protocol = []decision{
	contain,
	abandon,
	held,
	look,
	sameUser,
	sameJournal,
	sameSinks,
	doomed,
	leakedNew,
	tag,
	issue,
	knownKeys,
	newKeyLives,
	probe,
	staleSinks,
	serve,
	canaries,
	quiet,
	disable,
	soak,
	remove,
	lift,
	finish,
}

// Next names the one thing to do now. It is pure: the same log, time, policy and
// observation give the same step.
func (s State) Next(now time.Time, pol Policy, w World) Step {
	p := s.Current()
	if p == nil {
		return s.after(w)
	}
	w.Keys = s.living(w.Keys)
	for _, decide := range protocol {
		if step, ok := decide(s, p, now, s.effective(p, pol), w); ok {
			if step.Do == DoWait && step.Until.Before(now) { // a sink that failed while another was still being tried
				step.Until = now
			}
			return s.notPastLeak(step, w)
		}
	}
	return p.hold("undecided", "--abandon", "no rule decides what comes next; this is a defect of keyturn")
}

// after serves the optional sinks that a finished rotation left behind.
func (s State) after(w World) Step {
	p := s.Last()
	if p == nil {
		return Step{Name: StepNone, Do: DoNothing}
	}
	name := map[Outcome]StepName{Done: StepDone, Failed: StepFailed, Abandoned: StepAbandoned}[p.Outcome]
	if p.Forgotten || p.New.ID == "" {
		return Step{Name: name, Do: DoNothing}
	}
	left := p.Lingering()
	if len(left) == 0 {
		return Step{Name: name, Do: DoForget}
	}
	if due := untried(left, w); len(due) > 0 {
		return Step{Name: name, Do: DoServe, Sinks: due}
	}
	return Step{Name: name, Do: DoNothing, Until: retryAt(left)}
}

// effective is the policy after a leak of the old key: no grace, no quiet, and an orphan goes at once.
func (s State) effective(p *Progress, pol Policy) Policy {
	if p.leaking(s) {
		pol.Grace, pol.Quiet, pol.OrphanWait = 0, 0, 0
	}
	return pol
}

// held: nothing goes on until an operator decides.
func held(_ State, p *Progress, _ time.Time, _ Policy, _ World) (Step, bool) {
	if p.Hold == nil {
		return Step{}, false
	}
	return Step{Name: StepHeld, Do: DoHold, Hold: p.Hold}, true
}

// look: nothing is decided without having seen the world in this run.
func look(_ State, p *Progress, now time.Time, _ Policy, w World) (Step, bool) {
	if w.seen() {
		return Step{}, false
	}
	return Step{Name: p.stage(), Do: DoObserve}, true
}

// contain: a key that has leaked for certain is made Inactive at the deadline, replaced or not, held or not.
func contain(s State, p *Progress, now time.Time, pol Policy, w World) (Step, bool) {
	for _, id := range s.leaked() {
		k := s.Key(id)
		if !k.DisabledAt.IsZero() || k.Deleted {
			continue
		}
		if w.seen() {
			if _, there := w.key(id); !there {
				continue
			}
		}
		if pol.OnLeak == ContainFirst || id == p.New.ID || !now.Before(k.LeakedBy) {
			return Step{Name: p.stage(), Do: DoChange, Key: id, Change: Disable, Why: WhyLeak}, true
		}
	}
	return Step{}, false
}

// notPastLeak ends a wait when a leaked key has to be contained.
func (s State) notPastLeak(step Step, w World) Step {
	if at := s.containBy(w); step.Do == DoWait && !at.IsZero() && at.Before(step.Until) {
		step.Until = at
	}
	return step
}

// containBy is when the next leaked key has to be Inactive; zero if none.
func (s State) containBy(w World) time.Time {
	var first time.Time
	for _, id := range s.leaked() {
		k := s.Key(id)
		if _, there := w.key(id); !k.DisabledAt.IsZero() || k.Deleted || (w.seen() && !there) {
			continue
		}
		if first.IsZero() || k.LeakedBy.Before(first) {
			first = k.LeakedBy
		}
	}
	return first
}

// leaked are the keys reported for certain, in the order of the reports.
func (s State) leaked() []KeyID {
	var out []KeyID
	for _, l := range s.Leaks {
		if !l.Suspected {
			out = append(out, l.Keys...)
		}
	}
	return out
}

// leakedNew: a new key that leaked is deleted and another one made.
func leakedNew(s State, p *Progress, now time.Time, _ Policy, w World) (Step, bool) {
	if p.New.ID == "" || !s.Key(p.New.ID).Leaked {
		return Step{}, false
	}
	if !w.fresh(now) {
		return Step{Name: StepIssue, Do: DoObserve}, true
	}
	return Step{Name: StepIssue, Do: DoChange, Key: p.New.ID, Change: Remove, Why: WhyLeak}, true
}

// abandon: the keys stay as they are, except a new one that nobody was given.
func abandon(s State, p *Progress, now time.Time, _ Policy, w World) (Step, bool) {
	if !p.Abandoning {
		return Step{}, false
	}
	if p.New.ID != "" && !p.Offered() {
		return p.yield(s, now, w), true
	}
	return Step{Name: StepAbandoned, Do: DoFinish, Outcome: Abandoned}, true
}

// yield takes back a new key that no sink was given: Inactive first, then gone.
func (p *Progress) yield(s State, now time.Time, w World) Step {
	if !w.fresh(now) {
		return Step{Name: StepIssue, Do: DoObserve}
	}
	if k, there := w.key(p.New.ID); there && k.Status == Active && w.after(s.Key(k.ID).DisabledSeq) {
		return Step{Name: StepIssue, Do: DoChange, Key: p.New.ID, Change: Disable, Why: WhyYield}
	}
	return Step{Name: StepIssue, Do: DoChange, Key: p.New.ID, Change: Remove, Why: WhyYield}
}

// tag: the user shows whose it is before anything is changed.
func tag(s State, p *Progress, now time.Time, pol Policy, w World) (Step, bool) {
	if p.TaggedAt.IsZero() && len(w.Keys) >= 2 {
		if _, step := choose(s, p, pol, w); step != nil {
			return *step, true // most often a hold
		}
	}
	absent := w.User.Tag == "" && w.after(p.TaggedSeq) && w.At.After(p.TaggedAt.Add(pol.Settle))
	if (p.TaggedAt.IsZero() || absent) && !w.fresh(now) { // not over a tag that somebody else has written meanwhile
		return Step{Name: StepStart, Do: DoObserve}, true
	}
	if p.TaggedAt.IsZero() || absent {
		return Step{Name: StepStart, Do: DoTag}, true
	}
	// A user without a tag could have been adopted by two at once: read it again.
	if p.Adopted && !w.after(p.TaggedSeq) {
		return Step{Name: StepStart, Do: DoObserve}, true
	}
	return Step{}, false
}

// probe: a sink must never be handed a key that AWS does not know everywhere yet.
func probe(_ State, p *Progress, _ time.Time, _ Policy, w World) (Step, bool) {
	if !p.ProbedAt.IsZero() {
		return Step{}, false
	}
	if p.Adopted && !w.after(p.IssuedSeq) { // another journal may have adopted the user in the same moment
		return Step{Name: StepProbe, Do: DoObserve}, true
	}
	if w.Tried[probeTried] {
		return Step{Name: StepProbe, Do: DoWait, Until: p.LastEventAt.Add(backoff(1)), Retry: true, Error: p.LastError}, true
	}
	return Step{Name: StepProbe, Do: DoProbe}, true
}

// probeTried marks in World.Tried that the probe failed in this run. No sink has that name.
const probeTried = "\x00probe"

// serve: every sink that does not serve the new key is pushed to, side by side.
func serve(_ State, p *Progress, now time.Time, _ Policy, w World) (Step, bool) {
	required, optional := unserved(p.live(true)), unserved(p.live(false))
	for _, s := range required {
		if s.Class == classWeak {
			return p.hold(HoldWeakEvidence, "--drop-sink "+s.Name,
				"sink %s: %s; lower its min_evidence in the configuration and resolve with --retry, or drop it", s.Name, s.Error), true
		}
	}
	due := untried(required, w)
	if len(due) > 0 || len(required) == 0 {
		due = append(due, untried(optional, w)...)
	}
	if len(due) > 0 {
		return Step{Name: p.stage(), Do: DoServe, Sinks: due}, true
	}
	if len(required) > 0 {
		return Step{Name: p.stage(), Do: DoWait, Until: retryAt(required), Retry: true, Error: failures(required)}, true
	}
	return Step{}, false
}

// canaries: where a job of the CI is to show that the pair works there, it is started and its verdict awaited.
func canaries(_ State, p *Progress, _ time.Time, _ Policy, w World) (Step, bool) {
	var fresh, running []string
	var failing []*SinkProgress
	for _, s := range p.live(true) {
		switch {
		case !s.Canary || s.Proven:
		case s.CanaryRun != "":
			running = append(running, s.Name)
		case w.Tried[s.Name]:
			failing = append(failing, s)
		default:
			fresh = append(fresh, s.Name)
		}
	}
	switch {
	case len(fresh) > 0:
		return Step{Name: StepVerify, Do: DoCanary, Sinks: fresh}, true
	case len(running) > 0:
		return Step{Name: StepVerify, Do: DoVerdict, Sinks: running}, true
	case len(failing) > 0:
		return Step{Name: StepVerify, Do: DoWait, Until: retryAt(failing), Retry: true, Error: failures(failing)}, true
	}
	return Step{}, false
}

// lift: AWS's quarantine policy cripples the user even with the new key.
func lift(_ State, p *Progress, _ time.Time, pol Policy, _ World) (Step, bool) {
	if len(p.Quarantine) == 0 || p.Lifted || pol.Quarantine != QuarantineDetach {
		return Step{}, false
	}
	return Step{Name: StepDelete, Do: DoLift}, true
}

func finish(_ State, _ *Progress, _ time.Time, _ Policy, _ World) (Step, bool) {
	return Step{Name: StepDone, Do: DoFinish, Outcome: Done}, true
}

func unserved(all []*SinkProgress) []*SinkProgress {
	var out []*SinkProgress
	for _, s := range all {
		if !s.Serves() {
			out = append(out, s)
		}
	}
	return out
}

func untried(all []*SinkProgress, w World) []string {
	var out []string
	for _, s := range all {
		if !w.Tried[s.Name] && !w.Busy[s.Name] {
			out = append(out, s.Name)
		}
	}
	return out
}

// retryAt is when the first of the failing sinks is due again.
func retryAt(all []*SinkProgress) time.Time {
	var at time.Time
	for _, s := range all {
		if t := s.FailedAt.Add(backoff(s.Failures)); s.Failures > 0 && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	return at
}

// backoff grows from 30 s to an hour across runs.
func backoff(failures int) time.Duration {
	d := 30 * time.Second
	for range min(failures, 8) - 1 {
		d *= 2
	}
	return min(d, time.Hour)
}

func failures(all []*SinkProgress) string {
	var out []string
	for _, s := range all {
		if s.Error != "" {
			out = append(out, "sink "+s.Name+": "+s.Error)
		}
	}
	return names(out)
}

// stage is the step that a rotation is in, from the log alone.
func (p *Progress) stage() StepName {
	switch {
	case p.Outcome == Done:
		return StepDone
	case p.Outcome == Failed:
		return StepFailed
	case p.Outcome == Abandoned:
		return StepAbandoned
	case p.Hold != nil:
		return StepHeld
	case p.TaggedAt.IsZero():
		return StepStart
	case p.New.ID == "":
		return StepIssue
	case p.ProbedAt.IsZero():
		return StepProbe
	}
	if p.ServedAt().IsZero() {
		for _, s := range unserved(p.live(true)) {
			if !s.Pushed || s.Class == classStale {
				return StepPush
			}
		}
		return StepVerify
	}
	return StepQuiet
}
