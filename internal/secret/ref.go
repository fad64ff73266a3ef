package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Ref says where a secret is to be found. Exactly one field is set. A
// configuration holds references only, never values.
type Ref struct {
	Env     string   `yaml:"env"`     // name of an environment variable
	File    string   `yaml:"file"`    // path of a file; one trailing newline is dropped
	Command []string `yaml:"command"` // program and arguments; its stdout, one trailing newline dropped
}

// maxSecret bounds what is read from a file or a command.
const maxSecret = 64 << 10

// commandTimeout bounds a command reference when ctx does not.
const commandTimeout = 30 * time.Second

// IsZero says that no reference was given.
func (r Ref) IsZero() bool { return r.Env == "" && r.File == "" && len(r.Command) == 0 }

// String names the reference, never the value: "env VAULT_TOKEN".
func (r Ref) String() string {
	switch {
	case r.Env != "":
		return "env " + r.Env
	case r.File != "":
		return "file " + r.File
	case len(r.Command) > 0:
		return "command " + r.Command[0]
	}
	return "nothing"
}

// Resolve reads the value now. It is not cached: a file that an agent renews is
// read again each time. The error names the reference and what to do.
func (r Ref) Resolve(ctx context.Context) (Text, error) {
	b, err := r.read(ctx)
	if err != nil {
		return Text{}, err
	}
	defer clear(b)
	v, ended := bytes.CutSuffix(b, []byte("\n"))
	if ended {
		v = bytes.TrimSuffix(v, []byte("\r"))
	}
	if len(v) == 0 {
		return Text{}, fmt.Errorf("secret from %s is empty", r)
	}
	return New(v), nil
}

func (r Ref) read(ctx context.Context) ([]byte, error) {
	switch {
	case r.Env != "":
		v, ok := os.LookupEnv(r.Env)
		if !ok {
			return nil, fmt.Errorf("secret from env %s: the variable is not set", r.Env)
		}
		return []byte(v), nil
	case r.File != "":
		return readFile(r.File)
	case len(r.Command) > 0:
		return runCommand(ctx, r.Command)
	}
	return nil, errors.New("no secret reference is given")
}

func readFile(path string) ([]byte, error) {
	fail := func(err error) ([]byte, error) {
		var p *fs.PathError // it would name the path again
		if errors.As(err, &p) {
			err = p.Err
		}
		return nil, fmt.Errorf("secret from file %s: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe without a writer must not block
	if err != nil {
		return fail(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fail(err)
	}
	if !info.Mode().IsRegular() {
		return fail(errors.New("not a regular file"))
	}
	out := newBounded()
	if _, err := io.Copy(out, io.LimitReader(f, maxSecret+1)); err != nil {
		clear(out.buf)
		return fail(err)
	}
	return out.buf, nil
}

// runCommand never shows what the command wrote: stderr of a secret helper can hold secrets.
func runCommand(ctx context.Context, argv []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	out := newBounded()
	cmd.Stdout = out
	if err := cmd.Run(); err != nil {
		clear(out.buf)
		switch {
		case ctx.Err() != nil:
			err = context.Cause(ctx)
		case out.full: // the command only saw its pipe break
			err = errTooLarge
		}
		return nil, fmt.Errorf("secret from command %s: %w", argv[0], err)
	}
	return out.buf, nil
}

var errTooLarge = fmt.Errorf("larger than %d bytes", maxSecret)

// bounded collects at most maxSecret bytes and fails the writer beyond that. It never
// grows, which would leave copies behind.
type bounded struct {
	buf  []byte
	full bool
}

func newBounded() *bounded { return &bounded{buf: make([]byte, 0, maxSecret)} }

func (w *bounded) Write(p []byte) (int, error) {
	if len(w.buf)+len(p) > maxSecret {
		w.full = true
		return 0, errTooLarge
	}
	w.buf = append(w.buf, p...)
	return len(p), nil
}
