package rotator_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"keyturn/rotator"
	"keyturn/rotator/rotatortest"
	"keyturn/sinks"
)

func resolve(a rotator.Resolution, key rotator.KeyID, sink string) rotator.Request {
	return rotator.Request{Resolve: &rotator.Resolved{Action: a, Key: key, Sink: sink, Reason: "test"}, Wait: true}
}

func TestTwoActiveKeysHoldAndNothingIsChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		second, secret, _ := w.iam.AddKey("ci-bot", 30*24*time.Hour)
		_ = w.iam.UseKey(second.ID, secret, "s3", "eu-central-1")
		rot := w.rotate(w.now(), rotator.OnHold)
		for _, want := range []string{string(w.first.ID), string(second.ID), "never used as far as AWS shows", "for s3 in eu-central-1"} {
			if !strings.Contains(rot.Hold.Message, want) {
				t.Errorf("the message lacks %q: %s", want, rot.Hold.Message)
			}
		}
		if want := "keyturn resolve ci-bot --keep " + string(w.first.ID) + " --reason TEXT"; rot.Hold.Resolve != want {
			t.Errorf("%s, want %s", rot.Hold.Resolve, want)
		}
		if w.calls("TagUser")+w.calls("CreateAccessKey")+w.calls("UpdateAccessKey")+w.calls("DeleteAccessKey") != 0 {
			t.Error("something was changed")
		}
		rot = w.rotate(resolve(rotator.ResolveKeep, w.first.ID, ""), rotator.OK)
		if rot.Step != rotator.StepDone || len(w.keys()) != 1 || w.status(second.ID) != "gone" {
			t.Errorf("%+v %v", rot, w.keys())
		}
		w.serves(rot.NewKeyID)
	})
}

func TestAKeyThatASinkServesIsNotTheOneToGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		second, _, _ := w.iam.AddKey("ci-bot", 30*24*time.Hour)
		w.rotate(w.now(), rotator.OnHold)
		rot := w.rotate(resolve(rotator.ResolveKeep, second.ID, ""), rotator.OnHold)
		if !strings.Contains(rot.Hold.Message, "was to go, but a serves it") || w.status(w.first.ID) != rotator.Active {
			t.Errorf("%+v", rot.Hold)
		}
		w.serves(w.first.ID)
	})
}

func TestMakeRoom(t *testing.T) {
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		policy   rotator.MakeRoom
		inactive bool          // the second key
		age      time.Duration // of it
		used     bool
		best     sinks.Evidence // what the store shows
		want     rotator.Verdict
	}{
		"own: an inactive key of somebody else holds":        {rotator.RoomOwn, true, 90 * day, false, sinks.Exact, rotator.OnHold},
		"inactive: an inactive key goes":                     {rotator.RoomInactive, true, 90 * day, false, sinks.Exact, rotator.OK},
		"inactive: two active ones hold":                     {rotator.RoomInactive, false, 90 * day, false, sinks.Exact, rotator.OnHold},
		"unused: an active one that was never used goes":     {rotator.RoomUnused, false, 90 * day, false, sinks.Exact, rotator.OK},
		"unused: one that was used holds":                    {rotator.RoomUnused, false, 90 * day, true, sinks.Exact, rotator.OnHold},
		"unused: one that is young holds":                    {rotator.RoomUnused, false, 23 * time.Hour, false, sinks.Exact, rotator.OnHold},
		"unused: a store that cannot be read holds":          {rotator.RoomUnused, false, 90 * day, false, sinks.Stamped, rotator.OnHold},
		"unused: an inactive key of somebody else goes, too": {rotator.RoomUnused, true, 90 * day, false, sinks.Stamped, rotator.OK},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, &rotatortest.Store{Name: "a", Best: c.best})
				second, secret, _ := w.iam.AddKey("ci-bot", c.age)
				if c.used {
					_ = w.iam.UseKey(second.ID, secret, "s3", "eu-central-1")
				}
				if c.inactive {
					w.iam.SetStatus(second.ID, rotator.Inactive)
				}
				w.robot.Policy.MakeRoom = c.policy
				w.robot.Policy.Soak = time.Hour
				begin := time.Now()
				rot := w.rotate(rotator.Request{Now: true, Wait: true}, c.want)
				if c.want == rotator.OnHold {
					if len(w.keys()) != 2 || rot.Hold.Code != rotator.HoldTwoKeys {
						t.Errorf("%+v", rot)
					}
					return
				}
				w.serves(rot.NewKeyID)
				if !c.inactive && time.Since(begin) < 2*time.Hour {
					t.Error("both the key that made room and the old one are soaked")
				}
			})
		})
	}
}

