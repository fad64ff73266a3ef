package cli

import (
	"fmt"
	"io"
	"sync"

	"keyturn/internal/app"
	"keyturn/rotator"
)

// progress shows how rotations go. Its methods may be called from several goroutines.
type progress interface {
	event(robot string, e rotator.Event)
	finished(res app.Result)
	close()
}

// plain prints a line for each event that matters, as pipes, logs and narrow terminals want it.
type plain struct {
	mu sync.Mutex
	w  io.Writer
}

func (p *plain) event(robot string, e rotator.Event) {
	if _, ok := e.Body.(rotator.Held); ok {
		return // the summary says it, with the command
	}
	if s := app.Sentence(e); s != "" {
		p.line(robot, s)
	}
}

func (p *plain) finished(res app.Result) {
	for _, s := range summary(res) {
		p.line(res.Robot, s)
	}
}

func (p *plain) line(robot, s string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.w, "%s: %s\n", robot, s)
}

func (p *plain) close() {}

// silent is the progress of -o json.
type silent struct{}

func (silent) event(string, rotator.Event) {}
func (silent) finished(app.Result)         {}
func (silent) close()                      {}
