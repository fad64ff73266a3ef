package rotator_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"keyturn/rotator"
	"keyturn/rotator/rotatortest"
	"keyturn/sinks"
)

// A process that stops for longer than its claim and every deadline, and then goes on, finds that another one has
// taken over, or waits its turn.
func TestAProcessThatStallsAnywhere(t *testing.T) {
	s := scene{stores: exact("a"), prepare: waits(0, time.Hour)}
	for name, rival := range map[string]string{"and another on its host": "host", "and another elsewhere": "elsewhere"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cases := 0
			for _, e := range effectsOf(t, s, nil) {
				for _, m := range []rotatortest.Mishap{rotatortest.StallBefore, rotatortest.StallAfter} {
					cases++
					bubble(t, func() error {
						trace, err := s.rivals(at(e, m), rival, time.Minute)
						if err != nil {
							return fmt.Errorf("%s, %s: %w\n%s", e, m, err, trace)
						}
						return nil
					})
				}
			}
			t.Log(cases, "cases")
		})
	}
}

// rivals plays the scene with two processes; the second begins a little later. Who loses says why.
func (s scene) rivals(plan func(rotatortest.Effect) rotatortest.Mishap, host string, later time.Duration) (trace string, err error) {
	w, r := s.world()
	w.Plan = plan
	var wg sync.WaitGroup
	wg.Go(func() { w.Drive(r, s.request(r)) })
	w.Pause(later)
	w.DriveOn(host, r, rotator.Request{Trigger: rotator.Manual, Wait: true})
	wg.Wait()
	end := w.Drive(r, rotator.Request{Trigger: rotator.Manual, Wait: true})
	return w.Trace(), w.Judge(r, end)
}

func TestAStoreThatSaysYesAndStoresNothing(t *testing.T) {
	for name, c := range map[string]struct {
		best sinks.Evidence
		hold rotator.HoldCode // "": it is tried for ever, and the old key stays
	}{
		"is noticed if it can be read":       {sinks.Exact, ""},
		"is noticed if it shows a part":      {sinks.Partial, ""},
		"holds if its version does not move": {sinks.Stamped, rotator.HoldWeakEvidence},
	} {
		t.Run(name, func(t *testing.T) {
			s := scene{stores: []rotatortest.Store{{Name: "a", Best: c.best, Forgets: true}}}
			bubble(t, func() error {
				w, r := s.world()
				end := w.Drive(r, s.request(r))
				if end.Done || c.hold == "" && end.Hold != nil || c.hold != "" && (end.Hold == nil || end.Hold.Code != c.hold) {
					return fmt.Errorf("%s", end)
				}
				if b := w.Broken(); len(b) > 0 {
					return fmt.Errorf("%s\n%s", b, w.Trace())
				}
				return nil
			})
		})
	}
}

// What cannot be noticed: docs/safety.md lists it as not proven.
func TestAStoreThatStoresNothingAndShowsNothingIsTheOperatorsRisk(t *testing.T) {
	s := scene{stores: []rotatortest.Store{{Name: "a", Best: sinks.Accepted, Forgets: true}}}
	bubble(t, func() error {
		w, r := s.world()
		if end := w.Drive(r, s.request(r)); !end.Done || len(w.Broken()) == 0 {
			return fmt.Errorf("%s: this was noticed, and docs/safety.md says that it cannot be: %v", end, w.Broken())
		}
		return nil
	})
}

// Somebody makes a key in the second in which CreateAccessKey failed without an answer.
func TestAKeyOfSomebodyElseInTheSecondOfALostAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		late time.Duration // after the call
		then func(w *theWorld, r *theRobot, id rotator.KeyID)
		hold rotator.HoldCode // "": nothing tells it from the key that was to be made
	}{
		"that is used holds": {time.Second, func(w *theWorld, _ *theRobot, id rotator.KeyID) {
			text, _ := w.IAM.Secret(id)
			_ = w.IAM.UseKey(id, text, "s3", "eu-central-1")
		}, rotator.HoldOrphanUnclear},
		"that a readable store serves holds": {time.Second, func(w *theWorld, r *theRobot, id rotator.KeyID) {
			w.PutBack(r.Stores[0], id)
		}, rotator.HoldOrphanUnclear},
		"that is used once it was deactivated holds": {time.Second, func(w *theWorld, r *theRobot, id rotator.KeyID) {
			time.AfterFunc(10*time.Minute, func() {
				w.Meddle(r, id, rotator.Enable)
			})
		}, rotator.HoldOrphanUsed},
		"that was made after the deadline of the call holds": {45 * time.Second, func(*theWorld, *theRobot, rotator.KeyID) {}, rotator.HoldOrphanUnclear},
		"that nobody uses is taken for it":                   {time.Second, func(*theWorld, *theRobot, rotator.KeyID) {}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := scene{stores: exact("a")}
			bubble(t, func() error {
				w, r := s.world()
				w.Plan = func(e rotatortest.Effect) rotatortest.Mishap {
					if e.What != "CreateAccessKey" || e.N != 1 {
						return rotatortest.Fine
					}
					time.AfterFunc(c.late, func() {
						id, _ := w.OtherKey(r, 0)
						c.then(w, r, id)
					})
					return rotatortest.LoseBefore
				}
				end := w.Drive(r, s.request(r))
				if c.hold == "" && !end.Done || c.hold != "" && (end.Hold == nil || end.Hold.Code != c.hold) {
					return fmt.Errorf("%s\n%s", end, w.Trace())
				}
				return nil
			})
		})
	}
}
