package rotator_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"keyturn/rotator"
	"keyturn/rotator/rotatortest"
)

// standard is the policy that meets every pair of faults.
var standard = scene{stores: exact("a", "b"), prepare: waits(0, 24*time.Hour)}

// pair is two faults of one rotation, the second one wherever the first has led to.
type pair struct {
	first, second    rotatortest.Effect
	mishap1, mishap2 rotatortest.Mishap
}

func (p pair) String() string {
	return fmt.Sprintf("%s, %s; then %s, %s", p.first, p.mishap1, p.second, p.mishap2)
}

func (p pair) plan(e rotatortest.Effect) rotatortest.Mishap {
	if m := at(p.first, p.mishap1)(e); m != rotatortest.Fine {
		return m
	}
	return at(p.second, p.mishap2)(e)
}

func (p pair) justified() []rotator.HoldCode {
	return append(justified(p.first, p.mishap1), justified(p.second, p.mishap2)...)
}

// pairs lists all of them. It plays each single fault once, to see where that leads.
func pairs(t *testing.T, s scene) []pair {
	var firsts []pair
	for _, e := range effectsOf(t, s, nil) {
		for _, m := range e.Mishaps(single...) {
			firsts = append(firsts, pair{first: e, mishap1: m})
		}
	}
	found := make([][]pair, len(firsts))
	sideBySide(len(firsts), time.Time{}, func(i int) {
		one, after := firsts[i], false
		for _, e := range effectsOf(t, s, at(one.first, one.mishap1)) {
			if after {
				for _, m := range e.Mishaps(single...) {
					found[i] = append(found[i], pair{one.first, e, one.mishap1, m})
				}
			}
			after = after || e.What == one.first.What && e.N == one.first.N
		}
	})
	var out []pair
	for _, f := range found {
		out = append(out, f...)
	}
	return out
}

func effectsOf(t *testing.T, s scene, plan func(rotatortest.Effect) rotatortest.Mishap) (effects []rotatortest.Effect) {
	synctest.Test(t, func(*testing.T) { effects, _, _ = s.play(plan) })
	return effects
}

// sideBySide does n things, as wide as there are processors, until the time is up (zero: all of them).
func sideBySide(n int, until time.Time, do func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && (until.IsZero() || time.Now().Before(until)); i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wg.Wait()
}

// TestPairsOfFaults tries them in an order of its own each time, for as long as it may.
func TestPairsOfFaults(t *testing.T) {
	all := pairs(t, standard)
	seed := seed()
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	var played, failed atomic.Int64
	sideBySide(len(all), time.Now().Add(budget(10*time.Second, 1)), func(i int) {
		p := all[i]
		var trace string
		var err error
		synctest.Test(t, func(*testing.T) { _, trace, err = standard.play(p.plan, p.justified()...) })
		played.Add(1)
		if err != nil && failed.Add(1) <= 3 {
			t.Errorf("%s: %v\n%s", p, err, trace)
		}
	})
	t.Logf("%d of %d pairs (KEYTURN_WORLD_SEED=%d), %d failed", played.Load(), len(all), seed, failed.Load())
}
