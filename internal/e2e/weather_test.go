//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"keyturn/internal/e2e/faultproxy"
)

func TestASinkIsNeverHandedAKeyThatAWSDoesNotKnowYet(t *testing.T) {
	w := newWorld(t)
	old := w.robot("ci-bot")
	w.configure(config{})
	w.iam.Set(faultproxy.Conditions{RefuseInactive: true, UnusableFor: 3 * time.Second, UnlistedFor: 2 * time.Second})

	w.keyturn("rotate", "--now", "ci-bot").exits(0)

	fresh := w.newKeyOf("ci-bot", old)
	w.hasKeys("ci-bot", keys{fresh: "Active"})
	written, err := os.Stat(w.path("credentials"))
	w.must(err)
	refused := 0
	for _, c := range w.iam.Calls() {
		if c.Signer == fresh && c.Code == "InvalidClientTokenId" {
			refused++
			if written.ModTime().Before(c.End) {
				t.Error("the file served the key while AWS refused it")
			}
		}
	}
	if refused == 0 {
		t.Error("the key was never probed while it was not usable")
	}
}

func TestManyRobotsUnderAHiddenLimit(t *testing.T) {
	const robots, limit = 5, 20
	w := newWorld(t)
	var lines strings.Builder
	for i := range robots {
		name := fmt.Sprintf("bot-%d", i)
		w.robot(name)
		fmt.Fprintf(&lines, "  %s: { sinks: [vault, file] }\n", name)
	}
	w.configure(config{robots: lines.String()})
	w.iam.Set(faultproxy.Conditions{RefuseInactive: true, PerSecond: limit})

	r := w.keyturn("rotate", "--now", "--all", "-o", "json").exits(0).rotations()

	throttled := 0
	for _, c := range w.iam.Calls() {
		if c.Code == "Throttling" {
			throttled++
		}
	}
	if throttled == 0 {
		t.Error("the limit was never met: the test shows nothing")
	}
	for i := range robots {
		name := fmt.Sprintf("bot-%d", i)
		if r[name].Step != "done" {
			t.Errorf("%s: %+v", name, r[name])
		}
		w.hasKeys(name, keys{w.inVault("ci/" + name).ID: "Active"})
	}
	if n := w.iam.Count("CreateAccessKey"); n != robots {
		t.Errorf("%d keys were created for %d robots", n, robots)
	}
}

func TestAnIAMThatIsDownChangesNothing(t *testing.T) {
	w := newWorld(t)
	old := w.robot("ci-bot")
	w.configure(config{})
	for _, action := range []string{"GetCallerIdentity", "GetUser", "ListAccessKeys"} {
		w.iam.Always(action, faultproxy.DropBefore())
	}
	w.keyturn("rotate", "--now", "ci-bot").exits(1)
	w.hasKeys("ci-bot", keys{old.ID: "Active"})
	w.iam.Heal()
	w.keyturn("rotate", "--now", "ci-bot").exits(0)
	w.hasKeys("ci-bot", keys{w.inVault("ci/ci-bot").ID: "Active"})
}
