package rotator_test

import (
	"context"
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
				w.takenOver()
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

// takenOver is another process's claim.
func (w *world) takenOver() {
	other := w.journal.Process(rotator.Owner{ID: "other", Host: "h", Boot: "b", PID: 7})
	stream := rotator.UserRef{Account: account, User: "ci-bot"}.Stream()
	l, err := other.Events(w.t.Context(), stream)
	if err != nil {
		w.t.Error(err)
	}
	claim := rotator.Event{ID: rotator.NewEventID(), At: time.Now(), By: "other", Body: rotator.Claimed{Owner: other.Owner(), Until: time.Now().Add(time.Hour)}}
	if _, err := other.Append(w.t.Context(), stream, l.Seq(), claim, nil); err != nil {
		w.t.Error(err)
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
		hidden := 0
		r := w.rotator()
		r.Issuer = func(context.Context, rotator.Robot, rotator.ID) (rotator.Issuer, error) {
			return lagging{w.iam.Issuer(w.own.ID), func(k rotator.Key) bool {
				settled := k.ID != w.first.ID && w.calls("CreateAccessKey") == 1 && time.Since(k.CreatedAt) >= time.Minute
				if settled {
					hidden++
				}
				return settled && hidden == 1
			}}, nil
		}
		rot, err := r.Run(t.Context(), rotator.Request{Robot: w.robot, Now: true, Wait: true, Trigger: rotator.Manual}, nil)
		if err != nil || hidden == 0 || len(w.keys()) != 1 || w.calls("CreateAccessKey") != 2 {
			t.Errorf("%v, %v: %v", rot.Hold, w.keys(), err)
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
