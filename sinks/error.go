package sinks

import (
	"errors"
	"fmt"
	"time"
)

// Class says what an error means for whoever decides what to do next.
type Class int

// The classes of a sink's errors.
const (
	Unclassified Class = iota // not an *Error: treated like Temporary, but not retried inside one call
	Temporary                 // unreachable, 5xx, timed out: try again
	Throttled                 // slow down, then try again
	Denied                    // not authenticated or not allowed: an operator must act
	Missing                   // the destination does not exist (or hides itself)
	Refused                   // the store will never take this: bad name, too large, immutable
	Conflict                  // somebody else wrote at the same time: read again, then try again
	Stale                     // the destination positively serves another pair
)

var classNames = [...]string{"unclassified", "temporary", "throttled", "denied", "missing", "refused", "conflict", "stale"}

func (c Class) String() string {
	if c < 0 || int(c) >= len(classNames) {
		return fmt.Sprintf("class(%d)", int(c))
	}
	return classNames[c]
}

// Retryable says whether the same call may succeed if it is made again soon.
func (c Class) Retryable() bool { return c == Temporary || c == Throttled || c == Conflict }

// Error is a sink's error with its class. Its text must hold no secret and no response body.
type Error struct {
	Class Class
	Op    string        // "vault: write secret/ci/bot"
	Err   error         // what went wrong
	After time.Duration // how long the store asks to wait; 0 if it does not say
}

func (e *Error) Error() string {
	if e.Op == "" {
		return e.Err.Error()
	}
	return e.Op + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an *Error.
func Errorf(c Class, op, format string, args ...any) error {
	return &Error{Class: c, Op: op, Err: fmt.Errorf(format, args...)}
}

// ClassOf is the class of the first *Error in err's tree.
func ClassOf(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return Unclassified
}

// AfterOf is how long the store asked to wait; 0 if it did not say.
func AfterOf(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.After
	}
	return 0
}
