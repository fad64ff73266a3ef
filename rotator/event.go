package rotator

import (
	"encoding/json"
	"fmt"
	"time"

	"keyturn/sinks"
)

// EventVersion is the version of the events' JSON form. See docs/formats.md.
const EventVersion = 1

// Event is one durable fact. The JSON form outlives a version of keyturn: names are
// never reused, fields only added.
type Event struct {
	ID       EventID
	At       time.Time // wall clock of the writer
	By       string    // Owner.ID of the writer
	Rotation ID        // empty for claims made before there is one, and for leak signals
	Body     Body
}

// Body is what an Event says: one of the types below.
type Body interface{ Type() string }

// Claims.
type (
	// Claimed gives Owner the right to act on the user until Until. Claiming again extends.
	Claimed struct {
		Owner Owner     `json:"owner"`
		Until time.Time `json:"until"`
	}
	// Released gives it back.
	Released struct{}
)

// Start.
type (
	// Started opens a rotation: the checks have passed, nothing has been changed. It is also the
	// intent of writing the tag.
	Started struct {
		Robot   string     `json:"robot"`
		User    string     `json:"user"` // as IAM spells it
		UserID  string     `json:"user_id"`
		ARN     string     `json:"arn"`
		Trigger Trigger    `json:"trigger"`
		Reason  string     `json:"reason,omitempty"`
		Keys    []Key      `json:"keys"`
		Sinks   []SinkPlan `json:"sinks"`
	}
	// Tagged: the user carries the tag of this rotation.
	Tagged struct {
		Value string `json:"value"`
		// Adopted: it carried none before, so somebody else may have adopted it at the same moment.
		Adopted bool `json:"adopted,omitempty"`
	}
	// SinksChanged: the configuration names other sinks, or other destinations, than before.
	SinksChanged struct {
		Sinks []SinkPlan `json:"sinks"`
	}
)

// SinkPlan is what a rotation remembers of a sink.
type SinkPlan struct {
	Name        string         `json:"name"`
	Kind        string         `json:"kind"`
	Required    bool           `json:"required"`
	MinEvidence sinks.Evidence `json:"min_evidence"`
	Destination string         `json:"destination"`      // fingerprint
	Canary      bool           `json:"canary,omitempty"` // a job of its CI must show that the pair works there
}

// Issue.
type (
	// IssueIntended: CreateAccessKey is about to be called, once, and its answer is no longer
	// awaited after Deadline. Keys are those that were there.
	IssueIntended struct {
		Keys     []Key     `json:"keys"`
		Deadline time.Time `json:"deadline"`
	}
	// Issued: AWS made the key and its secret is sealed in the journal.
	Issued struct {
		Key Key `json:"key"`
	}
	// IssueFailed: nothing was created.
	IssueFailed struct {
		Class IssuerClass `json:"class"`
		Error string      `json:"error"`
	}
	// IssueUnclear: a key may have been created whose secret nobody has. Key is its id, if known.
	IssueUnclear struct {
		Key   KeyID  `json:"key,omitempty"`
		Error string `json:"error"`
	}
	// OrphanSought: a list after an unclear CreateAccessKey, after settle. Unknown are the keys
	// that nobody can account for.
	OrphanSought struct {
		Unknown []Key `json:"unknown,omitempty"`
	}
	// OrphanFound: Key is the orphan of this rotation beyond doubt.
	OrphanFound struct {
		Key Key `json:"key"`
	}
)

// Changes of keys that are there.
type (
	// KeyIntended: a call that changes Key is about to be made.
	KeyIntended struct {
		Key    KeyID  `json:"key"`
		Change Change `json:"change"`
		Why    Why    `json:"why"`
	}
	// KeyChanged: AWS confirmed it.
	KeyChanged struct {
		Key    KeyID  `json:"key"`
		Change Change `json:"change"`
		Why    Why    `json:"why"`
	}
)

// Change is what is done to a key.
type Change string

// The changes.
const (
	Disable Change = "disable"
	Enable  Change = "enable"
	Remove  Change = "delete"
)

// Why says what a change is for.
type Why string

// The reasons for changes.
const (
	WhyRetire   Why = "retire"   // the old key, replaced
	WhyOrphan   Why = "orphan"   // a key made by a lost CreateAccessKey
	WhyRoom     Why = "room"     // the other of two keys, by the policy make_room
	WhyOperator Why = "operator" // the other of two keys, by resolve
	WhyLeak     Why = "leak"     // contained
	WhyRestore  Why = "restore"  // reactivated by restore
	WhyStale    Why = "stale"    // reactivated because a sink serves it again
	WhyYield    Why = "yield"    // our own new key, never served: another journal owns the user, or the rotation was abandoned
)

