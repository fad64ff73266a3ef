package rotator_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"keyturn/rotator"
	"keyturn/rotator/rotatortest"
	"keyturn/sinks"
)

func withCanary(t *testing.T, takes time.Duration) (*world, *rotatortest.CI) {
	t.Helper()
	ci := &rotatortest.CI{Store: &rotatortest.Store{Name: "ci", Best: sinks.Accepted}, Takes: takes}
	w := newWorld(t, ci.Store)
	w.robot.Sinks = []rotator.Sink{ci.Bind(10 * time.Minute)}
	return w, ci
}

func TestACanaryIsAwaitedBeforeTheOldKeyGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ci := withCanary(t, 9*time.Minute)
		w.iam.OnEffect = func() {
			if w.status(w.first.ID) != rotator.Active && w.count("canary_started") == 1 && w.count("verified") < 2 {
				t.Error("the old key went before the verdict")
			}
		}
		rot := w.rotate(w.now(), rotator.OK)
		if rot.Step != rotator.StepDone || rot.Sinks[0].Evidence != sinks.Proven || ci.Jobs() != 1 {
			t.Errorf("%d jobs: %+v", ci.Jobs(), rot)
		}
		w.serves(rot.NewKeyID)
	})
}

func TestAFailedCanaryKeepsTheOldKeyAndRunsAgainWithoutAPush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ci := withCanary(t, time.Minute)
		ci.Bad = 1
		rot := w.rotate(w.now(), rotator.Unfinished)
		if !strings.Contains(rot.Reason, "sink ci: result: the job 1 failed") || w.status(w.first.ID) != rotator.Active || rot.Step != rotator.StepVerify {
			t.Errorf("%+v", rot)
		}
		rot = w.rotate(rotator.Request{}, rotator.OK)
		if rot.Step != rotator.StepDone || ci.Jobs() != 2 || ci.Calls("push") != 1 {
			t.Errorf("%d jobs, %d pushes: %+v", ci.Jobs(), ci.Calls("push"), rot)
		}
	})
}

func TestACanaryWithoutAVerdictFailsAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := withCanary(t, time.Hour)
		begin := time.Now()
		rot := w.rotate(w.now(), rotator.Unfinished)
		if !strings.Contains(rot.Reason, "no verdict by ") || w.status(w.first.ID) != rotator.Active {
			t.Errorf("%+v", rot)
		}
		if d := time.Since(begin); d < 10*time.Minute || d > 12*time.Minute {
			t.Errorf("after %s", d)
		}
	})
}

func TestACanaryUnderWayIsFoundAgainAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ci := withCanary(t, 5*time.Minute)
		ctx, crash := context.WithCancel(t.Context())
		dead := w.journal
		time.AfterFunc(time.Minute, func() { dead.Kill(); crash() })
		_, _ = w.rotatorOn(dead).Run(ctx, rotator.Request{Robot: w.robot, Now: true, Trigger: rotator.Manual}, nil)
		w.journal = dead.Process(rotator.Owner{ID: "second", Host: "host", Boot: "boot", PID: 2})
		rot := w.rotate(rotator.Request{}, rotator.OK)
		if rot.Step != rotator.StepDone || ci.Jobs() != 1 {
			t.Errorf("%d jobs: %+v", ci.Jobs(), rot)
		}
	})
}

func TestACanaryIsNotRunAgainBeforeDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ci := withCanary(t, time.Minute)
		w.robot.Policy.Soak = 24 * time.Hour
		rot := w.rotate(rotator.Request{Now: true, Wait: true}, rotator.OK)
		if rot.Step != rotator.StepDone || rot.Sinks[0].Evidence != sinks.Proven || ci.Jobs() != 1 {
			t.Errorf("%d jobs: %+v", ci.Jobs(), rot)
		}
	})
}
