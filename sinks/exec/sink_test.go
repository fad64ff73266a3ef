package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/sinktest"
)

// plugin is an open sink with a plugin that need not have been described.
func plugin(command []string, best sinks.Evidence) *sink {
	return &sink{
		command: command, timeout: time.Minute, best: best,
		secrets: map[string]secret.Text{"token": secret.FromString("plugin-token")},
	}
}

func TestMisbehaviourIsRefused(t *testing.T) {
	name := filepath.Base(os.Args[0])
	push := func(ctx context.Context, s *sink) error { _, err := s.Push(ctx, examplePair); return err }
	verify := func(ctx context.Context, s *sink) error {
		_, err := s.Verify(ctx, examplePair, "", sinks.Receipt{})
		return err
	}
	check := func(ctx context.Context, s *sink) error { _, err := s.Check(ctx); return err }
	for how, c := range map[string]struct {
		call  func(context.Context, *sink) error
		class sinks.Class
		want  string
	}{
		"says nothing":          {push, sinks.Refused, "push: the answer is not a JSON object of this protocol"},
		"answers with words":    {check, sinks.Refused, "check: the answer is not a JSON object of this protocol"},
		"answers twice":         {push, sinks.Refused, "push: more follows behind the answer"},
		"answers for version 2": {push, sinks.Refused, "push: the answer is of version 2, this is version 1"},
		"answers with a list":   {push, sinks.Refused, "push: the answer is not a JSON object of this protocol"},
		"claims a canary":       {verify, sinks.Refused, "verify: the evidence must be accepted, stamped, partial or exact"},
		"claims more than it said": {verify, sinks.Refused,
			"verify: the evidence exact is more than the stamped that the plugin described"},
		"has a huge receipt":                        {push, sinks.Refused, "push: the receipt's data is larger than 16384 bytes"},
		"has a huge stamp":                          {push, sinks.Refused, "push: the stamp must be at most 256 printable characters"},
		"puts the secret into the receipt":          {push, sinks.Refused, "push: the answer holds a secret; it was dropped"},
		"puts the secret into the receipt, escaped": {push, sinks.Refused, "push: the answer holds a secret; it was dropped"},
		"puts its token into a member nobody knows": {check, sinks.Refused, "check: the answer holds a secret; it was dropped"},
		"fails with secrets on stderr": {push, sinks.Refused,
			"push: exit status 1: cannot put [redacted] [31m with [redacted] over [redacted]"},
		"fails with a secret in its message": {push, sinks.Missing, "push: exit status 1: no [redacted] here"},
		"fails with a long stderr":           {push, sinks.Temporary, "push: exit status 75: ..." + strings.Repeat("x ", 150)[1:] + "x"},
		"fails without a word":               {push, sinks.Refused, "push: exit status 2"},
		"never stops writing":                {push, sinks.Refused, "push: the answer is larger than 1048576 bytes"},
		"kills itself":                       {push, sinks.Temporary, "push: ended by a signal (signal: killed)"},
	} {
		t.Run(how, func(t *testing.T) {
			err := c.call(t.Context(), plugin(bad(how), sinks.Stamped))
			want := "exec " + name + ": " + c.want
			if err == nil || err.Error() != want || sinks.ClassOf(err) != c.class {
				t.Errorf("got  %v (%s)\nwant %s (%s)", err, sinks.ClassOf(err), want, c.class)
			}
		})
	}
}

func TestServingTellsIdsOnly(t *testing.T) {
	_, err := reader{plugin(bad("claims a canary"), sinks.Exact)}.Serving(t.Context())
	if want := ": serving: access_key_id must be the id of a key, or empty"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
}

func TestSecretsAreNeitherInArgumentsNorInTheEnvironment(t *testing.T) {
	t.Setenv("VAULT_TOKEN", "of-keyturn")
	t.Setenv("HOME", "/home/x")
	t.Setenv("PATH", "/bin:/usr/bin")
	w, err := plugin(bad("tells its surroundings"), sinks.Exact).Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []sinks.Warning{"LANG=C.UTF-8", "PATH=/bin:/usr/bin", "HOME=/home/x", "plugin", "tells its surroundings"}
	if !slices.Equal(w, want) {
		t.Errorf("got %q, want %q", w, want)
	}
}

func TestProgramsThatCannotBeStarted(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		command string
		class   sinks.Class
		want    string
	}{
		"no such program on PATH": {"keyturn-no-such-program", sinks.Missing,
			`exec keyturn-no-such-program: describe: exec: "keyturn-no-such-program": executable file not found in $PATH`},
		"no such file": {filepath.Join(dir, "none"), sinks.Missing,
			"exec none: describe: fork/exec " + dir + "/none: no such file or directory"},
		"not a program": {plain, sinks.Denied, "exec plain: describe: fork/exec " + plain + ": permission denied"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Spec.Open(t.Context(), &Config{Command: []string{c.command}, Timeout: time.Minute}, sinks.Env{})
			if err == nil || err.Error() != c.want || sinks.ClassOf(err) != c.class {
				t.Errorf("got  %v (%s)\nwant %s (%s)", err, sinks.ClassOf(err), c.want, c.class)
			}
		})
	}
}

