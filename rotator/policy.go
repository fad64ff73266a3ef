package rotator

import (
	"context"
	"time"

	"keyturn/sinks"
)

// Robot is an IAM user whose key is rotated, with everything that is configured for it.
type Robot struct {
	Name    string
	User    string // the IAM user's name
	Account string // name of the account in the configuration; "" is the default one
	Number  string // the account's number, if the configuration tells it (a role ARN does)
	Policy  Policy
	Owed    OwedFunc
	Sinks   []Sink
}

// OwedFunc says whether a rotation is owed, and why, given when the last one began (zero: never) and
// when the key in use was created. Otherwise it tells when one will be (zero: never).
type OwedFunc func(lastStarted, keyCreated, now time.Time) (reason string, next time.Time)

// Sink is a destination as the configuration binds it to a robot.
type Sink struct {
	SinkPlan
	CanaryFor time.Duration // how long its canary may take, if the plan has one
	// Open makes the sink. Secret references are resolved now, so that a robot whose token
	// file is missing fails alone.
	Open func(ctx context.Context, rotation ID) (sinks.Sink, error)
}

// Policy is how a robot's key is rotated. Zero durations mean no wait.
type Policy struct {
	Settle       time.Duration // how long IAM may take to list a key that was just made
	OrphanWait   time.Duration // how long an orphan stays Inactive before it is deleted
	Probe        ProbePolicy
	Grace        time.Duration // from "every required sink verified" to the first look at the old key's use
	Quiet        time.Duration // ask for that long without use of the old key
	Soak         time.Duration // how long the old key stays Inactive before it is deleted
	MakeRoom     MakeRoom
	OnLeak       OnLeak
	LeakDeadline time.Duration
	Quarantine   QuarantinePolicy
	IgnoreUse    bool // --retire-now: do not wait for the old key to fall quiet
}

// ProbePolicy is how a new key is proven.
type ProbePolicy struct {
	Rounds   int           // all calls of each must work
	Spacing  time.Duration // between rounds
	Deadline time.Duration // for all rounds
	Role     string        // ARN of a role that the pair must be able to assume; "" for none
}

// MakeRoom is what may be done about a second key when a rotation starts.
type MakeRoom string

// The values of make_room.
const (
	RoomOwn      MakeRoom = "own"      // only a key that keyturn created or deactivated, Inactive for at least soak
	RoomInactive MakeRoom = "inactive" // any Inactive key
	RoomUnused   MakeRoom = "unused"   // also an Active one that was never used while every required sink shows the other
)

// OnLeak is what happens first when a key has leaked.
type OnLeak string

// The values of on_leak.
const (
	ReplaceFirst OnLeak = "replace_first"
	ContainFirst OnLeak = "contain_first"
)

// QuarantinePolicy is what to do about AWS's own quarantine policy once the key is replaced.
type QuarantinePolicy string

// The values of aws.quarantine.
const (
	QuarantineReport QuarantinePolicy = "report"
	QuarantineDetach QuarantinePolicy = "detach"
)

// Trigger is what asked for a rotation.
type Trigger string

// The triggers.
const (
	Schedule Trigger = "schedule"
	Manual   Trigger = "manual"
	Leak     Trigger = "leak"
)

// Request asks for a robot's key to be rotated, or for a rotation to go on.
type Request struct {
	Robot   Robot
	Trigger Trigger
	Reason  string
	// Now starts a rotation even if none is owed.
	Now bool
	// Wait returns only when the old key is gone, not when the new one is verified.
	Wait bool
	// RetireNow skips grace, quiet and soak for this rotation.
	RetireNow bool
	// Leaked are keys that are reported as leaked. Empty with Trigger Leak: the report names no key.
	Leaked []KeyID
	// Suspected: the report is not certain.
	Suspected bool
	// Resolve, if not nil, is an operator's decision about the rotation that is held.
	Resolve *Resolved
	// Restore reactivates the old key and holds the rotation.
	Restore bool
}
