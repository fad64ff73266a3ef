package rotator_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"keyturn/rotator"
	"keyturn/rotator/rotatortest"
	"keyturn/sinks"
)

func TestARotationGoesStraightThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"), store("b"))
		rot := w.rotate(w.now(), rotator.OK)
		if rot.Step != rotator.StepDone || rot.OldKeyID != w.first.ID || len(w.keys()) != 1 {
			t.Fatalf("%+v\n%v", rot, w.keys())
		}
		w.serves(rot.NewKeyID)
		if w.status(w.first.ID) != "gone" {
			t.Error("the old key lives")
		}
		if _, err := w.journal.Sealed(t.Context(), rot.ID); !errors.Is(err, rotator.ErrNoSecret) {
			t.Errorf("the secret is still sealed: %v", err)
		}
		for _, s := range rot.Sinks {
			if s.Evidence != sinks.Exact || s.State != rotator.SinkVerified {
				t.Errorf("%+v", s)
			}
		}
		again := w.rotate(rotator.Request{}, rotator.OK)
		if again.ID != rot.ID || w.calls("CreateAccessKey") != 1 {
			t.Errorf("the second run did something: %+v", again)
		}
	})
}

// The calls to AWS that a clean rotation makes, once the user is adopted. Nothing of the protocol may be dropped
// to make them fewer; what can go side by side does.
func TestARotationMakesFourteenCallsEightOfThemInSequence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"), store("b"))
		w.robot.Policy.Probe.Spacing = 0
		w.rotate(w.now(), rotator.OK)
		before := len(w.iam.Log())
		w.iam.Latency = 50 * time.Millisecond
		begin := time.Now()
		w.rotate(w.now(), rotator.OK)
		if n := len(w.iam.Log()) - before; n > 14 {
			t.Errorf("%d calls", n)
		}
		if d := time.Since(begin); d > 8*w.iam.Latency {
			t.Errorf("%s, which is more than 8 calls in sequence", d)
		}
	})
}

func TestASinkThatFailsIsServedLaterWithTheSameKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"), store("b"))
		w.stores[1].Fault = func(op string, _ int) rotatortest.SinkFault {
			if op == "push" {
				return rotatortest.SinkFailBefore
			}
			return rotatortest.SinkFine
		}
		rot := w.rotate(w.now(), rotator.Unfinished)
		if rot.Step != rotator.StepPush || !strings.Contains(rot.Reason, "sink b: push: the store answers 503") {
			t.Errorf("%+v", rot)
		}
		if id, _ := w.stores[0].Serves(); id != rot.NewKeyID {
			t.Error("the sink that works does not serve the new key yet")
		}
		if w.status(w.first.ID) != rotator.Active {
			t.Error("the old key is needed by b and is not Active")
		}
		w.stores[1].Fault = nil
		done := w.rotate(rotator.Request{}, rotator.OK)
		if done.ID != rot.ID || done.NewKeyID != rot.NewKeyID || done.Step != rotator.StepDone || w.calls("CreateAccessKey") != 1 {
			t.Errorf("%+v", done)
		}
		w.serves(rot.NewKeyID)
	})
}

func TestAFailedPreflightChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"), store("b"))
		w.stores[1].CheckErr = sinks.Errorf(sinks.Denied, "b: write", "not allowed")
		_, err := w.run(w.now())
		if rotator.VerdictOf(err) != rotator.Refused || err.Error() != "sink b: b: write: not allowed" {
			t.Errorf("%v", err)
		}
		if w.calls("CreateAccessKey")+w.calls("TagUser")+w.count("started") != 0 {
			t.Error("something was changed")
		}
	})
}

func TestGraceQuietAndSoakAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.robot.Policy.Grace, w.robot.Policy.Soak = time.Hour, 24*time.Hour
		rot := w.rotate(w.now(), rotator.OK)
		if rot.Step != rotator.StepQuiet || time.Until(rot.NextAt) > time.Hour || w.status(w.first.ID) != rotator.Active {
			t.Fatalf("%+v", rot)
		}
		time.Sleep(30 * time.Minute)
		if rot = w.rotate(rotator.Request{}, rotator.OK); rot.Step != rotator.StepQuiet {
			t.Fatalf("%+v", rot)
		}
		time.Sleep(time.Until(rot.NextAt))
		rot = w.rotate(rotator.Request{}, rotator.OK)
		if rot.Step != rotator.StepSoak || w.status(w.first.ID) != rotator.Inactive {
			t.Fatalf("%+v", rot)
		}
		time.Sleep(time.Until(rot.NextAt))
		rot = w.rotate(rotator.Request{}, rotator.OK)
		if rot.Step != rotator.StepDone || w.status(w.first.ID) != "gone" {
			t.Fatalf("%+v", rot)
		}
	})
}

func TestWaitWaitsForTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.robot.Policy.Grace, w.robot.Policy.Soak = time.Hour, 24*time.Hour
		begin := time.Now()
		rot := w.rotate(rotator.Request{Now: true, Wait: true}, rotator.OK)
		if rot.Step != rotator.StepDone || time.Since(begin) < 25*time.Hour {
			t.Errorf("%s after %s", rot.Step, time.Since(begin))
		}
	})
}

func TestAnOldKeyThatIsStillUsedHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.robot.Policy.Grace = time.Hour
		secret, _ := w.iam.Secret(w.first.ID)
		rot := w.rotate(w.now(), rotator.OK)
		use := func() {
			time.Sleep(time.Until(rot.NextAt) - time.Minute)
			if err := w.iam.UseKey(w.first.ID, secret, "s3", "eu-central-1"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		use()
		if rot = w.rotate(rotator.Request{}, rotator.OK); rot.Step != rotator.StepQuiet {
			t.Fatalf("used once since, a second look is owed: %+v", rot)
		}
		use()
		rot = w.rotate(rotator.Request{}, rotator.OnHold)
		if rot.Hold.Code != rotator.HoldInUse || !strings.Contains(rot.Hold.Message, "for s3 in eu-central-1") || w.status(w.first.ID) != rotator.Active {
			t.Fatalf("%+v", rot.Hold)
		}
		if rot = w.rotate(rotator.Request{}, rotator.OnHold); rot.Step != rotator.StepHeld {
			t.Fatalf("%+v", rot)
		}
		rot = w.rotate(rotator.Request{RetireNow: true, Resolve: &rotator.Resolved{Action: rotator.ResolveRetry, Reason: "found it"}}, rotator.OK)
		if rot.Step != rotator.StepDone {
			t.Fatalf("%+v", rot)
		}
	})
}

func TestALastUseThatDoesNotMoveDoesNotHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.robot.Policy.Grace = time.Minute
		secret, _ := w.iam.Secret(w.first.ID)
		rot := w.rotate(w.now(), rotator.OK)
		time.Sleep(10 * time.Second)
		_ = w.iam.UseKey(w.first.ID, secret, "s3", "eu-central-1")
		time.Sleep(time.Until(rot.NextAt))
		rot = w.rotate(rotator.Request{}, rotator.OK)
		if d := time.Until(rot.NextAt); rot.Step != rotator.StepQuiet || d != 7*time.Minute {
			t.Fatalf("%s until %s", rot.Step, d)
		}
		time.Sleep(time.Until(rot.NextAt))
		if rot = w.rotate(rotator.Request{}, rotator.OK); rot.Step != rotator.StepDone {
			t.Fatalf("%+v", rot)
		}
	})
}

func TestASinkThatServesAnotherKeyBringsTheOldOneBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.robot.Policy.Soak = 24 * time.Hour
		secret, _ := w.iam.Secret(w.first.ID)
		rot := w.rotate(w.now(), rotator.OK)
		w.stores[0].Put(w.first.ID, secret.Reveal()) // a restored backup, say
		time.Sleep(time.Until(rot.NextAt))
		rot = w.rotate(rotator.Request{}, rotator.OK)
		if rot.Step != rotator.StepSoak {
			t.Fatalf("%+v", rot)
		}
		w.serves(rot.NewKeyID)
		var seen []string
		for _, e := range w.events {
			if c, ok := e.Body.(rotator.KeyChanged); ok {
				seen = append(seen, string(c.Change)+" "+string(c.Why))
			}
		}
		if want := []string{"disable retire", "enable stale", "disable retire"}; !slices.Equal(seen, want) {
			t.Errorf("%v, want %v", seen, want)
		}
	})
}

