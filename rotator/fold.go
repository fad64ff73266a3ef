package rotator

import (
	"slices"
	"time"

	"keyturn/sinks"
)

// Fold adds up a log of the journal with the given id. It never fails: what a log says has happened.
func Fold(journal string, l Log) State {
	s := State{Journal: journal, Keys: map[KeyID]*KeyRecord{}}
	for _, e := range l.Events {
		s.Apply(e)
	}
	return s
}

func (s *State) record(id KeyID) *KeyRecord {
	k := s.Keys[id]
	if k == nil {
		k = &KeyRecord{}
		s.Keys[id] = k
	}
	return k
}

// Apply adds the next event of the log.
func (s *State) Apply(e Event) {
	s.Seq++
	switch b := e.Body.(type) {
	case Claimed:
		s.Claim = &Claim{Owner: b.Owner, Until: b.Until}
		return
	case Released:
		if s.Claim != nil && s.Claim.Owner.ID == e.By {
			s.Claim = nil
		}
		return
	case LeakReported:
		s.leak(b)
		return
	case Started:
		s.Rotations, s.Owed = append(s.Rotations, start(e, b)), nil
		return
	}
	p := s.find(e.Rotation)
	if c, ok := e.Body.(KeyChanged); ok {
		s.changed(p, e.At, c)
	}
	if p == nil {
		return
	}
	p.LastEventAt, p.LastSeq = e.At, s.Seq
	switch b := e.Body.(type) {
	case Issued:
		s.record(b.Key.ID).Created = true
		p.issued(e.At, b)
	case Resolved:
		if p.Hold != nil && p.Hold.Code == HoldReactivated && b.Action == ResolveRetry {
			s.record(p.Old).DisabledAt = time.Time{} // it is Active, and is to be retired again
		}
		p.resolved(e.At, b)
	case Finished:
		if b.Outcome == Failed && p.Started.Trigger == Leak && len(s.Leaks) > 0 {
			s.Owed = &s.Leaks[len(s.Leaks)-1]
		}
		p.apply(e)
	default:
		p.apply(e)
	}
}

func (s *State) find(id ID) *Progress {
	for i := len(s.Rotations) - 1; i >= 0; i-- {
		if s.Rotations[i].ID == id {
			return s.Rotations[i]
		}
	}
	return nil
}

func (s *State) leak(b LeakReported) {
	s.Leaks = append(s.Leaks, b)
	if p := s.Current(); p == nil || !p.answers(b) {
		s.Owed = &b
	}
	if b.Suspected {
		return
	}
	for _, id := range b.Keys {
		k := s.record(id)
		if !k.Leaked {
			k.Leaked, k.LeakedBy = true, b.Deadline
		}
	}
}

// answers says that the rotation in flight replaces every key that the report names, or, if it names none, every
// key that can be meant.
func (p *Progress) answers(b LeakReported) bool {
	for _, id := range b.Keys {
		there := slices.ContainsFunc(p.Started.Keys, func(k Key) bool { return k.ID == id })
		if id != p.Old && id != p.New.ID && !there {
			return false
		}
	}
	return len(b.Keys) > 0 || p.New.ID == ""
}

// changed also applies to keys of no rotation: containment needs none.
func (s *State) changed(p *Progress, at time.Time, c KeyChanged) {
	k := s.record(c.Key)
	switch c.Change {
	case Disable:
		k.DisabledAt, k.DisabledSeq = at, s.Seq
		k.Contained = k.Contained || c.Why == WhyLeak
	case Enable:
		k.DisabledAt, k.Contained = time.Time{}, false
	case Remove:
		k.Deleted = true
	}
	if p == nil {
		return
	}
	if c.Change == Remove && c.Key == p.Doomed {
		p.Doomed = ""
	}
	switch {
	case c.Change == Remove && c.Key == p.New.ID:
		p.dropNew()
	case c.Change == Remove && p.Orphan != nil && c.Key == p.Orphan.ID:
		p.closeAttempt()
	case c.Change == Enable && c.Key == p.Old:
		p.QuietFrom, p.Uses = at, nil
	}
}

