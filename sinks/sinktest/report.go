package sinktest

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// Report runs the suite outside of go test, writes a line for each test to w, and
// counts. What does not apply counts as neither. It stops early when ctx ends.
func Report(ctx context.Context, k Kind, w io.Writer) (passed, failed int) {
	for _, c := range suite {
		if ctx.Err() != nil {
			fmt.Fprintf(w, "FAIL  %s\n      %v\n", c.name, context.Cause(ctx))
			return passed, failed + 1
		}
		if reason := c.inapplicable(k); reason != "" {
			fmt.Fprintf(w, "-     %s\n      not applicable: %s\n", c.name, reason)
			continue
		}
		t := &plain{ctx: ctx}
		t.run(func() { c.run(t, k) })
		verdict := "ok  "
		if t.failed {
			verdict = "FAIL"
			failed++
		} else {
			passed++
		}
		fmt.Fprintf(w, "%s  %s\n", verdict, c.name)
		for _, line := range t.lines {
			fmt.Fprintf(w, "      %s\n", strings.ReplaceAll(line, "\n", "\n      "))
		}
	}
	return passed, failed
}

// plain is a T without go test.
type plain struct {
	ctx      context.Context
	mu       sync.Mutex // tests report from several goroutines
	lines    []string
	failed   bool
	cleanups []func()
}

// run calls f and its clean-ups. They have a goroutine of their own, because Fatalf ends one.
func (t *plain) run(f func()) {
	whole, cancel := context.WithCancel(t.ctx)
	defer cancel()
	t.ctx = whole
	t.guard(f)
	cancel()
	for _, clean := range slices.Backward(t.cleanups) {
		t.guard(clean)
	}
}

func (t *plain) guard(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			// The value of a panic can be anything, a secret too.
			if recover() != nil {
				t.Errorf("panic")
			}
		}()
		f()
	}()
	<-done
}

func (t *plain) Helper()                  {}
func (t *plain) Context() context.Context { return t.ctx }
func (t *plain) Cleanup(f func())         { t.cleanups = append(t.cleanups, f) }

func (t *plain) Logf(format string, args ...any)   { t.note(false, format, args...) }
func (t *plain) Errorf(format string, args ...any) { t.note(true, format, args...) }

func (t *plain) note(failed bool, format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed = t.failed || failed
	t.lines = append(t.lines, fmt.Sprintf(format, args...))
}

func (t *plain) Fatalf(format string, args ...any) {
	t.Errorf(format, args...)
	runtime.Goexit()
}

func (t *plain) TempDir() string {
	dir, err := os.MkdirTemp("", "keyturn-sinktest-")
	if err != nil {
		t.Fatalf("make a temporary folder: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
