package servers

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestStopEndsTheWholeGroup(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := launch("parent", t.TempDir(), nil, func(string) []string {
		return []string{"/bin/sh", "-c", "sleep 60 >" + pipe + " & wait"}
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := os.Open(pipe) // returns when the child of the child has opened its end
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p.Stop()
	p.Stop()
	if _, err := io.ReadAll(r); err != nil { // ends when nobody has the other end any more
		t.Error(err)
	}
}

func TestAServerThatEndsAtOnceIsAnError(t *testing.T) {
	_, err := start("broken", t.TempDir(), "/", nil, func(string) []string { return []string{"/bin/false"} })
	if err == nil || !strings.HasPrefix(err.Error(), "start broken: it ended: see ") {
		t.Errorf("got %v", err)
	}
}

func TestAMissingServerSaysHowToGetIt(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/nonexistent")
	for _, name := range []string{"vault", "moto", "gitea", "runner", "drone", "kube"} {
		_, err := Find(name)
		if err == nil || !strings.HasPrefix(err.Error(), name+" is missing: `make e2e-servers` puts it into /nonexistent/keyturn-e2e/"+name) {
			t.Errorf("got %v", err)
		}
	}
}
