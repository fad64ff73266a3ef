package rotator_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"keyturn/rotator"
	"keyturn/rotator/rotatortest"
	"keyturn/sinks"
)

// scene is a robot with stores and a policy, and what is asked for.
type scene struct {
	stores  []rotatortest.Store // copied for each world
	prepare func(w *rotatortest.World, r *rotatortest.Robot)
	ask     func(r *rotatortest.Robot) rotator.Request
}

func exact(names ...string) []rotatortest.Store {
	var out []rotatortest.Store
	for _, n := range names {
		out = append(out, rotatortest.Store{Name: n, Best: sinks.Exact})
	}
	return out
}

func stamped(name string) rotatortest.Store {
	return rotatortest.Store{Name: name, Best: sinks.Stamped}
}

type (
	theWorld = rotatortest.World
	theRobot = rotatortest.Robot
)

func waits(grace, soak time.Duration) func(*theWorld, *theRobot) {
	return func(_ *theWorld, r *theRobot) { r.Policy.Grace, r.Policy.Soak = grace, soak }
}

func leaked(onLeak rotator.OnLeak) scene {
	return scene{
		stores:  exact("a", "b"),
		prepare: func(_ *theWorld, r *theRobot) { r.Policy.OnLeak, r.Policy.Soak = onLeak, 24*time.Hour },
		ask:     func(r *theRobot) rotator.Request { return leak(r.First.ID) },
	}
}

// second gives the user another key, which the policy lets go.
func second(policy rotator.MakeRoom, status rotator.KeyStatus) func(*theWorld, *theRobot) {
	return func(w *theWorld, r *theRobot) {
		id, _ := w.OtherKey(r, 30*24*time.Hour)
		w.IAM.SetStatus(id, status)
		w.Expect(r)
		w.MayGo(r, id)
		r.Policy.MakeRoom, r.Policy.Soak = policy, time.Hour
	}
}

// scenes are the policies of which each is tried with every single fault.
var scenes = map[string]scene{
	"one store, no waits":                {stores: exact("a")},
	"two stores, no waits":               {stores: exact("a", "b")},
	"two stores, grace and soak":         {stores: exact("a", "b"), prepare: waits(time.Hour, 24*time.Hour)},
	"three stores, soak":                 {stores: exact("a", "b", "c"), prepare: waits(0, 24*time.Hour)},
	"four stores of all kinds, soak":     {stores: []rotatortest.Store{{Name: "a", Best: sinks.Exact}, stamped("b"), {Name: "c", Best: sinks.Partial}, {Name: "d", Best: sinks.Accepted}}, prepare: waits(0, 24*time.Hour)},
	"a store that can only be written":   {stores: []rotatortest.Store{stamped("a")}, prepare: waits(0, time.Hour)},
	"a store that changes one at a time": {stores: []rotatortest.Store{{Name: "a", Best: sinks.Exact, Torn: true}}, prepare: waits(0, time.Hour)},
	"one required, one optional": {stores: exact("a", "b"), prepare: func(_ *theWorld, r *theRobot) {
		r.Optional("b")
	}},
	"one required, one optional, soak": {stores: exact("a", "b"), prepare: func(_ *theWorld, r *theRobot) {
		r.Optional("b")
		r.Policy.Soak = 24 * time.Hour
	}},
	"a user without a key": {stores: exact("a"), prepare: func(w *theWorld, r *theRobot) {
		w.IAM.DeleteKey(r.First.ID)
		w.Expect(r)
		r.Stores[0].Put("", "")
	}},
	"an inactive key goes":           {stores: exact("a", "b"), prepare: second(rotator.RoomInactive, rotator.Inactive)},
	"an unused key goes":             {stores: exact("a", "b"), prepare: second(rotator.RoomUnused, rotator.Active)},
	"our own inactive key goes":      {stores: exact("a"), prepare: ownInactive},
	"a leak, replaced first":         leaked(rotator.ReplaceFirst),
	"a leak, contained first":        leaked(rotator.ContainFirst),
	"a leak, quarantined and lifted": {stores: exact("a"), prepare: quarantined, ask: func(r *theRobot) rotator.Request { return leak(r.First.ID) }},
	"AWS is slow":                    {stores: exact("a", "b"), prepare: slow},
	"AWS's clock is ahead":           {stores: exact("a"), prepare: func(w *theWorld, r *theRobot) { w.IAM.ClockSkew, r.Policy.Soak = 3*time.Minute, time.Hour }},
	"AWS's clock is behind":          {stores: exact("a"), prepare: func(w *theWorld, r *theRobot) { w.IAM.ClockSkew, r.Policy.Soak = -3*time.Minute, time.Hour }},
}

func ownInactive(w *theWorld, r *theRobot) {
	r.Policy.Soak = 24 * time.Hour
	p := w.Start("host")
	_, _ = p.Run(r, rotator.Request{Now: true, Trigger: rotator.Manual})
	_, _ = p.Run(r, rotator.Request{Resolve: &rotator.Resolved{Action: rotator.ResolveAbandon, Reason: "test"}})
}

