//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"keyturn/internal/e2e/faultproxy"
)

// What is said of a journal that cannot be used. PATH is the file.
const (
	isEmpty    = "keyturn: journal PATH: the file is empty: remove it to begin a new journal, or restore a copy made by keyturn journal backup\n"
	isNoDB     = "keyturn: journal PATH: not an SQLite database, or its beginning is damaged: not a journal: check journal.path, keyturn never overwrites a file\n"
	isForeign  = "keyturn: journal PATH: the database of another program: not a journal: check journal.path, keyturn never overwrites a file\n"
	isReadOnly = "keyturn: journal PATH: the file, or its -wal and -shm beside it, cannot be written: check the owner and mode of the files and their directory, and the file system\n"
)

// isDamaged is followed by what was found.
var isDamaged = regexp.MustCompile(`(?m)^keyturn: (ci-bot: read the journal: )?journal PATH: (read user/\d+/bot-\d+: )?damaged: keep the file and its -wal, and restore a copy made by keyturn journal backup \(.+\)$`)

// A rotation is in flight: the old key waits for its grace to end, and the new one's secret is sealed.
func TestADamagedJournalIsLeftAsItIs(t *testing.T) {
	w := newWorld(t)
	g := w.guest(t)
	stop := g.watch()
	defer stop()
	g.settle(config{defaults: "grace: 1h, quiet: 0s, soak: 0s"})
	g.keyturn("rotate", "--now", "ci-bot").exits(0)
	whole, err := os.ReadFile(g.path("state/journal.db"))
	g.must(err)
	if _, err := os.Stat(g.path("state/journal.db-wal")); err == nil {
		t.Fatal("the journal was not closed")
	}

	type damage struct {
		content []byte
		says    string // "": that it is damaged
		maybe   bool   // the damage may lie where nothing is stored
	}
	with := func(at int, b ...byte) []byte {
		return append(append(slices.Clone(whole[:at]), b...), whole[at+len(b):]...)
	}
	tests := map[string]damage{
		"no length":                            {content: []byte{}, says: isEmpty},
		"a text":                               {content: bytes.Repeat([]byte("# notes\n"), 1000), says: isNoDB},
		"a database of another program":        {content: with(68, 0, 0, 0, 0), says: isForeign},
		"noise in front":                       {content: with(0, []byte("noise")...), says: isNoDB},
		"one byte is missing":                  {content: whole[:len(whole)-1], maybe: true},
		"one byte is too many":                 {content: append(slices.Clone(whole), 0), maybe: true},
		"the journal twice, one after another": {content: append(slices.Clone(whole), whole...), maybe: true},
	}
	for i := 1; i < 16; i++ {
		n := i * len(whole) / 16
		tests[fmt.Sprintf("%d sixteenths of the file", i)] = damage{content: whole[:n], maybe: n > len(whole)-4096} // the rest of the last page is zero
	}
	for at := 0; at < len(whole); at += 4096 {
		tests[fmt.Sprintf("page %d is zero", at/4096+1)] = damage{content: with(at, make([]byte, 4096)...), maybe: true}
		tests[fmt.Sprintf("the file ends with page %d", at/4096)] = damage{content: whole[:at]}
	}
	tests["the file ends with page 0"] = damage{content: []byte{}, says: isEmpty}
	tests["page 1 is zero"] = damage{content: with(0, make([]byte, 4096)...), says: isNoDB}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 80 {
		at := 100 + random.IntN(len(whole)-100)
		tests[fmt.Sprintf("the byte at %d", at)] = damage{content: with(at, whole[at]^byte(1+random.IntN(255))), maybe: true}
	}

	before, noticed := g.changes(), 0
	for name, tt := range tests {
		for _, beside := range []string{"-wal", "-shm"} {
			g.must(os.RemoveAll(g.path("state/journal.db" + beside)))
		}
		g.must(os.WriteFile(g.path("state/journal.db"), tt.content, 0o600))
		r := g.keyturn("rotate", "--now", "ci-bot")
		said := strings.ReplaceAll(r.stderr, g.path("state/journal.db"), "PATH")
		after, err := os.ReadFile(g.path("state/journal.db"))
		g.must(err)
		wal, _ := os.Stat(g.path("state/journal.db-wal"))
		switch {
		case r.code == 0 && tt.maybe:
			continue // it was read whole, and the rotation waits for its grace
		case r.code == 0:
			t.Errorf("%s: not noticed:\n%s", name, r.stdout)
		case tt.says != "" && (said != tt.says || r.code != 2):
			t.Errorf("%s: exit code %d, and it says %q, want %q", name, r.code, said, tt.says)
		case tt.says == "" && !isDamaged.MatchString(said) && said != isNoDB && said != isForeign && !(tt.maybe && strings.Contains(said, "use the keyturn that wrote it")):
			t.Errorf("%s: exit code %d, and it says %q", name, r.code, said)
		case !bytes.Equal(after, tt.content) || wal != nil && wal.Size() > 0:
			t.Errorf("%s: the file has changed from %d to %d bytes", name, len(tt.content), len(after))
		}
		noticed++
	}
	if n := g.changes() - before; n != 0 {
		t.Errorf("%d changes were made", n)
	}
	t.Logf("%d damages, %d of them noticed", len(tests), noticed)

	g.must(os.WriteFile(g.path("state/journal.db"), whole, 0o600))
	g.settle(config{})
	g.keyturn("rotate", "ci-bot").exits(0)
	g.isDone(1)
}

