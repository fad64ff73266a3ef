package hardening_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"keyturn/internal/hardening"
)

const childEnv = "KEYTURN_TEST_HARDENED"

// TestMain lets the test start itself again: hardening the test process would outlive the test.
func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		if err := report(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// report prints what the kernel says of this process before and after.
func report() error {
	for _, step := range []func() error{func() error { return nil }, hardening.Process} {
		if err := step(); err != nil {
			return err
		}
		dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
		if err != nil {
			return err
		}
		limits, err := os.ReadFile("/proc/self/limits")
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(limits)) {
			if rest, ok := strings.CutPrefix(line, "Max core file size"); ok {
				fmt.Printf("dumpable %d, core %s\n", dumpable, strings.Join(strings.Fields(rest)[:2], " "))
			}
		}
	}
	return nil
}

func TestProcess(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childEnv+"=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	before, after, _ := bytes.Cut(out, []byte("\n"))
	if !bytes.HasPrefix(before, []byte("dumpable 1,")) {
		t.Errorf("before: %s: the test shows nothing", before)
	}
	if got, want := string(after), "dumpable 0, core 0 0\n"; got != want {
		t.Errorf("after: %q, want %q", got, want)
	}
}
