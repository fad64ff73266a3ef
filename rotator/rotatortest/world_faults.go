package rotatortest

import "time"

// Mishap is what goes wrong with one effect of a process.
type Mishap string

// The mishaps. A dead process does nothing more: what it still tries is not applied.
const (
	Fine        Mishap = ""
	CrashBefore Mishap = "crash before"
	CrashAfter  Mishap = "crash after"
	CrashLate   Mishap = "crash late" // it crashes, and its request is applied some seconds later
	LoseBefore  Mishap = "fail before"
	LoseAfter   Mishap = "fail after" // applied; the answer is lost
	LoseLate    Mishap = "fail late"  // the answer is lost, and the request is applied some seconds later
	Hangs       Mishap = "hang"       // no answer until the caller gives up; not applied. The journal fails for longer than its caller tries
	HangsAfter  Mishap = "hang after" // the same, applied
	HangsLate   Mishap = "hang late"  // the same, applied some seconds after the caller has given up
	Down        Mishap = "down"       // AWS, the store or the journal fails for ten minutes
	StallBefore Mishap = "stall before"
	StallAfter  Mishap = "stall after" // the process stops (SIGSTOP) for longer than its claim and every deadline, and goes on
)

// Kills says that the process dies.
func (m Mishap) Kills() bool { return m == CrashBefore || m == CrashAfter || m == CrashLate }

// The durations of mishaps.
const (
	busyFor  = 90 * time.Second // longer than an outcome is tried to be recorded
	downFor  = 10 * time.Minute
	StallFor = 10 * time.Minute // longer than a claim and the wait after it
	lateBy   = 5 * time.Second
)

// Mutates says that the effect, if it is applied, changes something.
func (e Effect) Mutates() bool {
	switch e.What {
	case "TagUser", "CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey", "DetachUserPolicy", "forget", "reseal":
		return true
	}
	return e.Target() == journalTarget && len(e.What) > len("append ") && e.What[:len("append ")] == "append " || suffixed(e.What, " push")
}

const (
	awsTarget     = "aws"
	journalTarget = "journal"
)

// Target is what the effect goes to: aws, journal, or a store's name.
func (e Effect) Target() string {
	for _, op := range []string{" check", " push", " verify", " serving"} {
		if suffixed(e.What, op) {
			return e.What[:len(e.What)-len(op)]
		}
	}
	if e.What[0] >= 'A' && e.What[0] <= 'Z' {
		return awsTarget
	}
	return journalTarget
}

func suffixed(s, suffix string) bool { return len(s) > len(suffix) && s[len(s)-len(suffix):] == suffix }

// Mishaps are those that make a difference to the effect, of the given ones.
func (e Effect) Mishaps(of ...Mishap) []Mishap {
	var out []Mishap
	for _, m := range of {
		switch m {
		case LoseAfter, HangsAfter:
			if !e.Mutates() && m == HangsAfter || e.Target() == journalTarget && (m == HangsAfter || !e.Mutates()) {
				continue
			}
		case CrashLate, LoseLate, HangsLate:
			if !e.Mutates() || e.Target() == journalTarget {
				continue
			}
		}
		out = append(out, m)
	}
	return out
}
