package rotator_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"keyturn/rotator"
	"keyturn/rotator/rotatortest"
)

// lockedJournal is one that another process keeps locked: it can be read, and an append waits.
type lockedJournal struct{ *rotatortest.Journal }

func (j lockedJournal) Append(ctx context.Context, _ rotator.Stream, _ rotator.Seq, _ rotator.Event, _ []byte) (rotator.Seq, error) {
	<-ctx.Done()
	return 0, context.Cause(ctx)
}

func TestALockedJournalIsNotWaitedForForEver(t *testing.T) {
	for name, tt := range map[string]struct {
		inFlight bool
		want     rotator.Verdict
	}{
		"nothing was begun":       {false, rotator.Refused},
		"a rotation is in flight": {true, rotator.Unfinished},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, store("a"))
				if tt.inFlight {
					w.robot.Policy.Grace = time.Hour
					w.rotate(w.now(), rotator.OK)
				}
				began := time.Now()
				_, err := w.rotatorOn(lockedJournal{w.journal}).Run(t.Context(), rotator.Request{Robot: w.robot, Trigger: rotator.Manual, Now: true}, nil)
				var e *rotator.RunError
				if !errors.As(err, &e) || e.Verdict != tt.want || time.Since(began) != time.Minute {
					t.Errorf("after %s: %v", time.Since(began), err)
				}
				if err == nil || err.Error() != "no turn within 1m0s" {
					t.Errorf("it says %v", err)
				}
			})
		})
	}
}

func TestAKeyThatWasDeletedAMomentAgoIsNotOneOfTheNextRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"))
		w.stores[0].Fault = func(op string, _ int) rotatortest.SinkFault {
			if op == "push" {
				return rotatortest.SinkFailBefore
			}
			return rotatortest.SinkFine
		}
		first := w.rotate(w.now(), rotator.Unfinished)
		w.stores[0].Fault = nil
		w.rotate(w.now(), rotator.OK) // finishes it and starts another at once
		var last rotator.Started
		for _, e := range w.events {
			if s, ok := e.Body.(rotator.Started); ok {
				last = s
			}
		}
		if len(last.Keys) != 1 || last.Keys[0].ID != first.NewKeyID {
			t.Errorf("it begins with the keys %v", last.Keys)
		}
	})
}
