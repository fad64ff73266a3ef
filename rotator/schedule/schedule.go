// Package schedule says when a rotation is owed: by a cron expression, by the
// age of the key, or by both.
//
//	cron, err := schedule.Parse("CRON_TZ=Europe/Berlin 0 3 1 * *")
//	plan := schedule.Plan{Cron: cron, MaxAge: 90 * schedule.Day}
//	reason, next := plan.Owed(lastStarted, keyCreated, time.Now())
//
// Nothing fires. Whoever waits asks [Plan.Owed] again and again, with what the
// journal knows, so that a week of sleep owes one rotation and not seven.
package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // zones must load on machines that have none installed

	"github.com/robfig/cron/v3"
)

// MinEvery is the shortest interval of @every: no expression with fields can ask for less.
const MinEvery = time.Minute

// maxExpr bounds what is handed to the parser.
const maxExpr = 256

// Schedule is a parsed expression. The zero Schedule never comes due.
type Schedule struct {
	expr  string
	every time.Duration // set for @every, and then nothing below is
	loc   *time.Location
	// Bit n stands for the value n, as the cron parser sets them.
	minute, hour, dom, month, dow uint64
}

// IsZero says whether there is no schedule.
func (s Schedule) IsZero() bool { return s.expr == "" }

// String is the expression that was parsed.
func (s Schedule) String() string { return s.expr }

// Parse reads five cron fields (minute, hour, day of month, month, day of week), a descriptor
// (@yearly, @monthly, @weekly, @daily, @hourly) or "@every 720h", whose durations also know d.
// CRON_TZ=ZONE or TZ=ZONE in front sets the time zone; without it the zone is UTC, so that a
// daemon and a command on another machine agree.
//
// An expression that never comes due is an error. Error texts never hold parts of expr.
func Parse(expr string) (Schedule, error) {
	if len(expr) > maxExpr {
		return Schedule{}, fmt.Errorf("longer than %d characters", maxExpr)
	}
	loc, rest, err := zone(strings.TrimSpace(expr))
	if err != nil {
		return Schedule{}, err
	}
	s, err := parse(rest)
	if err != nil {
		return Schedule{}, err
	}
	s.expr, s.loc = strings.TrimSpace(expr), loc
	if s.Next(time.Unix(0, 0)).IsZero() {
		return Schedule{}, errors.New("never comes due: no such day exists")
	}
	return s, nil
}

// zone takes the time zone off the front. The cron parser panics on a zone without fields.
func zone(expr string) (*time.Location, string, error) {
	name, ok := strings.CutPrefix(expr, "CRON_TZ=")
	if !ok {
		name, ok = strings.CutPrefix(expr, "TZ=")
	}
	if !ok {
		return time.UTC, expr, nil
	}
	rest := ""
	if i := strings.IndexAny(name, " \t"); i >= 0 {
		name, rest = name[:i], strings.TrimSpace(name[i:])
	}
	if name == "" {
		return nil, "", errors.New("the time zone has no name")
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, "", errors.New("unknown time zone; use a name such as Europe/Berlin")
	}
	if rest == "" {
		return nil, "", errors.New("only a time zone is given: five fields must follow it")
	}
	return loc, rest, nil
}

func parse(rest string) (Schedule, error) {
	if rest == "" {
		return Schedule{}, errors.New("empty; five fields, @monthly or @every 720h are expected")
	}
	if after, ok := strings.CutPrefix(rest, "@every"); ok {
		return parseEvery(strings.TrimSpace(after))
	}
	if strings.HasPrefix(rest, "@") {
		s, err := bits(rest)
		if err != nil {
			return s, errors.New("unknown descriptor; one of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly, @every DURATION")
		}
		return s, nil
	}
	return parseFields(strings.Fields(rest))
}

func parseEvery(text string) (Schedule, error) {
	d, err := ParseDuration(text)
	if err != nil {
		return Schedule{}, errors.New("@every needs a duration such as 720h or 30d")
	}
	if d < MinEvery {
		return Schedule{}, fmt.Errorf("@every needs at least %s", FormatDuration(MinEvery))
	}
	return Schedule{every: d}, nil
}

// The fields in their order, with what each may hold.
var fields = [...]struct{ name, values string }{
	{"minute", "0 to 59"},
	{"hour", "0 to 23"},
	{"day of month", "1 to 31"},
	{"month", "1 to 12, or jan to dec"},
	{"day of week", "0 (Sunday) to 6, or sun to sat"},
}

// parseFields looks at each field alone first, so that an error can name it without quoting it.
func parseFields(got []string) (Schedule, error) {
	if len(got) != len(fields) {
		return Schedule{}, fmt.Errorf("%d fields are expected (minute, hour, day of month, month, day of week), found %d", len(fields), len(got))
	}
	for i, f := range got {
		alone := [len(fields)]string{"*", "*", "*", "*", "*"}
		alone[i] = f
		if _, err := bits(strings.Join(alone[:], " ")); err != nil || hollow(f) {
			return Schedule{}, fmt.Errorf("%s: not a valid field; values are %s, with lists, ranges and steps", fields[i].name, fields[i].values)
		}
	}
	return bits(strings.Join(got, " "))
}

// hollow finds empty elements of a list, which the cron parser takes for a value that never matches.
func hollow(field string) bool {
	return strings.HasPrefix(field, ",") || strings.HasSuffix(field, ",") || strings.Contains(field, ",,")
}

var parser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// bits is the only use of the cron package: its Next skips a day when clocks change, so only its sets are taken.
func bits(expr string) (Schedule, error) {
	parsed, err := parser.Parse(expr)
	if err != nil {
		return Schedule{}, err
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return Schedule{}, errors.New("not an expression with fields")
	}
	return Schedule{minute: spec.Minute, hour: spec.Hour, dom: spec.Dom, month: spec.Month, dow: spec.Dow}, nil
}
