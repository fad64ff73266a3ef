package rotator

import (
	"slices"
	"time"

	"keyturn/sinks"
)

// State is what a user's log adds up to.
type State struct {
	Journal   string // the journal's id
	Seq       Seq
	Claim     *Claim
	Rotations []*Progress // oldest first
	Keys      map[KeyID]*KeyRecord
	Leaks     []LeakReported // oldest first
	Owed      *LeakReported  // a leak that no rotation has answered yet
}

// Claim is who may act on the user, until when.
type Claim struct {
	Owner Owner
	Until time.Time
}

// KeyRecord is what the log knows of a key.
type KeyRecord struct {
	Created     bool      // by keyturn
	DisabledAt  time.Time // by keyturn, if it was not enabled again since
	DisabledSeq Seq
	Contained   bool      // disabled because it leaked
	Deleted     bool      // by keyturn
	Leaked      bool      // somebody is certain that it did
	LeakedBy    time.Time // when it must be Inactive at the latest
}

// Progress is how far a rotation has come.
type Progress struct {
	ID        ID
	Started   Started
	StartedAt time.Time
	TaggedAt  time.Time
	TaggedSeq Seq
	Adopted   bool // the user carried no tag before
	Sinks     []*SinkProgress

	Intent     *IssueIntended // of the attempt that has no key yet
	IntentAt   time.Time
	Failure    *IssueFailed // of that attempt: nothing was created
	Unclear    bool         // of that attempt: something may have been
	UnclearKey KeyID        // of that attempt: what the answer still told
	EndedAt    time.Time    // when the outcome of that attempt was recorded
	EndedSeq   Seq
	Sought     []time.Time // lists since then that showed no unknown key
	Orphan     *Key        // that attempt's key, beyond doubt
	Attempts   int

	Old       KeyID // to be retired; "" if the user had none
	New       Key
	IssuedAt  time.Time
	IssuedSeq Seq
	ProbedAt  time.Time

	Uses      []Reading // of the old key, since every required sink serves the new one
	QuietFrom time.Time // grace counts from here, or from the sinks' verification if that is later

	Hold       *Hold
	HeldAt     time.Time
	Accepted   map[HoldCode]bool // holds that an operator resolved with --retry
	Keep       KeyID             // the operator names the key that stays until it is replaced
	Doomed     KeyID             // the operator wants this one deleted
	Tolerated  map[KeyID]bool    // keys of somebody else that the operator lets be
	Abandoning bool

	Quarantine  []string
	Lifted      bool
	LastError   string
	Outcome     Outcome
	FinishedAt  time.Time
	Forgotten   bool // the sealed secret is erased
	LastEventAt time.Time
	LastSeq     Seq
}

// Reading is one look at a key's last use.
type Reading struct {
	At  time.Time
	Use Use
}

// SinkProgress is how far a sink has come.
type SinkProgress struct {
	SinkPlan
	Dropped    bool // by the operator, or because it is optional and no longer configured
	Pushed     bool
	Receipt    sinks.Receipt
	ServedAt   time.Time // first verification since the last push; zero: not shown to serve the new key
	VerifiedAt time.Time // latest verification
	Evidence   sinks.Evidence
	CanaryRun  string    // under way
	CanaryBy   time.Time // its deadline
	Proven     bool      // its verdict was good, since the last push
	Failures   int       // since the last success
	FailedAt   time.Time
	Class      string
	Stage      string
	Error      string
}

// Serves says that the sink was shown to serve the new key, and since then nothing spoke against it.
func (s *SinkProgress) Serves() bool { return !s.ServedAt.IsZero() }

// Current is the rotation that is in flight, or nil.
func (s State) Current() *Progress {
	if n := len(s.Rotations); n > 0 && s.Rotations[n-1].Outcome == "" {
		return s.Rotations[n-1]
	}
	return nil
}

// Last is the latest rotation, or nil.
func (s State) Last() *Progress {
	if n := len(s.Rotations); n > 0 {
		return s.Rotations[n-1]
	}
	return nil
}

// Knows says whether the log names this rotation.
func (s State) Knows(id ID) bool {
	return slices.ContainsFunc(s.Rotations, func(p *Progress) bool { return p.ID == id })
}

// Offered says that the new key may have been given to a sink: pushes follow the probe, and a push may have been
// applied although nothing of it is in the log.
func (p *Progress) Offered() bool { return !p.ProbedAt.IsZero() }

// Key is what is known of a key; never nil.
func (s State) Key(id KeyID) *KeyRecord {
	if k := s.Keys[id]; k != nil {
		return k
	}
	return &KeyRecord{}
}

// living leaves out the keys that keyturn has deleted: the observation may be older, and IAM's lists lag.
func (s State) living(keys []Key) []Key {
	var out []Key
	for _, k := range keys {
		if !s.Key(k.ID).Deleted {
			out = append(out, k)
		}
	}
	return out
}

// Sink finds a sink by name, or nil.
func (p *Progress) Sink(name string) *SinkProgress {
	for _, s := range p.Sinks {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// live are the sinks that still count.
func (p *Progress) live(required bool) []*SinkProgress {
	var out []*SinkProgress
	for _, s := range p.Sinks {
		if !s.Dropped && s.Required == required {
			out = append(out, s)
		}
	}
	return out
}

// ServedAt is when the last required sink was shown to serve the new key; zero if one is not.
func (p *Progress) ServedAt() time.Time {
	var last time.Time
	for _, s := range p.live(true) {
		if !s.Serves() || s.Canary && !s.Proven {
			return time.Time{}
		}
		if s.ServedAt.After(last) {
			last = s.ServedAt
		}
	}
	if last.IsZero() { // every required sink was dropped
		return p.ProbedAt
	}
	return last
}

// VerifiedAt is the oldest of the required sinks' latest verifications.
func (p *Progress) VerifiedAt() time.Time {
	var first time.Time
	for i, s := range p.live(true) {
		if i == 0 || s.VerifiedAt.Before(first) {
			first = s.VerifiedAt
		}
	}
	if first.IsZero() && len(p.live(true)) == 0 {
		return p.LastEventAt
	}
	return first
}

// Lingering are optional sinks of a rotation that is done which do not serve its key yet.
func (p *Progress) Lingering() []*SinkProgress {
	if p.Outcome != Done || p.Forgotten {
		return nil
	}
	var out []*SinkProgress
	for _, s := range p.live(false) {
		if !s.Serves() {
			out = append(out, s)
		}
	}
	return out
}
