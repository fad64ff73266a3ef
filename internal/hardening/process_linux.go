package hardening

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Process makes this process non-dumpable, so that /proc/PID/mem and environ are closed to other processes of
// the same user and no debugger attaches, and forbids core files. Both are needed: a core_pattern that is a
// pipe ignores the limit (core(5), prctl(2)). A child has to call it again, because exec resets it.
func Process() error {
	var errs []error
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		errs = append(errs, fmt.Errorf("make the process non-dumpable: %w", err))
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		errs = append(errs, fmt.Errorf("forbid core files: %w", err))
	}
	return errors.Join(errs...)
}
