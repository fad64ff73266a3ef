package awsauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"keyturn/internal/pace"
)

// GaveUp says that a call's context ended, or that it failed for too long. Nothing is known about an attempt that was
// under way.
type GaveUp struct {
	Cause    error // why no more attempts were made
	Attempts int   // those that were answered, or failed, before
	Last     error // how the last of them failed; nil if there was none
}

func (e *GaveUp) Error() string {
	if e.Last == nil {
		return e.Cause.Error()
	}
	return fmt.Sprintf("%v after %s, the last: %v", e.Cause, e.Tries(), e.Last)
}

// Tries is "1 attempt", "2 attempts".
func (e *GaveUp) Tries() string {
	if e.Attempts == 1 {
		return "1 attempt"
	}
	return fmt.Sprintf("%d attempts", e.Attempts)
}

func (e *GaveUp) Unwrap() error { return e.Cause }

// call is what is remembered of one call while it is repeated.
type call struct {
	attempts  int
	failing   time.Time // since when it has failed, other than by a throttle
	last      error
	refreshed bool
}

type callKey struct{}

func callIn(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// caller is the part of every SDK client of an account: it waits for its turn, bounds each
// attempt, tells the limiter about throttles, and renews credentials that have ended.
type caller struct {
	limiter *pace.Limiter
	timeout time.Duration
	creds   *provider
}

// add puts it into a client's stack: once around the call, and once around each attempt, just
// before it is signed, so that a signature does not grow old in the queue.
func (c caller) add(stack *middleware.Stack) error {
	err := stack.Initialize.Add(middleware.InitializeMiddlewareFunc("keyturn/call", c.call), middleware.Before)
	if err != nil {
		return err
	}
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("keyturn/attempt", c.attempt), "Signing", middleware.Before)
}

func (c caller) call(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	state := &call{}
	out, md, err := next.HandleInitialize(context.WithValue(ctx, callKey{}, state), in)
	if err != nil && ctx.Err() != nil && (interrupted(err) || errors.Is(err, context.Cause(ctx))) {
		err = &GaveUp{Cause: context.Cause(ctx), Attempts: state.attempts, Last: state.last}
	}
	return out, md, err
}

func (c caller) attempt(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (out middleware.FinalizeOutput, md middleware.Metadata, err error) {
	turn, err := c.limiter.Wait(ctx)
	if err != nil {
		return out, md, err
	}
	bounded, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	out, md, err = next.HandleFinalize(bounded, in)
	turn.Done(Throttled(err), retryAfter(err))
	forget(err)
	switch {
	case err == nil:
		return out, md, nil
	case bounded.Err() != nil && ctx.Err() == nil && interrupted(err):
		return out, md, &noAnswer{c.timeout}
	case ended(err) && c.renew(ctx):
		return out, md, &renewed{err}
	}
	return out, md, err
}

// renew drops the credentials, once in a call.
func (c caller) renew(ctx context.Context) bool {
	state := callIn(ctx)
	if state == nil || state.refreshed {
		return false
	}
	state.refreshed = true
	c.creds.drop()
	return true
}

// forget wipes the copy of an answer that the SDK puts into its error: it can hold a secret.
func forget(err error) {
	var body *smithy.DeserializationError
	if errors.As(err, &body) {
		clear(body.Snapshot)
		body.Snapshot = nil
	}
}

// interrupted says that err tells of a context that ended, and not of an answer.
func interrupted(err error) bool {
	var canceled *smithy.CanceledError
	return errors.As(err, &canceled) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// ended says that the session of the credentials is over.
func ended(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && (api.ErrorCode() == "ExpiredToken" || api.ErrorCode() == "ExpiredTokenException")
}

// noAnswer is an attempt that took too long.
type noAnswer struct{ after time.Duration }

func (e *noAnswer) Error() string        { return fmt.Sprintf("no answer within %s", e.after) }
func (e *noAnswer) Timeout() bool        { return true }
func (e *noAnswer) RetryableError() bool { return true }

// renewed is an attempt to be repeated with credentials fetched anew.
type renewed struct{ error }

func (e *renewed) Unwrap() error        { return e.error }
func (e *renewed) RetryableError() bool { return true }
