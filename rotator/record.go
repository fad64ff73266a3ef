package rotator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
)

// errFenced: somebody else has the claim. The run stops at once.
var errFenced = &RunError{Unfinished, errors.New("another keyturn has taken over this user; it goes on with the rotation")}

// errRebase: the log has grown under the same claim. The intent was dropped; Next is asked again.
var errRebase = errors.New("the log has grown")

// appendFor is how long an intent or an outcome is tried to be recorded. A new key's is tried for ever.
const appendFor = time.Minute

func (x *run) event(b Body) Event {
	return Event{ID: NewEventID(), At: time.Now().Round(0), By: x.Journal.Owner().ID, Rotation: x.id, Body: b}
}

// intend records what is about to be done. If the log has grown meanwhile it is dropped: errRebase. It does not wait for
// ever for a journal that somebody else keeps locked.
func (x *run) intend(ctx context.Context, b Body) error {
	ctx, cancel := context.WithTimeoutCause(ctx, appendFor, fmt.Errorf("no turn within %s", appendFor))
	defer cancel()
	return x.append(ctx, x.event(b), nil, true)
}

// outcome records what has happened, whatever else was appended meanwhile, unless somebody else has the claim.
func (x *run) outcome(b Body) error {
	ctx, cancel := context.WithTimeout(context.Background(), appendFor)
	defer cancel()
	return x.persist(ctx, x.event(b), nil)
}

// issued records a new key. Its secret exists nowhere else: it is tried until it succeeds or the claim is lost.
func (x *run) issued(k Key, sealed []byte) error {
	return x.persist(context.Background(), x.event(Issued{Key: k}), sealed)
}

func (x *run) persist(ctx context.Context, e Event, sealed []byte) error {
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := x.append(ctx, e, sealed, false)
		if err == nil || errors.Is(err, errFenced) || errors.Is(err, ErrClosed) || ctx.Err() != nil {
			return err
		}
		x.log.Error("the journal cannot be written; what has happened is kept in memory and tried again",
			zap.String("event", e.Body.Type()), zap.String("rotation", string(e.Rotation)), zap.Error(err))
		if sleep(ctx, pause) != nil {
			return fmt.Errorf("record that %s: %w", e.Body.Type(), err)
		}
	}
}

// append is one event, with compare-and-swap. On an error or a conflict the log is read again: the own
// event there means that it was written; a foreign claim stops everything.
func (x *run) append(ctx context.Context, e Event, sealed []byte, intent bool) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for {
		_, err := x.Journal.Append(ctx, x.ref.Stream(), x.events.Seq(), e, sealed)
		if err == nil {
			x.took(e)
			return nil
		}
		again, readErr := x.Journal.Events(ctx, x.ref.Stream())
		if ctx.Err() != nil {
			return err // there is no time to look either
		}
		if readErr != nil {
			return errors.Join(err, readErr)
		}
		old := len(x.events.Events)
		x.take(again)
		if again.Has(e.ID) {
			x.show(e)
			return nil
		}
		if x.foreign() {
			return errFenced
		}
		if !errors.Is(err, ErrConflict) {
			return err
		}
		if intent && len(again.Events) > old {
			return errRebase
		}
	}
}

// took adds an event of ours to the log in memory.
func (x *run) took(e Event) {
	x.events.Events = append(x.events.Events, e)
	x.state.Apply(e)
	x.show(e)
}

func (x *run) take(l Log) {
	x.events = l
	x.state = Fold(x.Journal.ID(), l)
}

func (x *run) show(e Event) {
	if x.watch != nil {
		x.watch(e)
	}
}

// foreign says that the log names another claimant than this run, which had the claim.
func (x *run) foreign() bool {
	c := x.state.Claim
	return !x.until.IsZero() && (c == nil || c.Owner.ID != x.Journal.Owner().ID)
}
