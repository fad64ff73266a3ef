package vars

import (
	"regexp"
	"strings"
	"time"

	"keyturn/sinks"
)

var markerForm = regexp.MustCompile(`keyturn key=\S{0,4} at=\S+`)

// marker says in a description which key was written: "keyturn key=ABCD at=2026-11-03T10:00:00Z".
func marker(id sinks.KeyID, at time.Time) string {
	if at.IsZero() {
		at = time.Now()
	}
	return "keyturn key=" + tail(string(id)) + " at=" + at.UTC().Format(time.RFC3339)
}

// markerOf is the marker in a note; "" if it has none.
func markerOf(note string) string { return markerForm.FindString(note) }

// markedTail is the end of the key id that a marker names.
func markedTail(marker string) string {
	rest := strings.TrimPrefix(marker, "keyturn key=")
	key, _, _ := strings.Cut(rest, " ")
	return key
}

// noted is note with the marker in it: in place of an older one, or after what a person wrote. A note that would be
// longer than limit stays without one.
func noted(note, marker string, limit int) string {
	out := marker
	switch {
	case limit == 0:
		return ""
	case markerForm.MatchString(note):
		out = markerForm.ReplaceAllLiteralString(note, marker)
	case strings.TrimSpace(note) != "":
		out = note + " | " + marker
	}
	if len(out) > limit {
		return note
	}
	return out
}

// tail is the end of a value that may be shown.
func tail(s string) string { return s[max(0, len(s)-4):] }

// Noted is note with the marker of id in it, at most limit bytes long, for stores that hold a pair in one object.
func Noted(note string, id sinks.KeyID, at time.Time, limit int) string {
	return noted(note, marker(id, at), limit)
}

// Marked is the marker in a note; "" if it has none.
func Marked(note string) string { return markerOf(note) }
