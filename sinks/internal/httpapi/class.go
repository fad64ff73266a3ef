package httpapi

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"keyturn/sinks"
)

// StatusError is an answer that is not a success. Its text is the status and nothing of the body.
type StatusError struct{ Status int }

func (e *StatusError) Error() string {
	if text := http.StatusText(e.Status); text != "" {
		return strconv.Itoa(e.Status) + " " + text
	}
	return "status " + strconv.Itoa(e.Status)
}

// StatusOf is the status in err's tree; 0 if there is none.
func StatusOf(err error) int {
	var s *StatusError
	if errors.As(err, &s) {
		return s.Status
	}
	return 0
}

// ClassOf is what a status means, and how long the store asks to wait.
// Source: RFC 9110, "Status Codes" and "Retry-After"; RFC 6585.
func ClassOf(status int, h http.Header) (sinks.Class, time.Duration) {
	after := After(h)
	switch status {
	case http.StatusUnauthorized:
		return sinks.Denied, 0
	case http.StatusForbidden:
		if exhausted(h) || h.Get("Retry-After") != "" {
			return sinks.Throttled, after
		}
		return sinks.Denied, 0
	case http.StatusNotFound, http.StatusGone:
		return sinks.Missing, 0
	case http.StatusConflict, http.StatusPreconditionFailed:
		return sinks.Conflict, 0
	case http.StatusTooManyRequests:
		return sinks.Throttled, after
	case http.StatusRequestTimeout, http.StatusTooEarly:
		return sinks.Temporary, after
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return sinks.Refused, 0
	}
	if status >= 500 {
		return sinks.Temporary, after
	}
	return sinks.Refused, 0
}

// remaining and reset are the headers in which stores tell what is left of a quota (the
// former is 0) and when it is filled again.
var (
	remaining = []string{"X-RateLimit-Remaining", "RateLimit-Remaining"}
	reset     = []string{"X-RateLimit-Reset", "RateLimit-Reset"}
)

func exhausted(h http.Header) bool { return first(h, remaining) == "0" }

func first(h http.Header, names []string) string {
	for _, n := range names {
		if v := h.Get(n); v != "" {
			return v
		}
	}
	return ""
}

// longest bounds what a store can ask for; it tells something else than a time beyond that.
const longest = 24 * time.Hour

// After is how long the store asks to wait, by its own clock; 0 if it does not say.
// Retry-After counts first, then the reset of an exhausted quota.
func After(h http.Header) time.Duration {
	now := Date(h)
	if now.IsZero() {
		now = time.Now()
	}
	if v := h.Get("Retry-After"); v != "" {
		if at, err := http.ParseTime(v); err == nil {
			return clamp(at.Sub(now))
		}
		return seconds(v, now)
	}
	if exhausted(h) {
		return seconds(first(h, reset), now)
	}
	return 0
}

// seconds reads a number of seconds, or a Unix time, which is too large to be one.
func seconds(v string, now time.Time) time.Duration {
	f, err := strconv.ParseFloat(v, 64)
	switch {
	case err != nil || f <= 0 || f > 1e12:
		return 0
	case f > 1e9:
		return clamp(time.Unix(int64(f), 0).Sub(now))
	}
	return clamp(time.Duration(min(f, longest.Seconds()) * float64(time.Second)))
}

func clamp(d time.Duration) time.Duration { return min(max(d, 0), longest) }

// Date is the store's clock; zero if it does not tell it.
func Date(h http.Header) time.Time {
	t, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return t
}
