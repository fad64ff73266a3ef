package rotator_test

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"keyturn/rotator"
	"keyturn/rotator/rotatortest"
	"keyturn/sinks"
)

// script is a random world and what happens in it. It is drawn outside of the bubble in which it is played.
type script struct {
	robots     int
	stores     []rotatortest.Store
	optional   bool // the last store is
	policy     rotator.Policy
	knobs      knobs
	rivals     int  // more processes that are asked for the same, a little later
	otherHost  bool // which run elsewhere: nobody can tell whether they are gone
	leak       bool // what is asked for first
	mishaps    map[int]rotatortest.Mishap
	happenings map[int]happening
}

// knobs are those of the model of IAM.
type knobs struct{ usable, patchy, listed, latency, skew time.Duration }

// happening is something that other people do, after the n-th effect.
type happening string

const (
	otherKey      happening = "somebody makes a key"
	disableOld    happening = "somebody deactivates the first key"
	enableOld     happening = "somebody activates the first key"
	deleteOld     happening = "somebody deletes the first key"
	disableNew    happening = "somebody deactivates the new key"
	deleteNew     happening = "somebody deletes the new key"
	putBack       happening = "somebody writes the first pair back"
	leakOld       happening = "the first key is reported as leaked"
	leakNew       happening = "the new key is reported as leaked"
	suspectOld    happening = "the first key is suspected"
	leakSomething happening = "a leak is reported, and no key named"
	restoreOld    happening = "an operator restores"
	retry         happening = "an operator resolves with --retry"
	abandon       happening = "an operator abandons"
	retireNow     happening = "an operator retires now"
	again         happening = "somebody asks for another rotation"
	addSink       happening = "a sink joins the configuration"
	removeSink    happening = "a sink leaves the configuration"
	relaxSink     happening = "a sink becomes optional in the configuration"
	quarantine    happening = "AWS attaches its quarantine policy"
	foreignTag    happening = "somebody else's keyturn takes the tag"
	noTag         happening = "somebody removes the tag"
	oldJournal    happening = "a copy of the journal is set to work"
	skewed        happening = "AWS's clock jumps"
)

// excuses are the holds that a happening may lead to, beside those of other happenings.
var excuses = map[happening][]rotator.HoldCode{
	otherKey:   {rotator.HoldUnknownKey, rotator.HoldTwoKeys, rotator.HoldOrphanUnclear},
	enableOld:  {rotator.HoldReactivated, rotator.HoldOrphanUsed, rotator.HoldTwoKeys},
	disableNew: {rotator.HoldNewInactive, rotator.HoldTwoKeys},
	deleteNew:  {rotator.HoldNewMissing},
	restoreOld: {rotator.HoldByRestore, rotator.HoldTwoKeys},
	abandon:    {rotator.HoldTwoKeys},
	putBack:    {rotator.HoldReactivated}, // a call that brings the old key back may land late
	addSink:    {rotator.HoldSinkMissing}, // for a process that still works with the configuration from before
	removeSink: {rotator.HoldSinkMissing},
	foreignTag: {rotator.HoldTagForeign},
	oldJournal: {rotator.HoldRestored, rotator.HoldUnknownKey, rotator.HoldTwoKeys, rotator.HoldNewMissing, rotator.HoldNewInactive, rotator.HoldOrphanUnclear, rotator.HoldReactivated},
	skewed:     {rotator.HoldOrphanUnclear},
}

func (s script) justified() []rotator.HoldCode {
	var out []rotator.HoldCode
	for _, m := range s.mishaps {
		if m == rotatortest.HangsLate || m == rotatortest.StallAfter || m == rotatortest.StallBefore {
			out = append(out, rotator.HoldOrphanUnclear) // a CreateAccessKey may land after its deadline
		}
	}
	for _, h := range s.happenings {
		out = append(out, excuses[h]...)
	}
	return out
}

func (s script) has(hs ...happening) bool {
	for _, h := range s.happenings {
		if slices.Contains(hs, h) {
			return true
		}
	}
	return false
}

func (s script) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d robots, %d stores (last optional: %v), %d rivals (elsewhere: %v), leak first: %v, policy %+v, AWS %+v\n", s.robots, len(s.stores), s.optional, s.rivals, s.otherHost, s.leak, s.policy, s.knobs)
	for i := range s.stores {
		fmt.Fprintf(&b, "store %s: %s, torn %v\n", s.stores[i].Name, s.stores[i].Best, s.stores[i].Torn)
	}
	for n, m := range s.mishaps {
		fmt.Fprintf(&b, "effect %d: %s\n", n, m)
	}
	for n, h := range s.happenings {
		fmt.Fprintf(&b, "after effect %d: %s\n", n, h)
	}
	return b.String()
}

