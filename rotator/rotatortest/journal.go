package rotatortest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"keyturn/rotator"
)

// Journal is a rotator.Journal in memory, as one process sees it. It starts no goroutines and never waits, so it
// works inside a testing/synctest bubble. Events are kept as JSON: what cannot be read back exactly shows.
//
//	a := rotatortest.NewJournal()
//	b := a.Process(rotator.Owner{ID: "b", Host: "host", Boot: "boot"}) // another process, same journal
//	a.Kill()                                                           // a is dead, b.Gone(a.Owner()) is true
type Journal struct {
	// Fault is asked before each call; op is the method's name in lower case, and e says nothing unless it is
	// "append". Set it before the first call. A Process begins with the same.
	Fault func(op string, e rotator.Event) JournalFault
	// OnEffect is called after each change: op is "append", or "forget" or "reseal", which have no stream and an event
	// that says only which rotation. It must not use the journal: nobody sees the change before it returns. A Process
	// begins with the same.
	OnEffect func(op string, s rotator.Stream, e rotator.Event)

	store *journalStore
	owner rotator.Owner
}

// JournalFault is what goes wrong with a call. The zero value is nothing.
type JournalFault struct {
	Before error  // fails and is not applied
	After  error  // is applied and fails
	Then   func() // is called once it is applied
}

var _ rotator.Journal = (*Journal)(nil)

// journalStore is what all processes share.
type journalStore struct {
	mu     sync.Mutex
	id     string
	logs   map[rotator.Stream][][]byte
	ids    map[rotator.EventID]bool
	sealed map[rotator.ID][]byte
	alive  map[string]bool // by owner's id
	copies int
}

var (
	errClosedJournal = fmt.Errorf("journal in memory: %w", rotator.ErrClosed)
	errNoStream      = errors.New("journal in memory: append: stream, event id, or the rotation of a sealed secret is missing")
)

// NewJournal makes an empty journal, seen by the first process.
func NewJournal() *Journal {
	s := &journalStore{
		id:     strings.ToLower(rand.Text()),
		logs:   map[rotator.Stream][][]byte{},
		ids:    map[rotator.EventID]bool{},
		sealed: map[rotator.ID][]byte{},
		alive:  map[string]bool{},
	}
	return s.process(rotator.Owner{ID: "process-1", Host: "host", Boot: "boot", PID: 1}, nil)
}

func (s *journalStore) process(o rotator.Owner, fault func(string, rotator.Event) JournalFault) *Journal {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alive[o.ID] = true
	return &Journal{Fault: fault, store: s, owner: o}
}

// Process is the same journal as another process sees it.
func (j *Journal) Process(o rotator.Owner) *Journal {
	p := j.store.process(o, j.Fault)
	p.OnEffect = j.OnEffect
	return p
}

// Kill ends the process: its lock is free, and every call it still makes fails and is not applied.
func (j *Journal) Kill() {
	j.store.mu.Lock()
	defer j.store.mu.Unlock()
	delete(j.store.alive, j.owner.ID)
}

// Copy is a journal of its own with the same id and the same content: what is restored from a backup made now. No
// process of the original is known there.
func (j *Journal) Copy() *Journal {
	j.store.mu.Lock()
	j.store.copies++
	c := &journalStore{id: j.store.id, logs: map[rotator.Stream][][]byte{}, ids: maps.Clone(j.store.ids), sealed: maps.Clone(j.store.sealed), alive: map[string]bool{}}
	for s, l := range j.store.logs {
		c.logs[s] = slices.Clone(l)
	}
	o := j.owner
	o.ID = fmt.Sprintf("%s-copy-%d", o.ID, j.store.copies)
	j.store.mu.Unlock()
	return c.process(o, j.Fault)
}

// ID is the same for every process and every copy.
func (j *Journal) ID() string { return j.store.id }

// Owner is this process.
func (j *Journal) Owner() rotator.Owner { return j.owner }

// Gone says that the process was killed or closed its journal.
func (j *Journal) Gone(o rotator.Owner) bool {
	if o.ID == "" || o.ID == j.owner.ID || o.Host != j.owner.Host || o.Boot != j.owner.Boot {
		return false
	}
	j.store.mu.Lock()
	defer j.store.mu.Unlock()
	return !j.store.alive[o.ID]
}

// Close ends the process's use of the journal.
func (j *Journal) Close() error {
	j.Kill()
	return nil
}

