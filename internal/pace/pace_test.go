package pace

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var errThrottled = errors.New("slow down")

func isThrottled(err error) (time.Duration, bool) { return 0, errors.Is(err, errThrottled) }

// bucket is the other side: a token bucket whose limit the caller does not know.
type bucket struct {
	mu       sync.Mutex
	perSec   float64 // 0: no limit
	burst    float64 // tokens that are saved up, beyond the one of the call itself
	costs    bool    // a throttled call takes a token too
	latency  time.Duration
	tokens   float64
	at       time.Time
	accepted int
	refused  int
}

func (b *bucket) call(context.Context) error {
	time.Sleep(b.latency / 2)
	err := b.admit()
	time.Sleep(b.latency - b.latency/2)
	return err
}

func (b *bucket) admit() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.perSec == 0 {
		b.accepted++
		return nil
	}
	now := time.Now()
	b.tokens = min(b.tokens+now.Sub(b.at).Seconds()*b.perSec, b.burst+1)
	b.at = now
	if b.tokens >= 1-1e-9 {
		b.tokens--
		b.accepted++
		return nil
	}
	b.refused++
	if b.costs {
		b.tokens = max(b.tokens-1, -b.perSec)
	}
	return errThrottled
}

func (b *bucket) full() *bucket {
	b.tokens, b.at = b.burst+1, time.Now()
	return b
}

// load makes calls from several workers, each one after the other, and returns how long all took.
func load(t *testing.T, l *Limiter, b *bucket, workers, each int) time.Duration {
	t.Helper()
	start := time.Now()
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				if err := l.Do(t.Context(), b.call, isThrottled); err != nil {
					t.Errorf("a call failed: %v", err)
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}

func TestAHiddenLimitIsFoundAndKept(t *testing.T) {
	const calls, limit = 1400, 20
	for _, burst := range []float64{0, 1, 5, 20} {
		for _, costs := range []bool{false, true} {
			for _, width := range []int{8, 32, 100} {
				for _, latency := range []time.Duration{5, 50, 300} {
					b := &bucket{perSec: limit, burst: burst, costs: costs, latency: latency * time.Millisecond}
					name := fmt.Sprintf("burst %v, a refused call costs %t, %d wide, %v each", burst, costs, width, b.latency)
					t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { found(t, b.full(), width, calls) }) })
				}
			}
		}
	}
}

// found expects that calls take at most a quarter longer than the limit makes them.
func found(t *testing.T, b *bucket, width, calls int) {
	t.Helper()
	took := load(t, New(width), b, 100, calls/100)
	floor := time.Duration(float64(calls) / b.perSec * float64(time.Second))
	if most := floor * 5 / 4; took > most {
		t.Errorf("%d calls took %v, want at most %v", calls, took, most)
	}
	if b.accepted != calls || b.refused > calls {
		t.Errorf("%d calls were accepted, %d refused", b.accepted, b.refused)
	}
}

func TestOtherLimitsAreFoundToo(t *testing.T) {
	for _, limit := range []float64{2, 5, 100, 400} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &bucket{perSec: limit, burst: limit, latency: 50 * time.Millisecond}
				found(t, b.full(), 64, int(limit)*100)
			})
		})
	}
}

func TestWithoutALimitNothingIsHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bucket{latency: 50 * time.Millisecond}
		if took, want := load(t, New(32), b, 32, 50), 50*b.latency; took != want {
			t.Errorf("1600 calls, 32 wide, took %v, want %v", took, want)
		}
	})
}

func TestALimitThatChangesIsFollowed(t *testing.T) {
	for name, c := range map[string]struct{ from, to float64 }{
		"it falls to a quarter": {20, 5},
		"it doubles":            {20, 40},
		"it goes away":          {20, 0},
		"it falls from high":    {300, 10},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := (&bucket{perSec: c.from, burst: 5, latency: 50 * time.Millisecond}).full()
				l := New(32)
				load(t, l, b, 100, int(c.from)/2)
				b.mu.Lock()
				b.perSec, b.refused = c.to, 0
				b.mu.Unlock()
				rate := c.to
				if rate == 0 {
					rate = 200
				}
				each := int(rate)
				took := load(t, l, b, 100, each)
				if most := time.Second * 125; took > most {
					t.Errorf("100 s of calls at the new limit took %v, want at most %v", took, most)
				}
				if b.refused > 100*each/8 {
					t.Errorf("%d of %d calls were refused", b.refused, 100*each)
				}
			})
		})
	}
}

func TestALimitIsForgottenAfterALongSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := (&bucket{perSec: 20, latency: 50 * time.Millisecond}).full()
		l := New(32)
		load(t, l, b, 100, 2)
		b.perSec = 0
		time.Sleep(24 * time.Hour)
		if took, want := load(t, l, b, 32, 2), 2*b.latency; took != want {
			t.Errorf("two calls side by side took %v, want %v", took, want)
		}
		b.perSec = 20
		if took := load(t, l, b.full(), 100, 14); took > 1400/20*time.Second*5/4 {
			t.Errorf("a limit that is back is kept badly: 1400 calls took %v", took)
		}
	})
}

func TestTurnsAreGivenInOrderAndUrgentOnesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(1)
		first, err := l.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, name := range []string{"a", "b", "urgent c", "d", "urgent e"} {
			ctx := t.Context()
			if name[0] == 'u' {
				ctx = Urgent(ctx)
			}
			go func() {
				err := l.Do(ctx, func(context.Context) error { got = append(got, name); return nil }, isThrottled)
				if err != nil {
					t.Error(err)
				}
			}()
			synctest.Wait()
		}
		first.Done(false, 0)
		first.Done(false, 0) // a second time is harmless
		synctest.Wait()
		if want := "[urgent c urgent e a b d]"; fmt.Sprint(got) != want {
			t.Errorf("order %v, want %v", got, want)
		}
	})
}

func TestAThrottledCallKeepsItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(1)
		var got []string
		call := func(name string, refusals int) {
			err := l.Do(t.Context(), func(context.Context) error {
				got = append(got, name)
				time.Sleep(time.Millisecond)
				if refusals--; refusals >= 0 {
					return errThrottled
				}
				return nil
			}, isThrottled)
			if err != nil {
				t.Error(err)
			}
		}
		go call("a", 2)
		synctest.Wait()
		go call("b", 0)
		time.Sleep(time.Minute)
		synctest.Wait()
		if want := "[a a a b]"; fmt.Sprint(got) != want {
			t.Errorf("order %v, want %v", got, want)
		}
	})
}

func TestTheOtherSidesWaitHoldsEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(8)
		start := time.Now()
		refused := false
		err := l.Do(t.Context(), func(context.Context) error {
			if refused {
				return nil
			}
			refused = true
			return errThrottled
		}, func(error) (time.Duration, bool) { return 40 * time.Second, true })
		if took := time.Since(start); err != nil || took != 40*time.Second {
			t.Errorf("the call took %v, %v", took, err)
		}
	})
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(1)
		turn, err := l.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		cause := errors.New("the claim ends")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, cause)
		defer cancel()
		called := false
		err = l.Do(ctx, func(context.Context) error { called = true; return nil }, isThrottled)
		if !errors.Is(err, cause) || called || err.Error() != "wait for a turn: the claim ends" {
			t.Errorf("error %v, called %t", err, called)
		}
		if _, err = l.Wait(ctx); !errors.Is(err, cause) {
			t.Errorf("a turn after the end: %v", err)
		}
		turn.Done(false, 0)
		if took := load(t, l, &bucket{}, 3, 3); took != 0 {
			t.Errorf("a place that was left holds others up for %v", took)
		}
	})
}

func TestACallThatIsThrottledToTheEndReturnsItsOwnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err := New(1).Do(ctx, func(context.Context) error { return errThrottled }, isThrottled)
		if !errors.Is(err, errThrottled) {
			t.Errorf("error %v, want the throttled call's", err)
		}
	})
}

func TestOtherErrorsAreReturnedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, start, calls := New(1), time.Now(), 0
		want := errors.New("no such user")
		err := l.Do(t.Context(), func(context.Context) error { calls++; return want }, isThrottled)
		if !errors.Is(err, want) || calls != 1 || !time.Now().Equal(start) {
			t.Errorf("error %v after %d calls", err, calls)
		}
	})
}

func TestAPanicGivesTheTurnBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(1)
		func() {
			defer func() { _ = recover() }()
			_ = l.Do(t.Context(), func(context.Context) error { panic("x") }, isThrottled)
		}()
		load(t, l, &bucket{}, 1, 1)
	})
}

// The wait for a turn is long; the call's own deadline starts when the call does.
func TestWaitingIsNotCountedAgainstTheCallsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := (&bucket{perSec: 1, latency: 10 * time.Millisecond}).full()
		l := New(8)
		var wg sync.WaitGroup
		for range 30 {
			wg.Go(func() {
				err := l.Do(t.Context(), func(ctx context.Context) error {
					ctx, cancel := context.WithTimeout(ctx, time.Second)
					defer cancel()
					if err := b.call(ctx); err != nil {
						return err
					}
					return ctx.Err()
				}, isThrottled)
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

func TestAGroupHasOneLimiterForEachName(t *testing.T) {
	g := NewGroup(3)
	if a := g.For("a"); a != g.For("a") || a == g.For("b") || a.concurrency != 3 {
		t.Error("a name must always give the same limiter, and another name another one")
	}
}