var happenings = []happening{
	otherKey, disableOld, enableOld, deleteOld, disableNew, deleteNew, putBack, leakOld, leakNew, suspectOld, leakSomething, restoreOld, retry, abandon,
	retireNow, again, addSink, removeSink, relaxSink, quarantine, foreignTag, noTag, oldJournal, skewed,
}

func draw(t *rapid.T) script {
	s := script{mishaps: map[int]rotatortest.Mishap{}, happenings: map[int]happening{}}
	s.robots = rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(t, "robots")
	best := rapid.SampledFrom([]sinks.Evidence{sinks.Exact, sinks.Exact, sinks.Partial, sinks.Stamped})
	for i := range rapid.IntRange(1, 3).Draw(t, "stores") {
		s.stores = append(s.stores, rotatortest.Store{Name: string(rune('a' + i)), Best: best.Draw(t, "best"), Torn: rapid.IntRange(0, 3).Draw(t, "torn") == 3})
	}
	s.optional = len(s.stores) > 1 && rapid.Bool().Draw(t, "optional")
	s.policy = rotatortest.DefaultPolicy()
	s.policy.Grace = rapid.SampledFrom([]time.Duration{0, 0, time.Hour}).Draw(t, "grace")
	s.policy.Soak = rapid.SampledFrom([]time.Duration{0, time.Hour, 24 * time.Hour}).Draw(t, "soak")
	s.policy.MakeRoom = rapid.SampledFrom([]rotator.MakeRoom{rotator.RoomOwn, rotator.RoomInactive, rotator.RoomUnused}).Draw(t, "make_room")
	s.policy.OnLeak = rapid.SampledFrom([]rotator.OnLeak{rotator.ReplaceFirst, rotator.ContainFirst}).Draw(t, "on_leak")
	delay := rapid.SampledFrom([]time.Duration{0, 0, 5 * time.Second, 20 * time.Second})
	s.knobs.usable, s.knobs.patchy, s.knobs.listed = delay.Draw(t, "usable"), delay.Draw(t, "patchy"), delay.Draw(t, "listed")
	s.knobs.latency = rapid.SampledFrom([]time.Duration{0, 50 * time.Millisecond}).Draw(t, "latency")
	s.knobs.skew = rapid.SampledFrom([]time.Duration{0, 0, time.Minute, -time.Hour}).Draw(t, "skew")
	s.rivals = rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "rivals")
	s.otherHost = rapid.Bool().Draw(t, "elsewhere")
	s.leak = rapid.IntRange(0, 4).Draw(t, "leak") == 4
	moment := rapid.IntRange(1, 120)
	mishaps := slices.Clone(single)
	if len(s.stores) == 1 {
		// While one sink's event is being appended another sink waits for a mutex, and simulated time stands still for that.
		mishaps = append(mishaps, rotatortest.StallBefore, rotatortest.StallAfter)
	}
	for range rapid.IntRange(0, 3).Draw(t, "mishaps") {
		s.mishaps[moment.Draw(t, "effect")] = rapid.SampledFrom(mishaps).Draw(t, "mishap")
	}
	for range rapid.IntRange(0, 2).Draw(t, "happenings") {
		s.happenings[moment.Draw(t, "after")] = rapid.SampledFrom(happenings).Draw(t, "happening")
	}
	if s.has(oldJournal) {
		s.punctual()
	}
	return s
}

// punctual leaves out what docs/safety.md says is not proven: a push of a copy of the journal that lands after the original has
// retired the key. No log knows of it.
func (s script) punctual() {
	instead := map[rotatortest.Mishap]rotatortest.Mishap{
		rotatortest.CrashLate: rotatortest.CrashBefore, rotatortest.LoseLate: rotatortest.LoseBefore, rotatortest.HangsLate: rotatortest.Hangs,
	}
	for n, m := range s.mishaps {
		if other, late := instead[m]; late {
			s.mishaps[n] = other
		}
	}
}

// stage is a script that is being played.
type stage struct {
	script
	w  *theWorld
	mu sync.Mutex
	n  int // effects that were asked about
	m  int // effects that were done
	wg sync.WaitGroup
}

// play plays the script to its end inside a bubble.
func (s script) play() (trace string, err error) { return (&stage{script: s}).play() }