// call does one operation under the lock, with what is to go wrong. f changes nothing if it fails.
func (j *Journal) call(ctx context.Context, op string, s rotator.Stream, e rotator.Event, f func(*journalStore) error) error {
	var fault JournalFault
	if j.Fault != nil {
		fault = j.Fault(op, e)
	}
	err := j.apply(ctx, op, fault, func(st *journalStore) error {
		if err := f(st); err != nil {
			return err
		}
		if j.OnEffect != nil && changes(op) {
			j.OnEffect(op, s, e)
		}
		return nil
	})
	if err == nil && fault.Then != nil {
		fault.Then()
	}
	if err == nil {
		err = fault.After
	}
	return err
}

func changes(op string) bool { return op == "append" || op == "forget" || op == "reseal" }

func (j *Journal) apply(ctx context.Context, op string, fault JournalFault, f func(*journalStore) error) error {
	j.store.mu.Lock()
	defer j.store.mu.Unlock()
	switch {
	case !j.store.alive[j.owner.ID]:
		return errClosedJournal
	case ctx.Err() != nil:
		return fmt.Errorf("journal in memory: %s: %w", op, context.Cause(ctx))
	case fault.Before != nil:
		return fault.Before
	}
	if err := f(j.store); err != nil {
		return fmt.Errorf("journal in memory: %s: %w", op, err)
	}
	return nil
}

// Append never waits.
func (j *Journal) Append(ctx context.Context, s rotator.Stream, after rotator.Seq, e rotator.Event, sealed []byte) (rotator.Seq, error) {
	if s == "" || e.ID == "" || sealed != nil && e.Rotation == "" {
		return 0, errNoStream
	}
	b, err := json.Marshal(e)
	if err != nil {
		return 0, fmt.Errorf("journal in memory: append: %w", err)
	}
	err = j.call(ctx, "append", s, e, func(st *journalStore) error {
		if rotator.Seq(len(st.logs[s])) != after || st.ids[e.ID] {
			return rotator.ErrConflict
		}
		st.logs[s], st.ids[e.ID] = append(st.logs[s], b), true
		if sealed != nil {
			st.sealed[e.Rotation] = bytes.Clone(sealed)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return after + 1, nil
}

// Events decodes the log anew each time.
func (j *Journal) Events(ctx context.Context, s rotator.Stream) (rotator.Log, error) {
	l := rotator.Log{Stream: s}
	err := j.call(ctx, "events", s, rotator.Event{}, func(st *journalStore) error {
		for _, b := range st.logs[s] {
			var e rotator.Event
			if err := json.Unmarshal(b, &e); err != nil {
				return err
			}
			l.Events = append(l.Events, e)
		}
		return nil
	})
	if err != nil {
		return rotator.Log{}, err
	}
	return l, nil
}

// Users are named in lower case, as their streams are.
func (j *Journal) Users(ctx context.Context) ([]rotator.UserRef, error) {
	var users []rotator.UserRef
	err := j.call(ctx, "users", "", rotator.Event{}, func(st *journalStore) error {
		for _, s := range slices.Sorted(maps.Keys(st.logs)) {
			parts := strings.SplitN(string(s), "/", 3)
			if len(parts) == 3 && parts[0] == "user" {
				users = append(users, rotator.UserRef{Account: parts[1], User: parts[2]})
			}
		}
		return nil
	})
	return users, err
}

// Sealed returns a copy.
func (j *Journal) Sealed(ctx context.Context, rotation rotator.ID) ([]byte, error) {
	var blob []byte
	err := j.call(ctx, "sealed", "", rotator.Event{}, func(st *journalStore) error {
		b, ok := st.sealed[rotation]
		if !ok {
			return rotator.ErrNoSecret
		}
		blob = bytes.Clone(b)
		return nil
	})
	return blob, err
}

// Pending is in order of the ids.
func (j *Journal) Pending(ctx context.Context) ([]rotator.ID, error) {
	var ids []rotator.ID
	err := j.call(ctx, "pending", "", rotator.Event{}, func(st *journalStore) error {
		ids = slices.Sorted(maps.Keys(st.sealed))
		return nil
	})
	return ids, err
}

// Reseal compares and swaps.
func (j *Journal) Reseal(ctx context.Context, rotation rotator.ID, old, new []byte) error {
	return j.call(ctx, "reseal", "", rotator.Event{Rotation: rotation}, func(st *journalStore) error {
		b, ok := st.sealed[rotation]
		if !ok || !bytes.Equal(b, old) {
			return rotator.ErrConflict
		}
		st.sealed[rotation] = bytes.Clone(new)
		return nil
	})
}

// Forget is idempotent.
func (j *Journal) Forget(ctx context.Context, rotation rotator.ID) error {
	return j.call(ctx, "forget", "", rotator.Event{Rotation: rotation}, func(st *journalStore) error {
		delete(st.sealed, rotation)
		return nil
	})
}
