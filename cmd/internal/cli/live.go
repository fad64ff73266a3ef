package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"

	"keyturn/internal/app"
	"keyturn/rotator"
)

// live is a block of lines on a terminal that is drawn again with every event: one line for each robot and one
// for each of its sinks.
type live struct {
	mu     sync.Mutex
	w      io.Writer
	width  int
	color  bool
	pen    *pen
	robots []*liveRobot
	drawn  int      // lines of the block on the screen
	full   []string // summaries, for when the block is complete
}

type liveRobot struct {
	name  string
	state mark
	text  string
	sinks []*liveSink
}

type liveSink struct {
	name  string
	state mark
	text  string
}

// mark is what stands in front of a line.
type mark int

const (
	waiting mark = iota
	working
	good
	bad
)

var marks = [...]struct{ sign, color string }{
	waiting: {"·", "2"}, working: {"…", "33"}, good: {"✓", "32"}, bad: {"✗", "31"},
}

// newProgress chooses: a live block on a terminal that is large enough for it, else plain lines.
func newProgress(w io.Writer, stderr *pen, robots []app.Listed) progress {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return &plain{w: w}
	}
	width, height, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 40 {
		return &plain{w: w}
	}
	l := newLive(w, width, os.Getenv("NO_COLOR") == "", robots)
	if l.height() >= height {
		return &plain{w: w}
	}
	l.pen = stderr
	stderr.share(l.above)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.draw()
	return l
}

func newLive(w io.Writer, width int, color bool, robots []app.Listed) *live {
	l := &live{w: w, width: width, color: color}
	for _, r := range robots {
		lr := &liveRobot{name: r.Robot}
		for _, s := range r.Sinks {
			lr.sinks = append(lr.sinks, &liveSink{name: s})
		}
		l.robots = append(l.robots, lr)
	}
	return l
}

func (l *live) event(robot string, e rotator.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.robot(robot)
	if r == nil {
		return
	}
	switch b := e.Body.(type) {
	case rotator.Pushed:
		r.sink(b.Sink).set(working, fmt.Sprintf("took %s", b.Key))
	case rotator.Verified:
		r.sink(b.Sink).set(good, fmt.Sprintf("serves %s (%s)", b.Key, b.Evidence))
	case rotator.SinkFailed:
		r.sink(b.Sink).set(bad, fmt.Sprintf("%s failed: %s", b.Stage, b.Error))
	case rotator.Held:
		r.state, r.text = bad, fmt.Sprintf("held (%s)", b.Hold.Code)
	default:
		s := app.Sentence(e)
		if s == "" {
			return
		}
		r.state, r.text = working, s
	}
	l.redraw()
}

func (l *live) finished(res app.Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.robot(res.Robot)
	if r == nil {
		return
	}
	for _, s := range res.Rotation.Sinks {
		switch s.State {
		case rotator.SinkVerified:
			r.sink(s.Name).set(good, fmt.Sprintf("serves %s (%s)", res.Rotation.NewKeyID, s.Evidence))
		case rotator.SinkFailing:
			r.sink(s.Name).set(bad, s.Error)
		case rotator.SinkDropped:
			r.sink(s.Name).set(waiting, "dropped")
		}
	}
	lines := summary(res)
	if len(lines) > 0 {
		r.state, r.text = good, lines[0]
	}
	for _, s := range lines {
		l.full = append(l.full, res.Robot+": "+s)
	}
	if res.Err != nil {
		r.state = bad
		if res.Rotation.Step != rotator.StepHeld {
			r.text = res.Err.Error()
		}
	}
	l.redraw()
}

// close leaves the block as it is, with the summaries below it in full: a line of the block may be cut.
func (l *live) close() {
	if l.pen != nil {
		l.pen.share(nil)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.full {
		fmt.Fprintln(l.w, s)
	}
}

// above lets somebody else write on the terminal, above the block.
func (l *live) above(write func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.erase()
	write()
	l.draw()
}

func (l *live) robot(name string) *liveRobot {
	for _, r := range l.robots {
		if r.name == name {
			return r
		}
	}
	return nil
}

// sink is a line of the robot, made if the configuration does not name it any more.
func (r *liveRobot) sink(name string) *liveSink {
	for _, s := range r.sinks {
		if s.name == name {
			return s
		}
	}
	s := &liveSink{name: name}
	r.sinks = append(r.sinks, s)
	return s
}

func (s *liveSink) set(m mark, text string) { s.state, s.text = m, text }

func (l *live) height() int {
	n := len(l.robots)
	for _, r := range l.robots {
		n += len(r.sinks)
	}
	return n
}

func (l *live) redraw() {
	l.erase()
	l.draw()
}

// erase goes back to the first line of the block and clears from there to the end of the screen.
func (l *live) erase() {
	if l.drawn > 0 {
		fmt.Fprintf(l.w, "\x1b[%dA\x1b[J", l.drawn)
	}
	l.drawn = 0
}

func (l *live) draw() {
	var b strings.Builder
	for _, r := range l.robots {
		b.WriteString(l.line("", r.state, r.name, r.text))
		for _, s := range r.sinks {
			b.WriteString(l.line("  ", s.state, s.name, s.text))
		}
	}
	_, _ = io.WriteString(l.w, b.String())
	l.drawn = l.height()
}

// line is cut to the terminal's width: a line that wraps would break the count of lines.
func (l *live) line(indent string, m mark, name, text string) string {
	sign := marks[m].sign
	if l.color {
		sign = "\x1b[" + marks[m].color + "m" + sign + "\x1b[0m"
	}
	rest := name
	if text != "" {
		rest += "  " + text
	}
	rest, _, _ = strings.Cut(rest, "\n")
	if room := []rune(rest); len(room) > l.width-len(indent)-3 {
		rest = string(room[:l.width-len(indent)-4]) + "…"
	}
	return indent + sign + " " + rest + "\n"
}
