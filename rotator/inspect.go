package rotator

import (
	"context"
	"time"

)

// Report is what status, plan and check say of a robot. They call read operations only and need no claim.
type Report struct {
	Robot    string       `json:"robot"`
	User     string       `json:"user"`
	Account  string       `json:"account"`
	Keys     []KeyReport  `json:"keys"`
	Step     StepName     `json:"step"`
	Sinks    []SinkReport `json:"sinks"`
	Hold     *Hold        `json:"hold"`
	NextAt   time.Time    `json:"next_at,omitzero"`
	Plan     []string     `json:"plan,omitempty"`     // plan: what would happen, in order, with when and why
	Problems []string     `json:"problems,omitempty"` // check: what would stop a rotation
	Warnings []string     `json:"warnings,omitempty"`
}

// KeyReport is a key as status shows it.
type KeyReport struct {
	Key
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
	Role       string    `json:"role,omitempty"` // "in use", "new", "old", "unknown": what the journal knows of it
}

// SinkReport is a sink as status shows it.
type SinkReport struct {
	SinkStatus
	Serving KeyID `json:"serving,omitempty"` // the key that a readable sink serves now
}

// Status looks at the robot's keys, at what each readable sink serves, and at what is pending.
func (r *Rotator) Status(ctx context.Context, robot Robot) (Report, error) { panic("being written") }

// Plan says what Run would do, when and why.
func (r *Rotator) Plan(ctx context.Context, req Request) (Report, error) { panic("being written") }

// Check is the pre-flight: credentials, permissions, seal, journal, every sink.
func (r *Rotator) Check(ctx context.Context, robot Robot) (Report, error) { panic("being written") }

// History lists a robot's rotations, newest first, from the journal alone.
func (r *Rotator) History(ctx context.Context, robot Robot) ([]Rotation, error) { panic("being written") }

