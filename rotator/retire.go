package rotator

import (
	"slices"
	"time"
)

// verifiedFor is how long a verification counts before the old key is disabled or deleted.
const verifiedFor = time.Minute

// usesShowAfter is how late AWS shows a key's use (measured: up to 7 min 22 s; see docs/decisions).
const usesShowAfter = 7 * time.Minute

// staleSinks: a sink positively serves another key again. If the old one was disabled it is reactivated before
// the sink is served anew, unless it leaked.
func staleSinks(s State, p *Progress, now time.Time, _ Policy, w World) (Step, bool) {
	stale := false
	for _, sp := range p.live(true) {
		stale = stale || sp.Class == classStale
	}
	rec := s.Key(p.Old)
	if !stale || p.Old == "" || rec.DisabledAt.IsZero() || rec.Leaked || rec.Deleted {
		return Step{}, false
	}
	if _, there := w.key(p.Old); !there {
		return Step{}, false
	}
	if !w.fresh(now) {
		return Step{Name: StepPush, Do: DoObserve}, true
	}
	return Step{Name: StepPush, Do: DoChange, Key: p.Old, Change: Enable, Why: WhyStale}, true
}

// retired says that there is no old key to retire, or none any more.
func (p *Progress) retired(s State, w World) bool {
	if p.Old == "" || s.Key(p.Old).Deleted {
		return true
	}
	_, there := w.key(p.Old)
	return !there
}

// quiet: grace, and then a look at the old key's use, always. What was once used stays "last used", so what
// counts is whether it moves.
func quiet(s State, p *Progress, now time.Time, pol Policy, w World) (Step, bool) {
	if p.retired(s, w) || !s.Key(p.Old).DisabledAt.IsZero() {
		return Step{}, false
	}
	served := p.ServedAt()
	from := served
	if p.QuietFrom.After(from) {
		from = p.QuietFrom
	}
	if at := from.Add(pol.Grace); now.Before(at) {
		return Step{Name: StepQuiet, Do: DoWait, Until: at}, true
	}
	readings := since(p.Uses, from.Add(pol.Grace))
	if len(readings) == 0 {
		return Step{Name: StepQuiet, Do: DoObserve, Key: p.Old}, true
	}
	if pol.IgnoreUse || p.leaking(s) {
		return Step{}, false
	}
	first, last := readings[0], readings[len(readings)-1]
	if first.Use.At.After(served) {
		if last.Use.At.After(first.At) {
			return p.hold(HoldInUse, "--retry", "something still uses the old key %s, which no required sink serves any more: %s; "+
				"find it, or retire the key all the same with keyturn rotate %s --retire-now", p.Old, lastUse(last.Use), p.Started.Robot), true
		}
		if at := first.At.Add(max(pol.Grace, usesShowAfter)); last.At.Before(at) {
			return readAgain(p, now, at), true
		}
	}
	if at := last.Use.At.Add(pol.Quiet); pol.Quiet > 0 && last.At.Before(at) {
		return readAgain(p, now, at), true
	}
	return Step{}, false
}

// leaking says that the old key has leaked, or may have. Another key of the user is retired no faster for that.
func (p *Progress) leaking(s State) bool {
	if p.Started.Trigger != Leak || p.Old == "" {
		return p.Started.Trigger == Leak || s.Key(p.Old).Leaked
	}
	return slices.ContainsFunc(s.Leaks, func(l LeakReported) bool { return len(l.Keys) == 0 || slices.Contains(l.Keys, p.Old) })
}

func readAgain(p *Progress, now, at time.Time) Step {
	if now.Before(at) {
		return Step{Name: StepQuiet, Do: DoWait, Until: at}
	}
	return Step{Name: StepQuiet, Do: DoObserve, Key: p.Old}
}

func since(readings []Reading, t time.Time) []Reading {
	for i, r := range readings {
		if !r.At.Before(t) {
			return readings[i:]
		}
	}
	return nil
}

// disable: Inactive, which can be undone, after the world was asked and the sinks were shown to serve the new key.
func disable(s State, p *Progress, now time.Time, _ Policy, w World) (Step, bool) {
	if p.retired(s, w) || !s.Key(p.Old).DisabledAt.IsZero() {
		return Step{}, false
	}
	if step, ok := proven(p, StepDisable, now, w); !ok {
		return step, true
	}
	return Step{Name: StepDisable, Do: DoChange, Key: p.Old, Change: Disable, Why: WhyRetire}, true
}

// proven: just before a key is taken away, the world was asked and every required sink serves the new one.
func proven(p *Progress, name StepName, now time.Time, w World) (Step, bool) {
	required := p.live(true)
	if now.Sub(p.VerifiedAt()) > verifiedFor {
		var all, due []string
		for _, s := range required {
			if now.Sub(s.VerifiedAt) > verifiedFor {
				all = append(all, s.Name)
				if !w.Tried[s.Name] {
					due = append(due, s.Name)
				}
			}
		}
		if len(due) > 0 {
			return Step{Name: name, Do: DoVerify, Sinks: due}, false
		}
		if len(all) > 0 {
			return Step{Name: name, Do: DoWait, Until: retryAt(required), Retry: true, Error: failures(required)}, false
		}
	}
	if !w.fresh(now) {
		return Step{Name: name, Do: DoObserve}, false
	}
	return Step{}, true
}

// soak: the old key stays Inactive for a while, so that it can be restored.
func soak(s State, p *Progress, now time.Time, pol Policy, w World) (Step, bool) {
	rec := s.Key(p.Old)
	if p.retired(s, w) || rec.DisabledAt.IsZero() {
		return Step{}, false
	}
	if k, _ := w.key(p.Old); k.Status == Active && w.after(rec.DisabledSeq) {
		settled := rec.DisabledAt.Add(pol.Settle)
		if w.At.After(settled) {
			return p.hold(HoldReactivated, "--retry", "somebody reactivated the old key %s; find out who needs it, deactivate it again or retry to retire it", p.Old), true
		}
		return Step{Name: StepSoak, Do: DoWait, Until: settled}, true // the list may lag behind
	}
	if at := rec.DisabledAt.Add(pol.Soak); now.Before(at) {
		return Step{Name: StepSoak, Do: DoWait, Until: at}, true
	}
	return Step{}, false
}

// remove: for good.
func remove(s State, p *Progress, now time.Time, _ Policy, w World) (Step, bool) {
	if p.retired(s, w) {
		return Step{}, false
	}
	if step, ok := proven(p, StepDelete, now, w); !ok {
		return step, true
	}
	return Step{Name: StepDelete, Do: DoChange, Key: p.Old, Change: Remove, Why: WhyRetire}, true
}
