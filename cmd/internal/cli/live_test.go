package cli

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"keyturn/internal/app"
	"keyturn/rotator"
	"keyturn/sinks"
)

// screen is as much of a terminal as the live block uses: lines, cursor up, erase to the end.
type screen struct {
	lines []string
	row   int
}

var escape = regexp.MustCompile("\x1b\\[([0-9]*)([A-Zm])")

func (s *screen) Write(p []byte) (int, error) {
	rest := string(p)
	for rest != "" {
		if loc := escape.FindStringSubmatchIndex(rest); loc != nil && loc[0] == 0 {
			n, _ := strconv.Atoi(rest[loc[2]:loc[3]])
			switch rest[loc[4]:loc[5]] {
			case "A":
				s.row -= n
			case "J":
				s.lines = s.lines[:s.row]
			}
			rest = rest[loc[1]:]
			continue
		}
		r := []rune(rest)[0]
		rest = rest[len(string(r)):]
		if s.row == len(s.lines) {
			s.lines = append(s.lines, "")
		}
		if r == '\n' {
			s.row++
			continue
		}
		s.lines[s.row] += string(r)
	}
	return len(p), nil
}

func (s *screen) String() string { return strings.Join(s.lines, "\n") }

func event(b rotator.Body) rotator.Event { return rotator.Event{Rotation: "r1", Body: b} }

func TestLive(t *testing.T) {
	s := &screen{}
	l := newLive(s, 60, false, []app.Listed{{Robot: "ci-bot", Sinks: []string{"vault", "file"}}})
	l.draw()
	l.event("ci-bot", event(rotator.Claimed{}))
	l.event("ci-bot", event(rotator.Issued{Key: rotator.Key{ID: "AKIANEW"}}))
	l.event("ci-bot", event(rotator.Verified{Sink: "vault", Key: "AKIANEW", Evidence: sinks.Exact}))
	l.event("ci-bot", event(rotator.SinkFailed{Sink: "file", Stage: "push", Error: "a very long story that does not fit into one line of it"}))
	want := strings.Join([]string{
		"… ci-bot  new key AKIANEW created",
		"  ✓ vault  serves AKIANEW (exact)",
		"  ✗ file  push failed: a very long story that does not fit…",
	}, "\n")
	if got := s.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, line := range s.lines {
		if n := len([]rune(line)); n > 60 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestLiveEndsWithSummariesInFull(t *testing.T) {
	s := &screen{}
	l := newLive(s, 60, true, []app.Listed{{Robot: "ci-bot", Sinks: []string{"vault"}}})
	l.draw()
	l.finished(app.Result{
		Robot: "ci-bot",
		Rotation: rotator.Rotation{
			Step: rotator.StepHeld, Hold: &rotator.Hold{Code: "two_keys", Message: "AKIAA and AKIAB are both active", Resolve: "keyturn resolve ci-bot --keep KEYID --reason TEXT"},
		},
		Err: &rotator.RunError{Verdict: rotator.OnHold, Err: errors.New("AKIAA and AKIAB are both active")},
	})
	l.close()
	want := strings.Join([]string{
		"✗ ci-bot  held (two_keys): AKIAA and AKIAB are both active",
		"  · vault",
		"ci-bot: held (two_keys): AKIAA and AKIAB are both active",
		"ci-bot: to resolve it: keyturn resolve ci-bot --keep KEYID --reason TEXT",
	}, "\n")
	if got := s.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestLiveLetsTheLogWriteAboveIt(t *testing.T) {
	s := &screen{}
	l := newLive(s, 60, false, []app.Listed{{Robot: "ci-bot"}})
	l.draw()
	p := newPen(s)
	p.share(l.above)
	fmt.Fprintln(p, "WARN something")
	p.share(nil)
	if got, want := s.String(), "WARN something\n· ci-bot"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestProgressIsPlainWithoutATerminal(t *testing.T) {
	if _, ok := newProgress(io.Discard, newPen(io.Discard), nil).(*plain); !ok {
		t.Error("a pipe got a live display")
	}
}