func start(e Event, b Started) *Progress {
	p := &Progress{
		ID: e.Rotation, Started: b, StartedAt: e.At, LastEventAt: e.At,
		Accepted: map[HoldCode]bool{}, Tolerated: map[KeyID]bool{},
	}
	p.plan(b.Sinks)
	return p
}

// plan takes over what the configuration says of the sinks. Required is never relaxed, and a
// destination that has changed is served anew.
func (p *Progress) plan(plans []SinkPlan) {
	named := map[string]bool{}
	for _, sp := range plans {
		named[sp.Name] = true
		have := p.Sink(sp.Name)
		if have == nil {
			p.Sinks = append(p.Sinks, &SinkProgress{SinkPlan: sp})
			continue
		}
		sp.Required = sp.Required || have.Required
		if sp.Destination != have.Destination || sp.Kind != have.Kind {
			*have = SinkProgress{SinkPlan: sp}
			continue
		}
		have.SinkPlan = sp
	}
	for _, s := range p.Sinks {
		if !named[s.Name] && !s.Required {
			s.Dropped = true
		}
	}
}

func (p *Progress) issued(at time.Time, b Issued) {
	p.closeAttempt()
	p.New, p.IssuedAt, p.IssuedSeq = b.Key, at, p.LastSeq
}

// closeAttempt forgets the attempt in progress; Old stays what its intent saw.
func (p *Progress) closeAttempt() {
	p.Intent, p.Failure, p.Unclear, p.UnclearKey, p.Sought, p.Orphan = nil, nil, false, "", nil, nil
	p.IntentAt, p.EndedAt, p.EndedSeq = time.Time{}, time.Time{}, 0
}

// dropNew forgets a new key that was deleted: another is to be made, and served everywhere.
func (p *Progress) dropNew() {
	p.New, p.IssuedAt, p.ProbedAt, p.Uses = Key{}, time.Time{}, time.Time{}, nil
	for _, s := range p.Sinks {
		*s = SinkProgress{SinkPlan: s.SinkPlan, Dropped: s.Dropped}
	}
}

func (p *Progress) apply(e Event) {
	switch b := e.Body.(type) {
	case Tagged:
		p.TaggedAt, p.TaggedSeq, p.Adopted = e.At, p.LastSeq, p.Adopted || b.Adopted
	case SinksChanged:
		p.plan(b.Sinks)
	case IssueIntended:
		p.intended(e.At, b)
	case IssueFailed:
		p.Failure, p.EndedAt, p.EndedSeq, p.LastError = &b, e.At, p.LastSeq, b.Error
	case IssueUnclear:
		p.Unclear, p.UnclearKey, p.EndedAt, p.EndedSeq, p.LastError = true, b.Key, e.At, p.LastSeq, b.Error
	case OrphanSought:
		if len(b.Unknown) == 0 {
			p.Sought = append(p.Sought, e.At)
		}
	case OrphanFound:
		p.Orphan = &b.Key
	case Probed:
		p.ProbedAt, p.LastError = e.At, ""
	case ProbeFailed:
		p.LastError = b.Error
	case UseRead:
		p.Uses = append(p.Uses, b.reading())
	case QuarantineSeen:
		p.Quarantine, p.Lifted = b.Policies, b.Lifted
	case Pushed, Verified, CanaryStarted, SinkFailed:
		p.sink(e)
	default:
		p.judge(e)
	}
}

// reading tells the use by our clock, if AWS's clock is another one. It is known to the second: the use is rather told too
// early than too late.
func (b UseRead) reading() Reading {
	ahead := b.Clock.Sub(b.ReadAt)
	if !b.Clock.IsZero() && !b.Use.At.IsZero() && ahead.Abs() > skew {
		b.Use.At = b.Use.At.Add(-ahead - time.Second)
	}
	return Reading{At: b.ReadAt, Use: b.Use}
}

