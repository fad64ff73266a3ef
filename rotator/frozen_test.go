package rotator_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"keyturn/rotator"
	"keyturn/sinks"
)

// frozenAfter is a sink whose caller is frozen once it has the answer.
type frozenAfter struct {
	sinks.Sink
	verify func()
}

func (f frozenAfter) Verify(ctx context.Context, cred sinks.Credential, prev sinks.KeyID, r sinks.Receipt) (sinks.Evidence, error) {
	e, err := f.Sink.Verify(ctx, cred, prev, r)
	f.verify()
	return e, err
}

// A process that was frozen between the answer of a sink and its record must not take the answer for a fresh one.
func TestAVerificationCountsFromWhenTheSinkWasAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store("a"), store("b"))
		w.robot.Policy.Grace = time.Hour
		rot := w.rotate(w.now(), rotator.OK)
		old, _ := w.iam.Secret(w.first.ID)
		time.Sleep(time.Until(rot.NextAt))
		open, frozen := w.robot.Sinks[0].Open, false
		w.robot.Sinks[0].Open = func(ctx context.Context, id rotator.ID) (sinks.Sink, error) {
			s, err := open(ctx, id)
			return frozenAfter{s, func() {
				if !frozen {
					frozen = true
					time.Sleep(10 * time.Minute)
					w.stores[0].Put(w.first.ID, old.Reveal())
				}
			}}, err
		}
		w.iam.OnEffect = func() {
			if id, _ := w.stores[0].Serves(); id == w.first.ID && w.status(id) != rotator.Active {
				t.Error("the old key was taken away while a serves it")
			}
		}
		for range 3 {
			_, _ = w.run(rotator.Request{})
		}
		if !frozen {
			t.Error("nothing was verified again")
		}
	})
}
