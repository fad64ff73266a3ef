//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"testing"
"time"

	"keyturn/internal/e2e/faultproxy"
	"keyturn/rotator"
	"keyturn/rotator/journal"
)

func TestEightStoresAreServedAlthoughThreeOfThemFailAtFirst(t *testing.T) {
	tb:=time.Now()
	w, ok := newEight(t)
	tick(t,&tb,"started")
	if !ok {
		return
	}
	w.robot("ci-bot")
	before := w.rotate(0, "--now")
	tick(t,&tb,"rotated")
	old := w.inVault("ci/ci-bot")
	w.serve(before, old.ID)

	// As soon as the next key exists, one store is down, one has withdrawn a right, and one is gone.
	w.iam.At("CreateAccessKey", 1, faultproxy.After(func() {
		w.store.RefuseWrites(http.StatusServiceUnavailable)
		w.cluster.allow("get")
		w.must(os.Rename(w.folder, w.folder+".away"))
	}))
	w.iam.OnChange(func(c faultproxy.Call) {
		for sink, serves := range w.serves {
			if p := serves(); p.ID == "" || p.ID == c.Key {
				t.Errorf("%s of %s while %s serves %q", c.Action, c.Key, sink, p.ID)
			}
		}
	})
	rr := w.keyturn("rotate","ci-bot","--now","-o","json","--log-level","debug").exits(3); t.Log(rr.stderr); r := rr.rotation()
	tick(t,&tb,"rotated")
	fresh := w.newKeyOf("ci-bot", old)
	both := keys{old.ID: "Active", fresh: "Active"}
	w.serve(r, fresh, "vault", "kubernetes", "exec")
	w.hasKeys("ci-bot", both)

	tick(t,&tb,"next")
	w.store.Heal()
	w.serve(w.rotate(3), fresh, "kubernetes", "exec")
	w.hasKeys("ci-bot", both)

	tick(t,&tb,"next")
	w.cluster.allow("get", "patch")
	w.serve(w.rotate(3), fresh, "exec")
	w.hasKeys("ci-bot", both)
	w.signsAs("ci-bot", old)

	tick(t,&tb,"next")
	w.must(os.Rename(w.folder+".away", w.folder))
	w.serve(w.rotate(0), fresh)
	w.hasKeys("ci-bot", keys{fresh: "Active"})
	w.neverDeletedActive()
	for sink, serves := range w.serves {
		t.Logf("%s", sink)
		w.signsAs("ci-bot", serves())
	}

	tick(t,&tb,"next")
	past := w.keyturn("history", "ci-bot", "-o", "json").exits(0)
	past.says(r.ID, before.ID)
	w.keyturn("journal", "backup", w.path("state/copy.db")).exits(0)
	w.tells(w.path("state/copy.db"), r, map[string][]string{
		"vault":          {"push failed: temporary", "pushed", "verified: exact"},
		"kubernetes":     {"push failed: denied", "push failed: denied", "pushed", "verified: exact"},
		"exec":           {"push failed: missing", "push failed: missing", "push failed: missing", "pushed", "verified: exact"},
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

// serve fails unless the document says that all sinks serve the key except those that fail, and the stores do.
func (w *eight) serve(r rotation, key string, failing ...string) {
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
	tried, issued := map[string][]string{}, 0
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
			tried[b.Sink] = append(tried[b.Sink], "verified: "+b.Evidence.String())
		case rotator.SinkFailed:
			tried[b.Sink] = append(tried[b.Sink], b.Stage+" failed: "+b.Class)
		case rotator.KeyIntended:
			if fmt.Sprint(tried) != fmt.Sprint(want) {
				w.Errorf("%s %s after %v, want %v", b.Change, b.Key, tried, want)
			}
		}
	}
	if issued != 1 || len(tried) == 0 {
		w.Errorf("%d keys were asked for, and %v was tried, want one and %v", issued, tried, want)
	}
}
