package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"keyturn/internal/app"
	"keyturn/rotator"
)

// The exit codes.
const (
	exitDone       = 0 // done, nothing to do, or verified with retirement pending
	exitFailed     = 1 // failed or refused, nothing was changed
	exitUsage      = 2 // wrong usage or configuration, nothing was contacted
	exitUnfinished = 3 // journalled: run again, or leave it to the daemon
	exitHeld       = 4 // an operator must decide
)

// exit is an error with its code. Without an err all was said already.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// usagef is wrong usage.
func usagef(format string, args ...any) error {
	return &exit{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// notYet refuses what is described and not built.
func notYet(what string) error { return usagef("%s: not in this version", what) }

// exitCode is the code of a command's error. What has no code of its own comes from cobra: wrong usage.
func exitCode(err error) int {
	var e *exit
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &e):
		return e.code
	}
	return exitUsage
}

// action turns a command's function into cobra's, and gives its errors their codes.
func action(f func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := f(cmd, args)
		var e *exit
		if err == nil || errors.As(err, &e) {
			return err
		}
		return &exit{code: codeOf(err), err: err}
	}
}

// codeOf is the code of an error of the app. One without a verdict is of a command that changes nothing.
func codeOf(err error) int {
	var usage *app.UsageError
	var run *rotator.RunError
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case !errors.As(err, &run):
		return exitFailed
	}
	switch run.Verdict {
	case rotator.OK:
		return exitDone
	case rotator.Refused:
		return exitFailed
	case rotator.OnHold:
		return exitHeld
	}
	return exitUnfinished
}

// worst is the code of several robots: held before unfinished before failed.
func worst(codes ...int) int {
	rank := map[int]int{exitDone: 0, exitFailed: 1, exitUnfinished: 2, exitHeld: 3, exitUsage: 4}
	w := exitDone
	for _, c := range codes {
		if rank[c] > rank[w] {
			w = c
		}
	}
	return w
}
