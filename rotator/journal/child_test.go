package journal

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"keyturn/rotator"
	"keyturn/rotator/journal/journaltest"
)

// The tests start this binary again to have other processes at the same file.
func TestMain(m *testing.M) {
	if name := os.Getenv("JOURNAL_TEST_CHILD"); name != "" {
		if err := children[name](os.Args[1:]); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var children = map[string]func(args []string) error{
	"append": childAppend,
	"claim":  childClaim,
	"read":   childRead,
	"search": childSearch,
	"nobody": childNobody,
}

// childAppend PATH STREAM N appends N events, and prints the id of each that is durable.
func childAppend(args []string) error {
	ctx := context.Background()
	j, err := Open(ctx, args[0])
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	for range n {
		e := journaltest.Event("")
		if _, err := journaltest.Insist(ctx, j, rotator.Stream(args[1]), e); err != nil {
			return err
		}
		fmt.Println(e.ID)
	}
	return j.Close()
}

// childClaim PATH opens the journal, prints its owner, and stays until stdin ends.
func childClaim(args []string) error {
	j, err := Open(context.Background(), args[0])
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(j.Owner()); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return j.Close()
}

// childRead PATH reads in a transaction that lasts until stdin ends.
func childRead(args []string) error {
	ctx := context.Background()
	j, err := OpenReadOnly(ctx, args[0])
	if err != nil {
		return err
	}
	tx, err := j.read.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var n int
	if err := tx.QueryRow("SELECT count(*) FROM events").Scan(&n); err != nil {
		return err
	}
	fmt.Println("reading")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// childSearch PATH WORD... tells which words the journal's files hold. In another process, because closing a file drops
// the locks that its process has on it.
func childSearch(args []string) error {
	for _, p := range []string{args[0], args[0] + "-wal", args[0] + "-shm"} {
		b, err := os.ReadFile(p)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, word := range args[1:] {
			if bytes.Contains(b, []byte(word)) {
				fmt.Println(strings.TrimPrefix(p, args[0])+":", word)
			}
		}
	}
	return nil
}

// childNobody PATH opens the journal as a user without rights.
func childNobody(args []string) error {
	if os.Getuid() == 0 {
		if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(65534), syscall.Setuid(65534)); err != nil {
			return err
		}
	}
	j, err := Open(context.Background(), args[0])
	if err != nil {
		return err
	}
	return j.Close()
}

type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.Closer
	out   *bufio.Scanner
}

func start(t *testing.T, name string, args ...string) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	c := &child{t: t, cmd: exec.CommandContext(ctx, exe, args...)}
	c.cmd.Env = append(os.Environ(), "JOURNAL_TEST_CHILD="+name, "GORACE=atexit_sleep_ms=0")
	c.cmd.Stderr = os.Stderr
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.out = bufio.NewScanner(out)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// line is the next line of output.
func (c *child) line() string {
	c.t.Helper()
	if !c.out.Scan() {
		c.t.Fatalf("the process has ended: %v", c.cmd.Wait())
	}
	return c.out.Text()
}

// end closes its input, and returns what else it prints.
func (c *child) end() (lines []string) {
	c.t.Helper()
	c.stdin.Close()
	for c.out.Scan() {
		lines = append(lines, c.out.Text())
	}
	if err := c.cmd.Wait(); err != nil {
		c.t.Fatalf("%v: %q", err, lines)
	}
	return lines
}

// kill is SIGKILL. It returns what was printed until then.
func (c *child) kill() (lines []string) {
	c.t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		c.t.Fatal(err)
	}
	for c.out.Scan() {
		lines = append(lines, c.out.Text())
	}
	_ = c.cmd.Wait()
	return lines
}

// found searches the journal's files.
func found(t *testing.T, path string, words ...string) []string {
	t.Helper()
	return start(t, "search", append([]string{path}, words...)...).end()
}
