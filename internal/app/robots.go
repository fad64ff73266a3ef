package app

import (
	"context"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"keyturn/internal/pace"
	"keyturn/rotator"
)

// Listed is a robot as a display needs it, before anything is contacted.
type Listed struct {
	Robot string
	Sinks []string
}

// List names the robots of a command: those that are given, or all, in the order of the configuration. A name that
// the configuration does not hold, or that is given twice, is a UsageError.
func (a *App) List(names []string) ([]Listed, error) {
	robots, err := a.pick(names)
	if err != nil {
		return nil, err
	}
	var out []Listed
	for _, r := range robots {
		l := Listed{Robot: r.Name}
		for _, s := range r.Sinks {
			l.Sinks = append(l.Sinks, s.Name)
		}
		out = append(out, l)
	}
	return out, nil
}

func (a *App) pick(names []string) ([]rotator.Robot, error) {
	if len(names) == 0 {
		return a.robots, nil
	}
	byName := map[string]rotator.Robot{}
	var known []string
	for _, r := range a.robots {
		byName[r.Name] = r
		known = append(known, r.Name)
	}
	var out []rotator.Robot
	seen := map[string]bool{}
	for _, n := range names {
		r, ok := byName[n]
		switch {
		case !ok:
			return nil, usagef("%s: no such robot in %s; there are %s", n, a.file, strings.Join(known, ", "))
		case seen[n]:
			return nil, usagef("%s: named twice", n)
		}
		seen[n] = true
		out = append(out, r)
	}
	return out, nil
}

// each works on robots side by side, as many at once as aws.concurrency allows, and keeps their order. What f returns
// for one robot, an error included, never affects another. Where AWS throttles, the robot that began first goes first: an
// observation must not grow old while others have their turns.
func each[T any](ctx context.Context, a *App, robots []rotator.Robot, f func(context.Context, rotator.Robot) T) []T {
	out := make([]T, len(robots))
	var g errgroup.Group
	g.SetLimit(max(a.concurrency, 1))
	for i, r := range robots {
		g.Go(func() error {
			out[i] = f(pace.Since(ctx, time.Now()), r)
			return nil
		})
	}
	_ = g.Wait()
	return out
}
