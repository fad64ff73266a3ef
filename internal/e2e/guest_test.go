//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"keyturn/internal/e2e/faultproxy"
)

// guest is a case that shares the servers of a world: folder, user, path in Vault and proxies are its own. Its robot is
// called ci-bot like all others, and both sinks serve the robot's first key from the beginning.
type guest struct {
	*world
	user   string
	old    pair
	vaults *faultproxy.Proxy // in front of the shared Vault

	file string // the credentials file, in the guest's folder or, of two with one user, in the other's

	mu     sync.Mutex
	wasOut map[string]bool // ids of keys that a sink was seen to serve
}

var guests atomic.Int64

// guest makes one.
func (w *world) guest(t *testing.T) *guest {
	t.Helper()
	g := &guest{user: fmt.Sprintf("bot-%d", guests.Add(1)), wasOut: map[string]bool{}}
	g.world = &world{T: t, dir: t.TempDir(), vault: w.vault, env: maps.Clone(w.env)}
	g.iam = g.proxy(w.motoURL)
	g.vaults = g.proxy(w.vault.URL)
	g.iam.Set(faultproxy.Conditions{RefuseInactive: true, UsesUnshownFor: time.Hour})
	g.iam.Trust(w.admin.pair.ID)
	g.admin = g.accountOf(w.admin.pair)
	g.secrets = slices.Clone(w.secrets)
	g.env["HOME"], g.env["AWS_ENDPOINT_URL"] = g.dir, g.iam.URL
	g.must(os.Mkdir(g.path("state"), 0o700))
	t.Cleanup(g.searchSecrets)
	g.file = g.path("credentials")
	g.old = g.robot(g.user)
	g.serve(g.old)
	g.settle(config{})
	return g
}

func (g *guest) proxy(backend string) *faultproxy.Proxy {
	p, err := faultproxy.Start(backend)
	g.must(err)
	g.Cleanup(func() { g.must(p.Close()) })
	return p
}

// settle writes the configuration, of which sinks and robots are the guest's own.
func (g *guest) settle(c config) {
	g.Helper()
	c.aws = or(c.aws, "settle: 200ms, orphan_wait: 200ms, probe: { rounds: 2, spacing: 20ms, deadline: 20s }")
	c.sinks = `  vault: { vault: { address: "` + g.vaults.URL + `", token: { env: VAULT_TOKEN }, mount: secret, path: "ci/${user}" } }
  file: { file: { path: "` + g.file + `", format: credentials, profile: "${user}" } }
`
	c.robots = "  ci-bot: { user: " + g.user + ", sinks: [vault, file] }\n"
	if _, err := os.Stat(g.path("seal.key")); err == nil {
		g.writeConfig(c)
		return
	}
	g.configure(c)
}

// serve puts a pair into both sinks.
func (g *guest) serve(p pair) {
	g.Helper()
	g.vaultCall("POST", "secret/data/ci/"+g.user, map[string]any{"data": map[string]string{"AWS_ACCESS_KEY_ID": p.ID, "AWS_SECRET_ACCESS_KEY": p.Secret}})
	text := fmt.Sprintf("[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n", g.user, p.ID, p.Secret)
	g.must(os.WriteFile(g.file, []byte(text), 0o600))
}

// served are the pairs by sink.
func (g *guest) served() map[string]pair {
	return map[string]pair{"vault": g.inVault("ci/" + g.user), "file": g.inFile(g.user)}
}

// point is the n-th request of its kind, to AWS or to Vault.
type point struct {
	server string // "AWS" or "Vault"
	name   string // of the request; USER stands for the user
	nth    int
}

func (p point) String() string { return fmt.Sprintf("%s, %s, request %d", p.server, p.name, p.nth) }

// changes says that the request is one to change something.
func (p point) changes() bool {
	switch p.name {
	case "TagUser", "CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey":
		return true
	}
	return strings.HasPrefix(p.name, "PUT ") || strings.HasPrefix(p.name, "POST /v1/secret")
}

// at plans a fault for it.
func (g *guest) at(p point, f faultproxy.Fault) {
	proxy := g.iam
	if p.server == "Vault" {
		proxy = g.vaults
	}
	proxy.At(strings.ReplaceAll(p.name, "USER", g.user), p.nth, f)
}

// timeline is every request that was made so far.
func (g *guest) timeline() []point {
	var all []point
	seen := map[point]int{}
	for server, proxy := range map[string]*faultproxy.Proxy{"AWS": g.iam, "Vault": g.vaults} {
		for _, c := range proxy.Calls() {
			p := point{server: server, name: strings.ReplaceAll(c.Action, g.user, "USER")}
			seen[p]++
			p.nth = seen[p]
			all = append(all, p)
		}
	}
	slices.SortStableFunc(all, func(a, b point) int { return strings.Compare(a.server, b.server) })
	return all
}

// recorded is the timeline of a rotation without any fault, by a guest of its own.
func (w *world) recorded() []point {
	var all []point
	w.Run("without a fault", func(t *testing.T) {
		g := w.guest(t)
		stop := g.watch()
		g.keyturn("rotate", "--now", "ci-bot").exits(0)
		all = g.timeline()
		stop()
		g.isDone(1)
	})
	if len(all) == 0 {
		w.Fatal("nothing was recorded")
	}
	return all
}

// isDone fails unless there is one key, both sinks serve it, it signs, and that many were created.
func (g *guest) isDone(creates int) {
	g.Helper()
	fresh := g.newKeyOf(g.user, g.old)
	g.hasKeys(g.user, keys{fresh: "Active"})
	for sink, p := range g.served() {
		if p.ID != fresh {
			g.Errorf("%s serves %q, want %s", sink, p.ID, fresh)
			continue
		}
		g.signsAs(g.user, p)
	}
	if n := g.iam.Count("CreateAccessKey"); creates > 0 && n != creates {
		g.Errorf("%d keys were created, want %d", n, creates)
	}
	g.neverDeletedActive(func(id string) bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.wasOut[id]
	})
}

// interrupt starts `rotate --now`, does f to it at that request, and waits for its end.
func (g *guest) interrupt(p point, fault func(func()) faultproxy.Fault, f func(*process)) result {
	g.Helper()
	running, met := make(chan *process, 1), make(chan struct{})
	g.at(p, fault(func() {
		f(<-running)
		close(met)
	}))
	proc := g.start("rotate", "--now", "ci-bot")
	running <- proc
	r := proc.wait()
	select {
	case <-met:
	case <-time.After(time.Second):
		g.Fatalf("it was not interrupted, the request was never made:\n%s%s", r.stdout, r.stderr)
	}
	return r
}

// resume runs it again until it ends, and once more with --now if the first run never began a rotation.
func (g *guest) resume() {
	g.Helper()
	g.finish("rotate", "ci-bot").exits(0)
	if g.inFile(g.user) == g.old {
		g.finish("rotate", "--now", "ci-bot").exits(0)
	}
}

// signal sends one to the whole group.
func (p *process) signal(s syscall.Signal) { p.w.must(syscall.Kill(-p.cmd.Process.Pid, s)) }
