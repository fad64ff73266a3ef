//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"keyturn/internal/e2e/faultproxy"
)

// hasty builds a keyturn whose claim lasts seconds instead of minutes, and is the same otherwise.
var hasty = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(binary), "keyturn-hasty")
	return path, exec.Command("go", "build", "-tags", "shortdeadlines", "-o", path, "keyturn/cmd/keyturn").Run()
})

// takenOver is how long another process may have to wait for the claim of a frozen one.
const takenOver = 40 * time.Second

// A process is frozen, as a paused virtual machine is, at each request that changes something. Another one takes over when
// the claim has run out. The frozen one wakes up while the other is at work, or when its own key has been replaced
// by another rotation already; it must do no harm.
func TestAProcessThatWakesUpLateDoesNoHarm(t *testing.T) {
	w := newWorld(t)
	cases := 0
	for _, p := range w.recorded() {
		if !p.changes() && (p.name != "GetCallerIdentity" || p.nth != 2) { // and one of those that prove the new key
			continue
		}
		for how, fault := range map[string]func(g *guest, freeze func(), woken <-chan struct{}) faultproxy.Fault{
			"the request is lost": func(_ *guest, freeze func(), _ <-chan struct{}) faultproxy.Fault {
				return faultproxy.Lose(freeze)
			},
			"its answer is waiting": func(_ *guest, freeze func(), _ <-chan struct{}) faultproxy.Fault {
				return faultproxy.After(freeze)
			},
			"the request arrives then": func(_ *guest, freeze func(), woken <-chan struct{}) faultproxy.Fault {
				return faultproxy.Before(func() { freeze(); <-woken })
			},
		} {
			if p.name == "CreateAccessKey" && how == "the request arrives then" {
				continue // AWS would have to take up a call half a minute after it was sent: see docs/safety.md
			}
			for when, amid := range map[string]bool{"while the other is at work": true, "after another rotation": false} {
				cases++
				t.Run(p.String()+", frozen, "+how+", awake "+when, func(t *testing.T) {
					t.Parallel()
					g := w.guest(t)
					stop := g.watch()
					defer stop()
					g.freeze(p, fault, amid)
				})
			}
		}
	}
	t.Logf("%d cases", cases)
}

func (g *guest) freeze(p point, fault func(*guest, func(), <-chan struct{}) faultproxy.Fault, amid bool) {
	var err error
	g.program, err = hasty()
	g.must(err)
	running, frozen, woken := make(chan *process, 1), make(chan struct{}), make(chan struct{})
	g.at(p, fault(g, func() {
		(<-running).freeze()
		close(frozen)
	}, woken))
	first := g.start("rotate", "--now", "ci-bot")
	running <- first
	<-frozen
	if r := g.keyturn("rotate", "--now", "ci-bot"); !locked(r) {
		r.exits(3).says("keyturn: ci-bot: claimed by process ", ": it is at work on this user; look again later\n")
	}

	var r result
	wake := sync.OnceFunc(func() {
		close(woken)
		first.signal(syscall.SIGCONT)
		r = first.wait()
	})
	if amid { // at the very first thing that the other does
		g.iam.At("ListAccessKeys", 1, faultproxy.Before(wake))
	}
	if over := g.takeOver(); over && !amid {
		g.finish("rotate", "--now", "ci-bot").exits(0)
	}
	wake()
	if begun := strings.Contains(r.stdout, " begins "); r.code != 1+2*one(begun) || !strings.HasPrefix(r.stderr, "keyturn: ci-bot: ") {
		g.Errorf("the frozen process exits %d and says:\n%s%s", r.code, r.stdout, r.stderr)
	}
	g.finish("rotate", "--now", "ci-bot").exits(0)
	g.isDone(0)
}

// takeOver runs it until the claim of the frozen process has run out, and the rotation is finished or begun anew. It is
// not over if the frozen process holds the file sink's lock: then that sink waits for it, and so does the rotation.
func (g *guest) takeOver() (over bool) {
	g.Helper()
	deadline := time.Now().Add(takenOver)
	for {
		r := g.keyturn("rotate", "--now", "ci-bot")
		if r.code == 0 {
			return true
		}
		if locked(r) {
			return false
		}
		r.exits(3)
		if strings.Contains(r.stderr, "another push holds the lock") {
			return false
		}
		if time.Now().After(deadline) {
			g.Fatalf("the claim of the frozen process does not run out:\n%s", r.stderr)
		}
		time.Sleep(time.Second)
	}
}

// locked: it was frozen in the middle of a transaction, by the chance of what it did side by side.
func locked(r result) bool {
	return r.code == 2 && strings.HasSuffix(r.stderr, ": gave up waiting for the file: another process has kept it locked for 30s\n")
}

// freeze stops it, and returns when all its threads stand still.
func (p *process) freeze() {
	p.signal(syscall.SIGSTOP)
	tasks := fmt.Sprintf("/proc/%d/task/*/stat", p.cmd.Process.Pid)
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		stats, _ := filepath.Glob(tasks)
		if len(stats) > 0 && !slices.ContainsFunc(stats, runs) {
			return
		}
	}
	p.w.Errorf("process %d does not stand still", p.cmd.Process.Pid)
}

// runs says that the thread of a stat file of /proc is not stopped.
func runs(stat string) bool {
	b, err := os.ReadFile(stat)
	return err == nil && !strings.Contains(string(b), ") T ")
}
