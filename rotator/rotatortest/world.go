package rotatortest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"keyturn/rotator"
)

// World is an AWS account with robots, the stores that serve their keys, a journal, and the processes of keyturn
// that work on them, one after the other or side by side. It counts every effect of a process (a call to AWS or to a
// store, a use of the journal), asks Plan what goes wrong with it, and after each change judges from outside
// whether the promises still hold: what IAM and the stores are, not what the journal says. docs/safety.md
// says what is judged.
//
//	w := rotatortest.NewWorld("ci-bot", stores...)
//	w.Plan = func(e rotatortest.Effect) rotatortest.Mishap { ... }
//	end := w.Drive(w.Robots[0], rotator.Request{Now: true, Trigger: rotator.Manual})
//	err := w.Judge(w.Robots[0], end)
//
// It must be used inside a testing/synctest bubble.
type World struct {
	IAM    *IAM
	Robots []*Robot
	Log    *zap.Logger
	// Plan says what goes wrong with an effect. nil is nothing. It is asked by one process at a time.
	Plan func(Effect) Mishap
	// Worked, if not nil, is called after each effect that was applied, outside of all locks.
	Worked func(Effect)

	own     rotator.Key // what keyturn signs with
	witness *Journal    // a process that only looks

	mu        sync.Mutex
	processes int
	counts    map[string]int
	effects   []Effect
	trace     []string
	down      map[string]time.Time // targets that do not answer until then
	broken    []string             // promises
	secrets   []string             // all that were minted
	copied    bool                 // a copy of the journal was at work
}

// Robot is an IAM user of a World.
type Robot struct {
	rotator.Robot                 // as it is configured now
	Stores        []*Store        // as they are configured at first
	First         rotator.Key     // the key that the stores serve at first
	required      map[string]bool // by the rotation in flight, if there is one
	planned       map[string]bool // stores that it serves
	takenAt       time.Time       // when somebody else's keyturn took the user's tag
	keys          map[rotator.KeyID]*witnessed
	book
}

// AccountNumber is the account of every World.
const AccountNumber = "111122223333"

// NewWorld has robots of the given names, each with one key that its stores serve, and no waits. stores makes the
// stores of a robot.
func NewWorld(stores func(robot string) []*Store, robots ...string) *World {
	w := &World{IAM: NewIAM(AccountNumber), Log: zap.NewNop(), counts: map[string]int{}, down: map[string]time.Time{}}
	w.IAM.AddUser("keyturn", "/")
	w.own, _, _ = w.IAM.AddKey("keyturn", 24*time.Hour)
	w.witness = NewJournal()
	w.witness.OnEffect = w.journalled
	for _, name := range robots {
		w.addRobot(name, stores(name))
	}
	w.IAM.OnEffect = w.Look
	return w
}

func (w *World) addRobot(name string, stores []*Store) {
	w.IAM.AddUser(name, "/robots/")
	first, text, _ := w.IAM.AddKey(name, 90*24*time.Hour)
	r := &Robot{
		Robot: rotator.Robot{Name: name, User: name, Policy: DefaultPolicy()}, Stores: stores, First: first,
		required: map[string]bool{}, planned: map[string]bool{}, keys: map[rotator.KeyID]*witnessed{}, book: newBook(),
	}
	for _, s := range stores {
		s.Put(first.ID, text.Reveal())
		s.theirs = false
		s.OnEffect = w.Look
		r.Sinks = append(r.Sinks, s.Bind(true))
		r.required[s.Name] = true
	}
	w.Robots = append(w.Robots, r)
	w.Expect(r)
}

// DefaultPolicy has the default settings and no waits for retirement.
func DefaultPolicy() rotator.Policy {
	return rotator.Policy{
		Settle: time.Minute, OrphanWait: 15 * time.Minute,
		Probe:    rotator.ProbePolicy{Rounds: 2, Spacing: 2 * time.Second, Deadline: 2 * time.Minute},
		MakeRoom: rotator.RoomOwn, OnLeak: rotator.ReplaceFirst, LeakDeadline: time.Minute, Quarantine: rotator.QuarantineReport,
	}
}

// Optional makes a sink of the robot one that need not be served.
func (r *Robot) Optional(name string) {
	for i := range r.Sinks {
		if r.Sinks[i].Name == name {
			r.Sinks[i].Required = false
			delete(r.required, name)
		}
	}
}

// Store is the robot's store of that name, or nil.
func (r *Robot) Store(name string) *Store {
	for _, s := range r.Stores {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// Effect is something that a process did, or tried to.
type Effect struct {
	What    string // "CreateAccessKey", "vault push", "append issued"
	N       int    // the n-th of its kind in this world, from 1
	Process int
}

func (e Effect) String() string { return fmt.Sprintf("%s #%d", e.What, e.N) }

// Effects are all so far.
func (w *World) Effects() []Effect {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Effect(nil), w.effects...)
}

// Trace tells what has happened, a line each.
func (w *World) Trace() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.trace, "\n")
}

func (w *World) note(format string, args ...any) {
	w.trace = append(w.trace, time.Now().UTC().Format("02 15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// Broken are the promises that were broken so far.
func (w *World) Broken() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.broken...)
}

func (w *World) breaks(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.note("BROKEN: %s", text)
	if len(w.broken) < 20 && !slices.Contains(w.broken, text) {
		w.broken = append(w.broken, text)
	}
}

// Journal is another look at the journal: of a process that no fault concerns.
func (w *World) Journal() *Journal { return w.witness }

// Events is the robot's log.
func (w *World) Events(r *Robot) []rotator.Event {
	l, _ := w.witness.Events(context.Background(), rotator.UserRef{Account: AccountNumber, User: r.User}.Stream())
	return l.Events
}

// Begin forgets the effects so far: they were preparations.
func (w *World) Begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.effects, w.trace, w.counts = nil, nil, map[string]int{}
}
