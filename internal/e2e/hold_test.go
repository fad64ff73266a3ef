//go:build e2e

package e2e

import (
	"testing"
	"time"

	"keyturn/internal/e2e/faultproxy"
)

func TestTwoKeysInUseAreHeld(t *testing.T) {
	w := newWorld(t)
	one := w.robot("ci-bot")
	two := w.admin.newKey("ci-bot")
	w.signsAs("ci-bot", one)
	w.signsAs("ci-bot", two)
	// A page each: whoever reads only the first sees one key and room for another.
	w.iam.Set(faultproxy.Conditions{RefuseInactive: true, PageSize: 1})
	w.configure(config{})

	w.keyturn("rotate", "--now", "ci-bot").exits(4).
		says(one.ID, two.ID, "keyturn resolve ci-bot", time.Now().UTC().Format("2006-01-02"))

	w.hasKeys("ci-bot", keys{one.ID: "Active", two.ID: "Active"})
	if n := w.changes(); n != 0 {
		t.Errorf("%d changes were made", n)
	}
	if p := w.inVault("ci/ci-bot"); p.ID != "" {
		t.Errorf("vault serves %s", p.ID)
	}
}

func TestTheOperatorSaysWhichOfTwoKeysStays(t *testing.T) {
	w := newWorld(t)
	one := w.robot("ci-bot")
	two := w.admin.newKey("ci-bot")
	w.configure(config{})
	w.keyturn("rotate", "--now", "ci-bot").exits(4)
	w.keyturn("resolve", "ci-bot", "--delete", two.ID, "--reason", "left over from a trial")
	w.finish("rotate", "ci-bot").exits(0)
	fresh := w.newKeyOf("ci-bot", one, two)
	w.hasKeys("ci-bot", keys{fresh: "Active"})
	if p := w.inVault("ci/ci-bot"); p.ID != fresh {
		t.Errorf("vault serves %s, want %s", p.ID, fresh)
	}
}

func TestAUserOfAnotherJournalIsHeld(t *testing.T) {
	w := newWorld(t)
	old := w.robot("ci-bot")
	w.admin.tag("ci-bot", "team", "platform")
	w.admin.tag("ci-bot", "keyturn", "another-journal/20261101-aaaaaaaa")
	w.iam.Set(faultproxy.Conditions{RefuseInactive: true, PageSize: 1})
	w.configure(config{})
	w.keyturn("rotate", "--now", "ci-bot").exits(4).says("another-journal")
	w.hasKeys("ci-bot", keys{old.ID: "Active"})
}

func TestAKeyThatSomebodyMakesOnTheWayIsHeld(t *testing.T) {
	w := newWorld(t)
	old := w.robot("ci-bot")
	w.configure(config{defaults: "grace: 1s, quiet: 0s, soak: 0s"})
	w.keyturn("rotate", "--now", "ci-bot").exits(0)
	fresh := w.newKeyOf("ci-bot", old)
	w.admin.deleteKey("ci-bot", old)
	foreign := w.admin.newKey("ci-bot")
	time.Sleep(time.Second)
	w.keyturn("rotate", "ci-bot").exits(4).says(foreign.ID)
	w.hasKeys("ci-bot", keys{fresh: "Active", foreign.ID: "Active"})
}
