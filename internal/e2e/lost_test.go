//go:build e2e

package e2e

import (
	"testing"

	"keyturn/internal/e2e/faultproxy"
)

func TestALostAnswerLeavesNoOrphan(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault   faultproxy.Fault
		creates int
	}{
		"the connection broke before the call":      {faultproxy.DropBefore(), 1},
		"the connection broke after the call":       {faultproxy.DropAfter(), 2},
		"the answer was cut amid the secret":        {faultproxy.Truncate(), 2},
		"the service failed without having done it": {faultproxy.Answer(500, "ServiceFailure", "x"), 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			old := w.robot("ci-bot")
			w.configure(config{})
			w.iam.At("CreateAccessKey", 1, tt.fault)

			w.keyturn("rotate", "--now", "ci-bot")
			w.finish("rotate", "ci-bot").exits(0)

			fresh := w.newKeyOf("ci-bot", old)
			w.hasKeys("ci-bot", keys{fresh: "Active"})
			if p := w.inVault("ci/ci-bot"); p.ID != fresh || p != w.inFile("ci-bot") {
				t.Errorf("vault serves %s and the file %s, want %s", p.ID, w.inFile("ci-bot").ID, fresh)
			}
			if n := w.iam.Count("CreateAccessKey"); n != tt.creates {
				t.Errorf("%d keys were created, want %d", n, tt.creates)
			}
			w.neverDeletedActive()
		})
	}
}

// neverDeletedActive fails if a key was deleted that had not been disabled before; of those that count, if that is asked.
func (w *world) neverDeletedActive(counts ...func(id string) bool) {
	w.Helper()
	disabled := map[string]bool{}
	for _, c := range w.iam.Calls("UpdateAccessKey", "DeleteAccessKey") {
		switch {
		case c.Code != "":
		case c.Action == "UpdateAccessKey":
			disabled[c.Key] = true
		case !disabled[c.Key] && (len(counts) == 0 || counts[0](c.Key)):
			w.Errorf("%s was deleted while it was active", c.Key)
		}
	}
}

func TestAKilledKeyturnIsResumed(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		action  string
		nth     int
		when    func(func()) faultproxy.Fault
		creates int
	}{
		"before the tag is written":               {"TagUser", 1, faultproxy.Before, 1},
		"after the tag was written":               {"TagUser", 1, faultproxy.After, 1},
		"while the answer with the secret is due": {"CreateAccessKey", 1, faultproxy.After, 2},
		"while the key is probed":                 {"GetCallerIdentity", 2, faultproxy.Before, 1},
		"before the old key is disabled":          {"UpdateAccessKey", 1, faultproxy.Before, 1},
		"after the old key was disabled":          {"UpdateAccessKey", 1, faultproxy.After, 1},
		"before the old key is deleted":           {"DeleteAccessKey", 1, faultproxy.Before, 1},
		"after the old key was deleted":           {"DeleteAccessKey", 1, faultproxy.After, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			old := w.robot("ci-bot")
			w.configure(config{})
			running := make(chan *process, 1)
			w.iam.At(tt.action, tt.nth, tt.when(func() { (<-running).kill() }))

			p := w.start("rotate", "--now", "ci-bot")
			running <- p
			if p.wait(); !p.killed.Load() {
				t.Fatal("it was not killed: the call was never made")
			}
			w.finish("rotate", "ci-bot").exits(0)
			if w.iam.Count("CreateAccessKey") == 0 { // killed before anything was owed
				w.keyturn("rotate", "--now", "ci-bot").exits(0)
			}

			fresh := w.newKeyOf("ci-bot", old)
			w.hasKeys("ci-bot", keys{fresh: "Active"})
			if p := w.inVault("ci/ci-bot"); p.ID != fresh || p != w.inFile("ci-bot") {
				t.Errorf("vault serves %s and the file %s, want %s", p.ID, w.inFile("ci-bot").ID, fresh)
			}
			w.signsAs("ci-bot", w.inVault("ci/ci-bot"))
			if n := w.iam.Count("CreateAccessKey"); n != tt.creates {
				t.Errorf("%d keys were created, want %d", n, tt.creates)
			}
			w.neverDeletedActive()
		})
	}
}
