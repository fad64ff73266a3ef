package rotator_test

import (
	"testing"
	"testing/synctest"
	"time"

	"keyturn/rotator"
	"keyturn/rotator/rotatortest"
)

func leak(ids ...rotator.KeyID) rotator.Request {
	return rotator.Request{Trigger: rotator.Leak, Leaked: ids, Reason: "found in a public repository"}
}

func TestALeakedKeyIsReplacedWithoutGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.robot.Policy.Grace, w.robot.Policy.Soak = time.Hour, 24*time.Hour
		rot := w.rotate(leak(w.first.ID), rotator.OK)
		if rot.Step != rotator.StepSoak || rot.Trigger != rotator.Leak || w.status(w.first.ID) != rotator.Inactive {
			t.Errorf("%+v", rot)
		}
		w.serves(rot.NewKeyID)
		again := w.rotate(leak(w.first.ID), rotator.OK)
		if again.ID != rot.ID || w.calls("CreateAccessKey") != 1 {
			t.Errorf("reported twice, acted twice: %+v", again)
		}
		if _, err := w.run(rotator.Request{Restore: true}); rotator.VerdictOf(err) != rotator.Refused {
			t.Errorf("a leaked key was restored: %v", err)
		}
	})
}

func TestContainFirstDeactivatesInTheFirstCallThatTouchesTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.robot.Policy.OnLeak = rotator.ContainFirst
		w.stores[0].Fault = func(op string, _ int) rotatortest.SinkFault {
			if op == "push" {
				return rotatortest.SinkFailBefore
			}
			return rotatortest.SinkFine
		}
		rot := w.rotate(leak(w.first.ID), rotator.Unfinished)
		if w.status(w.first.ID) != rotator.Inactive {
			t.Error("the leaked key is Active")
		}
		for _, r := range w.iam.Log() {
			if r.Op == "CreateAccessKey" {
				t.Error("a key was made before the leaked one was contained")
			}
			if r.Op == "UpdateAccessKey" {
				break
			}
		}
		w.stores[0].Fault = nil
		done := w.rotate(rotator.Request{Wait: true}, rotator.OK)
		if done.ID != rot.ID || done.Step != rotator.StepDone {
			t.Errorf("%+v", done)
		}
	})
}

func TestReplaceFirstContainsAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.stores[0].Fault = func(op string, _ int) rotatortest.SinkFault {
			if op == "push" {
				return rotatortest.SinkHang
			}
			return rotatortest.SinkFine
		}
		begin := time.Now()
		var disabled time.Duration
		w.iam.OnEffect = func() {
			if disabled == 0 && w.status(w.first.ID) == rotator.Inactive {
				disabled = time.Since(begin)
			}
		}
		w.rotate(leak(w.first.ID), rotator.Unfinished)
		if disabled == 0 || disabled > 61*time.Second {
			t.Errorf("contained after %s", disabled)
		}
	})
}

func TestASuspectedKeyIsNotContainedBeforeItIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.robot.Policy.OnLeak = rotator.ContainFirst
		w.stores[0].Fault = func(op string, _ int) rotatortest.SinkFault {
			if op == "push" {
				return rotatortest.SinkFailBefore
			}
			return rotatortest.SinkFine
		}
		req := leak(w.first.ID)
		req.Suspected = true
		w.rotate(req, rotator.Unfinished)
		if w.status(w.first.ID) != rotator.Active {
			t.Error("a suspicion caused an outage")
		}
		w.stores[0].Fault = nil
		w.rotate(rotator.Request{}, rotator.OK)
	})
}

func TestALeakedNewKeyIsContainedDeletedAndReissued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.robot.Policy.Soak = 24 * time.Hour
		rot := w.rotate(w.now(), rotator.OK)
		leaked := rot.NewKeyID
		rot = w.rotate(leak(leaked), rotator.OK)
		if rot.NewKeyID == leaked || w.status(leaked) != "gone" {
			t.Errorf("%+v", rot)
		}
		w.serves(rot.NewKeyID)
		rot = w.rotate(rotator.Request{Wait: true}, rotator.OK)
		if rot.Step != rotator.StepDone || len(w.keys()) != 1 {
			t.Errorf("%+v", rot)
		}
	})
}

func TestALeakOfANotOwnedKeyDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		if _, err := w.run(leak("AKIAQAAAAAAAAAAAAAAA")); rotator.VerdictOf(err) != rotator.Refused {
			t.Errorf("%v", err)
		}
		if w.calls("CreateAccessKey")+w.calls("UpdateAccessKey") != 0 {
			t.Error("something was changed")
		}
	})
}

func TestQuarantineIsSaidAndLiftedIfConfigured(t *testing.T) {
	for name, policy := range map[string]rotator.QuarantinePolicy{"report": rotator.QuarantineReport, "detach": rotator.QuarantineDetach} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, store("a"))
				w.robot.Policy.Quarantine = policy
				w.iam.Attach("ci-bot", "AWSCompromisedKeyQuarantineV3")
				w.rotate(leak(w.first.ID), rotator.OK)
				if w.count("quarantine_seen") == 0 {
					t.Error("not said")
				}
				if detached := w.calls("DetachUserPolicy") > 0; detached != (policy == rotator.QuarantineDetach) {
					t.Errorf("detached: %v", detached)
				}
			})
		})
	}
}