// lifeline is a pipe that ends when the last process that holds it is dead. alive waits
// for the first one, dead for the end of the last.
func lifeline(t *testing.T) (path string, alive func() (pid int), dead func()) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	var pid int
	opened := make(chan *os.File, 1)
	go func() {
		f, err := os.Open(path) // waits for a writer
		if err == nil {
			_, err = fmt.Fscanf(f, "%08d", &pid)
		}
		if err != nil {
			t.Errorf("wait for the process: %v", err)
		}
		opened <- f
	}()
	alive = func() int {
		opened <- <-opened
		return pid
	}
	dead = func() {
		t.Helper()
		f := <-opened
		if rest, err := io.ReadAll(f); err != nil || len(rest) > 0 {
			t.Errorf("wait for its end: %q, %v", rest, err)
		}
		_ = f.Close()
	}
	return path, alive, dead
}

func TestTheWholeGroupDiesWithItsCall(t *testing.T) {
	for _, how := range []string{"hangs", "hangs with a child"} {
		t.Run(how, func(t *testing.T) {
			path, alive, dead := lifeline(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			done := make(chan error, 1)
			go func() {
				_, err := plugin(bad(how, path), sinks.Exact).Push(ctx, examplePair)
				done <- err
			}()
			alive()
			cancel(errors.New("enough"))
			err := <-done
			dead()
			if want := ": push: enough"; err == nil || !strings.HasSuffix(err.Error(), want) || sinks.ClassOf(err) != sinks.Temporary {
				t.Errorf("got %v (%s)", err, sinks.ClassOf(err))
			}
		})
	}
}

func TestACallIsOverBeforeItsDeadline(t *testing.T) {
	t.Parallel()
	path, _, dead := lifeline(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := plugin(bad("hangs with a child", path), sinks.Exact).Push(ctx, examplePair)
	if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the call ended with %v, its context has %v", err, ctx.Err())
	}
	dead()
}

func TestATimeoutIsSaid(t *testing.T) {
	s := plugin([]string{"sh", "-c", "sleep 1000 & wait"}, sinks.Exact)
	s.timeout = 50 * time.Millisecond
	_, err := s.Push(t.Context(), examplePair)
	if want := "exec sh: push: took longer than 50ms"; err == nil || err.Error() != want || sinks.ClassOf(err) != sinks.Temporary {
		t.Errorf("got %v (%s)", err, sinks.ClassOf(err))
	}
}

func TestAChildThatStaysIsKilled(t *testing.T) {
	path, _, dead := lifeline(t)
	if _, err := plugin(bad("leaves a child", path), sinks.Exact).Push(t.Context(), examplePair); err != nil {
		t.Error(err)
	}
	dead()
}

func TestAProcessThatLeavesTheGroupIsNoticed(t *testing.T) {
	path, alive, dead := lifeline(t)
	_, err := plugin(bad("leaves a child in a session of its own", path), sinks.Exact).Push(t.Context(), examplePair)
	if err := syscall.Kill(alive(), syscall.SIGKILL); err != nil { // nobody else does
		t.Error(err)
	}
	dead()
	if want := ": push: " + errEscaped.Error(); err == nil || !strings.HasSuffix(err.Error(), want) || sinks.ClassOf(err) != sinks.Refused {
		t.Errorf("got %v (%s)", err, sinks.ClassOf(err))
	}
}

func TestAWeakPluginIsWarnedOf(t *testing.T) {
	s := answering(t, "answer-check.json", 0)
	s.best = sinks.Accepted
	w, err := s.Check(t.Context())
	want := []sinks.Warning{"the plugin's best evidence is accepted: the sink needs min_evidence: accepted"}
	if err != nil || !slices.Equal(w, want) || s.Best() != sinks.Accepted {
		t.Errorf("got %q, %v, %s", w, err, s.Best())
	}
}

func TestOnlyAReadablePluginIsAReader(t *testing.T) {
	for file, want := range map[string]bool{"answer-describe.json": true, "answer-describe-later.json": false} {
		cfg := &Config{Command: answering(t, file, 0).command, Timeout: time.Minute}
		s, err := Spec.Open(t.Context(), cfg, sinks.Env{})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := s.(sinks.Reader); ok != want {
			t.Errorf("%s: a reader: %t, want %t", file, ok, want)
		}
	}
}

func TestAMissingSecretIsSaid(t *testing.T) {
	cfg := &Config{
		Command: []string{"sh"}, Timeout: time.Minute, Secrets: map[string]secret.Ref{"token": {Env: "KEYTURN_TEST_NOT_SET"}},
	}
	_, err := Spec.Open(t.Context(), cfg, sinks.Env{})
	if want := "exec: secrets.token: secret from env KEYTURN_TEST_NOT_SET: the variable is not set"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// A secret in any form in which it comes back, anywhere in what a plugin says, is found.
func TestTheScrubberFindsEveryForm(t *testing.T) {
	for range 50 {
		p := sinktest.NewPair()
		s := newScrubber(secret.FromString(p.Secret))
		for _, form := range formsOf([]byte(p.Secret)) {
			text := fmt.Sprintf("a %s b", form)
			if !s.in([]byte(text)) || s.words([]byte(text), false) != "a [redacted] b" {
				t.Fatalf("form %q is not found: %s", form, s.words([]byte(text), false))
			}
		}
	}
	if s := newScrubber(secret.FromString("abc")); s.in([]byte("abc")) {
		t.Error("a secret of 3 bytes should not be looked for")
	}
}
