package rotator

import (
	"fmt"
	"slices"
	"time"
)

// issue: exactly one new key, and never a second one because an answer was lost.
func issue(s State, p *Progress, now time.Time, pol Policy, w World) (Step, bool) {
	switch {
	case p.New.ID != "":
		return Step{}, false
	case p.Orphan != nil:
		return retireOrphan(s, p, now, pol, w), true
	case p.Intent != nil && p.Failure == nil && len(p.Sought) < 2:
		return seekOrphan(s, p, now, pol, w), true
	case p.Failure != nil:
		if step, ok := failed(p, now, pol, w); ok {
			return step, true
		}
	}
	if step, ok := makeRoom(s, p, now, pol, w); ok {
		return step, true
	}
	if step, ok := strangers(s, p, w); ok {
		return step, true
	}
	if at := s.unlisted(pol, w); now.Before(at) {
		return Step{Name: StepIssue, Do: DoWait, Until: at, Error: "AWS does not list the key of the rotation before yet"}, true
	} else if w.At.Before(at) || !w.fresh(now) {
		return Step{Name: StepIssue, Do: DoObserve}, true
	}
	return Step{Name: StepIssue, Do: DoIssue}, true
}

// strangers: a key that appeared since the rotation began is not the one to retire.
func strangers(s State, p *Progress, w World) (Step, bool) {
	for _, k := range w.Keys {
		there := slices.ContainsFunc(p.Started.Keys, func(b Key) bool { return b.ID == k.ID })
		if there || s.Key(k.ID).Created || p.Tolerated[k.ID] || p.Keep == k.ID {
			continue
		}
		return p.hold(HoldUnknownKey, "--keep "+string(k.ID),
			"the user has a key that was not there when this rotation began: %s; let it be with --keep, or delete it with --delete", describe(k, w)), true
	}
	return Step{}, false
}

// unlisted is when a key that was made a moment ago, by the rotation before, must be listed: without it the user would
// seem to have no key to retire. Zero if all are listed, or were deleted by somebody else.
func (s State) unlisted(pol Policy, w World) time.Time {
	var last time.Time
	for _, r := range s.Rotations {
		_, there := w.key(r.New.ID)
		if r.New.ID == "" || there || s.Key(r.New.ID).Deleted {
			continue
		}
		if at := r.IssuedAt.Add(pol.Settle); w.At.Before(at) {
			last = at
		}
	}
	return last
}

// failed: CreateAccessKey was refused, and nothing was created.
func failed(p *Progress, now time.Time, pol Policy, w World) (Step, bool) {
	switch p.Failure.Class {
	case ClassLimit:
		// Somebody else made a key, which the list may not show yet. Never delete one for that.
		if w.after(p.EndedSeq) && len(w.Keys) >= 2 {
			return Step{}, false
		}
		if at := p.EndedAt.Add(pol.Settle); now.Before(at) {
			return Step{Name: StepIssue, Do: DoWait, Until: at, Error: p.Failure.Error}, true
		}
		if w.At.Before(p.EndedAt.Add(pol.Settle)) {
			return Step{Name: StepIssue, Do: DoObserve}, true
		}
		return Step{}, false
	case ClassTemporary, ClassThrottled, ClassBusy:
		if w.Tried[issueTried] {
			return Step{Name: StepIssue, Do: DoWait, Until: p.EndedAt.Add(backoff(p.Attempts)), Retry: true, Error: p.Failure.Error}, true
		}
		return Step{}, false
	}
	return Step{Name: StepFailed, Do: DoFinish, Outcome: Failed, Error: p.Failure.Error}, true
}

// issueTried marks in World.Tried that CreateAccessKey failed in this run.
const issueTried = "\x00issue"

// seekOrphan: CreateAccessKey may have been applied, and nobody has the secret. After settle, the only
// unknown key that it can have made is its orphan; none in two lists means that it was not applied.
func seekOrphan(s State, p *Progress, now time.Time, pol Policy, w World) Step {
	settled := p.Intent.Deadline
	if p.EndedAt.After(settled) {
		settled = p.EndedAt
	}
	settled = settled.Add(pol.Settle)
	if now.Before(settled) {
		return Step{Name: StepIssue, Do: DoWait, Until: settled, Error: p.LastError}
	}
	if n := len(p.Sought); n > 0 && w.At.Before(p.Sought[n-1].Add(relist)) {
		if again := p.Sought[n-1].Add(relist); now.Before(again) {
			return Step{Name: StepIssue, Do: DoWait, Until: again}
		}
		return Step{Name: StepIssue, Do: DoSurvey}
	}
	if w.At.Before(settled) || w.Serving == nil || w.Serving.At.Before(settled) {
		return Step{Name: StepIssue, Do: DoSurvey}
	}
	unknown := p.unknown(s, w)
	if p.UnclearKey != "" && !p.Accepted[HoldOrphanUnclear] {
		if k, there := w.key(p.UnclearKey); there {
			return judgeOrphan(p, now, w, k)
		}
		return p.hold(HoldOrphanUnclear, "--retry",
			"CreateAccessKey made the key %s, its secret was lost on the way, and the key is not listed; make sure that it is gone and retry", p.UnclearKey)
	}
	switch len(unknown) {
	case 0:
		return Step{Name: StepIssue, Do: DoSought}
	case 1:
		return judgeOrphan(p, now, w, unknown[0])
	}
	return p.hold(HoldOrphanUnclear, "--delete KEYID",
		"the answer of CreateAccessKey was lost, and %d keys have appeared: %s and %s; which of them is nobody's cannot be told",
		len(unknown), describe(unknown[0], w), describe(unknown[1], w))
}

