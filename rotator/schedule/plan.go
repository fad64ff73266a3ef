package schedule

import (
	"fmt"
	"time"
)

// Plan is when a robot's key is to be replaced. The zero Plan owes nothing.
type Plan struct {
	Cron   Schedule
	MaxAge time.Duration // of the key; 0: any age will do
}

// Owed says whether a rotation is owed now, and why, in a sentence. Otherwise next is when one
// will be, and zero means never.
//
// The schedule counts from lastStarted. Without one (a new journal) it counts from keyCreated, so that
// losing the journal does not replace keys that are younger than the last due time; with neither it counts
// from now, and the first key has to be asked for. MaxAge counts from keyCreated alone. However long nobody
// asked, one rotation is owed.
func (p Plan) Owed(lastStarted, keyCreated, now time.Time) (reason string, next time.Time) {
	cron := p.Cron.Next(since(lastStarted, keyCreated, now))
	var tooOld time.Time
	if p.MaxAge > 0 && !keyCreated.IsZero() {
		tooOld = keyCreated.Add(p.MaxAge)
	}
	switch next = earlier(cron, tooOld); {
	case next.IsZero() || next.After(now):
		return "", next.UTC()
	case next.Equal(cron):
		return "schedule: due since " + cron.UTC().Format(time.RFC3339), time.Time{}
	default:
		return fmt.Sprintf("max_age: key is %s old, limit %s", age(now.Sub(keyCreated)), FormatDuration(p.MaxAge)), time.Time{}
	}
}

// since is the first of times that is known.
func since(times ...time.Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// earlier is the earlier of two times, where zero is no time at all.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// age is d in whole days, or as it is below one.
func age(d time.Duration) string {
	if d >= Day {
		return FormatDuration(d.Truncate(Day))
	}
	return FormatDuration(d.Truncate(time.Second))
}