// Proof and delivery.
type (
	// Probed: all calls of all rounds signed with the new pair worked.
	Probed struct {
		ARN  string `json:"arn"`
		Role string `json:"role,omitempty"`
	}
	// ProbeFailed: they did not, until the deadline.
	ProbeFailed struct {
		Class IssuerClass `json:"class"`
		Error string      `json:"error"`
	}
	// Pushed: the sink took the pair.
	Pushed struct {
		Sink        string        `json:"sink"`
		Key         KeyID         `json:"key"`
		Destination string        `json:"destination"`
		Receipt     sinks.Receipt `json:"receipt"`
	}
	// Verified: the sink is shown to serve Key.
	Verified struct {
		Sink     string         `json:"sink"`
		Key      KeyID          `json:"key"`
		Evidence sinks.Evidence `json:"evidence"`
		AskedAt  time.Time      `json:"asked_at,omitzero"` // when the sink was asked: what it showed was true then
	}
	// CanaryStarted: a job of the sink's CI is to show that the pair works there. Run is how to find it again, until By.
	CanaryStarted struct {
		Sink string    `json:"sink"`
		Key  KeyID     `json:"key"`
		Run  string    `json:"run"`
		By   time.Time `json:"by"`
	}
	// SinkFailed: opening, pushing, verifying or the canary failed.
	SinkFailed struct {
		Sink  string `json:"sink"`
		Stage string `json:"stage"` // open, push, verify or canary
		Class string `json:"class"`
		Error string `json:"error"`
	}
)

// Retirement.
type (
	// UseRead: when AWS last saw the old key used.
	UseRead struct {
		Key    KeyID     `json:"key"`
		Use    Use       `json:"use"`
		ReadAt time.Time `json:"read_at"`        // when AWS was asked
		Clock  time.Time `json:"clock,omitzero"` // AWS's clock then, by which Use is told
	}
)

// Judgement.
type (
	// Held: the rotation waits for an operator.
	Held struct {
		Hold Hold `json:"hold"`
	}
	// Resolved: an operator decided.
	Resolved struct {
		Action Resolution `json:"action"`
		Key    KeyID      `json:"key,omitempty"`
		Sink   string     `json:"sink,omitempty"`
		Reason string     `json:"reason"`
	}
	// LeakReported: somebody says that Keys have leaked.
	LeakReported struct {
		Keys      []KeyID   `json:"keys"`
		Suspected bool      `json:"suspected,omitempty"`
		Reason    string    `json:"reason,omitempty"`
		Deadline  time.Time `json:"deadline"` // leak_deadline from now
	}
	// QuarantineSeen: AWS's quarantine policies are attached to the user.
	QuarantineSeen struct {
		Policies []string `json:"policies"`
		Lifted   bool     `json:"lifted,omitempty"`
	}
	// Finished ends a rotation.
	Finished struct {
		Outcome Outcome `json:"outcome"`
		Error   string  `json:"error,omitempty"`
		// Forgotten: the sealed secret had been erased before.
		Forgotten bool `json:"forgotten,omitempty"`
	}
	// Forgotten: the sealed secret is erased, after an optional sink was served late or given up.
	Forgotten struct{}
)

// Resolution is what an operator decided.
type Resolution string

// The decisions.
const (
	ResolveRetry    Resolution = "retry"
	ResolveKeep     Resolution = "keep"
	ResolveDelete   Resolution = "delete"
	ResolveDropSink Resolution = "drop-sink"
	ResolveAbandon  Resolution = "abandon"
)

// Outcome is how a rotation ended.
type Outcome string

// The outcomes.
const (
	Done      Outcome = "done"
	Failed    Outcome = "failed"    // before anything was changed
	Abandoned Outcome = "abandoned" // by resolve
)

