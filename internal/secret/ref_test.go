package secret

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestResolve(t *testing.T) {
	t.Setenv("KEYTURN_TEST_TOKEN", canary)
	largest := strings.Repeat("x", maxSecret)
	tests := map[string]struct {
		ref  Ref
		want string
	}{
		"a variable":                        {Ref{Env: "KEYTURN_TEST_TOKEN"}, canary},
		"a file":                            {Ref{File: write(t, canary)}, canary},
		"a file that ends a line":           {Ref{File: write(t, canary+"\n")}, canary},
		"a file from Windows":               {Ref{File: write(t, canary+"\r\n")}, canary},
		"only one newline is dropped":       {Ref{File: write(t, canary+"\n\n")}, canary + "\n"},
		"a carriage return alone is kept":   {Ref{File: write(t, canary+"\r")}, canary + "\r"},
		"blanks are kept":                   {Ref{File: write(t, " "+canary+" \n")}, " " + canary + " "},
		"bytes that are no text":            {Ref{File: write(t, "\x00\xff\xfe")}, "\x00\xff\xfe"},
		"the largest file":                  {Ref{File: write(t, largest)}, largest},
		"a command":                         {Ref{Command: []string{"printf", "%s\n", canary}}, canary},
		"what a command says on stderr":     {Ref{Command: []string{"sh", "-c", "echo noise >&2; echo " + canary}}, canary},
		"a command does not wait for input": {Ref{Command: []string{"sh", "-c", "cat; echo " + canary}}, canary},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := tt.ref.Resolve(t.Context())
			if err != nil || !got.EqualString(tt.want) {
				t.Errorf("got %d bytes, %v; want %d", got.Len(), err, len(tt.want))
			}
		})
	}
}

func TestResolveFails(t *testing.T) {
	t.Setenv("KEYTURN_TEST_EMPTY", "")
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	empty, large := write(t, "\n"), write(t, strings.Repeat("x", maxSecret+1))
	tests := map[string]struct {
		ref  Ref
		want string
	}{
		"nothing":               {Ref{}, "no secret reference is given"},
		"a variable not set":    {Ref{Env: "KEYTURN_TEST_UNSET"}, "secret from env KEYTURN_TEST_UNSET: the variable is not set"},
		"an empty variable":     {Ref{Env: "KEYTURN_TEST_EMPTY"}, "secret from env KEYTURN_TEST_EMPTY is empty"},
		"no such file":          {Ref{File: dir + "/none"}, "secret from file " + dir + "/none: no such file or directory"},
		"an empty file":         {Ref{File: empty}, "secret from file " + empty + " is empty"},
		"a folder":              {Ref{File: dir}, "secret from file " + dir + ": not a regular file"},
		"a pipe nobody writes":  {Ref{File: pipe}, "secret from file " + pipe + ": not a regular file"},
		"a large file":          {Ref{File: large}, "secret from file " + large + ": larger than 65536 bytes"},
		"no such command":       {Ref{Command: []string{"keyturn-none"}}, `secret from command keyturn-none: exec: "keyturn-none": executable file not found in $PATH`},
		"a command that fails":  {Ref{Command: []string{"sh", "-c", "echo " + canary + "; echo " + canary + " >&2; exit 3"}}, "secret from command sh: exit status 3"},
		"a silent command":      {Ref{Command: []string{"true"}}, "secret from command true is empty"},
		"a command that floods": {Ref{Command: []string{"sh", "-c", "yes " + canary}}, "secret from command sh: larger than 65536 bytes"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := tt.ref.Resolve(t.Context())
			if err == nil || err.Error() != tt.want || !got.Empty() {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
		})
	}
}

// What a command started goes down with it, and the caller is told the cause it gave.
func TestACommandEndsWithItsContext(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("shutting down")
	done := make(chan error, 1)
	go func() {
		_, err := Ref{Command: []string{"sh", "-c", `exec 3>"$0"; sleep 60 & wait`, pipe}}.Resolve(ctx)
		done <- err
	}()
	held, err := os.Open(pipe) // returns once the command has opened the other end
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	cancel(cause)
	if err := <-done; !errors.Is(err, cause) || err.Error() != "secret from command sh: shutting down" {
		t.Errorf("got %v", err)
	}
	// The end is seen when the last holder of the pipe, the command's child, is gone.
	if _, err := io.ReadAll(held); err != nil {
		t.Error(err)
	}
}

func TestARefNamesItselfAndNothingMore(t *testing.T) {
	for want, ref := range map[string]Ref{
		"nothing":         {},
		"env VAULT_TOKEN": {Env: "VAULT_TOKEN"},
		"file /run/token": {File: "/run/token"},
		"command pass":    {Command: []string{"pass", "show", canary}},
	} {
		if got := ref.String(); got != want || ref.IsZero() != (want == "nothing") {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
