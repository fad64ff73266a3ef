package rotatortest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"keyturn/rotator"
)

// Process is a keyturn at work in a World.
type Process struct {
	w       *World
	n       int
	journal *Journal
	cancel  context.CancelFunc
	dead    bool // guarded by w.mu
}

// Start starts a process on the world's journal. Processes of one host know of each other whether they run.
func (w *World) Start(host string) *Process { return w.start(w.witness, host) }

func (w *World) start(j *Journal, host string) *Process {
	w.mu.Lock()
	w.processes++
	p := &Process{w: w, n: w.processes}
	w.mu.Unlock()
	p.journal = j.Process(rotator.Owner{ID: fmt.Sprintf("p%d", p.n), Host: host, Boot: "boot", PID: p.n})
	p.journal.Fault = p.journalFault
	return p
}

// StartCopy starts a process on a copy of the journal as it is now: what is restored from a backup.
func (w *World) StartCopy() *Process {
	c := w.witness.Copy()
	c.OnEffect = w.elsewhere
	w.mu.Lock()
	w.copied = true
	w.mu.Unlock()
	return w.start(c, "host")
}

// Dead says that the process has crashed.
func (p *Process) Dead() bool {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	return p.dead
}

// Kill ends the process now, whatever it does.
func (p *Process) Kill() {
	p.w.mu.Lock()
	p.dead = true
	cancel := p.cancel
	p.w.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	p.journal.Kill()
}

// Run is Rotator.Run of this process. The error of a process that crashed means nothing.
func (p *Process) Run(r *Robot, req rotator.Request) (rotator.Rotation, error) {
	w := p.w
	ctx := WithFaults(context.Background(), Faults{IAM: p.iamFault, Sink: p.sinkFault})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.mu.Lock()
	p.cancel = cancel
	req.Robot = r.Robot
	w.note("p%d runs %s", p.n, describe(req))
	w.mu.Unlock()
	rot, err := (&rotator.Rotator{
		Journal: p.journal, Sealer: Sealer{}, Log: w.Log,
		Issuer: func(context.Context, rotator.Robot, rotator.ID) (rotator.Issuer, error) {
			return w.IAM.Issuer(w.own.ID), nil
		},
	}).Run(ctx, req, nil)
	w.mu.Lock()
	dead := p.dead
	w.note("p%d ends at %s: %v (crashed: %v)", p.n, rot.Step, err, dead)
	w.mu.Unlock()
	if dead {
		p.journal.Kill()
	}
	return rot, err
}

func describe(req rotator.Request) string {
	s := fmt.Sprintf("%s (%s, now %v, wait %v, leaked %v", req.Robot.Name, req.Trigger, req.Now, req.Wait, req.Leaked)
	if req.Restore {
		s += ", restore"
	}
	if r := req.Resolve; r != nil {
		s += fmt.Sprintf(", resolve %s %s%s", r.Action, r.Key, r.Sink)
	}
	return s + ")"
}

// fate is what becomes of an effect.
type fate struct {
	mishap Mishap
	then   func() // once it was applied, or refused
}

// effect counts an effect and says what becomes of it.
func (p *Process) effect(what string) fate {
	w := p.w
	w.mu.Lock()
	if p.dead {
		w.mu.Unlock()
		return fate{mishap: CrashBefore, then: func() {}}
	}
	w.counts[what]++
	e := Effect{What: what, N: w.counts[what], Process: p.n}
	w.effects = append(w.effects, e)
	m := Fine
	switch {
	case time.Now().Before(w.down[e.Target()]):
		m = LoseBefore
	case w.Plan != nil:
		m = w.Plan(e)
	}
	if m == Fine {
		w.note("p%d %s", p.n, e)
	} else {
		w.note("p%d %s: %s", p.n, e, m)
	}
	f := fate{mishap: m, then: func() {
		if w.Worked != nil {
			w.Worked(e)
		}
	}}
	switch m {
	case CrashBefore, CrashLate:
		p.dies()
	case CrashAfter:
		f.then = func() {
			w.mu.Lock()
			p.dies()
			w.mu.Unlock()
		}
	case Down:
		w.down[e.Target()] = time.Now().Add(downFor)
		f.mishap = LoseBefore
	case Hangs:
		if e.Target() == journalTarget { // whose callers hold a lock, so that it cannot wait in a bubble
			w.down[journalTarget] = time.Now().Add(busyFor)
			f.mishap = LoseBefore
		}
	case StallAfter:
		f.then = stall
	}
	w.mu.Unlock()
	if m == StallBefore {
		stall()
	}
	return f
}

// dies: nothing more is applied from now on. What waits is ended a little later, so that an effect that
// was under way is applied or not as it was to be.
func (p *Process) dies() {
	p.dead = true
	time.AfterFunc(time.Second, p.cancel)
}

func stall() { _ = wait(context.Background(), StallFor) }

var errJournalDown = errors.New("the journal does not answer")

func (p *Process) journalFault(op string, e rotator.Event) JournalFault {
	what := op
	if e.Body != nil && op == "append" {
		what += " " + eventName(e.Body)
	}
	f := p.effect(what)
	switch f.mishap {
	case CrashBefore, CrashLate:
		return JournalFault{Before: rotator.ErrClosed}
	case CrashAfter:
		return JournalFault{After: rotator.ErrClosed, Then: f.then}
	case LoseBefore:
		return JournalFault{Before: errJournalDown}
	case LoseAfter:
		return JournalFault{After: errJournalDown, Then: f.then}
	}
	return JournalFault{Then: f.then}
}

// eventName tells events apart that sinks record side by side.
func eventName(b rotator.Body) string {
	switch b := b.(type) {
	case rotator.Pushed:
		return b.Type() + " " + b.Sink
	case rotator.Verified:
		return b.Type() + " " + b.Sink
	case rotator.SinkFailed:
		return b.Type() + " " + b.Sink
	case rotator.KeyIntended:
		return b.Type() + " " + string(b.Change)
	case rotator.KeyChanged:
		return b.Type() + " " + string(b.Change)
	}
	return b.Type()
}

func (p *Process) iamFault(c Call) (Fault, func()) {
	f := p.effect(c.Op)
	switch f.mishap {
	case CrashBefore:
		return Unreachable, f.then
	case CrashLate, LoseLate:
		return Late, f.then
	case HangsLate:
		return HangLate, f.then
	case LoseBefore:
		return FailBefore, f.then
	case LoseAfter, CrashAfter:
		return FailAfter, f.then
	case Hangs:
		return Hang, f.then
	case HangsAfter:
		return HangAfter, f.then
	}
	return None, f.then
}

func (p *Process) sinkFault(store, op string) (SinkFault, func()) {
	f := p.effect(store + " " + op)
	switch f.mishap {
	case CrashBefore, LoseBefore:
		return SinkFailBefore, f.then
	case CrashLate, LoseLate:
		return SinkLate, f.then
	case HangsLate:
		return SinkHangLate, f.then
	case LoseAfter, CrashAfter:
		return SinkFailAfter, f.then
	case Hangs:
		return SinkHang, f.then
	case HangsAfter:
		return SinkHangAfter, f.then
	}
	return SinkFine, f.then
}