// The types' names in JSON.
func (Claimed) Type() string        { return "claimed" }
func (Released) Type() string       { return "released" }
func (Started) Type() string        { return "started" }
func (Tagged) Type() string         { return "tagged" }
func (SinksChanged) Type() string   { return "sinks_changed" }
func (IssueIntended) Type() string  { return "issue_intended" }
func (Issued) Type() string         { return "issued" }
func (IssueFailed) Type() string    { return "issue_failed" }
func (IssueUnclear) Type() string   { return "issue_unclear" }
func (OrphanSought) Type() string   { return "orphan_sought" }
func (OrphanFound) Type() string    { return "orphan_found" }
func (KeyIntended) Type() string    { return "key_intended" }
func (KeyChanged) Type() string     { return "key_changed" }
func (Probed) Type() string         { return "probed" }
func (ProbeFailed) Type() string    { return "probe_failed" }
func (Pushed) Type() string         { return "pushed" }
func (Verified) Type() string       { return "verified" }
func (CanaryStarted) Type() string  { return "canary_started" }
func (SinkFailed) Type() string     { return "sink_failed" }
func (UseRead) Type() string        { return "use_read" }
func (Held) Type() string           { return "held" }
func (Resolved) Type() string       { return "resolved" }
func (LeakReported) Type() string   { return "leak_reported" }
func (QuarantineSeen) Type() string { return "quarantine_seen" }
func (Finished) Type() string       { return "finished" }
func (Forgotten) Type() string      { return "forgotten" }

type envelope struct {
	V        int             `json:"v"`
	ID       EventID         `json:"id"`
	At       time.Time       `json:"at"`
	By       string          `json:"by"`
	Rotation ID              `json:"rotation,omitempty"`
	Type     string          `json:"type"`
	Body     json.RawMessage `json:"body"`
}

// MarshalJSON writes the durable form.
func (e Event) MarshalJSON() ([]byte, error) {
	if e.Body == nil {
		return nil, fmt.Errorf("event %s says nothing", e.ID)
	}
	body, err := json.Marshal(e.Body)
	if err != nil {
		return nil, err
	}
	return json.Marshal(envelope{V: EventVersion, ID: e.ID, At: e.At.UTC(), By: e.By, Rotation: e.Rotation, Type: e.Body.Type(), Body: body})
}

// UnmarshalJSON reads the durable form. An event of a newer version, or of a type this
// keyturn does not know, is an error: what is not understood must not be acted on.
func (e *Event) UnmarshalJSON(b []byte) error {
	var v envelope
	if err := json.Unmarshal(b, &v); err != nil {
		return fmt.Errorf("event: %w", err)
	}
	if v.V > EventVersion {
		return fmt.Errorf("event %s has version %d and this keyturn knows up to %d: use the keyturn that wrote it, or a newer one", v.ID, v.V, EventVersion)
	}
	read, ok := bodies[v.Type]
	if !ok {
		return fmt.Errorf("event %s is of type %q, which this keyturn does not know: use the keyturn that wrote it, or a newer one", v.ID, v.Type)
	}
	body, err := read(v.Body)
	if err != nil {
		return fmt.Errorf("event %s (%s): %w", v.ID, v.Type, err)
	}
	*e = Event{ID: v.ID, At: v.At, By: v.By, Rotation: v.Rotation, Body: body}
	return nil
}

var bodies = map[string]func(json.RawMessage) (Body, error){
	Claimed{}.Type():        decode[Claimed],
	Released{}.Type():       decode[Released],
	Started{}.Type():        decode[Started],
	Tagged{}.Type():         decode[Tagged],
	SinksChanged{}.Type():   decode[SinksChanged],
	IssueIntended{}.Type():  decode[IssueIntended],
	Issued{}.Type():         decode[Issued],
	IssueFailed{}.Type():    decode[IssueFailed],
	IssueUnclear{}.Type():   decode[IssueUnclear],
	OrphanSought{}.Type():   decode[OrphanSought],
	OrphanFound{}.Type():    decode[OrphanFound],
	KeyIntended{}.Type():    decode[KeyIntended],
	KeyChanged{}.Type():     decode[KeyChanged],
	Probed{}.Type():         decode[Probed],
	ProbeFailed{}.Type():    decode[ProbeFailed],
	Pushed{}.Type():         decode[Pushed],
	Verified{}.Type():       decode[Verified],
	CanaryStarted{}.Type():  decode[CanaryStarted],
	SinkFailed{}.Type():     decode[SinkFailed],
	UseRead{}.Type():        decode[UseRead],
	Held{}.Type():           decode[Held],
	Resolved{}.Type():       decode[Resolved],
	LeakReported{}.Type():   decode[LeakReported],
	QuarantineSeen{}.Type(): decode[QuarantineSeen],
	Finished{}.Type():       decode[Finished],
	Forgotten{}.Type():      decode[Forgotten],
}

func decode[T Body](b json.RawMessage) (Body, error) {
	var v T
	err := json.Unmarshal(b, &v)
	return v, err
}
