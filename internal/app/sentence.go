package app

import (
	"fmt"
	"strings"
	"time"

	"keyturn/rotator"
)

// Sentence tells an event to a person; "" for one that only matters to keyturn itself.
func Sentence(e rotator.Event) string {
	switch b := e.Body.(type) {
	case rotator.Started:
		return started(e.Rotation, b)
	case rotator.Tagged:
		if b.Adopted {
			return "IAM user is tagged as rotated by this journal"
		}
	case rotator.SinksChanged:
		return "the configuration's sinks have changed since the rotation began: " + sinkNames(b.Sinks)
	case rotator.Issued:
		return fmt.Sprintf("new key %s created", b.Key.ID)
	case rotator.IssueFailed:
		return "no key was created: " + b.Error
	case rotator.IssueUnclear:
		if b.Key != "" {
			return fmt.Sprintf("key %s was created and its secret is lost: %s", b.Key, b.Error)
		}
		return "it is not clear whether a key was created: " + b.Error
	case rotator.OrphanSought:
		if len(b.Unknown) > 0 {
			return "looked for a key whose secret nobody has: " + keyList(b.Unknown)
		}
		return "looked for a key whose secret nobody has: there is none"
	case rotator.OrphanFound:
		return fmt.Sprintf("key %s was made by the lost call; nobody has its secret", b.Key.ID)
	case rotator.KeyChanged:
		return fmt.Sprintf("%s %s %s", roles[b.Why], b.Key, changes[b.Change])
	case rotator.Probed:
		if b.Role != "" {
			return fmt.Sprintf("new key works: it signs as %s and assumes %s", b.ARN, b.Role)
		}
		return "new key works: it signs as " + b.ARN
	case rotator.ProbeFailed:
		return b.Error // a sentence by itself
	case rotator.Pushed:
		return fmt.Sprintf("%s: took %s", b.Sink, b.Key)
	case rotator.Verified:
		return fmt.Sprintf("%s: serves %s (%s)", b.Sink, b.Key, b.Evidence)
	case rotator.CanaryStarted:
		return fmt.Sprintf("%s: a job is to show that %s works there; its verdict is awaited until %s", b.Sink, b.Key, Stamp(b.By))
	case rotator.SinkFailed:
		return fmt.Sprintf("%s: %s failed: %s", b.Sink, b.Stage, b.Error)
	case rotator.UseRead:
		return fmt.Sprintf("old key %s %s", b.Key, lastUse(b.Use))
	case rotator.Held:
		return fmt.Sprintf("held (%s): %s", b.Hold.Code, b.Hold.Message)
	case rotator.Resolved:
		return resolved(b)
	case rotator.LeakReported:
		return "reported as leaked: " + joinIDs(b.Keys)
	case rotator.QuarantineSeen:
		if b.Lifted {
			return "AWS's quarantine is lifted: " + strings.Join(b.Policies, ", ")
		}
		return "AWS has quarantined the user: " + strings.Join(b.Policies, ", ")
	case rotator.Finished:
		return finished(b)
	case rotator.Forgotten:
		return "the sealed secret is erased"
	}
	return ""
}

// roles says which key a change is about, by its reason.
var roles = map[rotator.Why]string{
	rotator.WhyRetire: "old key", rotator.WhyOrphan: "orphaned key", rotator.WhyRoom: "second key", rotator.WhyOperator: "key",
	rotator.WhyLeak: "leaked key", rotator.WhyRestore: "old key", rotator.WhyStale: "old key", rotator.WhyYield: "new key",
}

var changes = map[rotator.Change]string{
	rotator.Disable: "is inactive", rotator.Enable: "is active again", rotator.Remove: "is deleted",
}

func started(id rotator.ID, b rotator.Started) string {
	s := fmt.Sprintf("rotation %s begins (%s", id, b.Trigger)
	if b.Reason != "" {
		s += ": " + b.Reason
	}
	s += ")"
	if len(b.Keys) > 0 {
		s += "; keys: " + keyList(b.Keys)
	}
	return s
}

func resolved(b rotator.Resolved) string {
	what := string(b.Action)
	switch {
	case b.Key != "":
		what += " " + string(b.Key)
	case b.Sink != "":
		what += " " + b.Sink
	}
	return fmt.Sprintf("an operator decided: %s (%s)", what, b.Reason)
}

func finished(b rotator.Finished) string {
	s := "rotation " + string(b.Outcome)
	if b.Error != "" {
		s += ": " + b.Error
	}
	return s
}

func lastUse(u rotator.Use) string {
	if u.At.IsZero() {
		return "was never seen in use"
	}
	s := "was last used " + Stamp(u.At)
	if u.Service != "" {
		s += " (" + strings.TrimSuffix(u.Service+" in "+u.Region, " in ") + ")"
	}
	return s
}

func keyList(keys []rotator.Key) string {
	var s []string
	for _, k := range keys {
		s = append(s, fmt.Sprintf("%s (%s, made %s)", k.ID, strings.ToLower(string(k.Status)), Stamp(k.CreatedAt)))
	}
	return strings.Join(s, ", ")
}

func joinIDs(ids []rotator.KeyID) string {
	if len(ids) == 0 {
		return "no key is named"
	}
	var s []string
	for _, id := range ids {
		s = append(s, string(id))
	}
	return strings.Join(s, ", ")
}

func sinkNames(plans []rotator.SinkPlan) string {
	var s []string
	for _, p := range plans {
		s = append(s, p.Name)
	}
	return strings.Join(s, ", ")
}

// Stamp is how times are shown to people and in examples: UTC, whole seconds.
func Stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
