package main

import (
	"regexp"
	"strings"
)

type verdict string

const (
	caughtIt verdict = "caught"
	survived verdict = "SURVIVED"
	broken   verdict = "ERROR" // the tests did not say anything
)

// result is what became of a mutant.
type result struct {
	verdict verdict
	by      string // the first test that failed
	output  string
}

var (
	failed  = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	running = regexp.MustCompile(`(?m)^panic: (test timed out after \S+)\n\s+running tests:\n\s+(\S+)`)
	panics  = regexp.MustCompile(`(?m)^(?:panic|fatal error): (.*)`)
)

// judge reads what `go test` printed. A test that does not come to an end has caught the mistake, too.
func judge(output string, err error) result {
	r := result{verdict: caughtIt, output: output}
	if m := running.FindStringSubmatch(output); m != nil {
		r.by = m[2] + " (" + m[1] + ")"
		return r
	}
	all := failed.FindAllStringSubmatch(output, -1)
	panicked := panics.FindStringSubmatch(output)
	switch {
	case err == nil:
		return result{verdict: survived, by: "all tests pass"}
	case len(all) > 0:
		r.by = deepest(all)
	case panicked != nil:
		r.by = "panic: " + panicked[1]
	default:
		r.verdict, r.by = broken, strings.TrimSpace(output)
	}
	return r
}

// deepest is the first subtest of the first test.
func deepest(failed [][]string) string {
	name := failed[0][1]
	for _, f := range failed[1:] {
		if strings.HasPrefix(f[1], name+"/") {
			name = f[1]
		}
	}
	return name
}
