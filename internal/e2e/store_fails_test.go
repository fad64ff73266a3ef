//go:build e2e

package e2e

import (
	"net/http"
	"testing"

	"keyturn/internal/e2e/faultproxy"
)

func TestAStoppedVaultRefusesTheRotationBeforeAnythingExists(t *testing.T) {
	w := newWorld(t)
	old := w.robot("ci-bot")
	w.configure(config{sinks: `  vault: { vault: { address: "` + w.vault.URL + `", token: { env: VAULT_TOKEN }, mount: secret, path: "ci/${robot}" } }
  file: { file: { path: "` + w.path("credentials") + `", profile: "${robot}" } }
`})
	w.vault.Stop()

	w.keyturn("rotate", "--now", "ci-bot").exits(1).says("vault")

	w.hasKeys("ci-bot", keys{old.ID: "Active"})
	if n := w.changes(); n != 0 {
		t.Errorf("%d changes were made", n)
	}
	if p := w.inFile("ci-bot"); p.ID != "" {
		t.Errorf("the file serves %s", p.ID)
	}
}

func TestAVaultThatRefusesWritesLaterIsServedTheSameKeyWhenItIsWell(t *testing.T) {
	t.Parallel()
	tests := map[string]int{
		"it is unavailable":      http.StatusServiceUnavailable,
		"it breaks connections":  0,
		"its policy has changed": http.StatusForbidden,
	}
	for name, status := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			old := w.robot("ci-bot")
			w.configure(config{})
			w.iam.At("CreateAccessKey", 1, faultproxy.After(func() { w.store.RefuseWrites(status) }))

			r := w.keyturn("rotate", "--now", "ci-bot", "-o", "json").exits(3).rotation()

			fresh := w.newKeyOf("ci-bot", old)
			w.hasKeys("ci-bot", keys{old.ID: "Active", fresh: "Active"})
			if p := w.inFile("ci-bot"); p.ID != fresh || r.NewKeyID != fresh {
				t.Errorf("the file serves %q, want %s", p.ID, fresh)
			}
			w.signsAs("ci-bot", w.inFile("ci-bot"))
			if p := w.inVault("ci/ci-bot"); p.ID != "" || w.store.Refused() == 0 {
				t.Errorf("vault serves %q, and %d writes were refused", p.ID, w.store.Refused())
			}
			for _, s := range r.Sinks {
				if want := map[string]string{"vault": "failed", "file": "verified"}[s.Name]; s.State != want || (s.Error != "") != (want == "failed") {
					t.Errorf("sink %+v, want it to be %s", s, want)
				}
			}

			w.store.Heal()
			healed := w.keyturn("rotate", "ci-bot", "-o", "json").exits(0).rotation()
			if healed.ID != r.ID || healed.NewKeyID != fresh || w.inVault("ci/ci-bot").ID != fresh {
				t.Errorf("another rotation finished: %+v", healed)
			}
			w.hasKeys("ci-bot", keys{fresh: "Active"})
			if n := w.iam.Count("CreateAccessKey"); n != 1 {
				t.Errorf("CreateAccessKey was called %d times", n)
			}
		})
	}
}

func TestAnOptionalSinkDoesNotKeepTheOldKeyAlive(t *testing.T) {
	w := newWorld(t)
	w.robot("ci-bot")
	w.configure(config{robots: "  ci-bot: { sinks: [file, { sink: vault, required: false }] }\n"})
	w.iam.At("CreateAccessKey", 1, faultproxy.After(func() { w.store.RefuseWrites(http.StatusServiceUnavailable) }))
	w.keyturn("rotate", "--now", "ci-bot")
	fresh := w.inFile("ci-bot").ID
	w.hasKeys("ci-bot", keys{fresh: "Active"})

	w.store.Heal()
	w.finish("rotate", "ci-bot").exits(0)
	if p := w.inVault("ci/ci-bot"); p.ID != fresh {
		t.Errorf("vault serves %q, want %s", p.ID, fresh)
	}
}

func TestAMissingTokenFileFailsThatRobotAlone(t *testing.T) {
	w := newWorld(t)
	old := w.robot("ci-bot")
	other := w.robot("deploy-bot")
	w.configure(config{
		sinks: w.bothSinks() + `  broken: { vault: { address: "` + w.store.URL + `", token: { file: "` + w.path("absent") + `" }, mount: secret, path: x } }
`,
		robots: "  ci-bot: { sinks: [broken] }\n  deploy-bot: { sinks: [vault, file] }\n",
	})

	r := w.keyturn("rotate", "--now", "--all", "-o", "json").exits(1).says(w.path("absent")).rotations()

	w.hasKeys("ci-bot", keys{old.ID: "Active"})
	w.hasKeys("deploy-bot", keys{w.newKeyOf("deploy-bot", other): "Active"})
	if r["deploy-bot"].Step != "done" {
		t.Errorf("deploy-bot: %+v", r["deploy-bot"])
	}
}
