// Package pace keeps calls to one account or store just under a limit that the
// other side does not tell.
//
// A [Limiter] holds nothing back, up to its concurrency, until a call is throttled.
// Then it takes the rate at which calls were accepted for the limit, stays a little below
// it, and tries carefully, and later less carefully, whether more has become possible. A
// throttled call is made again until it passes or its context ends.
//
//	err := limiter.Do(ctx, func(ctx context.Context) error {
//		ctx, cancel := context.WithTimeout(ctx, 10*time.Second) // the call's own deadline
//		defer cancel()
//		return call(ctx)
//	}, throttled)
//
// Where calls cannot be wrapped, as in a middleware whose caller retries, [Limiter.Wait] and
// [Turn.Done] are the two halves.
package pace

import (
	"container/heap"
	"context"
	"fmt"
	"sync"
	"time"
)

// Limiter gives turns to calls. It is safe for concurrent use.
type Limiter struct {
	mu          sync.Mutex
	concurrency int
	running     int
	arrivals    int
	waiting     queue
	next        time.Time // no turn before it
	timer       *time.Timer
	rate        rate
}

// New returns a Limiter that lets at most concurrency calls run at once.
func New(concurrency int) *Limiter {
	return &Limiter{concurrency: max(concurrency, 1)}
}

// Throttled says whether err means that the other side wants fewer calls, and how
// long it asks everybody to wait; 0 if it does not say.
type Throttled func(err error) (after time.Duration, yes bool)

// Do makes call when it is its turn, and again each time that it is throttled. Its result is
// that of the last call. Waiting ends with ctx, not with a deadline that call sets for
// itself; the error is then the throttled call's, or the cause of ctx if none was made.
func (l *Limiter) Do(ctx context.Context, call func(context.Context) error, throttled Throttled) error {
	place := l.arrive(ctx)
	var last error
	for {
		turn, err := l.wait(ctx, place)
		if err != nil {
			if last != nil {
				return last
			}
			return err
		}
		last = turn.make(ctx, call, throttled)
		if !turn.throttled {
			return last
		}
	}
}

// make calls once and gives the turn back, even if call panics.
func (t *Turn) make(ctx context.Context, call func(context.Context) error, throttled Throttled) (err error) {
	var after time.Duration
	defer func() { t.Done(t.throttled, after) }()
	if err = call(ctx); err != nil {
		after, t.throttled = throttled(err)
	}
	return err
}

// Turn is the leave to make one call.
type Turn struct {
	limiter   *Limiter
	began     time.Time
	throttled bool
	once      sync.Once
}

// Wait returns when a call may be made, or fails with the cause of ctx. Done must follow.
func (l *Limiter) Wait(ctx context.Context) (*Turn, error) { return l.wait(ctx, l.arrive(ctx)) }

// Done says how the call ended. after is how long the other side asks everybody to wait, if it does.
func (t *Turn) Done(throttled bool, after time.Duration) {
	t.once.Do(func() { t.limiter.done(t.began, throttled, after) })
}

type urgent struct{}

// Urgent marks calls that go before all that wait: those that contain a leak.
func Urgent(ctx context.Context) context.Context { return context.WithValue(ctx, urgent{}, true) }

type since struct{}

// Since marks the calls of a job that began at t: under a limit, those of the job that began first go first. So jobs end
// one after the other, as fast as the limit allows, instead of all being slow, with what each has observed growing old.
// While nothing was throttled, calls go in the order of their arrival, which ends all of them soonest.
func Since(ctx context.Context, t time.Time) context.Context {
	return context.WithValue(ctx, since{}, t)
}

// arrive takes a place in the line, which a throttled call keeps.
func (l *Limiter) arrive(ctx context.Context) place {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrivals++
	p := place{urgent: ctx.Value(urgent{}) != nil, since: time.Now(), arrival: l.arrivals}
	if t, ok := ctx.Value(since{}).(time.Time); ok {
		p.since = t
	}
	return p
}

func (l *Limiter) wait(ctx context.Context, p place) (*Turn, error) {
	w := &waiter{place: p, turn: make(chan *Turn, 1)}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("wait for a turn: %w", context.Cause(ctx))
	}
	l.join(w)
	select {
	case t := <-w.turn:
		return t, nil
	case <-ctx.Done():
		l.leave(w)
		return nil, fmt.Errorf("wait for a turn: %w", context.Cause(ctx))
	}
}

func (l *Limiter) join(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); l.waiting.Len() == 0 && l.next.Before(now) {
		l.next = now // time without callers is not saved up
	}
	heap.Push(&l.waiting, w)
	l.serve()
}

// leave takes w out of the line, or gives back the turn it got at the same moment.
func (l *Limiter) leave(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.index >= 0 {
		heap.Remove(&l.waiting, w.index)
		return
	}
	l.running--
	l.serve()
}

func (l *Limiter) done(began time.Time, throttled bool, after time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.running--
	if throttled {
		after = max(after, l.rate.throttle(now, began))
	} else {
		l.rate.accept(now, began)
	}
	if pause := now.Add(after); after > 0 && l.next.Before(pause) {
		l.next = pause
	}
	l.serve()
}

// lag is how late a timer may be without the rate suffering from it.
const lag = 10 * time.Millisecond

// serve gives turns to those who wait, as far as it is time, and else sets a timer.
func (l *Limiter) serve() {
	l.waiting.rank(l.rate.limit != 0)
	for l.waiting.Len() > 0 && l.running < l.concurrency {
		now := time.Now()
		if d := l.next.Sub(now); d > 0 {
			l.wake(d)
			return
		}
		w := heap.Pop(&l.waiting).(*waiter)
		l.running++
		if late := now.Add(-lag); l.next.Before(late) {
			l.next = late
		}
		l.next = l.next.Add(l.rate.spacing(now))
		w.turn <- &Turn{limiter: l, began: now}
	}
}

func (l *Limiter) wake(d time.Duration) {
	if l.timer != nil {
		l.timer.Reset(d)
		return
	}
	l.timer = time.AfterFunc(d, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.serve()
	})
}
