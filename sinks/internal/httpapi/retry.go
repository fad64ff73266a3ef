package httpapi

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/url"
	"time"

	"keyturn/internal/pace"
	"keyturn/sinks"
)

const (
	firstWait = 100 * time.Millisecond
	lastWait  = 5 * time.Second
)

// Retry makes call until it succeeds, fails for good, or ctx ends; then the error is the last
// one that said something. call must be harmless to repeat. Throttling is the limiter's matter.
func Retry(ctx context.Context, call func(context.Context) error) error {
	return retry(ctx, call, sinks.Class.Retryable)
}

// again says whether a single request may succeed if it is made again as it is: not where somebody else wrote, for
// what it says is out of date then.
func again(c sinks.Class) bool { return c.Retryable() && c != sinks.Conflict }

func retry(ctx context.Context, call func(context.Context) error, again func(sinks.Class) bool) error {
	var last error
	for wait := firstWait; ; wait = min(wait*2, lastWait) {
		err := call(ctx)
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		if ctx.Err() != nil || !again(sinks.ClassOf(err)) || !Sleep(ctx, max(jitter(wait), sinks.AfterOf(err))) {
			return last
		}
	}
}

func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2) }

// Sleep waits for d; it is false at once if ctx would end before.
func Sleep(ctx context.Context, d time.Duration) bool {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < d {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Paced makes call when limiter gives it a turn, and again while the store throttles it.
func Paced(ctx context.Context, limiter *pace.Limiter, op string, call func(context.Context) error) error {
	err := limiter.Do(ctx, call, func(err error) (time.Duration, bool) {
		return sinks.AfterOf(err), sinks.ClassOf(err) == sinks.Throttled
	})
	var classified *sinks.Error
	if err != nil && !errors.As(err, &classified) {
		return &sinks.Error{Class: sinks.Temporary, Op: op, Err: err}
	}
	return err
}

// NetError gives the error of a request that got no answer its class and a text without
// the address, whose query may hold more than a log should.
func NetError(ctx context.Context, op string, err error) error {
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err
	}
	class := sinks.Temporary
	switch {
	case errors.Is(err, errRedirect), errors.Is(err, errTooLarge):
		class = sinks.Refused
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	}
	return &sinks.Error{Class: class, Op: op, Err: err}
}
