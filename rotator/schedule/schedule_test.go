package schedule

import (
	"strings"
	"testing"
	"time"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func must(t *testing.T, expr string) Schedule {
	t.Helper()
	s, err := Parse(expr)
	if err != nil {
		t.Fatalf("Parse(%q): %v", expr, err)
	}
	return s
}

func TestParseRefuses(t *testing.T) {
	tests := map[string]struct{ expr, want string }{
		"nothing":                              {"", "empty; five fields, @monthly or @every 720h are expected"},
		"blanks":                               {"  \t ", "empty; five fields, @monthly or @every 720h are expected"},
		"a zone without fields":                {"TZ=UTC", "only a time zone is given: five fields must follow it"},
		"a zone and blanks":                    {"CRON_TZ=Europe/Berlin   ", "only a time zone is given: five fields must follow it"},
		"a zone without a name":                {"TZ= 0 3 * * *", "the time zone has no name"},
		"an unknown zone":                      {"TZ=Europe/Berlim 0 3 * * *", "unknown time zone; use a name such as Europe/Berlin"},
		"a zone that climbs out of the folder": {"TZ=../../etc/passwd 0 3 * * *", "unknown time zone; use a name such as Europe/Berlin"},
		"a day that never comes":               {"0 0 30 2 *", "never comes due: no such day exists"},
		"31 in short months":                   {"0 0 31 4,6,9,11 *", "never comes due: no such day exists"},
		"four fields":                          {"0 3 1 *", "5 fields are expected (minute, hour, day of month, month, day of week), found 4"},
		"six fields":                           {"0 0 3 1 * *", "5 fields are expected (minute, hour, day of month, month, day of week), found 6"},
		"a minute out of range":                {"60 3 1 * *", "minute: not a valid field; values are 0 to 59, with lists, ranges and steps"},
		"an hour out of range":                 {"0 24 1 * *", "hour: not a valid field; values are 0 to 23, with lists, ranges and steps"},
		"a day of month out of range":          {"0 3 0 * *", "day of month: not a valid field; values are 1 to 31, with lists, ranges and steps"},
		"a month that is none":                 {"0 3 1 foo *", "month: not a valid field; values are 1 to 12, or jan to dec, with lists, ranges and steps"},
		"Sunday as seven":                      {"0 3 * * 7", "day of week: not a valid field; values are 0 (Sunday) to 6, or sun to sat, with lists, ranges and steps"},
		"a list of nothing":                    {", 3 1 * *", "minute: not a valid field; values are 0 to 59, with lists, ranges and steps"},
		"a hole in a list":                     {"0 3 1,,2 * *", "day of month: not a valid field; values are 1 to 31, with lists, ranges and steps"},
		"a range backwards":                    {"0 5-3 * * *", "hour: not a valid field; values are 0 to 23, with lists, ranges and steps"},
		"a step of zero":                       {"*/0 3 * * *", "minute: not a valid field; values are 0 to 59, with lists, ranges and steps"},
		"an unknown descriptor":                {"@fortnightly", "unknown descriptor; one of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly, @every DURATION"},
		"@every without a duration":            {"@every", "@every needs a duration such as 720h or 30d"},
		"@every with a bad duration":           {"@every soon", "@every needs a duration such as 720h or 30d"},
		"@every backwards":                     {"@every -1h", "@every needs a duration such as 720h or 30d"},
		"@every too often":                     {"@every 59s", "@every needs at least 1m"},
		"@every zero":                          {"@every 0", "@every needs at least 1m"},
		"something very long":                  {"0 3 * * " + strings.Repeat("1,", 200) + "1", "longer than 256 characters"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse(tt.expr); err == nil || err.Error() != tt.want {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestNext(t *testing.T) {
	tests := map[string]struct {
		expr, after string
		want        []string
	}{
		"the first of the month, in UTC unless a zone is given": {
			"0 3 1 * *", "2026-10-15T12:00:00+05:00", []string{"2026-11-01T03:00:00Z", "2026-12-01T03:00:00Z", "2027-01-01T03:00:00Z"}},
		"strictly after, also by a nanosecond less": {
			"0 3 * * *", "2026-10-15T03:00:00Z", []string{"2026-10-16T03:00:00Z"}},
		"the same day when it is still to come": {
			"0 3 * * *", "2026-10-15T02:59:59.999Z", []string{"2026-10-15T03:00:00Z"}},
		"either day where both are restricted": {
			"0 0 13 * fri", "2026-11-01T00:00:00Z", []string{"2026-11-06T00:00:00Z", "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z"}},
		"leap days over a century without one": {
			"0 0 29 2 *", "2096-03-01T00:00:00Z", []string{"2104-02-29T00:00:00Z"}},
		"a descriptor in a zone": {
			"CRON_TZ=Asia/Tokyo @monthly", "2026-10-15T00:00:00Z", []string{"2026-10-31T15:00:00Z"}},
		"every counts from the last start, not from midnight": {
			"@every 30d", "2026-10-15T10:11:12Z", []string{"2026-11-14T10:11:12Z", "2026-12-14T10:11:12Z"}},
		"Berlin in spring: what the clocks jump over comes at the jump": {
			"CRON_TZ=Europe/Berlin 30 2 * * *", "2026-03-28T12:00:00Z",
			[]string{"2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}},
		"Berlin in spring: many jumped over come once": {
			"CRON_TZ=Europe/Berlin */10 2-3 * * *", "2026-03-29T00:59:00Z",
			[]string{"2026-03-29T01:00:00Z", "2026-03-29T01:10:00Z"}},
		"Berlin in autumn: what the clocks show twice comes once": {
			"CRON_TZ=Europe/Berlin 30 2 * * *", "2026-10-24T12:00:00Z",
			[]string{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
		"Berlin in autumn: asked within the second showing": {
			"CRON_TZ=Europe/Berlin 30 2 * * *", "2026-10-25T01:10:00Z", []string{"2026-10-26T01:30:00Z"}},
		"Santiago: the clocks jump over midnight": {
			"CRON_TZ=America/Santiago 0 0 * * *", "2026-09-05T12:00:00Z",
			[]string{"2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z"}},
		"Beirut: the clocks are set back over midnight": {
			"CRON_TZ=Asia/Beirut 30 23 * * *", "2025-10-25T20:45:00Z", []string{"2025-10-26T21:30:00Z"}},
		"Samoa: a whole day was left out": {
			"CRON_TZ=Pacific/Apia 0 12 30 12 *", "2011-12-01T00:00:00Z", []string{"2011-12-30T10:00:00Z", "2012-12-29T22:00:00Z"}},
		"Lord Howe: a jump of half an hour": {
			"CRON_TZ=Australia/Lord_Howe 15 2 * * *", "2026-10-03T12:00:00Z", []string{"2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, now := must(t, tt.expr), at(t, tt.after)
			for _, want := range tt.want {
				now = s.Next(now)
				if got := now.Format(time.RFC3339); got != want {
					t.Fatalf("got %s, want %s", got, want)
				}
			}
		})
	}
	if !(Schedule{}).Next(time.Now()).IsZero() || !(Schedule{}).IsZero() {
		t.Error("the zero schedule must never come due")
	}
}

// A year of a nightly schedule in a zone with summer time: each civil day once, never two at one instant.
func TestEveryNightOfAYearOnce(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	s := must(t, "CRON_TZ=Europe/Berlin 30 2 * * *")
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, berlin)
	now, nights := start, 0
	for day := start; day.Year() == 2026; day = day.AddDate(0, 0, 1) {
		next := s.Next(now)
		if y, m, d := next.In(berlin).Date(); y != day.Year() || m != day.Month() || d != day.Day() {
			t.Fatalf("the night of %s is due at %s", day.Format(time.DateOnly), next.In(berlin))
		}
		now = next
		nights++
	}
	if nights != 365 {
		t.Errorf("%d nights", nights)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"0 3 1 * *", "TZ=UTC", "CRON_TZ=Europe/Berlin 30 2 * * *", "@every 720h", "@monthly", "0 0 30 2 *",
		"*/4294967296 * * * *", ", , , , ,", "TZ= ", "@every 1d12h", "TZ=Local @daily", "0 0 1-31/7 */5 mon-fri", "* * * * -", "0-59/99999999999999999999 * * * *"} {
		f.Add(s, int64(1790000000))
	}
	f.Fuzz(func(t *testing.T, expr string, unix int64) {
		s, err := Parse(expr)
		if err != nil {
			return
		}
		after := time.Unix(unix%(1<<33), 0)
		next := s.Next(after)
		if !next.After(after) {
			t.Errorf("%q after %s is %s", expr, after, next)
		}
		if again, err := Parse(s.String()); err != nil || !again.Next(after).Equal(next) {
			t.Errorf("%q does not survive String: %v", expr, err)
		}
	})
}
