package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// stage is where the story happens and how it is told.
type stage struct {
	out      io.Writer
	keyturn  []string
	extraEnv []string
	dir      string
	aws      *standIn
}

func (s *stage) close() {
	if s.aws != nil {
		s.aws.close()
	}
	_ = os.RemoveAll(s.dir)
}

// title begins a scene.
func (s *stage) title(text string) {
	fmt.Fprintf(s.out, "\n%s\n%s\n", text, strings.Repeat("-", len(text)))
}

func (s *stage) text(lines ...string) {
	for _, l := range lines {
		fmt.Fprintln(s.out, l)
	}
}

// shown is a fact that was checked; the story ends where one does not hold.
func (s *stage) shown(err error, format string, args ...any) error {
	fact := fmt.Sprintf(format, args...)
	if err != nil {
		fmt.Fprintf(s.out, "  ✗ %s\n", fact)
		return fmt.Errorf("%s: %w", fact, err)
	}
	fmt.Fprintf(s.out, "  ✓ %s\n", fact)
	return nil
}

// must makes an error of a condition that does not hold.
func must(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}

// run shows a command and what it prints, and fails if its exit code is another one than the story needs.
func (s *stage) run(ctx context.Context, code int, args ...string) error {
	got, err := s.start(ctx, args...)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "    (exit %d)\n", got)
	return must(got == code, "keyturn %s: exit code %d, expected %d", strings.Join(args, " "), got, code)
}

// start runs a command and returns its exit code, -1 if a signal ended it.
func (s *stage) start(ctx context.Context, args ...string) (int, error) {
	fmt.Fprintf(s.out, "    $ keyturn %s\n", strings.Join(args, " "))
	argv := append(append([]string{}, s.keyturn...), args...)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = s.dir // keyturn.yaml is found there
	cmd.Env = append(s.env(), s.extraEnv...)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start keyturn: %w", err)
	}
	s.aws.child(cmd.Process)
	defer s.aws.child(nil)
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		fmt.Fprintf(s.out, "    %s\n", strings.ReplaceAll(lines.Text(), s.dir+"/", ""))
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return 0, fmt.Errorf("keyturn %s: %w", strings.Join(args, " "), err)
	}
	return cmd.ProcessState.ExitCode(), nil
}

// env is the caller's environment without anything that could reach the caller's own AWS or keyturn.
func (s *stage) env() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "AWS_") && !strings.HasPrefix(kv, "KEYTURN_") && !strings.Contains(strings.ToUpper(kv), "_PROXY=") {
			env = append(env, kv)
		}
	}
	return append(env, s.aws.env()...)
}
