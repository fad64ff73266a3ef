package rotatortest

import (
	"time"

	"keyturn/rotator"
)

// What follows is what other people do to a World while keyturn is at work.

// OtherKey makes a key for the robot's user that is not keyturn's. ok is false if the user has two keys already. A key that is made
// while nobody knows whether CreateAccessKey was applied cannot be told from the one it may have made: keyturn
// may take it for that.
func (w *World) OtherKey(r *Robot, age time.Duration) (id rotator.KeyID, ok bool) {
	w.Look()
	k, _, err := w.IAM.AddKey(r.User, age)
	if err != nil {
		return "", false
	}
	w.Expect(r)
	w.mu.Lock()
	defer w.mu.Unlock()
	r.keys[k.ID].mayGo = r.attempting && age < time.Minute
	w.note("somebody makes the key %s", k.ID)
	return k.ID, true
}

// Meddle lets somebody change or delete one of the robot's keys.
func (w *World) Meddle(r *Robot, id rotator.KeyID, change rotator.Change) {
	w.Look()
	switch change {
	case rotator.Enable:
		w.IAM.SetStatus(id, rotator.Active)
	case rotator.Disable:
		w.IAM.SetStatus(id, rotator.Inactive)
	case rotator.Remove:
		w.IAM.DeleteKey(id)
	}
	w.Expect(r)
	w.mu.Lock()
	defer w.mu.Unlock()
	r.keys[id].moved = true
	w.note("somebody %ss the key %s", change, id)
}

// PutBack lets somebody write a pair that was served before into a store.
func (w *World) PutBack(s *Store, id rotator.KeyID) {
	text, _ := w.IAM.Secret(id)
	s.Put(id, text.Reveal())
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note("somebody writes %s into %s", id, s.Name)
}
