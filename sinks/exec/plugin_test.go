package exec

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

// TestMain lets the test binary be a plugin: "plugin" and a way to misbehave.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "plugin" {
		misbehave(os.Args[2], os.Args[3:])
		quit(0)
	}
	os.Exit(m.Run())
}

// quit leaves at once: under the race detector os.Exit takes a second.
func quit(status int) { syscall.Exit(status) }

func bad(how string, args ...string) []string {
	return append([]string{os.Args[0], "plugin", how}, args...)
}

// misbehave is a plugin that reads its request and then does something wrong.
func misbehave(how string, args []string) {
	if how == "hold" {
		hold(args[0])
		return
	}
	var req request
	if err := json.NewDecoder(os.Stdin).Decode(&req); err != nil {
		quit(1)
	}
	key := ""
	if req.Credential != nil {
		key = req.Credential.SecretAccessKey
	}
	token := req.Secrets["token"]
	switch how {
	case "says nothing":
	case "answers with words":
		fmt.Println("done", key)
	case "answers twice":
		fmt.Println(`{"version":1}{"version":1}`)
	case "answers for version 2":
		fmt.Println(`{"version":2}`)
	case "answers with a list":
		fmt.Println(`[]`)
	case "claims a canary":
		fmt.Println(`{"version":1,"evidence":"canary","best_evidence":"canary","access_key_id":"wJalrXUtnFEMI"}`)
	case "claims more than it said":
		fmt.Println(`{"version":1,"evidence":"exact"}`)
	case "has a huge receipt":
		fmt.Printf(`{"version":1,"receipt":{"data":"%s"}}`, strings.Repeat("x", maxData))
	case "has a huge stamp":
		fmt.Printf(`{"version":1,"receipt":{"stamp":"%s"}}`, strings.Repeat("x", maxStamp+1))
	case "puts the secret into the receipt":
		fmt.Printf(`{"version":1,"receipt":{"stamp":"%s"}}`, key)
	case "puts the secret into the receipt, escaped":
		var b strings.Builder
		for _, c := range key {
			fmt.Fprintf(&b, `\u%04x`, c)
		}
		fmt.Printf(`{"version":1,"receipt":{"data":{"a":[{"%s":1}]}}}`, b.String())
	case "puts its token into a member nobody knows":
		fmt.Printf(`{"version":1,"debug":"%s"}`, token)
	case "fails with secrets on stderr":
		fmt.Fprintf(os.Stderr, "cannot\tput %s\x1b[31m with %s\nover %s\n", key, token, "OldSecret/OldSecret+OldSecretOldSecret00")
		quit(1)
	case "fails with a secret in its message":
		fmt.Printf(`{"version":1,"error":{"class":"missing","message":"no %s here"}}`, key)
		quit(1)
	case "fails with a long stderr":
		fmt.Fprint(os.Stderr, strings.Repeat("x ", maxStderr/2-10), key, strings.Repeat("y", 100))
		quit(75)
	case "fails without a word":
		quit(2)
	case "never stops writing":
		for {
			if _, err := os.Stdout.WriteString(strings.Repeat("x", 1<<16)); err != nil {
				return
			}
		}
	case "kills itself":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "tells its surroundings":
		out, _ := json.Marshal(map[string]any{"version": 1, "warnings": append(os.Environ(), os.Args[1:]...)})
		fmt.Println(string(out))
	case "hangs":
		hold(args[0])
	case "hangs with a child":
		cmd := exec.Command(os.Args[0], "plugin", "hold", args[0])
		cmd.Stdout = os.Stdout
		_ = cmd.Run()
	case "leaves a child":
		leaveChild(&syscall.SysProcAttr{}, args[0])
	case "leaves a child in a session of its own":
		leaveChild(&syscall.SysProcAttr{Setsid: true}, args[0])
	}
}

// leaveChild starts a child, sees it run, and answers as if nothing was.
func leaveChild(attr *syscall.SysProcAttr, fifo string) {
	r, w, err := os.Pipe()
	if err != nil {
		quit(1)
	}
	cmd := exec.Command(os.Args[0], "plugin", "hold", fifo)
	cmd.Stdout, cmd.SysProcAttr, cmd.ExtraFiles = os.Stdout, attr, []*os.File{w}
	if err := cmd.Start(); err != nil {
		quit(1)
	}
	_ = w.Close()
	_, _ = io.ReadFull(r, make([]byte, 1))
	fmt.Println(`{"version":1}`)
}

// hold shows that it lives: as long as it does, the reader of fifo sees no end.
func hold(fifo string) {
	f, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	if err != nil {
		quit(1)
	}
	_, _ = fmt.Fprintf(f, "%08d", os.Getpid())
	if ready := os.NewFile(3, "ready"); ready != nil {
		_, _ = ready.WriteString("r")
	}
	never := make(chan os.Signal, 1)
	signal.Notify(never, syscall.SIGUSR1)
	<-never
}
