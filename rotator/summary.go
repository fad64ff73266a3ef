package rotator

import (
	"maps"
	"time"
)

// clone is a copy that events appended later do not change.
func (p *Progress) clone() *Progress {
	q := *p
	q.Sinks = make([]*SinkProgress, len(p.Sinks))
	for i, s := range p.Sinks {
		c := *s
		q.Sinks[i] = &c
	}
	q.Accepted, q.Tolerated = maps.Clone(p.Accepted), maps.Clone(p.Tolerated)
	return &q
}

// lastKey is when the last rotation began, and when the key in use was created, as far as is known.
func (s State) lastKey(w World) (started, created time.Time) {
	for _, p := range s.Rotations {
		if p.Outcome == Failed {
			continue
		}
		started = p.StartedAt
		if !p.New.CreatedAt.IsZero() {
			created = p.New.CreatedAt
		}
	}
	if created.IsZero() {
		for _, k := range w.Keys {
			if k.Status == Active && (created.IsZero() || k.CreatedAt.Before(created)) {
				created = k.CreatedAt
			}
		}
	}
	return started, created
}

// summary is the rotation in flight, or the last one, as people see it.
func (s State) summary(robot Robot, ref UserRef, step Step) Rotation {
	p := s.Last()
	if p == nil {
		return Rotation{Robot: robot.Name, User: robot.User, Account: ref.Account, Step: StepNone, NextAt: step.Until, Sinks: []SinkStatus{}}
	}
	rot := p.rotation(ref)
	if p.Outcome == "" && step.Name != "" {
		rot.Step = step.Name
	}
	rot.NextAt = step.Until
	return rot
}

// rotation is what the log says of p.
func (p *Progress) rotation(ref UserRef) Rotation {
	rot := Rotation{
		ID: p.ID, Robot: p.Started.Robot, User: p.Started.User, Account: ref.Account,
		Trigger: p.Started.Trigger, Reason: p.Started.Reason, Step: p.stage(),
		OldKeyID: p.Old, NewKeyID: p.New.ID, Hold: p.Hold,
		StartedAt: p.StartedAt, FinishedAt: p.FinishedAt, Sinks: []SinkStatus{},
	}
	if p.LastError != "" && p.Outcome != Done {
		rot.Reason = p.LastError
	}
	for _, s := range p.Sinks {
		rot.Sinks = append(rot.Sinks, s.status())
	}
	return rot
}

func (s *SinkProgress) status() SinkStatus {
	out := SinkStatus{Name: s.Name, Kind: s.Kind, Required: s.Required, State: SinkPending, Evidence: s.Evidence, Error: s.Error}
	switch {
	case s.Dropped:
		out.State = SinkDropped
	case s.Serves():
		out.State = SinkVerified
	case s.Error != "":
		out.State = SinkFailing
	case s.Pushed:
		out.State = SinkPushed
	}
	return out
}