func (p *Progress) intended(at time.Time, b IssueIntended) {
	p.closeAttempt()
	p.Attempts++
	p.Intent, p.IntentAt, p.Old = &b, at, ""
	for _, k := range b.Keys {
		if !p.Tolerated[k.ID] {
			p.Old = k.ID
		}
	}
}

func (p *Progress) sink(e Event) {
	switch b := e.Body.(type) {
	case Pushed:
		if s := p.Sink(b.Sink); s != nil && b.Key == p.New.ID && b.Destination == s.Destination {
			s.Pushed, s.Receipt = true, b.Receipt
			s.ServedAt, s.VerifiedAt = time.Time{}, time.Time{}
			s.CanaryRun, s.Proven = "", false
		}
	case CanaryStarted:
		if s := p.Sink(b.Sink); s != nil && b.Key == p.New.ID {
			s.CanaryRun, s.CanaryBy = b.Run, b.By
		}
	case Verified:
		if s := p.Sink(b.Sink); s != nil && b.Key == p.New.ID && s.Pushed {
			if s.ServedAt.IsZero() || b.Evidence == sinks.Proven {
				s.ServedAt = e.At
			}
			s.VerifiedAt, s.Evidence = e.At, b.Evidence
			if !b.AskedAt.IsZero() {
				s.VerifiedAt = b.AskedAt
			}
			if s.Proven = s.Proven || b.Evidence == sinks.Proven; s.Proven {
				s.Evidence, s.CanaryRun = sinks.Proven, ""
			}
			s.Failures, s.FailedAt, s.Class, s.Stage, s.Error = 0, time.Time{}, "", "", ""
		}
	case SinkFailed:
		s := p.Sink(b.Sink)
		if s == nil {
			return
		}
		s.Failures++
		s.FailedAt, s.Class, s.Stage, s.Error = e.At, b.Class, b.Stage, b.Error
		if b.Stage == StageCanary {
			s.CanaryRun = ""
		}
		if b.Class == classStale || b.Class == classWeak {
			s.ServedAt, s.VerifiedAt = time.Time{}, time.Time{}
			p.Uses = nil
		}
	}
}

func (p *Progress) judge(e Event) {
	switch b := e.Body.(type) {
	case Held:
		h := b.Hold
		p.Hold, p.HeldAt = &h, e.At
	case Finished:
		p.Outcome, p.FinishedAt, p.Hold = b.Outcome, e.At, nil
		p.Forgotten = p.Forgotten || b.Forgotten
		if b.Error != "" {
			p.LastError = b.Error
		}
	case Forgotten:
		p.Forgotten = true
	}
}

func (p *Progress) resolved(at time.Time, b Resolved) {
	if p.Hold != nil && b.Action == ResolveRetry {
		p.Accepted[p.Hold.Code] = true
	}
	code := HoldCode("")
	if p.Hold != nil {
		code = p.Hold.Code
	}
	p.Hold, p.Uses, p.QuietFrom = nil, nil, at
	switch b.Action {
	case ResolveKeep:
		p.keep(code, b.Key)
	case ResolveDelete:
		p.Doomed = b.Key
	case ResolveDropSink:
		if s := p.Sink(b.Sink); s != nil {
			s.Dropped = true
		}
	case ResolveAbandon:
		p.Abandoning = true
	}
	for _, s := range p.Sinks {
		s.Failures, s.FailedAt, s.Class, s.Stage, s.Error = 0, time.Time{}, "", "", ""
	}
}

// keep: of two keys, the one that stays until it is replaced; anywhere else, a key of somebody else that is let be.
func (p *Progress) keep(code HoldCode, id KeyID) {
	if code == HoldTwoKeys {
		p.Keep = id
		delete(p.Tolerated, id)
		return
	}
	p.Tolerated[id] = true
	p.closeAttempt()
}

// Stages of a sink's failure.
const (
	StageOpen   = "open"
	StagePush   = "push"
	StageVerify = "verify"
	StageCanary = "canary"
)

const (
	classStale = "stale"
	classWeak  = "weak" // verified, but below min_evidence
)
