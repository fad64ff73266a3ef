package schedule

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// Day is what the unit d stands for: 24 hours, whatever the clocks do.
const Day = 24 * time.Hour

var errDuration = errors.New("not a duration such as 90s, 1h30m or 30d")

// ParseDuration is time.ParseDuration with the unit d in addition: "90d", "1d12h". A negative one is an
// error. Error texts never hold parts of s.
func ParseDuration(s string) (time.Duration, error) {
	if s == "0" {
		return 0, nil
	}
	if s == "" {
		return 0, errDuration
	}
	var sum time.Duration
	for s != "" {
		var part string
		part, s = cutPart(s)
		d, err := parsePart(part)
		if err != nil {
			return 0, err
		}
		if d > math.MaxInt64-sum {
			return 0, errDuration
		}
		sum += d
	}
	return sum, nil
}

// cutPart takes the first number with its unit off s.
func cutPart(s string) (part, rest string) {
	n := strings.IndexFunc(s, func(r rune) bool { return !isNumeral(r) })
	if n < 0 {
		return s, ""
	}
	if u := strings.IndexFunc(s[n:], isNumeral); u >= 0 {
		return s[:n+u], s[n+u:]
	}
	return s, ""
}

func isNumeral(r rune) bool { return r >= '0' && r <= '9' || r == '.' }

func parsePart(part string) (time.Duration, error) {
	number, days := strings.CutSuffix(part, "d")
	if days {
		part = number + "h"
	}
	d, err := time.ParseDuration(part)
	if err != nil || !isNumeral(rune(part[0])) { // a sign: there is no time before now
		return 0, errDuration
	}
	if !days {
		return d, nil
	}
	if d > math.MaxInt64/24 {
		return 0, errDuration
	}
	return d * 24, nil
}

// FormatDuration is the inverse of ParseDuration: "90d", "1d12h", "30s".
func FormatDuration(d time.Duration) string {
	if d < Day {
		return trim(d)
	}
	days := fmt.Sprintf("%dd", d/Day)
	if rest := d % Day; rest > 0 {
		return days + trim(rest)
	}
	return days
}

// trim drops the zeros that Go prints: "1h0m0s" is "1h".
func trim(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