func (st *stage) play() (trace string, err error) {
	s := st.script
	names := []string{"ci-bot", "deploy"}[:s.robots]
	st.w = rotatortest.NewWorld(func(robot string) []*rotatortest.Store {
		var out []*rotatortest.Store
		for i := range s.stores {
			m := &s.stores[i]
			out = append(out, &rotatortest.Store{Name: robot + "-" + m.Name, Best: m.Best, Torn: m.Torn, LateBy: 5 * time.Second})
		}
		return out
	}, names...)
	w := st.w
	w.IAM.LateBy, w.IAM.Latency, w.IAM.ClockSkew = 5*time.Second, s.knobs.latency, s.knobs.skew
	w.IAM.NewKeyUsableAfter, w.IAM.NewKeyPatchyFor, w.IAM.NewKeyListedAfter = s.knobs.usable, s.knobs.patchy, s.knobs.listed
	if s.has(oldJournal) {
		w.IAM.NewKeyPatchyFor = 0 // two that try the same key at once see every second call each
	}
	for _, r := range w.Robots {
		r.Policy = s.policy
		if s.optional {
			r.Optional(r.Sinks[len(r.Sinks)-1].Name)
		}
	}
	w.Plan, w.Worked = st.plan, st.worked
	for _, r := range w.Robots {
		for i := range 1 + s.rivals {
			st.wg.Go(func() { st.rival(r, i) })
		}
	}
	st.wg.Wait()
	w.Plan, w.Worked = nil, nil
	var errs []error
	for _, r := range w.Robots {
		errs = append(errs, st.close(r))
	}
	return w.Trace(), errors.Join(errs...)
}

func (st *stage) rival(r *theRobot, i int) {
	host := "host"
	if st.otherHost && i > 0 {
		host = fmt.Sprint("host", i)
	}
	st.w.Pause(time.Duration(i) * 700 * time.Millisecond)
	st.w.DriveOn(host, r, st.first(r))
}

func (st *stage) first(r *theRobot) rotator.Request {
	if st.leak {
		req := leak(r.First.ID)
		req.Wait = true
		return req
	}
	return rotator.Request{Now: true, Wait: true, Trigger: rotator.Manual}
}

// close lets everything end without any more faults: what is held is resolved as the message says, a few times.
func (st *stage) close(r *theRobot) error {
	w := st.w
	req := rotator.Request{Trigger: rotator.Manual, Wait: true}
	for range 4 {
		end := w.Drive(r, req)
		err := w.Judge(r, end, st.justified()...)
		if err != nil || end.Hold == nil {
			return err
		}
		next, ok := w.Follow(r, *end.Hold)
		if !ok {
			return nil
		}
		req = next
	}
	return nil
}

func (st *stage) plan(e rotatortest.Effect) rotatortest.Mishap {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.n++
	m := st.mishaps[st.n]
	if m == rotatortest.Fine || len(e.Mishaps(m)) == 0 {
		return rotatortest.Fine
	}
	stalls := m == rotatortest.StallBefore || m == rotatortest.StallAfter
	if stalls && e.Target() == "journal" && len(st.stores) > 1 {
		return rotatortest.Fine // sinks side by side wait for the journal's lock, which no bubble can wait out
	}
	return m
}

func (st *stage) worked(rotatortest.Effect) {
	st.mu.Lock()
	st.m++
	h := st.happenings[st.m]
	st.mu.Unlock()
	if h == "" {
		return
	}
	for _, r := range st.w.Robots {
		st.happen(r, h)
	}
}

func (st *stage) happen(r *theRobot, h happening) {
	w := st.w
	switch h {
	case otherKey:
		w.OtherKey(r, 0)
	case disableOld:
		w.Meddle(r, r.First.ID, rotator.Disable)
	case enableOld:
		w.Meddle(r, r.First.ID, rotator.Enable)
	case deleteOld:
		w.Meddle(r, r.First.ID, rotator.Remove)
	case disableNew:
		w.Meddle(r, w.NewKey(r), rotator.Disable)
	case deleteNew:
		w.Meddle(r, w.NewKey(r), rotator.Remove)
	case putBack:
		w.PutBack(r.Stores[0], r.First.ID)
	case addSink:
		if r.Store(r.Name+"-z") == nil {
			w.AddStore(r, &rotatortest.Store{Name: r.Name + "-z", Best: sinks.Exact}, true)
		}
	case removeSink:
		w.Configure(r, func(all []rotator.Sink) []rotator.Sink { return all[spare(all):] })
	case relaxSink:
		w.Configure(r, func(all []rotator.Sink) []rotator.Sink {
			all[0].Required = all[0].Required && spare(all) == 0
			return all
		})
	case quarantine:
		w.IAM.Attach(r.User, "AWSCompromisedKeyQuarantineV3")
	case foreignTag:
		w.TakeTag(r)
	case noTag:
		w.IAM.PutUserTag(r.User, rotator.Tag, "")
	case oldJournal:
		p := w.StartCopy()
		st.wg.Go(func() { _, _ = p.Run(r, rotator.Request{Now: true, Trigger: rotator.Manual}) })
	case skewed:
		w.IAM.Change(func() { w.IAM.ClockSkew += 90 * time.Second })
	default:
		st.wg.Go(func() { st.command(r, h) })
	}
}

