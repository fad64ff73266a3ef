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

// Promises of which `make mutants` showed that nothing checked them.

func TestQuietIsThatLongWithoutUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.robot.Policy.Quiet = 24 * time.Hour
		secret, _ := w.iam.Secret(w.first.ID)
		if err := w.iam.UseKey(w.first.ID, secret, "s3", "eu-central-1"); err != nil {
			t.Fatal(err)
		}
		used := time.Now()
		rot := w.rotate(w.now(), rotator.OK)
		if rot.Step != rotator.StepQuiet || rot.NextAt.Sub(used).Round(time.Minute) != 24*time.Hour || w.status(w.first.ID) != rotator.Active {
			t.Fatalf("%+v", rot)
		}
		time.Sleep(time.Until(rot.NextAt))
		if rot = w.rotate(rotator.Request{}, rotator.OK); rot.Step != rotator.StepDone {
			t.Errorf("%+v", rot)
		}
	})
}

func TestASignalDoesNotInterruptCreateAccessKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.iam.Latency = time.Second
		ctx, signal := context.WithCancel(t.Context())
		w.iam.Fault = func(c rotatortest.Call) rotatortest.Fault {
			if c.Op == "CreateAccessKey" {
				signal()
			}
			return rotatortest.None
		}
		var issued rotator.KeyID
		_, err := w.rotator().Run(ctx, rotator.Request{Robot: w.robot, Now: true, Trigger: rotator.Manual}, func(e rotator.Event) {
			if b, ok := e.Body.(rotator.Issued); ok {
				issued = b.Key.ID
			}
		})
		if rotator.VerdictOf(err) != rotator.Unfinished || issued == "" {
			t.Fatalf("the key is not recorded: %v", err)
		}
		rot := w.rotate(rotator.Request{}, rotator.OK)
		if rot.NewKeyID != issued || w.calls("CreateAccessKey") != 1 {
			t.Errorf("%+v", rot)
		}
		w.serves(issued)
	})
}

func TestAKeyThatWasMadeUnderALostClaimIsDeletedByWhoMadeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.iam.Fault = func(c rotatortest.Call) rotatortest.Fault {
			if c.Op == "CreateAccessKey" {
				w.elsewhere()(rotator.Claimed{Until: time.Now().Add(time.Hour)})
			}
			return rotatortest.None
		}
		_, err := w.run(w.now())
		if err == nil || err.Error() != "another keyturn has taken over this user; it goes on with the rotation" {
			t.Errorf("%v", err)
		}
		if keys := w.keys(); w.calls("CreateAccessKey") != 1 || len(keys) != 1 || keys[0].ID != w.first.ID {
			t.Errorf("%v", keys)
		}
	})
}

// elsewhere is another process, which appends as if it had looked at the log just now.
func (w *world) elsewhere() func(b rotator.Body) {
	other := w.journal.Process(rotator.Owner{ID: "other", Host: "h", Boot: "b", PID: 7})
	stream := rotator.UserRef{Account: account, User: "ci-bot"}.Stream()
	return func(b rotator.Body) {
		l, err := other.Events(w.t.Context(), stream)
		if err != nil {
			w.t.Error(err)
		}
		if c, ok := b.(rotator.Claimed); ok {
			c.Owner = other.Owner()
			b = c
		}
		if _, err := other.Append(w.t.Context(), stream, l.Seq(), rotator.Event{ID: rotator.NewEventID(), At: time.Now(), By: "other", Body: b}, nil); err != nil {
			w.t.Error(err)
		}
	}
}

// lagging is an IAM of which some lists come from a server that does not know all keys yet.
type lagging struct {
	rotator.Issuer
	hide func(rotator.Key) bool
}

func (l lagging) Keys(ctx context.Context, user string) ([]rotator.Key, time.Time, error) {
	all, clock, err := l.Issuer.Keys(ctx, user)
	var shown []rotator.Key
	for _, k := range all {
		if !l.hide(k) {
			shown = append(shown, k)
		}
	}
	return shown, clock, err
}

func TestOneListThatLagsDoesNotHideAnOrphan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.iam.Fault = func(c rotatortest.Call) rotatortest.Fault {
			if c.Op == "CreateAccessKey" && c.N == 1 {
				return rotatortest.FailAfter
			}
			return rotatortest.None
		}
		sought := 0
		r := w.rotator()
		r.Issuer = func(context.Context, rotator.Robot, rotator.ID) (rotator.Issuer, error) {
			return lagging{w.iam.Issuer(w.own.ID), func(k rotator.Key) bool { return k.ID != w.first.ID && sought == 0 }}, nil
		}
		rot, err := r.Run(t.Context(), rotator.Request{Robot: w.robot, Now: true, Wait: true, Trigger: rotator.Manual}, func(e rotator.Event) {
			if _, ok := e.Body.(rotator.OrphanSought); ok {
				sought++
			}
		})
		if err != nil || sought != 1 || len(w.keys()) != 1 || w.calls("CreateAccessKey") != 2 {
			t.Errorf("%d lists without an orphan, %v, %v: %v", sought, rot.Hold, w.keys(), err)
		}
		w.serves(rot.NewKeyID)
	})
}

