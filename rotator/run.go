package rotator

import (
	"context"

	"go.uber.org/zap"
)

// Rotator runs rotations. Its fields are set once, before the first call.
type Rotator struct {
	Journal Journal
	Sealer  Sealer
	// Issuer reaches the AWS account of a robot. rotation goes into the name of the session.
	Issuer func(ctx context.Context, robot Robot, rotation ID) (Issuer, error)
	Log    *zap.Logger
}

// Run finishes what is in flight for the robot, and starts a rotation if one is asked for or owed. Start and
// resume are the same call. watch, if not nil, sees every event that was made durable, in order, one at a time.
// The error, if any, is a *RunError.
func (r *Rotator) Run(ctx context.Context, req Request, watch func(Event)) (Rotation, error) {
	panic("being written")
}