// A process was killed, so that the newest events are in the write-ahead log alone. SQLite drops what follows the first damage
// of it, and cannot tell that from a transaction that was never committed: the journal is then one of an earlier moment.
func TestADamagedWriteAheadLogCostsNoServedKey(t *testing.T) {
	w := newWorld(t)
	damages := map[string]func(b []byte) []byte{
		"is gone":           func([]byte) []byte { return nil },
		"has a bad header":  func(b []byte) []byte { return flipped(b, 8) },
		"lost its last bit": func(b []byte) []byte { return flipped(b, len(b)-1) },
	}
	for i := range 10 {
		damages[fmt.Sprintf("ends after %d tenths", i)] = func(b []byte) []byte { return b[:i*len(b)/10] }
		damages[fmt.Sprintf("is damaged after %d tenths", i)] = func(b []byte) []byte { return flipped(b, i*len(b)/10+50) }
	}
	cases := 0
	for _, p := range []point{{"AWS", "GetCallerIdentity", 2}, {"AWS", "UpdateAccessKey", 1}, {"AWS", "DeleteAccessKey", 1}} {
		for name, harm := range damages {
			cases++
			t.Run(fmt.Sprintf("%s, the log %s", p, name), func(t *testing.T) {
				t.Parallel()
				g := w.guest(t)
				stop := g.watch()
				defer stop()
				g.interrupt(p, faultproxy.Before, func(p *process) { p.kill() })
				wal := g.path("state/journal.db-wal")
				b, err := os.ReadFile(wal)
				g.must(err)
				if b = harm(b); b == nil {
					g.must(os.Remove(wal))
				} else {
					g.must(os.WriteFile(wal, b, 0o600))
				}
				g.doneOrHeld(g.finish("rotate", "--now", "ci-bot"))
			})
		}
	}
	t.Logf("%d cases", cases)
}

func flipped(b []byte, at int) []byte {
	b = slices.Clone(b)
	b[at%len(b)] ^= 0xff
	return b
}

// doneOrHeld fails unless the rotation is done, or held with a reason and a way out. That no served key was harmed is
// for the watch to say.
func (g *guest) doneOrHeld(r result) {
	g.Helper()
	if r.code == 4 {
		r.says("held (", "to resolve it: keyturn resolve ci-bot --")
		return
	}
	r.exits(0)
	g.isDone(0)
}

