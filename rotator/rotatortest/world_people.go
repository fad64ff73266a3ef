package rotatortest

import (
	"slices"
	"strings"
	"time"

	"keyturn/rotator"
)

// What follows is what other people do to a World while keyturn is at work, and what an operator does about a hold.

// OtherKey makes a key for the robot's user that is not keyturn's. ok is false if the user has two keys already. A key that is made
// while nobody knows whether CreateAccessKey was applied cannot be told from the one it may have made: keyturn
// may take it for that.
func (w *World) OtherKey(r *Robot, age time.Duration) (id rotator.KeyID, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.look()
	k, _, err := w.IAM.AddKey(r.User, age)
	if err != nil {
		return "", false
	}
	w.expect(r)
	r.keys[k.ID].mayGo = r.attempting && age < time.Minute
	w.note("somebody makes the key %s", k.ID)
	return k.ID, true
}

// Meddle lets somebody change or delete one of the robot's keys.
func (w *World) Meddle(r *Robot, id rotator.KeyID, change rotator.Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.look()
	switch change {
	case rotator.Enable:
		w.IAM.SetStatus(id, rotator.Active)
	case rotator.Disable:
		w.IAM.SetStatus(id, rotator.Inactive)
	case rotator.Remove:
		w.IAM.DeleteKey(id)
	}
	w.expect(r)
	if seen := r.keys[id]; seen != nil {
		if change == rotator.Enable {
			seen.woken = time.Now()
		} else {
			seen.moved, seen.movedAt = true, time.Now()
		}
		w.note("somebody %ss the key %s", change, id)
	}
}

// OtherTag is what somebody else's keyturn writes.
const OtherTag = "other/rotation"

// TakeTag lets somebody else's keyturn take the user.
func (w *World) TakeTag(r *Robot) {
	w.IAM.PutUserTag(r.User, rotator.Tag, OtherTag)
	w.mu.Lock()
	defer w.mu.Unlock()
	r.takenAt = time.Now()
	w.note("somebody else's keyturn takes %s", r.User)
}

// PutBack lets somebody write a pair that was served before into a store.
func (w *World) PutBack(s *Store, id rotator.KeyID) {
	text, _ := w.IAM.Secret(id)
	s.Put(id, text.Reveal())
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note("somebody writes %s into %s", id, s.Name)
}

// Configure changes the robot's sinks, for the runs that begin from now on.
func (w *World) Configure(r *Robot, change func(sinks []rotator.Sink) []rotator.Sink) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r.Sinks = change(slices.Clone(r.Sinks))
	w.note("%s has %d sinks now", r.Name, len(r.Sinks))
}

// AddStore configures another store, which serves nothing yet.
func (w *World) AddStore(r *Robot, s *Store, required bool) {
	s.OnEffect = w.Look
	w.mu.Lock()
	r.Stores = append(slices.Clone(r.Stores), s)
	w.mu.Unlock()
	w.Configure(r, func(all []rotator.Sink) []rotator.Sink { return append(all, s.Bind(required)) })
}

// NewKey is the key that the robot's last rotation has issued, if it is still there.
func (w *World) NewKey(r *Robot) rotator.KeyID {
	w.mu.Lock()
	defer w.mu.Unlock()
	return r.last().key
}

// Follow is the command that a hold names, as an operator types it who has done what its message asks for. ok is false if
// the message leaves the choice to the operator.
func (w *World) Follow(r *Robot, h rotator.Hold) (req rotator.Request, ok bool) {
	words := strings.Fields(h.Resolve)
	if len(words) < 4 || !strings.HasPrefix(words[3], "--") {
		return rotator.Request{}, false
	}
	d := rotator.Resolved{Action: rotator.Resolution(strings.TrimPrefix(words[3], "--")), Reason: "as the message says"}
	what := ""
	if len(words) > 4 && words[4] != "--reason" {
		what = words[4]
	}
	if what == "KEYID" {
		return rotator.Request{}, false
	}
	switch d.Action {
	case rotator.ResolveKeep, rotator.ResolveDelete:
		d.Key = rotator.KeyID(what)
		if !w.there(r, d.Key) { // somebody has deleted it since
			d.Action, d.Key = rotator.ResolveRetry, ""
			break
		}
		w.decided(r, d)
	case rotator.ResolveDropSink:
		d.Sink = what
		w.Dropped(r, what)
	}
	switch h.Code {
	case rotator.HoldNewInactive:
		w.putRight(r, w.NewKey(r))
	case rotator.HoldTagForeign, rotator.HoldRestored:
		w.IAM.PutUserTag(r.User, rotator.Tag, "")
	}
	return rotator.Request{Trigger: rotator.Manual, Resolve: &d, Wait: true}, true
}

// putRight activates a key that somebody had deactivated.
func (w *World) putRight(r *Robot, id rotator.KeyID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.IAM.SetStatus(id, rotator.Active)
	w.expect(r)
	if seen := r.keys[id]; seen != nil && w.there(r, id) {
		seen.moved = false
	}
}

// decided: of two keys the other one may go, or the one that is to be deleted.
func (w *World) decided(r *Robot, d rotator.Resolved) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, seen := range r.keys {
		switch d.Action {
		case rotator.ResolveDelete:
			seen.mayGo = seen.mayGo || id == d.Key
		case rotator.ResolveKeep:
			seen.mayGo = seen.mayGo || id != d.Key && seen.theirs
		}
	}
}

// Dropped: an operator gives a store up.
func (w *World) Dropped(r *Robot, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(r.required, name)
	delete(r.planned, name)
}
