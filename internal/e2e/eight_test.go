//go:build e2e

package e2e

import (
	"maps"
	"slices"
	"testing"

	"keyturn/internal/e2e/faultproxy"
	"keyturn/rotator"
	"keyturn/rotator/journal"
)

func TestEightStoresAreServedAlthoughThreeOfThemFailAtFirst(t *testing.T) {
	w, ok := newEight(t)
	if !ok {
		return
	}
	w.robot("ci-bot")
	before := w.rotate(0, "--now")
	old := w.inVault("ci/ci-bot")
	w.isServed(before, old.ID)

	// As soon as the next key exists, one store has withdrawn a right, one has lost the place to write to, and one has a full disk.
	w.iam.At("CreateAccessKey", 1, faultproxy.After(func() {
		w.allowVault("read")
		w.cluster.deleteSecret()
		w.fillDisk(true)
	}))
	w.iam.OnChange(func(c faultproxy.Call) {
		for sink, serves := range w.serves {
			if p := serves(); p.ID == "" || p.ID == c.Key {
				t.Errorf("%s of %s while %s serves %q", c.Action, c.Key, sink, p.ID)
			}
		}
	})
	r := w.rotate(3, "--now")
	fresh := w.newKeyOf("ci-bot", old)
	both := keys{old.ID: "Active", fresh: "Active"}
	w.isServed(r, fresh, "vault", "kubernetes", "exec")
	w.hasKeys("ci-bot", both)

	w.allowVault("read", "update")
	w.isServed(w.rotate(3), fresh, "kubernetes", "exec")
	w.hasKeys("ci-bot", both)

	w.cluster.makeSecret()
	w.isServed(w.rotate(3), fresh, "exec")
	w.hasKeys("ci-bot", both)
	w.signsAs("ci-bot", old)

	w.fillDisk(false)
	w.isServed(w.rotate(0), fresh)
	w.hasKeys("ci-bot", keys{fresh: "Active"})
	w.neverDeletedActive()
	if n := w.iam.Count("CreateAccessKey"); n != 2 {
		t.Errorf("%d keys were created for two rotations", n)
	}
	for _, serves := range w.serves {
		w.signsAs("ci-bot", serves())
	}

	w.keyturn("history", "ci-bot").exits(0).says(before.ID, r.ID)
	w.keyturn("journal", "backup", w.path("state/copy.db")).exits(0)
	w.tells(w.path("state/copy.db"), r, map[string][]string{
		"vault":          {"push failed: denied", "pushed", "verified: exact"},
		"kubernetes":     {"push failed: missing", "push failed: missing", "pushed", "verified: exact"},
		"exec":           {"push failed: temporary", "push failed: temporary", "push failed: temporary", "pushed", "verified: exact"},
		"file":           {"pushed", "verified: exact"},
		"secretsmanager": {"pushed", "verified: exact"},
		"ssm":            {"pushed", "verified: exact"},
		"gitea":          {"pushed", "verified: stamped"},
		"drone":          {"pushed", "verified: accepted"},
	})
}

// rotate runs keyturn and is what it prints.
func (w *eight) rotate(code int, flags ...string) rotation {
	w.Helper()
	return w.keyturn(append([]string{"rotate", "ci-bot", "-o", "json"}, flags...)...).exits(code).rotation()
}

// isServed fails unless the document says that all sinks serve the key except those that fail, and the stores do.
func (w *eight) isServed(r rotation, key string, failing ...string) {
	w.Helper()
	if r.NewKeyID != key || len(r.Sinks) != len(w.serves) {
		w.Fatalf("the document says %+v, want the key %s in %d sinks", r, key, len(w.serves))
	}
	for _, s := range r.Sinks {
		p := w.serves[s.Name]()
		if slices.Contains(failing, s.Name) {
			if p.ID == key || s.State != "failed" || s.Error == "" {
				w.Errorf("%s serves %q, want it to fail: %+v", s.Name, p.ID, s)
			}
			continue
		}
		if p.ID != key || s.State != "verified" || s.Evidence != w.evidence[s.Name] || s.Error != "" {
			w.Errorf("%s serves %q, want %s: %+v", s.Name, p.ID, key, s)
		}
	}
}

// tells fails unless the journal tells of the rotation: one key, what was tried at each sink, and all of that before the old key goes.
func (w *eight) tells(file string, r rotation, want map[string][]string) {
	w.Helper()
	j, err := journal.OpenReadOnly(w.Context(), file)
	w.must(err)
	defer j.Close()
	log, err := j.Events(w.Context(), rotator.UserRef{Account: r.Account, User: r.User}.Stream())
	w.must(err)
	tried, issued, changes := map[string][]string{}, 0, []rotator.Change{}
	for _, e := range log.Events {
		if e.Rotation != rotator.ID(r.ID) {
			continue
		}
		switch b := e.Body.(type) {
		case rotator.IssueIntended:
			issued++
		case rotator.Pushed:
			tried[b.Sink] = append(tried[b.Sink], "pushed")
		case rotator.Verified:
			if said := "verified: " + b.Evidence.String(); !slices.Contains(tried[b.Sink], said) { // on a slow machine it is done again
				tried[b.Sink] = append(tried[b.Sink], said)
			}
		case rotator.SinkFailed:
			tried[b.Sink] = append(tried[b.Sink], b.Stage+" failed: "+b.Class)
		case rotator.KeyIntended:
			changes = append(changes, b.Change)
			if !maps.EqualFunc(tried, want, slices.Equal) {
				w.Errorf("%s %s after %v, want %v", b.Change, b.Key, tried, want)
			}
		}
	}
	if want := []rotator.Change{rotator.Disable, rotator.Remove}; issued != 1 || !slices.Equal(changes, want) {
		w.Errorf("%d keys were asked for and the old one had %v, want one and %v", issued, changes, want)
	}
}
