package app

import (
	"context"
	"sort"

	"keyturn/rotator"
)

// Inspection is what was found out about one robot by read operations alone.
type Inspection struct {
	Robot  string
	Report rotator.Report
	Err    error
}

// Status looks at keys, sinks and what is pending. Without names it also lists the rotations in flight whose robot is no
// longer in the configuration.
func (a *App) Status(ctx context.Context, names []string) []Inspection {
	out := a.inspect(ctx, names, a.rotator.Status)
	if len(names) > 0 {
		return out
	}
	left, err := a.rotator.Unconfigured(ctx, a.robots)
	for _, rep := range left {
		out = append(out, Inspection{Robot: rep.Robot, Report: rep})
	}
	if err != nil {
		out = append(out, Inspection{Err: err})
	}
	return out
}

// Check is the pre-flight.
func (a *App) Check(ctx context.Context, names []string) []Inspection {
	return a.inspect(ctx, names, a.rotator.Check)
}

// Plan says what Rotate would do with the same options.
func (a *App) Plan(ctx context.Context, o RotateOptions) []Inspection {
	return a.inspect(ctx, o.Robots, func(ctx context.Context, r rotator.Robot) (rotator.Report, error) {
		return a.rotator.Plan(ctx, o.request(r))
	})
}

func (a *App) inspect(ctx context.Context, names []string, look func(context.Context, rotator.Robot) (rotator.Report, error)) []Inspection {
	robots, _ := a.pick(names)
	return each(ctx, a, robots, func(ctx context.Context, r rotator.Robot) Inspection {
		rep, err := look(ctx, r)
		rep.Robot, rep.User = r.Name, r.User
		if rep.Account == "" {
			rep.Account = r.Number
		}
		return Inspection{Robot: r.Name, Report: rep, Err: err}
	})
}

// History lists rotations from the journal alone, newest first.
func (a *App) History(ctx context.Context, names []string) ([]rotator.Rotation, error) {
	robots, err := a.pick(names)
	if err != nil {
		return nil, err
	}
	var past []rotator.Rotation
	for _, r := range robots {
		p, err := a.rotator.History(ctx, r)
		if err != nil {
			return nil, err
		}
		past = append(past, p...)
	}
	sort.SliceStable(past, func(i, j int) bool { return past[i].StartedAt.After(past[j].StartedAt) })
	return past, nil
}
