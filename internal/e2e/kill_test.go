//go:build e2e

package e2e

import (
	"syscall"
	"testing"
	"time"

	"keyturn/internal/e2e/faultproxy"
)

// Every request of a rotation, to AWS and to Vault, is one at which the process dies, or is asked to end: before it took
// effect, after, and, if it is one that changes something, while the next process is at work already.
func TestAnEndAtAnyRequestLosesNothing(t *testing.T) {
	w := newWorld(t)
	cases := 0
	kill := func(p *process) { p.kill() }
	for _, p := range w.recorded() {
		mints := p.name == "CreateAccessKey"
		run := func(how string, f func(g *guest)) {
			cases++
			t.Run(p.String()+", "+how, func(t *testing.T) {
				t.Parallel()
				g := w.guest(t)
				stop := g.watch()
				defer stop()
				f(g)
			})
		}
		died := func(fault func(func()) faultproxy.Fault, creates int) func(*guest) {
			return func(g *guest) {
				if r := g.interrupt(p, fault, kill); r.code == 0 {
					g.Error("a process that was killed ended well")
				}
				g.resume()
				g.isDone(creates)
			}
		}
		run("killed, and the request is lost", died(faultproxy.Lose, 1))
		run("killed, and the request was served", died(faultproxy.After, 1+one(mints)))
		if p.changes() {
			late := func(f func()) faultproxy.Fault {
				return faultproxy.Before(func() { f(); time.Sleep(500 * time.Millisecond) })
			}
			run("killed, and the request is served late", died(late, 1+one(mints)))
		}
		run("asked to end", func(g *guest) {
			slow := func(f func()) faultproxy.Fault {
				return faultproxy.Before(func() { f(); time.Sleep(50 * time.Millisecond) })
			}
			g.interrupt(p, slow, func(p *process) { p.signal(syscall.SIGTERM) })
			g.resume()
			g.isDone(1)
		})
	}
	t.Logf("%d cases", cases)
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
