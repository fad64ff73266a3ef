package schedule

import "time"

// horizon is how far Next looks ahead: 29 February comes back after eight years at most.
const horizon = 9 * 366

// Next is the first time after after at which the schedule comes due, in UTC; zero if there is none.
//
// @every counts from after. For fields, a time that the clocks jump over comes due at the first
// instant after the jump, and a time that the clocks show twice comes due the first time only.
func (s Schedule) Next(after time.Time) time.Time {
	if s.loc == nil {
		return time.Time{}
	}
	if s.every > 0 {
		return after.Add(s.every).UTC()
	}
	// A clock that is set back over midnight shows the day before once more.
	y, m, d := after.In(s.loc).Date()
	day := time.Date(y, m, d-1, 0, 0, 0, 0, time.UTC)
	for range horizon {
		if s.on(day) {
			if t, ok := s.nextOn(day, after); ok {
				return t
			}
		}
		day = day.AddDate(0, 0, 1)
	}
	return time.Time{}
}

// star is set by the cron parser in a set that was written as * or ?.
const star = 1 << 63

// on applies cron's rule for days: where both fields are restricted, either may match.
func (s Schedule) on(day time.Time) bool {
	if s.month&(1<<uint(day.Month())) == 0 {
		return false
	}
	dom := s.dom&(1<<uint(day.Day())) != 0
	dow := s.dow&(1<<uint(day.Weekday())) != 0
	if s.dom&star != 0 || s.dow&star != 0 {
		return dom && dow
	}
	return dom || dow
}

func (s Schedule) nextOn(day, after time.Time) (time.Time, bool) {
	for h := range 24 {
		if s.hour&(1<<uint(h)) == 0 {
			continue
		}
		for m := range 60 {
			if s.minute&(1<<uint(m)) == 0 {
				continue
			}
			civil := day.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute)
			if t := instant(civil, s.loc); t.After(after) {
				return t, true
			}
		}
	}
	return time.Time{}, false
}

// instant is when clocks in loc first show civil, which is written as if it were UTC; if they jump over it,
// the instant of the jump. time.Date does not promise which of two it takes.
func instant(civil time.Time, loc *time.Location) time.Time {
	const day = 24 * time.Hour
	_, before := civil.Add(-day).In(loc).Zone()
	_, behind := civil.Add(day).In(loc).Zone()
	first := civil.Add(-time.Duration(before) * time.Second)
	if before == behind || shows(first, civil, loc) {
		return first
	}
	second := civil.Add(-time.Duration(behind) * time.Second)
	if shows(second, civil, loc) {
		return second
	}
	start, _ := first.In(loc).ZoneBounds()
	return start.UTC()
}

func shows(t, civil time.Time, loc *time.Location) bool {
	_, offset := t.In(loc).Zone()
	return t.Add(time.Duration(offset) * time.Second).Equal(civil)
}
