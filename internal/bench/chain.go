package main

import (
	"slices"
	"time"

	"keyturn/rotator/rotatortest"
)

// inSequence is how many of the calls waited for one another: the longest chain of calls in which each began after the
// one before had ended.
func inSequence(log []rotatortest.Record) int {
	calls := slices.Clone(log)
	slices.SortFunc(calls, func(a, b rotatortest.Record) int { return a.Finished.Compare(b.Finished) })
	n := 0
	var end time.Time
	for _, c := range calls {
		if c.Finished.IsZero() || c.At.Before(end) {
			continue
		}
		n++
		end = c.Finished
	}
	return n
}