func TestNoKeyIsTakenForAnOrphanWhileASinkCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"), store("b"))
		var theirs rotator.Key
		w.iam.Fault = func(c rotatortest.Call) rotatortest.Fault {
			if c.Op != "CreateAccessKey" || c.N != 1 {
				return rotatortest.None
			}
			key, secret, _ := w.iam.AddKey("ci-bot", 0) // somebody else's, in that very second
			theirs = key
			w.stores[1].Put(key.ID, secret.Reveal())
			w.stores[1].Fault = func(op string, _ int) rotatortest.SinkFault {
				if op == "serving" {
					return rotatortest.SinkFailBefore
				}
				return rotatortest.SinkFine
			}
			return rotatortest.FailBefore
		}
		w.rotate(w.now(), rotator.Unfinished)
		if w.status(theirs.ID) != rotator.Active {
			t.Fatalf("it is %s", w.status(theirs.ID))
		}
		w.stores[1].Fault = nil
		time.Sleep(time.Hour)
		if rot := w.rotate(rotator.Request{}, rotator.OnHold); rot.Hold.Code != rotator.HoldOrphanUnclear || w.status(theirs.ID) != rotator.Active {
			t.Errorf("%+v, it is %s", rot.Hold, w.status(theirs.ID))
		}
	})
}

func TestCredentialsThatReachAnotherAccountHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.robot.Policy.Grace = time.Hour
		w.rotate(w.now(), rotator.OK)
		elsewhere := rotatortest.NewIAM("444455556666")
		elsewhere.AddUser("keyturn", "/")
		elsewhere.AddUser("ci-bot", "/robots/")
		own, _, _ := elsewhere.AddKey("keyturn", time.Hour)
		r := w.rotator()
		r.Issuer = func(context.Context, rotator.Robot, rotator.ID) (rotator.Issuer, error) {
			return elsewhere.Issuer(own.ID), nil
		}
		rot, err := r.Run(t.Context(), rotator.Request{Robot: w.robot, Trigger: rotator.Manual}, nil)
		want := "the credentials reach account 444455556666, but the rotation began in account 111122223333; configure that account again"
		if rotator.VerdictOf(err) != rotator.OnHold || err.Error() != want || rot.Hold.Code != rotator.HoldAccountChanged {
			t.Errorf("%v", err)
		}
	})
}

func TestKeyturnsOwnIdentityIsNotRotated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.own = w.first
		_, err := w.run(w.now())
		want := "the user ci-bot is the one that keyturn itself works with; a key that does the rotating is not rotated by it"
		if rotator.VerdictOf(err) != rotator.Refused || err.Error() != want || w.calls("CreateAccessKey") != 0 {
			t.Errorf("%v", err)
		}
	})
}

// selfish is a store that is written with the key that it serves.
type selfish struct {
	sinks.Sink
	arn string
}

func (s selfish) Principal(context.Context) (string, error) { return s.arn, nil }

func TestASinksOwnIdentityIsNotRotated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		open := w.robot.Sinks[0].Open
		w.robot.Sinks[0].Open = func(ctx context.Context, id rotator.ID) (sinks.Sink, error) {
			s, err := open(ctx, id)
			return selfish{s, "arn:aws:iam::111122223333:user/robots/ci-bot"}, err
		}
		_, err := w.run(w.now())
		want := "sink a authenticates as the very user that is rotated (arn:aws:iam::111122223333:user/robots/ci-bot); give it an identity of its own"
		if rotator.VerdictOf(err) != rotator.Refused || err.Error() != want || w.calls("CreateAccessKey") != 0 {
			t.Errorf("%v", err)
		}
	})
}

func TestAKeyThatCannotAssumeTheRoleIsNotHandedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.robot.Policy.Probe.Role = "arn:aws:iam::111122223333:role/deploy"
		rot := w.rotate(w.now(), rotator.Unfinished)
		if rot.Step != rotator.StepProbe || w.stores[0].Calls("push") != 0 {
			t.Fatalf("%+v", rot)
		}
		w.iam.AddRole("deploy", "")
		time.Sleep(time.Hour)
		w.serves(w.rotate(rotator.Request{}, rotator.OK).NewKeyID)
	})
}

func TestAPushIsNoVerification(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.stores[0].Fault = func(op string, _ int) rotatortest.SinkFault {
			if op == "verify" {
				return rotatortest.SinkFailBefore
			}
			return rotatortest.SinkFine
		}
		rot := w.rotate(w.now(), rotator.Unfinished)
		if rot.Step != rotator.StepVerify || w.status(w.first.ID) != rotator.Active {
			t.Errorf("%+v, the old key is %s", rot, w.status(w.first.ID))
		}
	})
}

func TestAClaimIsTakenOverWhenTheLongestCallCannotLandAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.robot.Policy.Grace = time.Hour
		w.rotate(w.now(), rotator.OK)
		w.elsewhere()(rotator.Claimed{Until: time.Now().Add(time.Hour)})
		w.robot.Policy.Grace = 0
		time.Sleep(time.Hour + 2*time.Minute)
		w.rotate(rotator.Request{}, rotator.Unfinished)
		time.Sleep(2 * time.Minute)
		w.rotate(rotator.Request{}, rotator.OK)
	})
}

func TestNoEffectOutlastsTheClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.iam.NewKeyUsableAfter = time.Hour
		w.robot.Policy.Probe.Deadline = 30 * time.Minute
		w.rotate(w.now(), rotator.Unfinished)
		var until time.Time
		for _, e := range w.events {
			if c, ok := e.Body.(rotator.Claimed); ok {
				until = c.Until
			}
		}
		if log := w.iam.Log(); log[len(log)-1].At.After(until) {
			t.Errorf("%s at %s, and the claim had ended at %s", log[len(log)-1].Op, log[len(log)-1].At, until)
		}
	})
}

func TestALeakReportThatArrivesWhileTheOldKeyIsToBeBroughtBackIsHeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.robot.Policy.Soak = 24 * time.Hour
		secret, _ := w.iam.Secret(w.first.ID)
		rot := w.rotate(w.now(), rotator.OK)
		w.stores[0].Put(w.first.ID, secret.Reveal())
		report, reported := w.elsewhere(), false
		w.journal.Fault = func(op string, e rotator.Event) rotatortest.JournalFault {
			if i, ok := e.Body.(rotator.KeyIntended); ok && op == "append" && i.Change == rotator.Enable && !reported {
				reported = true
				report(rotator.LeakReported{Keys: []rotator.KeyID{w.first.ID}, Deadline: time.Now().Add(time.Minute)})
			}
			return rotatortest.JournalFault{}
		}
		time.Sleep(time.Until(rot.NextAt))
		w.rotate(rotator.Request{Wait: true}, rotator.OK)
		if !reported {
			t.Error("the old key was not to be brought back")
		}
		for _, e := range w.events {
			if c, ok := e.Body.(rotator.KeyChanged); ok && c.Change == rotator.Enable {
				t.Error("the leaked key was brought back")
			}
		}
	})
}

func TestADestinationThatChangedIsServedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, moved := &rotatortest.Store{Name: "a", Best: sinks.Accepted}, &rotatortest.Store{Name: "a", Best: sinks.Accepted}
		w := newWorld(t, old)
		w.robot.Policy.Grace = time.Hour
		rot := w.rotate(w.now(), rotator.OK)
		w.stores = []*rotatortest.Store{moved}
		w.robot.Sinks = []rotator.Sink{moved.Bind(true)}
		w.robot.Sinks[0].Destination = "elsewhere"
		time.Sleep(time.Until(rot.NextAt))
		w.rotate(rotator.Request{Wait: true}, rotator.OK)
		w.serves(rot.NewKeyID)
	})
}

func TestContainmentNeedsNoClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.robot.Policy.Grace, w.robot.Policy.OnLeak = time.Hour, rotator.ContainFirst
		w.rotate(w.now(), rotator.OK)
		w.elsewhere()(rotator.Claimed{Until: time.Now().Add(time.Hour)})
		w.rotate(leak(w.first.ID), rotator.Unfinished)
		if w.status(w.first.ID) != rotator.Inactive {
			t.Errorf("the leaked key is %s", w.status(w.first.ID))
		}
	})
}

func TestALeakedKeyDoesNotLiveAsLongAsABackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.robot.Policy.LeakDeadline = 20 * time.Second
		w.stores[0].Fault = func(op string, _ int) rotatortest.SinkFault {
			if op == "push" {
				return rotatortest.SinkFailBefore
			}
			return rotatortest.SinkFine
		}
		deadline := time.Now().Add(20 * time.Second)
		if rot := w.rotate(leak(w.first.ID), rotator.Unfinished); !rot.NextAt.Equal(deadline) {
			t.Fatalf("goes on at %s, and the key must be Inactive by %s", rot.NextAt, deadline)
		}
		time.Sleep(time.Until(deadline))
		w.rotate(rotator.Request{}, rotator.Unfinished)
		if w.status(w.first.ID) != rotator.Inactive {
			t.Errorf("the leaked key is %s", w.status(w.first.ID))
		}
	})
}

func TestAKeyThatASinkServesIsNotDeletedOnAnOperatorsWord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.robot.Policy.Grace = time.Hour
		w.rotate(w.now(), rotator.OK)
		w.iam.DeleteKey(w.first.ID)
		foreign, secret, _ := w.iam.AddKey("ci-bot", time.Minute)
		time.Sleep(2 * time.Hour)
		w.rotate(rotator.Request{}, rotator.OnHold)
		w.stores[0].Put(foreign.ID, secret.Reveal())
		held := w.rotate(resolve(rotator.ResolveDelete, foreign.ID, ""), rotator.OnHold)
		if w.status(foreign.ID) != rotator.Active || !strings.HasSuffix(held.Hold.Message, " was to be deleted, but a serves it") {
			t.Errorf("it is %s: %+v", w.status(foreign.ID), held.Hold)
		}
	})
}
