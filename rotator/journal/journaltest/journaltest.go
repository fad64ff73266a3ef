package journaltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"keyturn/rotator"
)

// stream is the log most tests use.
var stream = rotator.UserRef{Account: "111122223333", User: "CI-Bot"}.Stream()

// Run checks one process's view. open makes an empty journal, and closes it when the test ends.
func Run(t *testing.T, open func(t *testing.T) rotator.Journal) {
	for name, f := range map[string]func(*testing.T, rotator.Journal){
		"the id and the owner are random and stay":                  identity,
		"a log that does not exist is empty":                        emptyLog,
		"every kind of event is read back as it was written":        everyEvent,
		"an append needs the exact length of the log":               compareAndSwap,
		"an event is in the journal once":                           noDuplicate,
		"an event that cannot be stored is refused":                 refused,
		"of appends that race for one place one wins":               race,
		"appends to many logs at once do not disturb each other":    manyStreams,
		"a sealed secret is stored with its event or not at all":    sealedWithEvent,
		"a secret is replaced by the next, compared, and forgotten": sealedLife,
		"only streams of users are users":                           users,
		"a call whose context has ended changes nothing":            endedContext,
		"nobody is gone who may still be there":                     notGone,
		"a closed journal is closed":                                closed,
	} {
		t.Run(name, func(t *testing.T) { f(t, open(t)) })
	}
}

// RunShared checks two processes' views of one journal. open makes it, and closes both when the test ends.
func RunShared(t *testing.T, open func(t *testing.T) (a, b rotator.Journal)) {
	for name, f := range map[string]func(t *testing.T, a, b rotator.Journal){
		"what one has written the other reads":         shared,
		"of appends by both one wins each place":       sharedRace,
		"a process is gone when it is, and not before": gone,
	} {
		t.Run(name, func(t *testing.T) {
			a, b := open(t)
			f(t, a, b)
		})
	}
}

// Event is a small event for tests, with a fresh id.
func Event(rotation rotator.ID) rotator.Event {
	return rotator.Event{ID: rotator.NewEventID(), At: time.Now().UTC(), By: "test", Rotation: rotation, Body: rotator.Released{}}
}

func identity(t *testing.T, j rotator.Journal) {
	id, o := j.ID(), j.Owner()
	if id == "" || strings.ContainsAny(id, "/ ") || len(id) > 64 {
		t.Errorf("the id %q cannot be part of a tag", id)
	}
	if o.ID == "" || o.Host == "" || o.PID == 0 {
		t.Errorf("the owner is not complete: %+v", o)
	}
	if j.ID() != id || j.Owner() != o {
		t.Error("id or owner have changed")
	}
}

func emptyLog(t *testing.T, j rotator.Journal) {
	l, err := j.Events(t.Context(), stream)
	if err != nil || l.Stream != stream || l.Seq() != 0 {
		t.Errorf("got %+v, %v", l, err)
	}
	us, err := j.Users(t.Context())
	if err != nil || len(us) != 0 {
		t.Errorf("users: %v, %v", us, err)
	}
	ids, err := j.Pending(t.Context())
	if err != nil || len(ids) != 0 {
		t.Errorf("pending: %v, %v", ids, err)
	}
}

func everyEvent(t *testing.T, j rotator.Journal) {
	want := Samples()
	for i, e := range want {
		if got := Append(t, j, stream, rotator.Seq(i), e, nil); got != rotator.Seq(i+1) {
			t.Errorf("append %d returned %d", i, got)
		}
	}
	l, err := j.Events(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, l.Events); d != "" {
		t.Errorf("written and read (-want +got):\n%s", d)
	}
}

