package rotator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// reportLeak records the report and, under contain_first, deactivates the keys at once. It needs no claim: whoever
// has it rebases on these events. A key that is not this user's, or is gone already, is only acknowledged.
func (x *run) reportLeak(ctx context.Context) error {
	x.req.Now = false // the log says whether the report is answered by what is in flight
	var keys []KeyID
	for _, id := range x.req.Leaked {
		if rec := x.state.Key(id); !rec.Deleted && !rec.Leaked {
			keys = append(keys, id)
		}
	}
	if len(x.req.Leaked) > 0 && len(keys) == 0 {
		x.req.Trigger = Manual // seen before: it is answered already, or still owed
		return nil
	}
	if len(keys) > 0 {
		if err := x.observe(ctx, ""); err != nil {
			return x.stopped(err)
		}
		keys = slices.DeleteFunc(keys, func(id KeyID) bool { _, there := x.world.key(id); return !there })
		if len(keys) == 0 {
			return &RunError{Refused, fmt.Errorf("none of the reported keys is one of %s's", x.req.Robot.User)}
		}
	}
	leak := LeakReported{Keys: keys, Suspected: x.req.Suspected, Reason: x.req.Reason, Deadline: time.Now().Round(0).Add(x.policy.LeakDeadline)}
	if err := x.outcome(leak); err != nil {
		return &RunError{Refused, fmt.Errorf("record the leak: %w", err)}
	}
	if x.policy.OnLeak != ContainFirst || x.req.Suspected {
		return nil
	}
	for _, id := range keys {
		step := Step{Key: id, Change: Disable, Why: WhyLeak}
		if err := x.change(ctx, step); err != nil && !errors.Is(err, errRebase) {
			return x.stopped(err)
		}
	}
	return nil
}