func quarantined(w *theWorld, r *theRobot) {
	r.Policy.Quarantine = rotator.QuarantineDetach
	w.IAM.Attach(r.User, "AWSCompromisedKeyQuarantineV3")
}

// slow: keys are not known at once, not listed at once, and work on for a while after they were deactivated.
func slow(w *theWorld, r *theRobot) {
	w.IAM.Latency = 50 * time.Millisecond
	w.IAM.NewKeyUsableAfter, w.IAM.NewKeyPatchyFor, w.IAM.NewKeyListedAfter = 4*time.Second, 6*time.Second, 20*time.Second
	w.IAM.DisabledWorksFor, w.IAM.LastUsedDelay = 5*time.Second, 7*time.Minute
	r.Policy.Soak = time.Hour
}

// world makes the scene's world. Call it inside a bubble.
func (s scene) world() (*theWorld, *theRobot) {
	w := rotatortest.NewWorld(func(string) []*rotatortest.Store {
		var out []*rotatortest.Store
		for i := range s.stores {
			m := &s.stores[i]
			out = append(out, &rotatortest.Store{Name: m.Name, Best: m.Best, Torn: m.Torn, Forgets: m.Forgets, LateBy: 5 * time.Second})
		}
		return out
	}, "ci-bot")
	w.IAM.LateBy = 5 * time.Second
	r := w.Robots[0]
	if s.prepare != nil {
		s.prepare(w, r)
	}
	w.Begin()
	return w, r
}

func (s scene) request(r *theRobot) rotator.Request {
	req := rotator.Request{Now: true, Trigger: rotator.Manual}
	if s.ask != nil {
		req = s.ask(r)
	}
	req.Wait = true
	return req
}

// play runs the scene to its end with what goes wrong, and says what is wrong with that.
func (s scene) play(plan func(rotatortest.Effect) rotatortest.Mishap, justified ...rotator.HoldCode) (effects []rotatortest.Effect, trace string, err error) {
	w, r := s.world()
	w.Plan = plan
	end := w.Drive(r, s.request(r))
	err = w.Judge(r, end, justified...)
	if err != nil {
		trace = w.Trace()
	}
	return w.Effects(), trace, err
}

// at plans one mishap.
func at(e rotatortest.Effect, m rotatortest.Mishap) func(rotatortest.Effect) rotatortest.Mishap {
	return func(now rotatortest.Effect) rotatortest.Mishap {
		if now.What == e.What && now.N == e.N {
			return m
		}
		return rotatortest.Fine
	}
}

// single are the mishaps that every effect meets.
var single = []rotatortest.Mishap{
	rotatortest.CrashBefore, rotatortest.CrashAfter, rotatortest.CrashLate,
	rotatortest.LoseBefore, rotatortest.LoseAfter, rotatortest.LoseLate,
	rotatortest.Hangs, rotatortest.HangsAfter, rotatortest.HangsLate,
	rotatortest.Down,
}

// justified are the holds that a single mishap may lead to. A CreateAccessKey that lands after its deadline
// cannot be told from one that somebody else made.
func justified(e rotatortest.Effect, m rotatortest.Mishap) []rotator.HoldCode {
	if e.What == "CreateAccessKey" && m == rotatortest.HangsLate {
		return []rotator.HoldCode{rotator.HoldOrphanUnclear}
	}
	return nil
}

func TestEverySingleFault(t *testing.T) {
	var cases atomic.Int64
	t.Run("scene", func(t *testing.T) {
		for name, s := range scenes {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				n := everySingleFault(t, s)
				cases.Add(n)
				t.Log(n, "cases")
			})
		}
	})
	t.Log(cases.Load(), "cases in", len(scenes), "scenes")
}

func everySingleFault(t *testing.T, s scene) (cases int64) {
	var effects []rotatortest.Effect
	bubble(t, func() error {
		var trace string
		var err error
		if effects, trace, err = s.play(nil); err != nil {
			return fmt.Errorf("without any fault: %w\n%s", err, trace)
		}
		return nil
	})
	failures := 0
	for _, e := range effects {
		for _, m := range e.Mishaps(single...) {
			cases++
			err := bubble(t, func() error {
				seen, trace, err := s.play(at(e, m), justified(e, m)...)
				if err == nil && e.Target() == "journal" && !m.Kills() && created(seen) != created(effects) {
					err = fmt.Errorf("%d keys were made: a secret that the journal could not take at once was given up", created(seen))
				}
				if err != nil {
					return fmt.Errorf("%s, %s: %w\n%s", e, m, err, trace)
				}
				return nil
			})
			if err == nil {
				continue
			}
			if failures++; failures == 3 {
				t.Fatal("enough")
			}
		}
	}
	return cases
}

// created is how often CreateAccessKey was called.
func created(effects []rotatortest.Effect) (n int) {
	for _, e := range effects {
		if e.What == "CreateAccessKey" {
			n++
		}
	}
	return n
}

// bubble runs f in a bubble of its own and reports its error.
func bubble(t *testing.T, f func() error) (err error) {
	t.Helper()
	synctest.Test(t, func(*testing.T) { err = f() })
	if err != nil {
		t.Error(err)
	}
	return err
}
