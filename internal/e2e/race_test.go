//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"keyturn/internal/e2e/faultproxy"
)

// often is how many times each race is run: chance decides how the two interleave.
const often = 10

// lost are the reasons that a loser may give.
var lost = []*regexp.Regexp{
	regexp.MustCompile(`^keyturn: ci-bot: claimed by process \d+ on \S+ until \S+: it is at work on this user; look again later\n$`),
	regexp.MustCompile(`the user's tag keyturn says that another journal manages it \("[0-9a-f]{16}/[-0-9a-z]+", this one is "[0-9a-f]{16}"\); stop the other keyturn, remove the tag and retry`),
	regexp.MustCompile(`the user has two keys already: AKIA\w+ \(Active, .*; name the one that stays until it is replaced, and the other is deactivated and deleted`),
	regexp.MustCompile(`the user has a key that (this rotation does not know|was not there when this rotation began): AKIA\w+ `),
	regexp.MustCompile(`the new key AKIA\w+ was deleted by somebody else; abandon this rotation and start another`),
	regexp.MustCompile(`CreateAccessKey: LimitExceeded: .*; goes on at `),
}

func TestTwoAtTheSameInstant(t *testing.T) {
	w := newWorld(t)
	for name, tt := range map[string]struct {
		two     bool // journals
		without bool // any key
	}{
		"on one journal":                            {},
		"on one journal, a user without a key":      {without: true},
		"on two journals":                           {two: true},
		"on two journals, for a user without a key": {two: true, without: true},
	} {
		for i := range often {
			t.Run(fmt.Sprintf("%s, %d", name, i+1), func(t *testing.T) {
				t.Parallel()
				g := w.guest(t)
				if tt.without {
					g.withoutKey()
				}
				stop := g.watch()
				defer stop()
				other := g
				if tt.two {
					other = g.journalOfItsOwn()
				}
				p, q := g.start("rotate", "--now", "ci-bot"), other.start("rotate", "--now", "ci-bot")
				g.settled(p.wait(), q.wait(), other)
			})
		}
	}
}

// One of two keyturns stands still at each of its requests in turn, before or after it was served, while the other,
// on a journal of its own, does all that it can.
func TestTwoJournalsAtEveryRequest(t *testing.T) {
	w := newWorld(t)
	cases := 0
	for _, p := range w.recorded() {
		for how, fault := range map[string]func(func()) faultproxy.Fault{"before": faultproxy.Before, "after": faultproxy.After} {
			cases++
			t.Run(p.String()+", "+how, func(t *testing.T) {
				t.Parallel()
				g := w.guest(t)
				stop := g.watch()
				defer stop()
				other := g.journalOfItsOwn()
				var r result
				g.at(p, fault(func() { r = other.keyturn("rotate", "--now", "ci-bot") }))
				first := g.keyturn("rotate", "--now", "ci-bot")
				g.settled(first, r, other)
			})
		}
	}
	t.Logf("%d cases", cases)
}

// settled fails unless each of the two has rotated or says why it stopped, and what is left is one key, which is served
// and signs. Each may give way to the other: then no new key is left, or one, and an operator decides.
func (g *guest) settled(a, b result, other *guest) {
	g.Helper()
	g.hasReason(a)
	g.hasReason(b)
	if a.code != 0 && b.code != 0 {
		a, b = g.finish("rotate", "ci-bot"), other.finish("rotate", "ci-bot")
		g.hasReason(a)
		g.hasReason(b)
	}
	if a.code == 0 || b.code == 0 {
		g.isDone(0)
		return
	}
	left := g.keysOf(g.user)
	delete(left, g.old.ID)
	if len(left) > 1 {
		g.Errorf("two new keys stay: %v", left)
	}
	g.Logf("both gave way; the old key, and %v", left)
}

// hasReason fails unless r ended well, or with the code and a reason of a loser.
func (g *guest) hasReason(r result) {
	g.Helper()
	if r.code == 0 {
		return
	}
	for _, reason := range lost {
		if (r.code == 3 || r.code == 4) && (reason.MatchString(r.stderr) || reason.MatchString(strings.ReplaceAll(r.stdout, "\n", " "))) {
			return
		}
	}
	g.Errorf("the loser exits %d and says:\n%s%s", r.code, r.stdout, r.stderr)
}

// withoutKey takes the user's key away. The sinks serve nothing.
func (g *guest) withoutKey() {
	g.Helper()
	g.admin.deleteKey(g.user, g.old)
	g.old = pair{}
	g.serve(g.old)
}

// journalOfItsOwn is the same guest with another journal and seal, as a second host that was given the same configuration.
func (g *guest) journalOfItsOwn() *guest {
	g.Helper()
	w := *g.world
	other := &guest{world: &w, user: g.user, old: g.old, vaults: g.vaults, wasOut: g.wasOut}
	w.dir, w.said = g.T.TempDir(), nil
	other.must(os.Mkdir(other.path("state"), 0o700))
	g.Cleanup(other.searchSecrets)
	other.file = g.file
	other.settle(config{})
	return other
}