func TestALostAnswerLeavesOneKey(t *testing.T) {
	for name, fault := range map[string]rotatortest.Fault{
		"the answer is lost":     rotatortest.FailAfter,
		"the answer hangs":       rotatortest.HangAfter,
		"the answer is cut":      rotatortest.Truncated,
		"it hangs, not applied":  rotatortest.Hang,
		"a 500, and not applied": rotatortest.FailBefore,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, store("a"), store("b"))
				w.iam.NewKeyListedAfter = 5 * time.Second
				w.iam.Latency = 50 * time.Millisecond
				w.iam.Fault = func(c rotatortest.Call) rotatortest.Fault {
					if c.Op == "CreateAccessKey" && c.N == 1 {
						return fault
					}
					return rotatortest.None
				}
				rot := w.rotate(rotator.Request{Now: true, Wait: true}, rotator.OK)
				if rot.Step != rotator.StepDone || len(w.keys()) != 1 {
					t.Errorf("%+v %v", rot, w.keys())
				}
				w.serves(rot.NewKeyID)
			})
		})
	}
}

func TestAnOrphanThatSomebodyElseDeletesIsDoneWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.iam.Fault = func(c rotatortest.Call) rotatortest.Fault {
			switch {
			case c.Op == "CreateAccessKey" && c.N == 1:
				return rotatortest.FailAfter
			case c.Op == "UpdateAccessKey" && c.N == 1:
				w.iam.DeleteKey(c.Key)
			}
			return rotatortest.None
		}
		rot := w.rotate(rotator.Request{Now: true, Wait: true}, rotator.OK)
		if rot.Step != rotator.StepDone || len(w.keys()) != 1 {
			t.Errorf("%+v %v", rot, w.keys())
		}
		w.serves(rot.NewKeyID)
	})
}

func TestAKeyThatIsSlowToBecomeKnownIsNotHandedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.iam.NewKeyUsableAfter, w.iam.NewKeyListedAfter = 12*time.Second, 20*time.Second
		begin := time.Now()
		rot := w.rotate(w.now(), rotator.OK)
		if time.Since(begin) < 12*time.Second || rot.Step != rotator.StepDone {
			t.Errorf("%+v", rot)
		}
		w.serves(rot.NewKeyID)
	})
}

func TestTheKeyOfTheRotationBeforeIsRetiredThoughItIsNotListedYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.iam.NewKeyListedAfter = 20 * time.Second
		first := w.rotate(w.now(), rotator.OK)
		rot := w.rotate(w.now(), rotator.OK)
		if rot.OldKeyID != first.NewKeyID || len(w.keys()) != 1 {
			t.Errorf("%+v %v", rot, w.keys())
		}
		w.serves(rot.NewKeyID)
	})
}

func TestAUserWithoutAKeyGetsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.iam.DeleteKey(w.first.ID)
		rot := w.rotate(w.now(), rotator.OK)
		if rot.Step != rotator.StepDone || rot.OldKeyID != "" {
			t.Errorf("%+v", rot)
		}
		w.serves(rot.NewKeyID)
	})
}

func TestOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.iam.Latency = 50 * time.Millisecond
		other := w.journal.Process(rotator.Owner{ID: "other", Host: "h", Boot: "b", PID: 7})
		type result struct {
			rot rotator.Rotation
			err error
		}
		results := make(chan result, 2)
		for _, j := range []rotator.Journal{w.journal, other} {
			go func() {
				rot, err := w.rotatorOn(j).Run(t.Context(), rotator.Request{Robot: w.robot, Now: true, Trigger: rotator.Manual}, nil)
				results <- result{rot, err}
			}()
		}
		a, b := <-results, <-results
		if rotator.VerdictOf(a.err) == rotator.OK {
			a, b = b, a
		}
		if rotator.VerdictOf(a.err) != rotator.Unfinished || !strings.HasPrefix(a.err.Error(), "claimed by process ") || rotator.VerdictOf(b.err) != rotator.OK {
			t.Errorf("%v and %v", a.err, b.err)
		}
		if w.calls("CreateAccessKey") != 1 || len(w.keys()) != 1 {
			t.Errorf("%d keys made, %d there", w.calls("CreateAccessKey"), len(w.keys()))
		}
		w.serves(b.rot.NewKeyID)
	})
}

