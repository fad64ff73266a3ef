//go:build e2e

package e2e

import (
	"testing"
	"time"
)

func TestARotationReachesVaultAndFileAndRetiresTheOldKey(t *testing.T) {
	w := newWorld(t)
	old := w.robot("ci-bot")
	w.configure(config{})

	r := w.keyturn("rotate", "--now", "ci-bot", "-o", "json").exits(0).rotation()

	fresh := w.newKeyOf("ci-bot", old)
	w.hasKeys("ci-bot", keys{fresh: "Active"})
	served := w.inVault("ci/ci-bot")
	if served.ID != fresh || served != w.inFile("ci-bot") {
		t.Errorf("vault serves %s and the file %s, want both to serve %s", served.ID, w.inFile("ci-bot").ID, fresh)
	}
	w.signsAs("ci-bot", served)
	if r.Step != "done" || r.OldKeyID != old.ID || r.NewKeyID != fresh || r.Trigger != "manual" || r.Account != "123456789012" || r.Hold != nil || r.FinishedAt.IsZero() {
		t.Errorf("the document says %+v", r)
	}
	if len(r.Sinks) != 2 {
		t.Fatalf("the document names the sinks %+v", r.Sinks)
	}
	for _, s := range r.Sinks {
		if s.Evidence != "exact" || s.State != "verified" || !s.Required || s.Error != "" {
			t.Errorf("sink %+v", s)
		}
	}

	before := w.changes()
	w.keyturn("rotate", "ci-bot").exits(0)
	w.hasKeys("ci-bot", keys{fresh: "Active"})
	if n := w.changes() - before; n != 0 {
		t.Errorf("a rotate that owes nothing made %d changes", n)
	}
}

func TestASecondRotationReplacesTheFirst(t *testing.T) {
	w := newWorld(t)
	old := w.robot("ci-bot")
	w.configure(config{})
	first := w.keyturn("rotate", "--now", "ci-bot", "-o", "json").exits(0).rotation()
	second := w.keyturn("rotate", "--now", "ci-bot", "-o", "json").exits(0).rotation()
	if second.OldKeyID != first.NewKeyID || second.ID == first.ID {
		t.Errorf("%s replaced %s, and %s replaced %s", first.NewKeyID, first.OldKeyID, second.NewKeyID, second.OldKeyID)
	}
	w.hasKeys("ci-bot", keys{w.newKeyOf("ci-bot", old): "Active"})
	w.signsAs("ci-bot", w.inVault("ci/ci-bot"))
}

func TestAUserWithoutAnyKeyGetsOne(t *testing.T) {
	w := newWorld(t)
	w.admin.deleteKey("ci-bot", w.robot("ci-bot"))
	w.configure(config{})
	w.keyturn("rotate", "--now", "ci-bot").exits(0)
	w.hasKeys("ci-bot", keys{w.inVault("ci/ci-bot").ID: "Active"})
	w.signsAs("ci-bot", w.inFile("ci-bot"))
}

func TestTheDefaultGraceKeepsTheOldKeyAndSaysUntilWhen(t *testing.T) {
	w := newWorld(t)
	old := w.robot("ci-bot")
	w.configure(config{defaults: "grace: 1h"})

	r := w.keyturn("rotate", "--now", "ci-bot", "-o", "json").exits(0).rotation()

	fresh := w.newKeyOf("ci-bot", old)
	w.hasKeys("ci-bot", keys{old.ID: "Active", fresh: "Active"})
	if wait := time.Until(r.NextAt); wait < 50*time.Minute || wait > time.Hour {
		t.Errorf("the old key retires in %v", wait)
	}
	w.signsAs("ci-bot", w.inVault("ci/ci-bot"))
	w.keyturn("rotate", "ci-bot").exits(0).says(old.ID, r.NextAt.Format("15:04"))
	w.hasKeys("ci-bot", keys{old.ID: "Active", fresh: "Active"})
	if n := w.iam.Count("CreateAccessKey"); n != 1 {
		t.Errorf("%d keys were created", n)
	}
}

func TestALaterRotateRetiresTheOldKeyOnTime(t *testing.T) {
	w := newWorld(t)
	old := w.robot("ci-bot")
	w.configure(config{defaults: "grace: 3s, quiet: 0s, soak: 3s"})

	due := w.keyturn("rotate", "--now", "ci-bot", "-o", "json").exits(0).rotation().NextAt
	fresh := w.newKeyOf("ci-bot", old)
	w.keyturn("rotate", "ci-bot").exits(0)
	w.hasKeys("ci-bot", keys{old.ID: "Active", fresh: "Active"})

	time.Sleep(time.Until(due))
	due = w.keyturn("rotate", "ci-bot", "-o", "json").exits(0).rotation().NextAt
	w.hasKeys("ci-bot", keys{old.ID: "Inactive", fresh: "Active"})

	time.Sleep(time.Until(due))
	w.keyturn("rotate", "ci-bot").exits(0)
	w.hasKeys("ci-bot", keys{fresh: "Active"})
	w.signsAs("ci-bot", w.inVault("ci/ci-bot"))
}

func TestWaitReturnsWhenTheOldKeyIsGone(t *testing.T) {
	w := newWorld(t)
	w.robot("ci-bot")
	w.configure(config{defaults: "grace: 1s, quiet: 0s, soak: 1s"})
	w.keyturn("rotate", "--now", "--wait", "ci-bot").exits(0)
	w.hasKeys("ci-bot", keys{w.inVault("ci/ci-bot").ID: "Active"})
}

func TestRestoreBringsTheOldKeyBack(t *testing.T) {
	w := newWorld(t)
	old := w.robot("ci-bot")
	w.configure(config{defaults: "grace: 0s, quiet: 0s, soak: 1h"})
	w.keyturn("rotate", "--now", "ci-bot").exits(0)
	if _, err := w.caller(old); err == nil {
		t.Error("the old key works although it was disabled")
	}
	w.keyturn("restore", "ci-bot").exits(0).says(old.ID, "keyturn resolve ci-bot --retry")
	w.signsAs("ci-bot", old)
	w.keyturn("rotate", "ci-bot").exits(4)
	w.signsAs("ci-bot", old)
}
