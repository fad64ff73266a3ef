package rotator_test

import (
	"fmt"
	"hash/fnv"
	"os"
	"runtime"
	"strconv"
	"sync"
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
	first, second     rotatortest.Effect
	mishap1, mishap2  rotatortest.Mishap
	afterFirst, total int
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

// pairs lists every pair. It runs each single fault once, to see where that leads.
func pairs(t *testing.T, s scene) []pair {
	clean := play(t, s, nil)
	var singles []pair
	for _, e := range clean {
		for _, m := range e.Mishaps(single...) {
			singles = append(singles, pair{first: e, mishap1: m})
		}
	}
	found := make([][]pair, len(singles))
	side(len(singles), func(i int) bool {
		one := singles[i]
		after := false
		for _, e := range play(t, s, at(one.first, one.mishap1)) {
			if after {
				for _, m := range e.Mishaps(single...) {
					found[i] = append(found[i], pair{first: one.first, mishap1: one.mishap1, second: e, mishap2: m})
				}
			}
			after = after || e.What == one.first.What && e.N == one.first.N
		}
		return true
	})
	var out []pair
	for _, f := range found {
		out = append(out, f...)
	}
	return out
}

func play(t *testing.T, s scene, plan func(rotatortest.Effect) rotatortest.Mishap) (effects []rotatortest.Effect) {
	synctest.Test(t, func(*testing.T) { effects, _, _ = s.play(plan) })
	return effects
}

// side does n things side by side until one of them says that it is enough.
func side(n int, do func(i int) bool) {
	next := make(chan int)
	stop := make(chan struct{})
	var once sync.Once
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				if !do(i) {
					once.Do(func() { close(stop) })
				}
			}
		})
	}
	defer wg.Wait()
	defer close(next)
	for i := range n {
		select {
		case next <- i:
		case <-stop:
			return
		}
	}
}

var _ = hash
var _ = os.Getenv
var _ = strconv.Itoa

func hash(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s))
	return h.Sum64()
}

func TestPairs(t *testing.T) {
	all := pairs(t, standard)
	t.Log(len(all), "pairs")
	begin := time.Now()
	var mu sync.Mutex
	failures, done := 0, 0
	kinds := map[string]int{}
	side(len(all), func(i int) bool {
		if i%1 != 0 {
			return true
		}
		p := all[i]
		var err error
		var trace string
		synctest.Test(t, func(*testing.T) {
			_, trace, err = standard.play(p.plan, p.justified()...)
		})
		mu.Lock()
		defer mu.Unlock()
		done++
		if err != nil {
			s := err.Error()
			if len(s) > 60 {
				s = s[:60]
			}
			kinds[s]++
			failures++
			if kinds[s] < 3 {
				t.Errorf("%s: %v\n%s", p, err, trace)
			}
		}
		return true
	})
	t.Log(done, failures, time.Since(begin), kinds)
}