func TestOwnInactiveKeyMakesRoomAfterSoak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.robot.Policy.Soak = 24 * time.Hour
		w.rotate(w.now(), rotator.OK)
		rot := w.rotate(resolve(rotator.ResolveAbandon, "", ""), rotator.OK)
		if rot.Step != rotator.StepAbandoned || len(w.keys()) != 2 {
			t.Fatalf("%+v %v", rot, w.keys())
		}
		w.serves(rot.NewKeyID)
		next := w.rotate(rotator.Request{Now: true, Wait: true}, rotator.OK)
		if next.OldKeyID != rot.NewKeyID || len(w.keys()) != 1 {
			t.Errorf("%+v", next)
		}
		w.serves(next.NewKeyID)
	})
}

func TestHoldsAndTheirCommands(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(w *world, rot rotator.Rotation)
		code    rotator.HoldCode
		command string
	}{
		"the user was deleted": {
			func(w *world, _ rotator.Rotation) { w.iam.RemoveUser("ci-bot") }, rotator.HoldUserMissing, "--abandon",
		},
		"the user was made anew": {
			func(w *world, _ rotator.Rotation) { w.iam.RemoveUser("ci-bot"); w.iam.AddUser("ci-bot", "/robots/") }, rotator.HoldUserChanged, "--abandon",
		},
		"another journal took the user": {
			func(w *world, _ rotator.Rotation) { w.iam.PutUserTag("ci-bot", rotator.Tag, "other/rotation") }, rotator.HoldTagForeign, "--retry",
		},
		"the new key was deleted": {
			func(w *world, rot rotator.Rotation) { w.iam.DeleteKey(rot.NewKeyID) }, rotator.HoldNewMissing, "--abandon",
		},
		"the new key was deactivated": {
			func(w *world, rot rotator.Rotation) { w.iam.SetStatus(rot.NewKeyID, rotator.Inactive) }, rotator.HoldNewInactive, "--retry",
		},
		"the old key was reactivated": {
			func(w *world, _ rotator.Rotation) { w.iam.SetStatus(w.first.ID, rotator.Active) }, rotator.HoldReactivated, "--retry",
		},
		"a required sink is no longer configured": {
			func(w *world, _ rotator.Rotation) { w.robot.Sinks = w.robot.Sinks[:1] }, rotator.HoldSinkMissing, "--drop-sink b",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, store("a"), store("b"))
				w.robot.Policy.Soak = time.Hour
				rot := w.rotate(w.now(), rotator.OK)
				if rot.Step != rotator.StepSoak {
					t.Fatalf("%+v", rot)
				}
				time.Sleep(2 * time.Hour)
				c.happens(w, rot)
				changes := w.calls("UpdateAccessKey") + w.calls("DeleteAccessKey")
				held := w.rotate(rotator.Request{}, rotator.OnHold)
				if held.Hold.Code != c.code || held.Hold.Resolve != "keyturn resolve ci-bot "+c.command+" --reason TEXT" {
					t.Errorf("%+v", held.Hold)
				}
				if w.calls("UpdateAccessKey")+w.calls("DeleteAccessKey") != changes {
					t.Error("a key was changed")
				}
			})
		})
	}
}

func TestAKeyOfSomebodyElseIsLetBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.iam.DeleteKey(w.first.ID)
		w.robot.Policy.Soak = time.Hour
		rot := w.rotate(w.now(), rotator.OK)
		w.stores[0].Fault = func(string, int) rotatortest.SinkFault { return rotatortest.SinkFine }
		if rot.Step != rotator.StepDone {
			t.Fatalf("%+v", rot)
		}
		w.stores[0].CheckErr = nil
		w.robot.Policy.Grace = time.Hour
		rot = w.rotate(w.now(), rotator.OK)
		w.iam.DeleteKey(rot.OldKeyID)
		foreign, _, _ := w.iam.AddKey("ci-bot", time.Minute)
		time.Sleep(2 * time.Hour)
		held := w.rotate(rotator.Request{}, rotator.OnHold)
		if held.Hold.Code != rotator.HoldUnknownKey || !strings.HasSuffix(held.Hold.Resolve, "--keep "+string(foreign.ID)+" --reason TEXT") {
			t.Fatalf("%+v", held.Hold)
		}
		done := w.rotate(resolve(rotator.ResolveKeep, foreign.ID, ""), rotator.OK)
		if done.Step != rotator.StepDone || w.status(foreign.ID) != rotator.Active {
			t.Errorf("%+v", done)
		}
	})
}

func TestRestoreBringsTheOldKeyBackAndHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.robot.Policy.Soak = 24 * time.Hour
		if _, err := w.run(rotator.Request{Restore: true}); rotator.VerdictOf(err) != rotator.Refused {
			t.Errorf("%v", err)
		}
		w.rotate(w.now(), rotator.OK)
		held := w.rotate(rotator.Request{Restore: true}, rotator.OnHold)
		if held.Hold.Code != rotator.HoldByRestore || w.status(w.first.ID) != rotator.Active {
			t.Fatalf("%+v", held.Hold)
		}
		time.Sleep(48 * time.Hour)
		w.rotate(rotator.Request{}, rotator.OnHold)
		if w.status(w.first.ID) != rotator.Active {
			t.Error("a restored key was retired again by itself")
		}
		done := w.rotate(resolve(rotator.ResolveRetry, "", ""), rotator.OK)
		if done.Step != rotator.StepDone || w.status(w.first.ID) != "gone" {
			t.Errorf("%+v", done)
		}
	})
}

func TestWeakEvidenceHoldsUntilTheOperatorAcceptsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &rotatortest.Store{Name: "a", Best: sinks.Accepted})
		w.robot.Sinks[0].MinEvidence = sinks.Stamped
		rot := w.rotate(w.now(), rotator.OnHold)
		if rot.Hold.Code != rotator.HoldWeakEvidence || !strings.Contains(rot.Hold.Message, `only as "accepted", and min_evidence is "stamped"`) {
			t.Fatalf("%+v", rot.Hold)
		}
		w.robot.Sinks[0].MinEvidence = sinks.Accepted
		rot = w.rotate(resolve(rotator.ResolveRetry, "", ""), rotator.OK)
		if rot.Step != rotator.StepDone || w.calls("CreateAccessKey") != 1 {
			t.Errorf("%+v", rot)
		}
	})
}

func TestAnOptionalSinkDoesNotBlockAndIsServedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"), store("b"))
		w.robot.Sinks[1].Required = false
		w.stores[1].Fault = func(op string, _ int) rotatortest.SinkFault {
			if op == "push" {
				return rotatortest.SinkHang
			}
			return rotatortest.SinkFine
		}
		rot := w.rotate(w.now(), rotator.OK)
		if rot.Step != rotator.StepDone || w.status(w.first.ID) != "gone" {
			t.Fatalf("%+v", rot)
		}
		if _, err := w.journal.Sealed(t.Context(), rot.ID); err != nil {
			t.Errorf("b is still to be served: %v", err)
		}
		w.stores[1].Fault = nil
		w.rotate(rotator.Request{}, rotator.OK)
		w.serves(rot.NewKeyID)
		if _, err := w.journal.Sealed(t.Context(), rot.ID); err == nil {
			t.Error("the secret is still kept")
		}
	})
}

func TestAnOptionalSinkThatIsSlowerThanTheOthersIsNotInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"), store("b"))
		w.robot.Sinks[1].Required = false
		w.robot.Policy.Soak = time.Hour
		w.stores[1].Latency = 20 * time.Second
		rot := w.rotate(w.now(), rotator.OK)
		if rot.Step != rotator.StepSoak || w.count("sink_failed") != 0 {
			t.Errorf("%+v %v", rot, w.types())
		}
		w.serves(rot.NewKeyID)
	})
}

