//go:build e2e

package e2e

import (
	"errors"
	"math"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"keyturn/internal/e2e/faultproxy"
)

// disk is a way to make a journal that cannot grow, and to make it grow again.
type disk struct {
	prepare    func(g *guest) // before keyturn starts
	fill, free func(g *guest, p *process)
	says       string
}

// disks are the ways there are. A full file system takes root: without, there is only the limit.
func disks() map[string]disk {
	all := map[string]disk{"a limit on the size of files": {
		prepare: func(*guest) {},
		fill:    func(g *guest, p *process) { g.limit(p, 1) },
		free:    func(g *guest, p *process) { g.limit(p, math.MaxInt64) },
		says:    "disk I/O error",
	}}
	if os.Geteuid() == 0 {
		all["a full file system"] = disk{
			prepare: (*guest).smallDisk,
			fill:    func(g *guest, _ *process) { g.fillDisk() },
			free:    func(g *guest, _ *process) { g.must(os.Remove(g.path("state/filler"))) },
			says:    "the disk is full",
		}
	}
	return all
}

// limit lets no file of the process, if it still runs, grow beyond n bytes.
func (g *guest) limit(p *process, n uint64) {
	err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: n, Max: math.MaxInt64}, nil)
	if err != nil && !errors.Is(err, syscall.ESRCH) {
		g.Errorf("limit the size of files: %v", err)
	}
}

func (g *guest) smallDisk() {
	g.must(syscall.Mount("none", g.path("state"), "tmpfs", 0, "size=1m,mode=0700"))
	g.Cleanup(func() {
		g.searchSecrets()
		g.must(syscall.Unmount(g.path("state"), syscall.MNT_DETACH))
	})
}

func (g *guest) fillDisk() {
	f, err := os.Create(g.path("state/filler"))
	g.must(err)
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 512))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		g.Errorf("fill the disk: %v", err)
	}
}

// until waits for p to write the words n times.
func (p *process) until(words string, n int) {
	p.w.Helper()
	for deadline := time.Now().Add(30 * time.Second); strings.Count(p.stderr.String(), words) < n; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.w.Fatalf("it does not say %q %d times:\n%s%s", words, n, p.stdout.String(), p.stderr.String())
		}
	}
}

// loud is what it says of an event that cannot be written.
const loud = "the journal cannot be written; what has happened is kept in memory and tried again"

func TestANewKeyThatCannotBeJournalledIsKeptInMemory(t *testing.T) {
	w := newWorld(t)
	for name, d := range disks() {
		for how, end := range map[string]func(g *guest, p *process){
			"until there is space again": func(g *guest, p *process) {
				d.free(g, p)
				p.wait().exits(0).says(loud, "issued", d.says)
				g.isDone(1)
			},
			"although it is asked to end": func(g *guest, p *process) {
				p.signal(syscall.SIGTERM)
				p.until(loud, strings.Count(p.stderr.String(), loud)+2) // it goes on trying
				d.free(g, p)
				p.wait().exits(3)
				g.keyturn("rotate", "ci-bot").exits(0)
				g.isDone(1)
			},
			"and is an orphan once the process is killed": func(g *guest, p *process) {
				p.kill()
				p.wait()
				d.free(g, p)
				g.resume()
				g.isDone(2)
			},
		} {
			if name != "a full file system" && strings.Contains(how, "killed") {
				continue // the limit dies with the process
			}
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				g := w.guest(t)
				stop := g.watch()
				defer stop()
				d.prepare(g)
				running := make(chan *process, 1)
				g.iam.At("CreateAccessKey", 1, faultproxy.After(func() { d.fill(g, <-running) }))
				p := g.start("rotate", "--now", "ci-bot")
				running <- p
				p.until(loud, 4)
				fresh := g.newKeyOf(g.user, g.old)
				g.hasKeys(g.user, keys{g.old.ID: "Active", fresh: "Active"})
				if out := g.served(); out["vault"] != g.old || out["file"] != g.old {
					t.Errorf("a key that is not in the journal is served: %s, %s", out["vault"].ID, out["file"].ID)
				}
				end(g, p)
			})
		}
	}
}

// The disk is full for a second from any request on.
func TestAFullDiskAtAnyRequestLosesNothing(t *testing.T) {
	w := newWorld(t)
	cases := 0
	for name, d := range disks() {
		for _, p := range w.recorded() {
			cases++
			t.Run(p.String()+", "+name, func(t *testing.T) {
				t.Parallel()
				g := w.guest(t)
				stop := g.watch()
				defer stop()
				d.prepare(g)
				freed := make(chan struct{})
				g.interrupt(p, faultproxy.Before, func(p *process) {
					d.fill(g, p)
					time.AfterFunc(time.Second, func() {
						defer close(freed)
						d.free(g, p)
					})
				})
				<-freed
				g.resume()
				g.isDone(1)
			})
		}
	}
	t.Logf("%d cases", cases)
}

func TestASIGTERMAmidCreateAccessKeySealsTheKeyFirst(t *testing.T) {
	w := newWorld(t)
	g := w.guest(t)
	stop := g.watch()
	defer stop()
	running := make(chan *process, 1)
	g.iam.At("CreateAccessKey", 1, faultproxy.After(func() {
		(<-running).signal(syscall.SIGTERM)
		time.Sleep(300 * time.Millisecond)
	}))
	p := g.start("rotate", "--now", "ci-bot", "-o", "json")
	running <- p
	r := p.wait().exits(3).rotation()

	fresh := g.newKeyOf(g.user, g.old)
	if r.NewKeyID != fresh || r.Step != "probe" {
		t.Errorf("it ended at %+v, want the key %s and the step probe", r, fresh)
	}
	g.keyturn("history", "ci-bot").exits(0).says(fresh)
	again := g.keyturn("rotate", "ci-bot", "-o", "json").exits(0).rotation()
	if again.ID != r.ID || again.NewKeyID != fresh {
		t.Errorf("another rotation, or another key: %+v", again)
	}
	g.isDone(1)
}