func compareAndSwap(t *testing.T, j rotator.Journal) {
	conflict := func(after rotator.Seq) {
		t.Helper()
		if _, err := j.Append(t.Context(), stream, after, Event(""), nil); !errors.Is(err, rotator.ErrConflict) {
			t.Errorf("append after %d: %v, not a conflict", after, err)
		}
	}
	conflict(1)
	conflict(-1)
	Append(t, j, stream, 0, Event(""), nil)
	conflict(0)
	conflict(2)
	Append(t, j, stream, 1, Event(""), nil)
	if n := length(t, j, stream); n != 2 {
		t.Errorf("the log has %d events, not 2", n)
	}
	if n := length(t, j, rotator.Signals); n != 0 {
		t.Errorf("another log has %d events", n)
	}
}

func noDuplicate(t *testing.T, j rotator.Journal) {
	e := Event("")
	Append(t, j, stream, 0, e, nil)
	for s, after := range map[rotator.Stream]rotator.Seq{stream: 1, rotator.Signals: 0} {
		if _, err := j.Append(t.Context(), s, after, e, nil); !errors.Is(err, rotator.ErrConflict) {
			t.Errorf("the same event again, in %s: %v, not a conflict", s, err)
		}
	}
	if n := length(t, j, stream) + length(t, j, rotator.Signals); n != 1 {
		t.Errorf("it is there %d times", n)
	}
}

