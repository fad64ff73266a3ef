package exec

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keyturn/sinks"
)

// answering is a plugin that answers with the file, and this status.
func answering(t *testing.T, file string, status int) *sink {
	t.Helper()
	path := filepath.Join("testdata", "v1", file)
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return &sink{
		command: []string{"sh", "-c", `cat >/dev/null; cat "$0"; exit "$1"`, path, fmt.Sprint(status)},
		timeout: time.Minute, best: sinks.Exact,
	}
}

// The files are what plugins of version 1 answer: see testdata/README.md.
func TestAnswersOfVersion1AreUnderstood(t *testing.T) {
	describe := func(t *testing.T, s *sink) (string, error) {
		err := s.describe(t.Context())
		return fmt.Sprint(s.best, " ", s.readable), err
	}
	check := func(t *testing.T, s *sink) (string, error) {
		w, err := s.Check(t.Context())
		return fmt.Sprint(w), err
	}
	push := func(t *testing.T, s *sink) (string, error) {
		r, err := s.Push(t.Context(), examplePair)
		return fmt.Sprintf("%s %s %s", r.Stamp, r.At, r.Data), err
	}
	verify := func(t *testing.T, s *sink) (string, error) {
		e, err := s.Verify(t.Context(), examplePair, "", sinks.Receipt{})
		return e.String(), err
	}
	serving := func(t *testing.T, s *sink) (string, error) {
		id, err := reader{s}.Serving(t.Context())
		return string(id), err
	}
	for name, c := range map[string]struct {
		file   string
		status int
		call   func(*testing.T, *sink) (string, error)
		want   string
		class  sinks.Class
		err    string
	}{
		"describe":                       {file: "answer-describe.json", call: describe, want: "exact true"},
		"describe with a later member":   {file: "answer-describe-later.json", call: describe, want: "stamped false"},
		"check":                          {file: "answer-check.json", call: check, want: "[]"},
		"check with a warning":           {file: "answer-check-warnings.json", call: check, want: "[the token expires on 2026-12-01]"},
		"push":                           {file: "answer-push.json", call: push, want: `v7 2026-11-20 03:00:00 +0000 UTC {"id":7}`},
		"push without a receipt":         {file: "answer-push-bare.json", call: push, want: "  0001-01-01 00:00:00 +0000 UTC "},
		"verify":                         {file: "answer-verify.json", call: verify, want: "exact"},
		"serving":                        {file: "answer-serving.json", call: serving, want: "AKIAIOSFODNN7EXAMPLE"},
		"serving nothing":                {file: "answer-serving-nothing.json", call: serving, want: ""},
		"another pair is served":         {file: "answer-verify-stale.json", status: 1, call: verify, class: sinks.Stale, err: "exec sh: verify: exit status 1: item 7 holds another key"},
		"throttled":                      {file: "answer-throttled.json", status: 75, call: push, class: sinks.Throttled, err: "exec sh: push: exit status 75: too many requests"},
		"denied":                         {file: "answer-denied.json", status: 3, call: check, class: sinks.Denied, err: "exec sh: check: exit status 3: the token is not valid"},
		"denied, but worth another try":  {file: "answer-denied.json", status: 75, call: check, class: sinks.Temporary, err: "exec sh: check: exit status 75: the token is not valid"},
		"throttled, but not worth a try": {file: "answer-throttled.json", status: 1, call: check, class: sinks.Refused, err: "exec sh: check: exit status 1: too many requests"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.call(t, answering(t, c.file, c.status))
			switch {
			case c.err == "":
				if err != nil || strings.TrimSpace(got) != strings.TrimSpace(c.want) {
					t.Errorf("got %q, %v, want %q", got, err, c.want)
				}
			case err == nil || err.Error() != c.err || sinks.ClassOf(err) != c.class:
				t.Errorf("got  %v (%s)\nwant %s (%s)", err, sinks.ClassOf(err), c.err, c.class)
			}
			if c.class == sinks.Throttled && sinks.AfterOf(err) != 1500*time.Millisecond {
				t.Errorf("asks to wait %s, want 1.5s", sinks.AfterOf(err))
			}
		})
	}
}
