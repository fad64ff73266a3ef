package awsiam

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"keyturn/rotator"
)

// betweenTries keeps callers apart. How long a throttled call really waits is up to the
// limiter that the configuration brings.
const betweenTries = 10 * time.Millisecond

// untilTaken makes a call that the SDK must not repeat, and repeats it only where AWS refused
// it at the door: for its rate, until ctx ends, or once because the session had ended (the
// configuration has dropped those credentials by then).
func untilTaken(ctx context.Context, call func() error) error {
	renewed := false
	for {
		err := call()
		switch {
		case class(err) == rotator.ClassThrottled:
		case sessionEnded(err) && !renewed:
			renewed = true
		default:
			return err
		}
		if sleep(ctx, rand.N(betweenTries)) != nil {
			return err
		}
	}
}

func sessionEnded(err error) bool {
	var e *rotator.IssuerError
	return errors.As(err, &e) && (e.Code == "ExpiredToken" || e.Code == "ExpiredTokenException")
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
