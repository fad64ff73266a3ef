package rotator

import "errors"

// Verdict is how a Run ended, as a caller decides on it.
type Verdict int

// The verdicts.
const (
	OK         Verdict = iota // done, nothing to do, or verified with retirement pending
	Refused                   // failed before anything was changed
	Unfinished                // journalled; run again
	OnHold                    // an operator must decide
)

// RunError is the error of Run.
type RunError struct {
	Verdict Verdict
	Err     error
}

func (e *RunError) Error() string { return e.Err.Error() }
func (e *RunError) Unwrap() error { return e.Err }

// VerdictOf is the verdict in err; Unfinished if there is none, which is what is known of an unexpected error.
func VerdictOf(err error) Verdict {
	if err == nil {
		return OK
	}
	var e *RunError
	if errors.As(err, &e) {
		return e.Verdict
	}
	return Unfinished
}
