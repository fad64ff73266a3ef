package rotator_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"keyturn/rotator"
	"keyturn/rotator/rotatortest"
)

// crashing counts every effect of a run (AWS calls, sink calls, appends) and kills the process before or after
// the n-th: from then on nothing that the process does is applied.
type crashing struct {
	mu     sync.Mutex
	n      int
	at     int
	after  bool
	dead   bool
	cancel context.CancelFunc
	what   string
}

// effect says whether this effect is applied, and whether its answer arrives.
func (c *crashing) effect(what string) (applied, answered bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return false, false
	}
	c.n++
	if c.n != c.at {
		return true, true
	}
	c.dead, c.what = true, what
	c.cancel()
	return c.after, false
}

func (w *world) arm(c *crashing) {
	w.iam.Fault = func(call rotatortest.Call) rotatortest.Fault {
		applied, answered := c.effect(call.Op)
		switch {
		case !applied:
			return rotatortest.Unreachable
		case !answered:
			return rotatortest.FailAfter
		}
		return rotatortest.None
	}
	for _, s := range w.stores {
		s.Fault = func(op string, _ int) rotatortest.SinkFault {
			applied, answered := c.effect(s.Name + " " + op)
			switch {
			case !applied:
				return rotatortest.SinkFailBefore
			case !answered:
				return rotatortest.SinkFailAfter
			}
			return rotatortest.SinkFine
		}
	}
	w.journal.Fault = func(op string, e rotator.Event) rotatortest.JournalFault {
		what := op
		if e.Body != nil {
			what += " " + e.Body.Type()
		}
		applied, answered := c.effect(what)
		switch {
		case !applied:
			return rotatortest.JournalFault{Before: errDead}
		case !answered:
			return rotatortest.JournalFault{After: errDead}
		}
		return rotatortest.JournalFault{}
	}
}

var errDead = rotator.ErrClosed

func (w *world) disarm() {
	w.iam.Fault = nil
	for _, s := range w.stores {
		s.Fault = nil
	}
	w.journal.Fault = nil
}

// noOutage: whatever pair a store serves works.
func (w *world) noOutage(when string) {
	w.t.Helper()
	for _, s := range w.stores {
		id, text := s.Serves()
		if secret, ok := w.iam.Secret(id); !ok || !secret.EqualString(text) || w.status(id) != rotator.Active {
			w.t.Errorf("%s: store %s serves %s, which is %s", when, s.Name, id, w.status(id))
		}
	}
}

func TestACrashAnywhereLosesNothing(t *testing.T) {
	cases := 0
	for _, soak := range []time.Duration{0, 24 * time.Hour} {
		for _, after := range []bool{false, true} {
			for at := 1; ; at++ {
				crashed := false
				name := fmt.Sprintf("soak %s, effect %d, after %v", soak, at, after)
				t.Run(name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { crashed = crashOnce(t, soak, at, after) })
				})
				if !crashed || t.Failed() {
					break
				}
				cases++
			}
		}
	}
	t.Log(cases, "crashes")
}

func crashOnce(t *testing.T, soak time.Duration, at int, after bool) bool {
	w := newWorld(t, store("a"), store("b"))
	w.robot.Policy.Soak = soak
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := &crashing{at: at, after: after, cancel: cancel}
	w.arm(c)
	for _, s := range w.stores {
		s.OnEffect = func() { w.noOutage("mid-way") }
	}
	w.iam.OnEffect = func() { w.noOutage("mid-way") }
	req := rotator.Request{Robot: w.robot, Now: true, Wait: true, Trigger: rotator.Manual}
	_, _ = w.rotatorOn(w.journal).Run(ctx, req, nil)
	if !c.dead {
		return false
	}
	dead := w.journal
	w.journal = dead.Process(rotator.Owner{ID: "second", Host: "host", Boot: "boot", PID: 2})
	dead.Kill()
	w.disarm()
	w.noOutage("after the crash")
	req.Robot = w.robot
	rot, err := w.rotator().Run(t.Context(), req, nil)
	if err != nil {
		t.Fatalf("crashed at %s: %v", c.what, err)
	}
	if rot.Step != rotator.StepDone || len(w.keys()) != 1 {
		t.Errorf("crashed at %s: %+v\n%v", c.what, rot, w.keys())
	}
	w.serves(rot.NewKeyID)
	return true
}