func TestASinkThatTakesThePlaceOfADroppedOneIsServedBeforeTheOldKeyGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := store("a"), store("b")
		w := newWorld(t, a)
		w.robot.Policy.Grace = time.Hour
		w.rotate(w.now(), rotator.OK)
		w.robot.Sinks = []rotator.Sink{b.Bind(true)}
		time.Sleep(2 * time.Hour)
		w.rotate(rotator.Request{}, rotator.OnHold)
		rot := w.rotate(resolve(rotator.ResolveDropSink, "", "a"), rotator.OK)
		w.stores = []*rotatortest.Store{b}
		w.serves(rot.NewKeyID)
	})
}

func TestTheLastRequiredSinkIsNotDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"), store("b"))
		w.robot.Sinks[1].Required = false
		w.robot.Policy.Grace = time.Hour
		w.rotate(w.now(), rotator.OK)
		_, err := w.run(resolve(rotator.ResolveDropSink, "", "a"))
		want := "a is the last required sink, and without it the new key would be served nowhere; configure another one first, or --abandon the rotation"
		if rotator.VerdictOf(err) != rotator.Refused || err.Error() != want {
			t.Errorf("%v", err)
		}
	})
}

func TestSinksThatChangeMidway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := store("a"), store("b")
		w := newWorld(t, a)
		w.robot.Policy.Grace = time.Hour
		w.rotate(w.now(), rotator.OK)
		w.stores = []*rotatortest.Store{a, b}
		w.robot.Sinks = append(w.robot.Sinks, b.Bind(true)) // joins before disable
		w.robot.Sinks[0].Required = false                   // is not relaxed
		time.Sleep(2 * time.Hour)
		rot := w.rotate(rotator.Request{Wait: true}, rotator.OK)
		if rot.Step != rotator.StepDone || !rot.Sinks[0].Required || len(rot.Sinks) != 2 {
			t.Errorf("%+v", rot)
		}
		w.serves(rot.NewKeyID)
	})
}

func TestAKeyThatIsToBeDeletedIsDeactivatedOnceAndThenDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.robot.Policy.Grace = time.Hour
		w.rotate(w.now(), rotator.OK)
		w.iam.DeleteKey(w.first.ID)
		foreign, _, _ := w.iam.AddKey("ci-bot", time.Minute)
		time.Sleep(2 * time.Hour)
		w.rotate(rotator.Request{}, rotator.OnHold)
		rot := w.rotate(resolve(rotator.ResolveDelete, foreign.ID, ""), rotator.OK)
		if rot.Step != rotator.StepDone || w.status(foreign.ID) != "gone" || w.calls("UpdateAccessKey") != 1 {
			t.Errorf("%+v; deactivated %d times", rot, w.calls("UpdateAccessKey"))
		}
	})
}

func TestTheWorldIsAskedAgainAfterASlowVerification(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.robot.Policy.Grace = time.Hour
		rot := w.rotate(w.now(), rotator.OK)
		w.stores[0].Latency = 30 * time.Second
		w.stores[0].Fault = func(string, int) rotatortest.SinkFault {
			w.iam.SetStatus(rot.NewKeyID, rotator.Inactive)
			return rotatortest.SinkFine
		}
		time.Sleep(time.Until(rot.NextAt))
		held := w.rotate(rotator.Request{}, rotator.OnHold)
		if held.Hold.Code != rotator.HoldNewInactive || w.status(rot.OldKeyID) != rotator.Active {
			t.Errorf("%+v, the old key is %s", held.Hold, w.status(rot.OldKeyID))
		}
	})
}

func TestARobotThatLeftTheConfigurationIsShownAsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.robot.Policy.Grace = time.Hour
		rot := w.rotate(w.now(), rotator.OK)
		left, err := w.rotator().Unconfigured(t.Context(), []rotator.Robot{w.robot})
		if err != nil || len(left) != 0 {
			t.Errorf("a configured robot: %+v, %v", left, err)
		}
		left, err = w.rotator().Unconfigured(t.Context(), nil)
		if err != nil || len(left) != 1 || left[0].Hold.Code != rotator.HoldRobotMissing || !strings.Contains(left[0].Hold.Message, string(rot.ID)) {
			t.Errorf("%+v, %v", left, err)
		}
	})
}
