package rotator

import (
	"fmt"
	"time"
)

// makeRoom: an IAM user can have two keys. It names the one that may go, by the policy make_room or by
// the operator's word, or holds.
func makeRoom(s State, p *Progress, now time.Time, pol Policy, w World) (Step, bool) {
	if len(w.Keys) < 2 {
		return Step{}, false
	}
	v, step := choose(s, p, pol, w)
	if step != nil {
		return *step, true
	}
	return v.retire(s, p, now, w), true
}

// victim is the key that may go, and for how long it has to be Inactive before.
type victim struct {
	key  Key
	why  Why
	soak time.Duration
}

// choose finds the victim, or the step to take instead. The first rule that fits wins.
func choose(s State, p *Progress, pol Policy, w World) (victim, *Step) {
	if p.Keep != "" {
		return byOperator(p, pol, w)
	}
	for _, k := range w.Keys {
		if k.Status == Inactive && s.Key(k.ID).Contained {
			return victim{key: k, why: WhyLeak}, nil
		}
	}
	if v, ok := byInactivity(s, pol, w); ok {
		return v, nil
	}
	if w.Serving == nil {
		return victim{}, &Step{Name: StepIssue, Do: DoSurvey}
	}
	if v, ok := byDisuse(pol, w); ok {
		return v, nil
	}
	if pol.MakeRoom == RoomUnused && len(w.Serving.Unread) > 0 {
		return victim{}, &Step{Name: StepIssue, Do: DoWait, Until: w.At.Add(backoff(1)), Retry: true,
			Error: "waiting to read what " + names(w.Serving.Unread) + " serves, which tells the two keys of the user apart"}
	}
	step := twoKeys(p, w, "")
	return victim{}, &step
}

// byOperator: resolve --keep named the survivor.
func byOperator(p *Progress, pol Policy, w World) (victim, *Step) {
	if _, there := w.key(p.Keep); !there {
		step := twoKeys(p, w, fmt.Sprintf("the key %s that was to be kept is not there; ", p.Keep))
		return victim{}, &step
	}
	if w.Serving == nil {
		return victim{}, &Step{Name: StepIssue, Do: DoSurvey}
	}
	for _, k := range w.Keys {
		if k.ID == p.Keep {
			continue
		}
		if served := w.Serving.serves(k.ID); len(served) > 0 && k.Status == Active {
			step := twoKeys(p, w, fmt.Sprintf("%s was to go, but %s serves it; ", k.ID, names(served)))
			return victim{}, &step
		}
		return victim{key: k, why: WhyOperator, soak: pol.Soak}, nil
	}
	return victim{}, &Step{Name: StepIssue, Do: DoObserve}
}

// byInactivity: an Inactive key that keyturn made or deactivated itself, or any, if the policy says so.
func byInactivity(s State, pol Policy, w World) (victim, bool) {
	var found *Key
	for _, k := range w.Keys {
		own := s.Key(k.ID).Created || !s.Key(k.ID).DisabledAt.IsZero()
		if k.Status != Inactive || (!own && pol.MakeRoom == RoomOwn) {
			continue
		}
		if found == nil || k.CreatedAt.Before(found.CreatedAt) {
			found = &k
		}
	}
	if found == nil {
		return victim{}, false
	}
	v := victim{key: *found, why: WhyRoom}
	if rec := s.Key(found.ID); rec.Created || !rec.DisabledAt.IsZero() {
		v.soak = pol.Soak
	}
	return v, true
}

// unusedFor is how old a key must be before "never used" says anything.
const unusedFor = 24 * time.Hour

// byDisuse: of two Active keys, one that was never used while every required sink is seen to serve the other.
func byDisuse(pol Policy, w World) (victim, bool) {
	if pol.MakeRoom != RoomUnused {
		return victim{}, false
	}
	for i, k := range w.Keys {
		other := w.Keys[1-i]
		use, read := w.Uses[k.ID]
		if read && use.Use.At.IsZero() && w.Clock.Sub(k.CreatedAt) > unusedFor && other.Status == Active && w.Serving.allRequired(other.ID) {
			return victim{key: k, why: WhyRoom, soak: pol.Soak}, true
		}
	}
	return victim{}, false
}

func twoKeys(p *Progress, w World, why string) Step {
	a, b := w.Keys[0], w.Keys[1]
	action := "--keep KEYID"
	for _, k := range w.Keys {
		if w.Serving != nil && w.Serving.allRequired(k.ID) {
			action = "--keep " + string(k.ID)
		}
	}
	return p.hold(HoldTwoKeys, action,
		"%sthe user has two keys already: %s and %s; name the one that stays until it is replaced, and the other is deactivated and deleted", why, describe(a, w), describe(b, w))
}

// retire makes the victim Inactive, waits, and deletes it.
func (v victim) retire(s State, p *Progress, now time.Time, w World) Step {
	if !w.fresh(now) {
		return Step{Name: StepIssue, Do: DoObserve}
	}
	rec := s.Key(v.key.ID)
	if v.key.Status == Active && w.after(rec.DisabledSeq) {
		return Step{Name: StepIssue, Do: DoChange, Key: v.key.ID, Change: Disable, Why: v.why}
	}
	since := rec.DisabledAt
	if since.IsZero() { // not known since when: it was Inactive when this rotation began to look
		since = p.StartedAt
	}
	if at := since.Add(v.soak); now.Before(at) {
		return Step{Name: StepIssue, Do: DoWait, Until: at, Error: fmt.Sprintf("the key %s is Inactive, and is deleted then to make room", v.key.ID)}
	}
	return Step{Name: StepIssue, Do: DoChange, Key: v.key.ID, Change: Remove, Why: v.why}
}

// doomed: resolve --delete. Not a key that a sink serves.
func doomed(s State, p *Progress, now time.Time, _ Policy, w World) (Step, bool) {
	if p.Doomed == "" {
		return Step{}, false
	}
	k, there := w.key(p.Doomed)
	if there && (!w.fresh(now) || w.Serving == nil) {
		return Step{Name: StepIssue, Do: DoSurvey}, true
	}
	if there && k.Status == Active && w.after(s.Key(k.ID).DisabledSeq) {
		if served := w.Serving.serves(k.ID); len(served) > 0 {
			return p.hold(HoldUnknownKey, "--keep "+string(k.ID), "%s was to be deleted, but %s serves it", describe(k, w), names(served)), true
		}
		return Step{Name: p.stage(), Do: DoChange, Key: k.ID, Change: Disable, Why: WhyOperator}, true
	}
	return Step{Name: p.stage(), Do: DoChange, Key: p.Doomed, Change: Remove, Why: WhyOperator}, true
}
