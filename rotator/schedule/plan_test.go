package schedule

import (
	"testing"
	"time"
)

func TestOwed(t *testing.T) {
	tests := map[string]struct {
		cron         string
		maxAge       time.Duration
		last, key    string
		now          string
		reason, next string
	}{
		"no plan owes nothing, ever": {
			last: "2020-01-01T00:00:00Z", key: "2020-01-01T00:00:00Z", now: "2026-11-20T00:00:00Z"},
		"not yet": {
			cron: "0 3 1 * *", last: "2026-10-01T03:00:05Z", now: "2026-10-31T00:00:00Z", next: "2026-11-01T03:00:00Z"},
		"due to the second": {
			cron: "0 3 1 * *", last: "2026-10-01T03:00:05Z", now: "2026-11-01T03:00:00Z", reason: "schedule: due since 2026-11-01T03:00:00Z"},
		"after months asleep one is owed, since the first that was missed": {
			cron: "0 3 1 * *", last: "2026-03-01T03:00:05Z", now: "2026-11-20T00:00:00Z", reason: "schedule: due since 2026-04-01T03:00:00Z"},
		"once it has started nothing is owed until the next": {
			cron: "0 3 1 * *", last: "2026-11-20T00:00:01Z", now: "2026-11-20T00:00:02Z", next: "2026-12-01T03:00:00Z"},
		"a new journal counts from the key": {
			cron: "0 3 1 * *", key: "2026-11-10T00:00:00Z", now: "2026-11-20T00:00:00Z", next: "2026-12-01T03:00:00Z"},
		"a new journal and an old key": {
			cron: "0 3 1 * *", key: "2026-10-10T00:00:00Z", now: "2026-11-20T00:00:00Z", reason: "schedule: due since 2026-11-01T03:00:00Z"},
		"a new journal and no key counts from now": {
			cron: "0 3 1 * *", now: "2026-11-20T00:00:00Z", next: "2026-12-01T03:00:00Z"},
		"the journal goes before the key": {
			cron: "0 3 1 * *", last: "2026-11-19T00:00:00Z", key: "2020-01-01T00:00:00Z", now: "2026-11-20T00:00:00Z", next: "2026-12-01T03:00:00Z"},
		"every counts from the last start": {
			cron: "@every 720h", last: "2026-11-01T10:00:00Z", now: "2026-11-20T00:00:00Z", next: "2026-12-01T10:00:00Z"},
		"a key that is too old": {
			maxAge: 90 * Day, last: "2026-11-19T00:00:00Z", key: "2026-08-19T00:00:00Z", now: "2026-11-20T06:00:00Z", reason: "max_age: key is 93d old, limit 90d"},
		"a key that will be too old before the schedule comes": {
			cron: "0 3 1 * *", maxAge: 30 * Day, last: "2026-11-01T03:00:00Z", key: "2026-10-25T00:00:00Z", now: "2026-11-20T00:00:00Z", next: "2026-11-24T00:00:00Z"},
		"a limit below a day": {
			maxAge: 36 * time.Hour, key: "2026-11-18T00:00:00Z", now: "2026-11-20T00:00:00Z", reason: "max_age: key is 2d old, limit 1d12h"},
		"a key that is hours old": {
			maxAge: 90 * time.Minute, key: "2026-11-20T00:00:00Z", now: "2026-11-20T02:00:00.5Z", reason: "max_age: key is 2h old, limit 1h30m"},
		"no key has no age": {
			maxAge: 30 * Day, last: "2020-01-01T00:00:00Z", now: "2026-11-20T00:00:00Z"},
		"both are due: the earlier one is the reason": {
			cron: "0 3 1 * *", maxAge: 30 * Day, last: "2026-10-01T03:00:05Z", key: "2026-10-01T03:00:07Z", now: "2026-11-20T00:00:00Z", reason: "max_age: key is 49d old, limit 30d"},
		"a last start in the future owes nothing now": {
			cron: "0 3 1 * *", last: "2026-12-24T00:00:00Z", now: "2026-11-20T00:00:00Z", next: "2027-01-01T03:00:00Z"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			when := func(s string) time.Time {
				if s == "" {
					return time.Time{}
				}
				return at(t, s)
			}
			p := Plan{MaxAge: tt.maxAge}
			if tt.cron != "" {
				p.Cron = must(t, tt.cron)
			}
			reason, next := p.Owed(when(tt.last), when(tt.key), when(tt.now))
			if reason != tt.reason || !next.Equal(when(tt.next)) {
				t.Errorf("got %q, %s\nwant %q, %s", reason, next, tt.reason, tt.next)
			}
		})
	}
}

// A loop that wakes every ten minutes for a year, and sleeps through some weeks, starts each due rotation once.
func TestAYearOfOwed(t *testing.T) {
	p := Plan{Cron: must(t, "CRON_TZ=Europe/Berlin 0 3 1 * *")}
	now := at(t, "2026-01-01T12:00:00Z")
	last, end := now, at(t, "2027-01-01T12:00:00Z")
	var started []string
	for now.Before(end) {
		if reason, _ := p.Owed(last, time.Time{}, now); reason != "" {
			started = append(started, now.Format("01-02 15:04"))
			last = now
		}
		now = now.Add(10 * time.Minute)
		if now.Equal(at(t, "2026-04-20T00:00:00Z")) {
			now = at(t, "2026-07-10T00:00:00Z")
		}
	}
	want := []string{"02-01 02:00", "03-01 02:00", "04-01 01:00", "07-10 00:00", "08-01 01:00", "09-01 01:00", "10-01 01:00", "11-01 02:00", "12-01 02:00", "01-01 02:00"}
	if len(started) != len(want) {
		t.Fatalf("got  %v\nwant %v", started, want)
	}
	for i := range want {
		if started[i] != want[i] {
			t.Errorf("start %d: got %s, want %s", i, started[i], want[i])
		}
	}
}
