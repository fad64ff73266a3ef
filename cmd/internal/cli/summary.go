package cli

import (
	"fmt"

	"keyturn/internal/app"
	"keyturn/rotator"
)

// summary says in a few lines how a run of a robot ended. Errors are said elsewhere.
func summary(res app.Result) []string {
	r := res.Rotation
	if res.Err == nil && !res.Acted && !r.FinishedAt.IsZero() {
		return append([]string{nothingToDo(r)}, unserved(r)...)
	}
	switch r.Step {
	case rotator.StepNone:
		return []string{nothingToDo(r)}
	case rotator.StepDone:
		return append([]string{doneLine(r)}, unserved(r)...)
	case rotator.StepHeld:
		if r.Hold == nil {
			return []string{"held: an operator must decide"}
		}
		return []string{
			fmt.Sprintf("held (%s): %s", r.Hold.Code, r.Hold.Message),
			"to resolve it: " + r.Hold.Resolve,
		}
	case rotator.StepQuiet, rotator.StepDisable:
		if verified(r) {
			return append([]string{retireLine(r)}, unserved(r)...)
		}
	case rotator.StepSoak, rotator.StepDelete:
		return append([]string{soakLine(r)}, unserved(r)...)
	case rotator.StepAbandoned:
		return []string{"abandoned: " + r.Reason}
	}
	return nil
}

func nothingToDo(r rotator.Rotation) string {
	if r.NextAt.IsZero() {
		return "nothing to do"
	}
	return "nothing to do; the next rotation is owed " + app.Stamp(r.NextAt)
}

func doneLine(r rotator.Rotation) string {
	if r.OldKeyID == "" {
		return fmt.Sprintf("done: %s is in use", r.NewKeyID)
	}
	return fmt.Sprintf("done: %s has replaced %s", r.NewKeyID, r.OldKeyID)
}

func retireLine(r rotator.Rotation) string {
	if r.OldKeyID == "" {
		return fmt.Sprintf("verified: every required sink serves %s", r.NewKeyID)
	}
	if r.NextAt.IsZero() {
		return fmt.Sprintf("old key %s stays active; run `keyturn rotate` again, or the daemon retires it", r.OldKeyID)
	}
	return fmt.Sprintf("old key %s stays active until %s, then `keyturn rotate` or the daemon retires it", r.OldKeyID, app.Stamp(r.NextAt))
}

func soakLine(r rotator.Rotation) string {
	if r.NextAt.IsZero() {
		return fmt.Sprintf("old key %s is inactive; run `keyturn rotate` again, or the daemon deletes it", r.OldKeyID)
	}
	return fmt.Sprintf("old key %s is inactive until %s, then `keyturn rotate` or the daemon deletes it (`keyturn restore %s` brings it back)",
		r.OldKeyID, app.Stamp(r.NextAt), r.Robot)
}

// verified says whether every required sink serves the new key.
func verified(r rotator.Rotation) bool {
	for _, s := range r.Sinks {
		if s.Required && s.State != rotator.SinkVerified && s.State != rotator.SinkDropped {
			return false
		}
	}
	return true
}

// unserved names the optional sinks that still serve another key.
func unserved(r rotator.Rotation) []string {
	var lines []string
	for _, s := range r.Sinks {
		if s.Required || s.State == rotator.SinkVerified || s.State == rotator.SinkDropped {
			continue
		}
		line := s.Name + ": optional, not served yet"
		if s.Error != "" {
			line += ": " + s.Error
		}
		lines = append(lines, line)
	}
	return lines
}