func TestARunThatWakesUpGoesOnWithTheRotationThatIsInFlightThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.robot.Policy.Soak = time.Hour
		type result struct {
			rot rotator.Rotation
			err error
		}
		waited := make(chan result)
		first := w.robot
		go func() {
			rot, err := w.rotator().Run(t.Context(), rotator.Request{Robot: first, Now: true, Wait: true, Trigger: rotator.Manual}, nil)
			waited <- result{rot, err}
		}()
		time.Sleep(30 * time.Minute)
		other := w.rotatorOn(w.journal.Process(rotator.Owner{ID: "other", Host: "h", Boot: "b", PID: 7}))
		for _, req := range []rotator.Request{{RetireNow: true}, {Now: true}} {
			req.Robot, req.Trigger = w.robot, rotator.Manual
			if _, err := other.Run(t.Context(), req, nil); err != nil {
				t.Fatal(err)
			}
		}
		got := <-waited
		if got.err != nil || got.rot.Step != rotator.StepDone || w.calls("CreateAccessKey") != 2 || len(w.keys()) != 1 {
			t.Errorf("%+v: %v", got.rot, got.err)
		}
		w.serves(got.rot.NewKeyID)
	})
}

func TestWhatWasSeenBeforeTheClaimDecidesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.robot.Policy.Grace = time.Hour
		slow := w.journal.Process(rotator.Owner{ID: "slow", Host: "h", Boot: "b", PID: 7})
		slow.Fault = func(op string, _ rotator.Event) rotatortest.JournalFault {
			if op == "events" { // after its first look at a user that the journal does not know
				time.Sleep(10 * time.Minute)
			}
			return rotatortest.JournalFault{}
		}
		stalled, robot := make(chan rotator.Rotation), w.robot
		go func() {
			rot, _ := w.rotatorOn(slow).Run(t.Context(), rotator.Request{Robot: robot, Trigger: rotator.Manual, Now: true}, nil)
			stalled <- rot
		}()
		time.Sleep(time.Second)
		w.robot.Policy.Grace = 0
		w.rotate(w.now(), rotator.OK)
		w.robot.Policy.Grace = time.Hour
		rot := w.rotate(w.now(), rotator.OK)
		if got := <-stalled; got.ID != rot.ID || got.Step != rotator.StepQuiet || w.status(rot.OldKeyID) != rotator.Active {
			t.Errorf("%+v", got)
		}
		if _, err := w.journal.Sealed(t.Context(), rot.ID); err != nil {
			t.Error(err)
		}
	})
}

func TestAnOldJournalDoesNotTakeBackAKeyThatItsCopyHasServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		ctx, stop := context.WithCancel(t.Context())
		w.journal.OnEffect = func(_ string, _ rotator.Stream, e rotator.Event) {
			if _, ok := e.Body.(rotator.Issued); ok {
				stop()
			}
		}
		req := rotator.Request{Robot: w.robot, Now: true, Trigger: rotator.Manual}
		_, _ = w.rotator().Run(ctx, req, nil)
		old := w.journal.Copy()
		done := w.rotate(rotator.Request{}, rotator.OK)
		w.robot.Policy.Grace = time.Hour
		w.rotate(w.now(), rotator.OK)
		secret, _ := w.iam.Secret(done.NewKeyID)
		w.stores[0].Put(done.NewKeyID, secret.Reveal())
		held, _ := w.rotatorOn(old).Run(t.Context(), req, nil)
		if held.Hold == nil || held.Hold.Code != rotator.HoldRestored || w.status(done.NewKeyID) != rotator.Active {
			t.Errorf("%+v, the key that serves is %s", held, w.status(done.NewKeyID))
		}
	})
}

func TestTwoJournalsNeverBothReplaceTheKey(t *testing.T) {
	for name, keys := range map[string]int{"of a user with a key": 1, "of a user without": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, store("a"))
				if keys == 0 {
					w.iam.DeleteKey(w.first.ID)
				}
				w.iam.Latency = 50 * time.Millisecond
				results := make(chan error, 2)
				for _, j := range []rotator.Journal{w.journal, rotatortest.NewJournal()} {
					go func() {
						_, err := w.rotatorOn(j).Run(t.Context(), rotator.Request{Robot: w.robot, Now: true, Trigger: rotator.Manual}, nil)
						results <- err
					}()
				}
				a, b := <-results, <-results
				if rotator.VerdictOf(a) == rotator.OK {
					a, b = b, a
				}
				if rotator.VerdictOf(a) != rotator.OnHold || !strings.Contains(a.Error(), "another journal manages it") {
					t.Errorf("the loser: %v; the other: %v", a, b)
				}
				if len(w.keys()) != 1 {
					t.Errorf("%v", w.keys())
				}
				id, _ := w.stores[0].Serves()
				w.serves(id)
			})
		})
	}
}

