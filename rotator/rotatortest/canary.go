package rotatortest

import (
	"context"
	"fmt"
	"time"

	"keyturn/rotator"
	"keyturn/sinks"
)

// CI is a Store whose readers are jobs: one can be started to see whether the pair works there.
type CI struct {
	*Store
	Takes time.Duration // until a job ends
	Bad   int           // so many of the first jobs fail
	jobs  []time.Time
}

// Bind is the CI as a required sink with a canary.
func (c *CI) Bind(deadline time.Duration) rotator.Sink {
	s := c.Store.Bind(true)
	s.Canary, s.CanaryFor, s.MinEvidence = true, deadline, sinks.Proven
	s.Open = func(context.Context, rotator.ID) (sinks.Sink, error) { return c, nil }
	return s
}

// Jobs is how many were started.
func (c *CI) Jobs() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.jobs)
}

// StartCanary starts a job.
func (c *CI) StartCanary(ctx context.Context, _ sinks.Credential) (string, error) {
	var run string
	err := c.call(ctx, "start", func(SinkFault) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.jobs = append(c.jobs, time.Now())
		run = fmt.Sprint(len(c.jobs))
		return nil
	})
	return run, err
}

// CanaryResult is the verdict of the job run.
func (c *CI) CanaryResult(ctx context.Context, run string) (done bool, err error) {
	err = c.call(ctx, "result", func(SinkFault) error {
		done, err = c.verdict(run)
		return err
	})
	return done, err
}

func (c *CI) verdict(run string) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var n int
	if _, err := fmt.Sscan(run, &n); err != nil || n < 1 || n > len(c.jobs) {
		return false, sinks.Errorf(sinks.Missing, "result", "there is no job %s", run)
	}
	if time.Since(c.jobs[n-1]) < c.Takes {
		return false, nil
	}
	if n <= c.Bad {
		return true, sinks.Errorf(sinks.Refused, "result", "the job %s failed", run)
	}
	return true, nil
}
