package journal

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"keyturn/rotator"
	"keyturn/rotator/journal/journaltest"
)

func TestABackupIsAWholeJournal(t *testing.T) {
	path := newPath(t)
	j := open1(t, path)
	const kept, gone = rotator.ID("20261120-7f3k9qx2"), rotator.ID("20261120-aaaaaaaa")
	e := journaltest.Event(kept)
	secret, _ := blob(200)
	old, _ := blob(200)
	journaltest.Append(t, j, "user/1/a", 0, e, secret)
	journaltest.Append(t, j, "user/1/a", 1, journaltest.Event(gone), old)
	if err := j.Forget(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	r, err := OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for name, from := range map[string]*SQLite{"writer": j, "reader": r} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "copy.db")
			if err := from.Backup(t.Context(), file); err != nil {
				t.Fatal(err)
			}
			if fi, err := os.Stat(file); err != nil || fi.Mode() != 0o600 {
				t.Errorf("mode %v, %v", fi.Mode(), err)
			}
			if entries, err := os.ReadDir(filepath.Dir(file)); err != nil || len(entries) != 1 {
				t.Errorf("the directory holds %v, %v", entries, err)
			}
			before, err := os.ReadFile(file)
			if err != nil || bytes.Contains(before, old) {
				t.Errorf("a secret that was forgotten is in the copy, %v", err)
			}
			err = from.Backup(t.Context(), file)
			if want := fmt.Sprintf("journal backup %s: there is a file already, choose another name", file); err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if after, err := os.ReadFile(file); err != nil || !bytes.Equal(before, after) {
				t.Errorf("it was overwritten, %v", err)
			}

			c := open1(t, file)
			if c.ID() != j.ID() {
				t.Errorf("id %s, not %s", c.ID(), j.ID())
			}
			if l, err := c.Events(t.Context(), "user/1/a"); err != nil || !l.Has(e.ID) || l.Seq() != 2 {
				t.Errorf("got %+v, %v", l, err)
			}
			if b, err := c.Sealed(t.Context(), kept); err != nil || !bytes.Equal(b, secret) {
				t.Errorf("sealed: %v", err)
			}
			if ids, err := c.Pending(t.Context()); err != nil || !slices.Equal(ids, []rotator.ID{kept}) {
				t.Errorf("pending: %v, %v", ids, err)
			}
			// The copy goes on by itself, and forgets as well.
			journaltest.Append(t, c, "user/1/a", 2, journaltest.Event(""), nil)
			if err := c.Forget(t.Context(), kept); err != nil {
				t.Error(err)
			}
			if got := found(t, file, string(secret)); len(got) > 0 {
				t.Errorf("still in %v", got)
			}
		})
	}
	wantDir := filepath.Join(t.TempDir(), "none")
	err = j.Backup(t.Context(), filepath.Join(wantDir, "copy.db"))
	want := fmt.Sprintf("journal backup %[1]s/copy.db: its directory %[1]s does not exist: create it with mode 0700, owned by the user that runs keyturn", wantDir)
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestABackupIsTakenWhileOthersWrite(t *testing.T) {
	path := newPath(t)
	j := open1(t, path)
	writer := start(t, "append", path, "user/1/a", "1000000")
	for range 20 {
		writer.line()
	}
	file := filepath.Join(t.TempDir(), "copy.db")
	if err := j.Backup(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	writer.kill()
	l, err := open1(t, file).Events(t.Context(), "user/1/a")
	if err != nil || l.Seq() < 20 {
		t.Errorf("%d events, %v", l.Seq(), err)
	}
}
