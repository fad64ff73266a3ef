package main

import (
	"errors"
	"testing"
)

func TestJudge(t *testing.T) {
	exit := errors.New("exit status 1")
	for name, c := range map[string]struct {
		output  string
		err     error
		verdict verdict
		by      string
	}{
		"all tests pass": {"ok  \tkeyturn/rotator\t4.2s\n", nil, survived, "all tests pass"},
		"a test fails":   {"--- FAIL: TestA (0.01s)\n    a_test.go:1: wrong\n--- FAIL: TestB (0.01s)\nFAIL\n", exit, caughtIt, "TestA"},
		"a subtest fails": {
			"--- FAIL: TestA (0.01s)\n    --- FAIL: TestA/b (0.00s)\n        --- FAIL: TestA/b/c (0.00s)\n    --- FAIL: TestA/d (0.00s)\n",
			exit, caughtIt, "TestA/b/c",
		},
		"a test does not end": {
			"panic: test timed out after 2m0s\n\trunning tests:\n\t\tTestA (1m59s)\n\ngoroutine 1:\n", exit, caughtIt, "TestA (test timed out after 2m0s)",
		},
		"a goroutine panics":       {"panic: deadlock\n\ngoroutine 7 [running]:\n", exit, caughtIt, "panic: deadlock"},
		"the tests do not compile": {"FAIL\tkeyturn/rotator [build failed]\nFAIL\n", exit, broken, "FAIL\tkeyturn/rotator [build failed]\nFAIL"},
		"go was killed":            {"", errors.New("signal: killed"), broken, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if r := judge(c.output, c.err); r.verdict != c.verdict || r.by != c.by {
				t.Errorf("%s by %q", r.verdict, r.by)
			}
		})
	}
}