// relist is how far apart the two lists are that show no orphan.
const relist = 2 * time.Second

// unknown are the keys that were not there at the intent and that the log does not know.
func (p *Progress) unknown(s State, w World) []Key {
	var out []Key
	for _, k := range w.Keys {
		known := s.Key(k.ID).Created || p.Tolerated[k.ID]
		for _, b := range p.Intent.Keys {
			known = known || b.ID == k.ID
		}
		if !known {
			out = append(out, k)
		}
	}
	return out
}

// skew is what AWS's clock may differ by after the correction: both clocks are read to the second.
const skew = 2 * time.Second

func judgeOrphan(p *Progress, now time.Time, w World, k Key) Step {
	if len(w.Serving.Unread) > 0 {
		return Step{Name: StepIssue, Do: DoWait, Until: now.Add(backoff(1)), Retry: true,
			Error: "waiting to read what " + names(w.Serving.Unread) + " serves, before " + string(k.ID) + " is taken for the key of a lost CreateAccessKey"}
	}
	ahead := w.Clock.Sub(w.At) // of AWS's clock over ours
	from, to := p.IntentAt.Add(ahead-skew), p.Intent.Deadline.Add(ahead+skew)
	use, read := w.Uses[k.ID]
	var why string
	switch served := w.Serving.serves(k.ID); {
	case k.ID != p.UnclearKey && (k.CreatedAt.Before(from) || k.CreatedAt.After(to)):
		why = fmt.Sprintf("it was not created between %s and %s, when the call was made", stamp(from), stamp(to))
	case !read: // it appeared after the survey
		return Step{Name: StepIssue, Do: DoSurvey}
	case !use.Use.At.IsZero():
		why = "it is in use"
	case len(served) > 0:
		why = "it is served by " + names(served)
	default:
		return Step{Name: StepIssue, Do: DoOrphan, Orphan: k}
	}
	return p.hold(HoldOrphanUnclear, "--delete "+string(k.ID),
		"the answer of CreateAccessKey was lost, and %s has appeared, but %s; if it is nobody's delete it, else keep it with --keep", describe(k, w), why)
}

// retireOrphan: Inactive first, deleted after orphan_wait if it is still inactive and unused.
func retireOrphan(s State, p *Progress, now time.Time, pol Policy, w World) Step {
	id := p.Orphan.ID
	disabled := s.Key(id).DisabledAt
	if disabled.IsZero() {
		if !w.fresh(now) {
			return Step{Name: StepIssue, Do: DoObserve}
		}
		if _, there := w.key(id); !there { // whoever made it has taken it back; deleting makes sure
			return Step{Name: StepIssue, Do: DoChange, Key: id, Change: Remove, Why: WhyOrphan}
		}
		return Step{Name: StepIssue, Do: DoChange, Key: id, Change: Disable, Why: WhyOrphan}
	}
	if at := disabled.Add(pol.OrphanWait); now.Before(at) {
		return Step{Name: StepIssue, Do: DoWait, Until: at, Error: "the key " + string(id) + " of a lost CreateAccessKey is Inactive and is deleted then"}
	}
	k, there := w.key(id)
	use, read := w.Uses[id]
	if there && !read || !w.fresh(now) || !w.after(s.Key(id).DisabledSeq) {
		return Step{Name: StepIssue, Do: DoSurvey}
	}
	if there && k.Status == Active && w.At.Before(disabled.Add(pol.Settle)) {
		return Step{Name: StepIssue, Do: DoWait, Until: disabled.Add(pol.Settle)}
	}
	if there && (k.Status == Active || !use.Use.At.IsZero()) {
		return p.hold(HoldOrphanUsed, "--delete "+string(id),
			"the key of a lost CreateAccessKey was taken for nobody's and made Inactive, but somebody reactivated or used it: %s; delete it, or keep it with --keep", describe(k, w))
	}
	return Step{Name: StepIssue, Do: DoChange, Key: id, Change: Remove, Why: WhyOrphan}
}
