package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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
	v := bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
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
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("secret from file %s: %w", path, errors.Unwrap(err))
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return nil, fmt.Errorf("secret from file %s: %w", path, err)
	}
	if len(b) > maxSecret {
		return nil, fmt.Errorf("secret from file %s: larger than %d bytes", path, maxSecret)
	}
	return b, nil
}

// runCommand never shows what the command wrote: stderr of a secret helper can hold secrets.
func runCommand(ctx context.Context, argv []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	out := &bounded{}
	cmd.Stdout = out
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("secret from command %s: %w", argv[0], err)
	}
	return out.buf, nil
}

// bounded collects at most maxSecret bytes and fails the writer beyond that.
type bounded struct{ buf []byte }

func (w *bounded) Write(p []byte) (int, error) {
	if len(w.buf)+len(p) > maxSecret {
		return 0, fmt.Errorf("output is larger than %d bytes", maxSecret)
	}
	w.buf = append(w.buf, p...)
	return len(p), nil
}
