package rotator

import (
	"time"

	"keyturn/sinks"
)

// StepName is where a rotation stands.
type StepName string

// The steps, in order.
const (
	StepStart   StepName = "start"
	StepIssue   StepName = "issue"
	StepProbe   StepName = "probe"
	StepPush    StepName = "push"
	StepVerify  StepName = "verify"
	StepQuiet   StepName = "quiet"
	StepDisable StepName = "disable"
	StepSoak    StepName = "soak"
	StepDelete  StepName = "delete"
	StepDone    StepName = "done"
	StepHeld    StepName = "held"
	// StepNone: nothing is owed and nothing is in flight.
	StepNone StepName = "none"
	// StepFailed: ended before anything was changed.
	StepFailed StepName = "failed"
	// StepAbandoned: ended by an operator.
	StepAbandoned StepName = "abandoned"
)

// Rotation is one pass through the steps, as commands show it and -o json prints it.
type Rotation struct {
	ID         ID           `json:"id"`
	Robot      string       `json:"robot"`
	User       string       `json:"user"`
	Account    string       `json:"account"`
	Trigger    Trigger      `json:"trigger"`
	Step       StepName     `json:"step"`
	Reason     string       `json:"reason"` // why it was asked for, or why it stopped
	OldKeyID   KeyID        `json:"old_key_id"`
	NewKeyID   KeyID        `json:"new_key_id"`
	Sinks      []SinkStatus `json:"sinks"`
	Hold       *Hold        `json:"hold"`
	StartedAt  time.Time    `json:"started_at,omitzero"`
	FinishedAt time.Time    `json:"finished_at,omitzero"`
	NextAt     time.Time    `json:"next_at,omitzero"` // when it goes on, or when the next one is owed
}

// SinkState is how far a sink has come in a rotation.
type SinkState string

// The states of a sink.
const (
	SinkPending  SinkState = "pending"
	SinkPushed   SinkState = "pushed"
	SinkVerified SinkState = "verified"
	SinkFailing  SinkState = "failed"
	SinkDropped  SinkState = "dropped"
)

// SinkStatus is a sink's part in a rotation.
type SinkStatus struct {
	Name     string         `json:"name"`
	Kind     string         `json:"kind"`
	Required bool           `json:"required"`
	State    SinkState      `json:"state"`
	Evidence sinks.Evidence `json:"evidence"`
	Error    string         `json:"error"`
}

// Hold is why a rotation waits for an operator.
type Hold struct {
	Code    HoldCode `json:"code"`
	Message string   `json:"message"`
	Resolve string   `json:"resolve"` // the command that resolves it
}

// HoldCode names a reason to hold.
type HoldCode string