func TestANewKeyThatIsTakenBackIsDeactivatedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.iam.OnEffect = func() {
			if len(w.keys()) == 2 {
				w.iam.PutUserTag("ci-bot", rotator.Tag, "other/rotation")
			}
		}
		w.rotate(w.now(), rotator.OnHold)
		if w.calls("UpdateAccessKey") != 1 || len(w.keys()) != 1 || w.status(w.first.ID) != rotator.Active {
			t.Errorf("deactivated %d times, %v", w.calls("UpdateAccessKey"), w.keys())
		}
	})
}

func TestARestoredJournalHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.rotate(w.now(), rotator.OK)
		old := w.journal.Copy()
		rot := w.rotate(w.now(), rotator.OK)
		held, err := w.rotatorOn(old).Run(t.Context(), rotator.Request{Robot: w.robot, Now: true, Trigger: rotator.Manual}, nil)
		if rotator.VerdictOf(err) != rotator.OnHold || held.Hold.Code != rotator.HoldRestored {
			t.Errorf("%v", err)
		}
		w.serves(rot.NewKeyID)
	})
}

func TestAClockOfAWSThatDiffersNeitherHidesAUseNorInventsOne(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"ahead": time.Hour, "behind": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, store("a"))
				w.iam.ClockSkew = ahead
				w.robot.Policy.Grace = time.Minute
				secret, _ := w.iam.Secret(w.first.ID)
				_ = w.iam.UseKey(w.first.ID, secret, "s3", "eu-central-1")
				time.Sleep(time.Minute)
				rot := w.rotate(w.now(), rotator.OK)
				time.Sleep(time.Until(rot.NextAt))
				if rot = w.rotate(rotator.Request{}, rotator.OK); rot.Step != rotator.StepDone {
					t.Fatalf("the old key was last used before the sinks served the new one: %+v", rot)
				}
				rot = w.rotate(w.now(), rotator.OK)
				secret, _ = w.iam.Secret(rot.OldKeyID)
				for range 2 {
					time.Sleep(time.Until(rot.NextAt) - 10*time.Second)
					_ = w.iam.UseKey(rot.OldKeyID, secret, "s3", "eu-central-1")
					time.Sleep(10 * time.Second)
					rot, _ = w.run(rotator.Request{})
				}
				if rot.Step != rotator.StepHeld || rot.Hold.Code != rotator.HoldInUse {
					t.Errorf("the old key is in use: %+v", rot)
				}
			})
		})
	}
}

func TestAKeyThatAppearsBeforeTheNewOneIsMadeIsNotRetired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.iam.DeleteKey(w.first.ID)
		w.iam.OnEffect = func() {
			if w.calls("TagUser") == 1 && len(w.keys()) == 0 {
				_, _, _ = w.iam.AddKey("ci-bot", 0)
			}
		}
		rot := w.rotate(w.now(), rotator.OnHold)
		if rot.Hold.Code != rotator.HoldUnknownKey || w.calls("CreateAccessKey") != 0 {
			t.Fatalf("%+v", rot.Hold)
		}
		theirs := w.keys()[0].ID
		rot = w.rotate(rotator.Request{Resolve: &rotator.Resolved{Action: rotator.ResolveKeep, Key: theirs, Reason: "a colleague's"}}, rotator.OK)
		if rot.Step != rotator.StepDone || w.status(theirs) != rotator.Active {
			t.Errorf("%+v", rot)
		}
	})
}

func TestWhenItGoesOnIsNotInThePast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"), store("b"))
		for i, fault := range []rotatortest.SinkFault{rotatortest.SinkDenied, rotatortest.SinkHang} {
			w.stores[i].Fault = func(op string, _ int) rotatortest.SinkFault {
				if op == "push" {
					return fault
				}
				return rotatortest.SinkFine
			}
		}
		if rot := w.rotate(w.now(), rotator.Unfinished); rot.NextAt.Before(time.Now()) {
			t.Errorf("it is %s, and it goes on at %s", time.Now(), rot.NextAt)
		}
	})
}
