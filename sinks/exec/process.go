package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

const (
	maxStdout = 1 << 20
	maxStderr = 64 << 10

	// margin is how long before a deadline the group is killed, so that all is over by then.
	margin = 250 * time.Millisecond
	// leave is how long the dead may take to be gone, and then their pipes.
	leave = margin / 2
)

// result is what came of a process.
type result struct {
	stdout []byte
	stderr []byte
	cut    bool // stderr was longer than what was kept
	exit   int
	left   bool // processes that it had started were still there when it ended
}

var (
	errTooLong = fmt.Errorf("the answer is larger than %d bytes", maxStdout)
	errEscaped = errors.New("a process that it started has left its process group and still runs")
)

// ahead is ctx with a deadline that leaves time to end all before that of ctx.
func ahead(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	early := min(margin, time.Until(deadline)/10)
	return context.WithDeadline(ctx, deadline.Add(-early))
}

// run starts argv in a process group of its own, hands it stdin, and waits. When it returns,
// whatever was in the group is dead, also if the process itself ended well. The error is
// about running; an exit status is none.
func run(ctx context.Context, argv []string, stdin []byte) (result, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if err := context.Cause(ctx); err != nil {
		return result{}, err
	}
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:noctx // the whole group is killed when ctx ends, not the leader alone
	cmd.Env = environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p, err := connect(cmd)
	if err != nil {
		return result{}, err
	}
	defer p.close()
	if err := cmd.Start(); err != nil {
		p.closeTheirs()
		return result{}, err
	}
	p.closeTheirs()

	var pumps sync.WaitGroup
	out, errs := &keeper{max: maxStdout, full: func() { stop(errTooLong) }}, &keeper{max: maxStderr}
	pumps.Go(func() { _, _ = p.in.Write(stdin); _ = p.in.Close() })
	pumps.Go(func() { out.drain(p.out) })
	pumps.Go(func() { errs.drain(p.err) })
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	cause := context.Cause(ctx)
	left := killGroup(cmd.Process.Pid, ended)
	p.drain(&pumps)

	r := result{stdout: out.kept, stderr: errs.kept, cut: errs.over, exit: cmd.ProcessState.ExitCode(), left: left}
	switch {
	case out.over:
		return r, errTooLong
	case cause != nil:
		return r, cause
	case out.held || errs.held:
		return r, errEscaped
	case r.exit < 0:
		return r, fmt.Errorf("ended by a signal (%s)", cmd.ProcessState)
	}
	return r, nil
}

// environment is all that a plugin inherits: keyturn's own may hold secrets.
func environment() []string {
	env := []string{"LANG=C.UTF-8"}
	path, ok := os.LookupEnv("PATH")
	if !ok {
		path = "/usr/local/bin:/usr/bin:/bin"
	}
	env = append(env, "PATH="+path)
	if home, ok := os.LookupEnv("HOME"); ok {
		env = append(env, "HOME="+home)
	}
	return env
}

// killGroup kills the group of pid until nobody is in it, and says whether anybody was
// beside pid itself. The group's id cannot be given to others while a process is in it, and
// process ids are not given again at once.
func killGroup(pid int, ended <-chan struct{}) (others bool) {
	select {
	case <-ended: // reaped: who is there now are others
		others = syscall.Kill(-pid, 0) == nil
	default:
	}
	_ = syscall.Kill(-pid, syscall.SIGKILL)
	<-ended
	for end := time.Now().Add(leave); syscall.Kill(-pid, syscall.SIGKILL) == nil && time.Now().Before(end); {
		time.Sleep(time.Millisecond) //nolint:forbidigo // leave bounds it, and the group must be dead before run returns
	}
	return others
}

// pipes are our ends and theirs. Plain pipes, and not those of os/exec, because Wait must
// not wait for a grandchild that holds one.
type pipes struct {
	in, out, err *os.File
	theirs       []*os.File
}

func connect(cmd *exec.Cmd) (*pipes, error) {
	p := &pipes{}
	var files [6]*os.File
	for i := 0; i < len(files); i += 2 {
		r, w, err := os.Pipe()
		if err != nil {
			p.theirs = append(p.theirs, files[:i]...)
			p.closeTheirs()
			return nil, err
		}
		files[i], files[i+1] = r, w
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = files[0], files[3], files[5]
	p.in, p.out, p.err = files[1], files[2], files[4]
	p.theirs = []*os.File{files[0], files[3], files[5]}
	return p, nil
}

func (p *pipes) closeTheirs() {
	for _, f := range p.theirs {
		_ = f.Close()
	}
}

func (p *pipes) close() {
	_ = p.in.Close()
	_ = p.out.Close()
	_ = p.err.Close()
}

// drain waits for the end of the pipes, which comes with the death of the group. If it
// does not come, somebody outside the group holds them.
func (p *pipes) drain(pumps *sync.WaitGroup) {
	end := time.Now().Add(leave)
	_ = p.in.SetWriteDeadline(end)
	_ = p.out.SetReadDeadline(end)
	_ = p.err.SetReadDeadline(end)
	pumps.Wait()
}

// keeper keeps the first max bytes and takes the rest.
type keeper struct {
	max  int
	kept []byte
	over bool
	held bool   // the pipe did not end when the group was dead
	full func() // called when there is more
}

func (k *keeper) drain(r io.Reader) {
	_, err := io.Copy(k, r)
	k.held = errors.Is(err, os.ErrDeadlineExceeded)
}

func (k *keeper) Write(b []byte) (int, error) {
	room := min(len(b), k.max-len(k.kept))
	k.kept = append(k.kept, b[:room]...)
	if room < len(b) && !k.over {
		k.over = true
		if k.full != nil {
			k.full()
		}
	}
	return len(b), nil
}