// spare is 1 if the configuration is still accepted without the first of the sinks: another one is required.
func spare(all []rotator.Sink) int {
	if len(all) > 0 && slices.ContainsFunc(all[1:], func(s rotator.Sink) bool { return s.Required }) {
		return 1
	}
	return 0
}

// command is what a person types, in a process of its own.
func (st *stage) command(r *theRobot, h happening) {
	w := st.w
	req := rotator.Request{Trigger: rotator.Manual}
	switch h {
	case leakOld:
		req = leak(r.First.ID)
	case leakNew:
		if w.NewKey(r) == "" {
			return
		}
		req = leak(w.NewKey(r))
	case suspectOld:
		req = leak(r.First.ID)
		req.Suspected = true
	case leakSomething:
		req = leak()
	case restoreOld:
		req.Restore = true
	case retry:
		req.Resolve = &rotator.Resolved{Action: rotator.ResolveRetry, Reason: "test"}
	case abandon:
		req.Resolve = &rotator.Resolved{Action: rotator.ResolveAbandon, Reason: "test"}
	case retireNow:
		req.RetireNow = true
	case again:
		req.Now = true
	}
	_, _ = w.Start("host").Run(r, req)
}

// TestEveryHappeningAtEveryMoment lets people do each thing after each effect of a rotation.
func TestEveryHappeningAtEveryMoment(t *testing.T) {
	var cases atomic.Int64
	t.Run("after", func(t *testing.T) {
		for _, h := range happenings {
			t.Run(string(h), func(t *testing.T) {
				t.Parallel()
				for _, soak := range []time.Duration{0, 24 * time.Hour} {
					cases.Add(int64(everyMoment(t, h, soak)))
				}
			})
		}
	})
	t.Log(cases.Load(), "cases of", len(happenings), "things that happen")
}

func everyMoment(t *testing.T, h happening, soak time.Duration) (cases int) {
	s := script{robots: 1, stores: append(exact("a"), stamped("b")), policy: rotatortest.DefaultPolicy()}
	s.policy.Soak = soak
	if soak > 0 {
		s.policy.Grace = time.Hour
	}
	for at := 1; ; at++ {
		s.happenings = map[int]happening{at: h}
		happened := false
		err := bubble(t, func() error {
			st := &stage{script: s}
			trace, err := st.play()
			happened = st.m >= at
			if err != nil {
				return fmt.Errorf("after effect %d: %w\n%s", at, err, trace)
			}
			return nil
		})
		if !happened || err != nil {
			return cases
		}
		cases++
	}
}

// TestRandomWorlds plays random scripts for as long as it may. rapid makes a script that fails as short as it can.
func TestRandomWorlds(t *testing.T) {
	allowed := budget(10*time.Second, 1)
	told := map[string]string{
		"rapid.checks": fmt.Sprint(int(allowed.Seconds()) * 1000), "rapid.seed": fmt.Sprint(seed()), "rapid.nofailfile": "true",
	}
	for name, value := range told {
		if f := flag.Lookup(name); f.Value.String() == f.DefValue {
			_ = flag.Set(name, value)
		}
	}
	end := time.Now().Add(allowed)
	played := 0
	rapid.Check(t, func(rt *rapid.T) {
		if time.Now().After(end) {
			return
		}
		s := draw(rt)
		var trace string
		var err error
		synctest.Test(t, func(*testing.T) { trace, err = s.play() })
		if played++; err != nil {
			end = time.Now().Add(time.Minute) // to make it shorter
			rt.Fatalf("%v\n%s%s", err, s, trace)
		}
	})
	t.Logf("%d random worlds (-rapid.seed=%s)", played, flag.Lookup("rapid.seed").Value)
}