func refused(t *testing.T, j rotator.Journal) {
	noBody, noID := Event(""), Event("")
	noBody.Body, noID.ID = nil, ""
	for name, f := range map[string]func() (rotator.Seq, error){
		"no body":     func() (rotator.Seq, error) { return j.Append(t.Context(), stream, 0, noBody, nil) },
		"no id":       func() (rotator.Seq, error) { return j.Append(t.Context(), stream, 0, noID, nil) },
		"no stream":   func() (rotator.Seq, error) { return j.Append(t.Context(), "", 0, Event(""), nil) },
		"no rotation": func() (rotator.Seq, error) { return j.Append(t.Context(), stream, 0, Event(""), []byte("blob")) },
	} {
		if _, err := f(); err == nil || errors.Is(err, rotator.ErrConflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := length(t, j, stream); n != 0 {
		t.Errorf("the log has %d events", n)
	}
}

func race(t *testing.T, j rotator.Journal) { raceAll(t, 20, j, j, j, j) }

// raceAll lets each view append n events to one log, from a goroutine of its own, and looks for lost and doubled ones.
func raceAll(t *testing.T, n int, views ...rotator.Journal) {
	var mu sync.Mutex
	at := map[rotator.Seq]rotator.EventID{}
	var wg sync.WaitGroup
	for _, j := range views {
		wg.Go(func() {
			for range n {
				e := Event("")
				seq, err := Insist(t.Context(), j, stream, e)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if at[seq] != "" {
					t.Errorf("two appends have got place %d", seq)
				}
				at[seq] = e.ID
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	l, err := views[0].Events(t.Context(), stream)
	if err != nil || len(l.Events) != n*len(views) {
		t.Fatalf("%d events, not %d, %v", len(l.Events), n*len(views), err)
	}
	for i, e := range l.Events {
		if at[rotator.Seq(i+1)] != e.ID {
			t.Errorf("place %d was promised to %s and has %s", i+1, at[rotator.Seq(i+1)], e.ID)
		}
	}
}

// Insist appends e wherever the log ends, however often it loses the race for the place.
func Insist(ctx context.Context, j rotator.Journal, s rotator.Stream, e rotator.Event) (rotator.Seq, error) {
	for {
		l, err := j.Events(ctx, s)
		if err != nil {
			return 0, err
		}
		seq, err := j.Append(ctx, s, l.Seq(), e, nil)
		if !errors.Is(err, rotator.ErrConflict) {
			return seq, err
		}
	}
}

func manyStreams(t *testing.T, j rotator.Journal) {
	const streams, events = 30, 5
	name := func(i int) rotator.Stream {
		return rotator.UserRef{Account: "111122223333", User: fmt.Sprintf("bot-%02d", i)}.Stream()
	}
	var wg sync.WaitGroup
	for i := range streams {
		wg.Go(func() {
			for k := range rotator.Seq(events) {
				if _, err := j.Append(t.Context(), name(i), k, Event(""), nil); err != nil {
					t.Errorf("append to %s: %v", name(i), err)
				}
				if _, err := j.Append(t.Context(), name(i), k, Event(""), nil); !errors.Is(err, rotator.ErrConflict) {
					t.Errorf("append to %s out of turn: %v", name(i), err)
				}
			}
		})
	}
	wg.Wait()
	for i := range streams {
		if n := length(t, j, name(i)); n != events {
			t.Errorf("%s has %d events, not %d", name(i), n, events)
		}
	}
}

func sealedWithEvent(t *testing.T, j rotator.Journal) {
	const rotation = rotator.ID("20261120-aaaaaaaa")
	if _, err := j.Append(t.Context(), stream, 5, Event(rotation), []byte("lost")); !errors.Is(err, rotator.ErrConflict) {
		t.Fatalf("not a conflict: %v", err)
	}
	if _, err := j.Sealed(t.Context(), rotation); !errors.Is(err, rotator.ErrNoSecret) {
		t.Errorf("an append that was refused has left a secret: %v", err)
	}
	Append(t, j, stream, 0, Event(rotation), []byte("first"))
	wantSealed(t, j, rotation, "first")
	Append(t, j, stream, 1, Event(rotation), nil)
	wantSealed(t, j, rotation, "first")
}

func sealedLife(t *testing.T, j rotator.Journal) {
	const one, two = rotator.ID("20261120-aaaaaaaa"), rotator.ID("20261121-bbbbbbbb")
	Append(t, j, stream, 0, Event(two), []byte("two"))
	Append(t, j, stream, 1, Event(one), []byte("one"))
	Append(t, j, stream, 2, Event(one), []byte("one, reissued"))
	wantSealed(t, j, one, "one, reissued")
	wantPending(t, j, one, two)

	ctx := t.Context()
	for name, err := range map[string]error{
		"another old":       j.Reseal(ctx, one, []byte("one"), []byte("x")),
		"nothing stored":    j.Reseal(ctx, "20261122-cccccccc", []byte("one"), []byte("x")),
		"old of another id": j.Reseal(ctx, two, []byte("one, reissued"), []byte("x")),
	} {
		if !errors.Is(err, rotator.ErrConflict) {
			t.Errorf("reseal with %s: %v, not a conflict", name, err)
		}
	}
	if err := j.Reseal(ctx, one, []byte("one, reissued"), []byte("one, resealed")); err != nil {
		t.Fatal(err)
	}
	wantSealed(t, j, one, "one, resealed")
	for range 2 {
		if err := j.Forget(ctx, one); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := j.Sealed(ctx, one); !errors.Is(err, rotator.ErrNoSecret) {
		t.Errorf("forgotten, and yet: %v", err)
	}
	wantPending(t, j, two)
	wantSealed(t, j, two, "two")
	if n := length(t, j, stream); n != 3 {
		t.Errorf("the log has %d events, not 3", n)
	}
}

func users(t *testing.T, j rotator.Journal) {
	want := []rotator.UserRef{{Account: "111122223333", User: "ci-bot"}, {Account: "111122223333", User: "vendor+x@y.z"}, {Account: "444455556666", User: "ci-bot"}}
	for _, u := range want {
		Append(t, j, u.Stream(), 0, Event(""), nil)
		Append(t, j, u.Stream(), 1, Event(""), nil)
	}
	Append(t, j, rotator.Signals, 0, Event(""), nil)
	got, err := j.Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(got, func(a, b rotator.UserRef) int { return strings.Compare(a.String(), b.String()) })
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func endedContext(t *testing.T, j rotator.Journal) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("told to stop")
	cancel(cause)
	if _, err := j.Append(ctx, stream, 0, Event(""), nil); !errors.Is(err, cause) {
		t.Errorf("append: %v", err)
	}
	if err := j.Forget(ctx, "20261120-aaaaaaaa"); !errors.Is(err, cause) {
		t.Errorf("forget: %v", err)
	}
	if n := length(t, j, stream); n != 0 {
		t.Errorf("the log has %d events", n)
	}
}

func notGone(t *testing.T, j rotator.Journal) {
	me := j.Owner()
	otherHost, otherBoot, unnamed := me, me, me
	otherHost.ID, otherHost.Host = "00000000000000aa", me.Host+"-2"
	otherBoot.ID, otherBoot.Boot = "00000000000000aa", me.Boot+"-2"
	unnamed.ID = ""
	for name, o := range map[string]rotator.Owner{
		"this process": me, "of another host": otherHost, "of another boot": otherBoot, "without an id": unnamed, "nobody": {},
	} {
		if j.Gone(o) {
			t.Errorf("an owner who is %s is called gone", name)
		}
	}
	dead := me
	dead.ID = "00000000000000aa"
	if !j.Gone(dead) {
		t.Error("an owner without a lock on this very machine is not called gone")
	}
}

func closed(t *testing.T, j rotator.Journal) {
	for range 2 {
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	_, appended := j.Append(ctx, stream, 0, Event(""), nil)
	_, events := j.Events(ctx, stream)
	_, sealed := j.Sealed(ctx, "20261120-aaaaaaaa")
	_, us := j.Users(ctx)
	for name, err := range map[string]error{
		"append": appended, "events": events, "sealed": sealed, "users": us,
		"forget": j.Forget(ctx, "20261120-aaaaaaaa"),
	} {
		if !errors.Is(err, rotator.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func shared(t *testing.T, a, b rotator.Journal) {
	const rotation = rotator.ID("20261120-aaaaaaaa")
	if a.ID() != b.ID() {
		t.Errorf("two ids: %s and %s", a.ID(), b.ID())
	}
	if a.Owner().ID == b.Owner().ID {
		t.Error("two processes are one owner")
	}
	e := Event(rotation)
	Append(t, a, stream, 0, e, []byte("blob"))
	l, err := b.Events(t.Context(), stream)
	if err != nil || !l.Has(e.ID) {
		t.Errorf("the other reads %+v, %v", l, err)
	}
	wantSealed(t, b, rotation, "blob")
	if _, err := b.Append(t.Context(), stream, 0, Event(""), nil); !errors.Is(err, rotator.ErrConflict) {
		t.Errorf("the other appends to an older log: %v", err)
	}
	if err := b.Forget(t.Context(), rotation); err != nil {
		t.Error(err)
	}
	if _, err := a.Sealed(t.Context(), rotation); !errors.Is(err, rotator.ErrNoSecret) {
		t.Errorf("what the other forgot is there: %v", err)
	}
}

func sharedRace(t *testing.T, a, b rotator.Journal) { raceAll(t, 20, a, b, a, b) }

func gone(t *testing.T, a, b rotator.Journal) {
	o := b.Owner()
	if a.Gone(o) || b.Gone(a.Owner()) {
		t.Error("a process that runs is called gone")
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if !a.Gone(o) {
		t.Error("a process that has closed the journal is not called gone")
	}
}

// Append fails the test if the event cannot be appended.
func Append(t *testing.T, j rotator.Journal, s rotator.Stream, after rotator.Seq, e rotator.Event, sealed []byte) rotator.Seq {
	t.Helper()
	seq, err := j.Append(t.Context(), s, after, e, sealed)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func length(t *testing.T, j rotator.Journal, s rotator.Stream) rotator.Seq {
	t.Helper()
	l, err := j.Events(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return l.Seq()
}

func wantSealed(t *testing.T, j rotator.Journal, rotation rotator.ID, want string) {
	t.Helper()
	b, err := j.Sealed(t.Context(), rotation)
	if err != nil || !bytes.Equal(b, []byte(want)) {
		t.Errorf("sealed: %q, %v, not %q", b, err, want)
	}
}

func wantPending(t *testing.T, j rotator.Journal, want ...rotator.ID) {
	t.Helper()
	got, err := j.Pending(t.Context())
	slices.Sort(got)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("pending: %v, %v, not %v", got, err, want)
	}
}
