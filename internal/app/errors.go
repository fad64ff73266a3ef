package app

import (
	"errors"
	"fmt"
)

// UsageError is wrong usage or configuration: nothing was contacted.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

func usagef(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// asUsage makes a UsageError of err, or nil of nil.
func asUsage(err error) error {
	var u *UsageError
	if err == nil || errors.As(err, &u) {
		return err
	}
	return &UsageError{err}
}