// Copies of the journal are made at every request of a rotation that changes something. Each is put back when that rotation is
// done, and when another one is.
func TestAnOldJournalCostsNoServedKey(t *testing.T) {
	w := newWorld(t)
	cases := 0
	for _, p := range w.recorded() {
		if !p.changes() {
			continue
		}
		for how, fault := range map[string]func(func()) faultproxy.Fault{"before": faultproxy.Before, "after": faultproxy.After} {
			for when, another := range map[string]bool{"when it is done": false, "when another one is done": true} {
				cases++
				t.Run(fmt.Sprintf("%s, %s it, put back %s", p, how, when), func(t *testing.T) {
					t.Parallel()
					g := w.guest(t)
					stop := g.watch()
					defer stop()
					g.keyturn("rotate", "--now", "ci-bot").exits(0) // so that the journal has a past
					copied := false
					g.at(p, fault(func() {
						g.keyturn("journal", "backup", g.path("state/backup.db")).exits(0)
						copied = true
					}))
					g.keyturn("rotate", "--now", "ci-bot").exits(0)
					if !copied {
						t.Fatal("no copy was made: the request was never made")
					}
					if another {
						g.keyturn("rotate", "--now", "ci-bot").exits(0)
					}
					now := g.keysOf(g.user)
					g.must(os.Rename(g.path("state/backup.db"), g.path("state/journal.db")))

					r := g.finish("rotate", "--now", "ci-bot")

					if !another {
						g.doneOrHeld(r)
						return
					}
					r.exits(4).says("held (journal_restored): the user's tag names rotation ", ", which this journal does not know: it was restored from an older copy, or a copy of it is at work elsewhere; "+
						"bring the newer journal back, or, if it is lost for good, remove the user's tag keyturn and retry")
					if left := g.keysOf(g.user); !maps.Equal(left, now) {
						t.Errorf("the keys were %v and are %v", now, left)
					}
				})
			}
		}
	}
	t.Logf("%d cases", cases)
}

func TestAJournalThatCannotBeWrittenChangesNothing(t *testing.T) {
	w := newWorld(t)
	g := w.guest(t)
	stop := g.watch()
	defer stop()
	g.keyturn("rotate", "--now", "ci-bot").exits(0)
	if os.Geteuid() == 0 {
		g.becomeNobody()
	}
	path := g.path("state/journal.db")
	before, err := os.ReadFile(path)
	g.must(err)
	g.must(os.Chmod(path, 0o400))
	changes := g.changes()

	r := g.keyturn("rotate", "--now", "ci-bot").exits(2)
	if said := strings.ReplaceAll(r.stderr, path, "PATH"); said != isReadOnly {
		t.Errorf("it says %q, want %q", said, isReadOnly)
	}
	after, err := os.ReadFile(path)
	g.must(err)
	if n := g.changes() - changes; n != 0 || !bytes.Equal(before, after) {
		t.Errorf("%d changes were made at AWS", n)
	}
	for _, name := range []string{"", "-wal", "-shm"} { // what SQLite makes beside a file has its mode
		if err := os.Chmod(path+name, 0o600); !os.IsNotExist(err) {
			g.must(err)
		}
	}
	g.keyturn("rotate", "--now", "ci-bot").exits(0)
	g.isDone(2)
}

// becomeNobody lets keyturn run as a user to whom the guest's folder belongs: root writes everywhere.
func (g *guest) becomeNobody() {
	g.Helper()
	const nobody = 65534
	g.must(filepath.WalkDir(g.dir, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chown(path, nobody, nobody))
	}))
	g.must(os.Chmod(filepath.Dir(g.dir), 0o755))
	g.as = &syscall.Credential{Uid: nobody, Gid: nobody}
}

func TestASecondProcessOnTheJournalLooksAndDoesNotTouch(t *testing.T) {
	w := newWorld(t)
	for _, p := range w.recorded() {
		if !p.changes() || p.server != "AWS" { // before that the rotation has not begun, or the time is the same
			continue
		}
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			g := w.guest(t)
			stop := g.watch()
			defer stop()
			g.at(p, faultproxy.Before(func() {
				changes := g.changes()
				claimed := regexp.MustCompile(`^keyturn: (ci-bot: )?claimed by process \d+ on \S+ until \S+Z: it is at work on this user; look again later\n$`)
				for _, args := range [][]string{
					{"rotate", "--now", "ci-bot"}, {"rotate", "--retire-now", "ci-bot"}, {"restore", "ci-bot"},
					{"resolve", "ci-bot", "--abandon", "--reason", "x"},
				} {
					if r := g.keyturn(args...).exits(3); !claimed.MatchString(r.stderr) {
						t.Errorf("%s says %q", args, r.stderr)
					}
				}
				for _, args := range [][]string{{"status"}, {"history"}, {"plan"}, {"journal", "backup", g.path("state/copy.db")}} {
					g.keyturn(args...).exits(0)
				}
				if n := g.changes() - changes; n != 0 {
					t.Errorf("%d changes were made", n)
				}
			}))
			g.keyturn("rotate", "--now", "ci-bot").exits(0)
			g.isDone(1)
		})
	}
}
