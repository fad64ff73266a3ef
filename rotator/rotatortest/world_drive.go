package rotatortest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"keyturn/rotator"
)

// Ending is how a robot's rotation ended.
type Ending struct {
	Rotation rotator.Rotation
	Hold     *rotator.Hold // nil unless it is held
	Done     bool
	Runs     int
	Err      error // of the last run
}

func (e Ending) String() string {
	switch {
	case e.Hold != nil:
		return fmt.Sprintf("held (%s) after %d runs: %s", e.Hold.Code, e.Runs, e.Hold.Message)
	case e.Done:
		return fmt.Sprintf("done after %d runs", e.Runs)
	}
	return fmt.Sprintf("neither done nor held after %d runs: %v", e.Runs, e.Err)
}

// maxRuns is how often a rotation is run again before it counts as one that never ends.
const maxRuns = 60

// ends are where nothing is left to do.
var ends = []rotator.StepName{rotator.StepDone, rotator.StepAbandoned, rotator.StepFailed, rotator.StepNone}

// Drive does what a person and a daemon do together: it asks, asks again if the process crashed or the request was
// refused before anything began, and then goes on, run after run, whenever the rotation says that it may. A process that
// crashes is followed by another one.
func (w *World) Drive(r *Robot, req rotator.Request) Ending {
	return w.drive("host", r, req)
}

func (w *World) drive(host string, r *Robot, req rotator.Request) Ending {
	p := w.Start(host)
	before := w.count(r)
	end := Ending{}
	for asked := false; end.Runs < maxRuns; end.Runs++ {
		if p.Dead() {
			w.Pause(time.Second)
			p = w.Start(host)
		}
		ask := req
		if asked {
			ask = rotator.Request{Trigger: rotator.Manual, Wait: true}
		}
		rot, err := p.Run(r, ask)
		if p.Dead() {
			asked = w.count(r) > before && req.Trigger != rotator.Leak // who reports a leak does so until it is heard
			continue
		}
		end.Rotation, end.Err = rot, err
		verdict := rotator.VerdictOf(err)
		switch {
		case verdict == rotator.OnHold:
			end.Hold = rot.Hold
			return w.ended(r, end)
		case verdict == rotator.OK && w.count(r) == before && (req.Now || req.Trigger == rotator.Leak):
			end.Err = errors.New("a run said that all is well, and nothing was begun")
			return w.ended(r, end)
		case verdict == rotator.OK && rot.NextAt.IsZero() && slices.Contains(ends, rot.Step):
			end.Done = true
			return w.ended(r, end)
		}
		asked = w.count(r) > before || !req.Now && verdict != rotator.Refused
		w.Pause(max(30*time.Second, time.Until(rot.NextAt)))
	}
	return w.ended(r, end)
}

// ended waits for what may still land, and looks once more.
func (w *World) ended(r *Robot, end Ending) Ending {
	w.Pause(time.Minute)
	w.Look()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.note("%s: %s", r.Name, end)
	return end
}

// Pause lets time pass.
func (w *World) Pause(d time.Duration) { _ = wait(context.Background(), d) }

// count is how many rotations of the robot have begun and did not fail before anything was changed.
func (w *World) count(r *Robot) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, p := range r.rotations {
		if p.outcome != rotator.Failed {
			n++
		}
	}
	return n
}

// Judge says what is wrong with how it all ended: promises that were broken on the way, an end that is neither done nor
// a hold that is justified, a key that nobody serves and nobody knows of.
func (w *World) Judge(r *Robot, end Ending, justified ...rotator.HoldCode) error {
	w.Look()
	var errs []error
	for _, b := range w.Broken() {
		errs = append(errs, errors.New(b))
	}
	w.witness.store.mu.Lock()
	defer w.witness.store.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case end.Hold != nil && !slices.Contains(justified, end.Hold.Code):
		errs = append(errs, fmt.Errorf("nothing justifies that: %s", end))
	case end.Hold == nil && !end.Done:
		errs = append(errs, errors.New(end.String()))
	case end.Done:
		errs = append(errs, w.finished(r)...)
	}
	return errors.Join(append(errs, w.known(r, end)...)...)
}

// finished: one key, which every store serves; the old one gone; the secret erased. Where a copy of the journal was at
// work too, neither knows how the other ended.
func (w *World) finished(r *Robot) []error {
	var errs []error
	p := r.last()
	if p.outcome != rotator.Done || w.excused(r, p.key) || w.copied {
		return nil
	}
	if p.key == "" || !w.there(r, p.key) {
		errs = append(errs, fmt.Errorf("done, and the new key %s is not there", p.key))
	}
	for _, s := range r.Stores {
		id, text := s.Serves()
		if r.counts(s.Name) && !s.Theirs() && !s.Forgets && (id != p.key || !w.IAM.Works(id, text)) {
			errs = append(errs, fmt.Errorf("done, and store %s serves %s, not %s", s.Name, id, p.key))
		}
	}
	for id, seen := range r.keys {
		if seen.status != gone && id != p.key && !seen.theirs {
			errs = append(errs, fmt.Errorf("done, and the key %s is %s", id, seen.status))
		}
	}
	if w.witness.store.sealed[p.id] != nil {
		errs = append(errs, errors.New("done, and the secret is still kept"))
	}
	for id := range r.contained {
		if seen := r.keys[id]; seen != nil && seen.status == rotator.Active {
			errs = append(errs, fmt.Errorf("done, and the leaked key %s is Active", id))
		}
	}
	return errs
}

// known: a live key that keyturn made is served, or was and is to be retired, or its secret is in the journal, or the hold
// names it, or the search for it is still to come, after the hold.
func (w *World) known(r *Robot, end Ending) []error {
	var errs []error
	overwritten := slices.ContainsFunc(r.Stores, (*Store).Theirs)
	abandoned := slices.ContainsFunc(r.rotations, func(p *rotationBook) bool { return p.abandoned })
	for id, seen := range r.keys {
		if w.copied { // whose secret it may be in
			break
		}
		if seen.status == gone || !seen.made || r.serves(id) || abandoned || seen.served && (end.Hold != nil || overwritten) {
			continue
		}
		sealed := r.last().key == id && w.sealed(r, r.last()) == nil
		named := end.Hold != nil && (r.attempting || strings.Contains(end.Hold.Message, string(id)))
		if !sealed && !named {
			errs = append(errs, fmt.Errorf("the key %s is %s, nobody serves it and nobody has its secret", id, seen.status))
		}
	}
	return errs
}

func (r *Robot) serves(id rotator.KeyID) bool {
	return slices.ContainsFunc(r.Stores, func(s *Store) bool {
		served, _ := s.Serves()
		return served == id
	})
}

// DriveOn is Drive with processes of another host.
func (w *World) DriveOn(host string, r *Robot, req rotator.Request) Ending {
	return w.drive(host, r, req)
}
