package rotator_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"keyturn/rotator"
	"keyturn/rotator/rotatortest"
	"keyturn/sinks"
)

// world is a user with keys, a journal and stores, inside a synctest bubble.
type world struct {
	t       *testing.T
	iam     *rotatortest.IAM
	own     rotator.Key
	journal *rotatortest.Journal
	stores  []*rotatortest.Store
	robot   rotator.Robot
	first   rotator.Key
	events  []rotator.Event
}

const account = "111122223333"

// newWorld has a user ci-bot with one key that the stores serve, and no waits.
func newWorld(t *testing.T, stores ...*rotatortest.Store) *world {
	t.Helper()
	w := &world{t: t, iam: rotatortest.NewIAM(account), journal: rotatortest.NewJournal(), stores: stores}
	w.iam.AddUser("keyturn", "/")
	w.own, _, _ = w.iam.AddKey("keyturn", 24*time.Hour)
	w.iam.AddUser("ci-bot", "/robots/")
	first, secret, err := w.iam.AddKey("ci-bot", 90*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	w.first = first
	for _, s := range stores {
		s.Put(first.ID, secret.Reveal())
	}
	w.robot = rotator.Robot{
		Name: "ci-bot", User: "ci-bot",
		Policy: rotator.Policy{
			Settle: time.Minute, OrphanWait: 15 * time.Minute,
			Probe:    rotator.ProbePolicy{Rounds: 2, Spacing: 2 * time.Second, Deadline: 2 * time.Minute},
			MakeRoom: rotator.RoomOwn, OnLeak: rotator.ReplaceFirst, LeakDeadline: time.Minute, Quarantine: rotator.QuarantineReport,
		},
	}
	for _, s := range stores {
		w.robot.Sinks = append(w.robot.Sinks, s.Bind(true))
	}
	return w
}

func (w *world) rotator() *rotator.Rotator { return w.rotatorOn(w.journal) }

func (w *world) rotatorOn(j rotator.Journal) *rotator.Rotator {
	log := zaptest.NewLogger(w.t, zaptest.Level(zap.WarnLevel))
	return &rotator.Rotator{
		Journal: j, Sealer: rotatortest.Sealer{}, Log: log,
		Issuer: func(context.Context, rotator.Robot, rotator.ID) (rotator.Issuer, error) {
			return w.iam.Issuer(w.own.ID), nil
		},
	}
}

func (w *world) run(req rotator.Request) (rotator.Rotation, error) {
	w.t.Helper()
	req.Robot = w.robot
	if req.Trigger == "" {
		req.Trigger = rotator.Manual
	}
	return w.rotator().Run(w.t.Context(), req, func(e rotator.Event) { w.events = append(w.events, e) })
}

func (w *world) now() rotator.Request { return rotator.Request{Now: true} }

// rotate expects the run to end with the verdict.
func (w *world) rotate(req rotator.Request, want rotator.Verdict) rotator.Rotation {
	w.t.Helper()
	rot, err := w.run(req)
	if got := rotator.VerdictOf(err); got != want {
		w.t.Fatalf("verdict %v, want %v: %v (%+v)", got, want, err, rot)
	}
	return rot
}

func (w *world) keys() []rotator.Key { return w.iam.Keys("ci-bot") }

func (w *world) status(id rotator.KeyID) rotator.KeyStatus {
	for _, k := range w.keys() {
		if k.ID == id {
			return k.Status
		}
	}
	return "gone"
}

// serves expects every store to serve the pair of id, and that pair to work.
func (w *world) serves(id rotator.KeyID) {
	w.t.Helper()
	for _, s := range w.stores {
		got, secret := s.Serves()
		want, _ := w.iam.Secret(id)
		if got != id || !want.EqualString(secret) {
			w.t.Errorf("store %s serves %s, want %s with its secret", s.Name, got, id)
		}
	}
	if w.status(id) != rotator.Active {
		w.t.Errorf("key %s is %s", id, w.status(id))
	}
}

func (w *world) calls(op string) int {
	n := 0
	for _, r := range w.iam.Log() {
		if r.Op == op {
			n++
		}
	}
	return n
}

func (w *world) types() []string {
	var out []string
	for _, e := range w.events {
		out = append(out, e.Body.Type())
	}
	return out
}

func (w *world) count(kind string) int {
	return len(slices.DeleteFunc(w.types(), func(s string) bool { return s != kind }))
}

func store(name string) *rotatortest.Store { return &rotatortest.Store{Name: name, Best: sinks.Exact} }
