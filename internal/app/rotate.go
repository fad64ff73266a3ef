package app

import (
	"context"

	"keyturn/rotator"
)

// RotateOptions say which robots to rotate, and how.
type RotateOptions struct {
	Robots    []string // none: all
	Reason    string
	Now       bool // start even if none is owed
	Wait      bool // return when the old key is gone
	RetireNow bool // skip grace, quiet and soak
}

// Result is how one robot fared. Err, if any, has the verdict.
type Result struct {
	Robot    string
	Rotation rotator.Rotation // in flight, or the last one
	Acted    bool             // this run made something durable
	Err      error
}

// Rotate finishes what is in flight for each robot and starts what is owed or asked for. watch sees each event once
// it is durable, finished each result; both may be called from several goroutines. The names must be known (List).
func (a *App) Rotate(ctx context.Context, o RotateOptions, watch func(robot string, e rotator.Event), finished func(Result)) []Result {
	robots, _ := a.pick(o.Robots)
	return each(ctx, a, robots, func(ctx context.Context, r rotator.Robot) Result {
		res := a.run(ctx, o.request(r), watch)
		if finished != nil {
			finished(res)
		}
		return res
	})
}

func (o RotateOptions) request(r rotator.Robot) rotator.Request {
	req := rotator.Request{Robot: r, Trigger: rotator.Schedule, Reason: o.Reason, Now: o.Now, Wait: o.Wait, RetireNow: o.RetireNow}
	if o.Now {
		req.Trigger = rotator.Manual
	}
	return req
}

// Restore reactivates the robot's old key while it still exists, and holds the rotation: that it is held for this is no error.
func (a *App) Restore(ctx context.Context, robot, reason string, watch func(string, rotator.Event)) Result {
	res := a.decide(ctx, robot, watch, func(req *rotator.Request) {
		req.Restore = true
		req.Reason = reason
	})
	if h := res.Rotation.Hold; h != nil && h.Code == rotator.HoldByRestore && rotator.VerdictOf(res.Err) == rotator.OnHold {
		res.Err = nil
	}
	return res
}

// Resolve makes an operator's decision about the rotation that is held, and goes on.
func (a *App) Resolve(ctx context.Context, robot string, d rotator.Resolved, watch func(string, rotator.Event)) Result {
	return a.decide(ctx, robot, watch, func(req *rotator.Request) {
		req.Resolve = &d
		req.Reason = d.Reason
	})
}

func (a *App) decide(ctx context.Context, robot string, watch func(string, rotator.Event), set func(*rotator.Request)) Result {
	robots, err := a.pick([]string{robot})
	if err != nil {
		return Result{Robot: robot, Err: err}
	}
	req := rotator.Request{Robot: robots[0], Trigger: rotator.Manual}
	set(&req)
	return a.run(ctx, req, watch)
}

func (a *App) run(ctx context.Context, req rotator.Request, watch func(string, rotator.Event)) Result {
	name := req.Robot.Name
	acted, touched := false, rotator.ID("")
	r, err := a.rotator.Run(ctx, req, func(e rotator.Event) {
		acted = true
		if e.Rotation != "" {
			touched = e.Rotation
		}
		if watch != nil {
			watch(name, e)
		}
	})
	if err != nil && (r.ID == "" || !r.FinishedAt.IsZero() && r.ID != touched) {
		// What failed is not the last rotation, but one that never began.
		r = rotator.Rotation{Account: r.Account, Trigger: req.Trigger, Step: rotator.StepFailed, Reason: err.Error()}
	}
	r.Robot, r.User = name, req.Robot.User
	if r.Account == "" {
		r.Account = req.Robot.Number
	}
	return Result{Robot: name, Rotation: r, Acted: acted, Err: err}
}
