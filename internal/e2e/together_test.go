//go:build e2e

package e2e

import (
	"testing"

	"keyturn/internal/e2e/faultproxy"
)

func TestTwoKeyturnsDoNotWorkOnOneUser(t *testing.T) {
	w := newWorld(t)
	old := w.robot("ci-bot")
	w.configure(config{})
	second := make(chan result, 1)
	w.iam.At("UpdateAccessKey", 1, faultproxy.Before(func() { second <- w.start("rotate", "--now", "ci-bot").wait() }))

	w.keyturn("rotate", "--now", "ci-bot").exits(0)

	(<-second).exits(3)
	w.hasKeys("ci-bot", keys{w.newKeyOf("ci-bot", old): "Active"})
	if n := w.iam.Count("CreateAccessKey"); n != 1 {
		t.Errorf("%d keys were created", n)
	}
}

// What the commands print, and what a backup holds, is searched for secrets like everything else.
func TestCommandsThatLookChangeNothing(t *testing.T) {
	w := newWorld(t)
	old := w.robot("ci-bot")
	w.configure(config{defaults: "grace: 1h"})
	w.keyturn("check").exits(0)
	w.keyturn("plan").exits(0).says("ci-bot")
	w.keyturn("rotate", "--now", "ci-bot").exits(0)
	fresh := w.newKeyOf("ci-bot", old)
	before := w.changes()

	w.keyturn("status").exits(0).says("ci-bot", old.ID, fresh)
	w.keyturn("status", "-o", "json").exits(0).says(`"robots"`, old.ID, fresh)
	w.keyturn("plan", "ci-bot").exits(0).says(old.ID)
	w.keyturn("history", "ci-bot").exits(0).says(fresh)
	w.keyturn("check", "ci-bot").exits(0)
	w.keyturn("rotate", "--now", "--dry-run", "ci-bot").exits(0)
	w.keyturn("journal", "backup", w.path("state/backup.db")).exits(0)

	w.hasKeys("ci-bot", keys{old.ID: "Active", fresh: "Active"})
	if n := w.changes() - before; n != 0 {
		t.Errorf("%d changes were made", n)
	}
}
