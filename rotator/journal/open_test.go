package journal

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"keyturn/rotator"
	"keyturn/rotator/journal/journaltest"
)

func TestOpenMakesAFileForItsOwnerAlone(t *testing.T) {
	path := newPath(t)
	j := open1(t, path)
	journaltest.Append(t, j, "user/1/a", 0, journaltest.Event(""), nil)
	for name, want := range map[string]fs.FileMode{
		"": 0o600, "-wal": 0o600, "-shm": 0o600, ".owners": fs.ModeDir | 0o700, ".owners/" + j.Owner().ID: 0o600,
	} {
		fi, err := os.Stat(path + name)
		if err != nil || fi.Mode() != want {
			t.Errorf("journal.db%s: %v, %v, not %v", name, fi.Mode(), err, want)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 4 {
		t.Errorf("the directory holds %v, %v", entries, err)
	}
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "secure_delete": "1", "page_size": "4096", "application_id": "1802794354", "user_version": "1",
	} {
		db, err := openDB(path, "rw", 1)
		if err != nil {
			t.Fatal(err)
		}
		var got string
		if err := db.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, %v, not %s", pragma, got, err, want)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenClosesAFileToOthers(t *testing.T) {
	path := newPath(t)
	id := open1(t, path).ID()
	if err := os.Chmod(path, 0o664); err != nil {
		t.Fatal(err)
	}
	if got := open1(t, path).ID(); got != id || len(id) != 16 {
		t.Errorf("the id was %q and is %q", id, got)
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode() != 0o600 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
}

func TestOneFileIsOneJournalUnderEveryName(t *testing.T) {
	path := newPath(t)
	link := filepath.Join(filepath.Dir(path), "link.db")
	if err := os.Symlink(filepath.Base(path), link); err != nil {
		t.Fatal(err)
	}
	wantError(t, path, link, "journal PATH: it is a symbolic link that leads nowhere")
	a := open1(t, path)
	b := open1(t, link)
	if a.ownersDir() != b.ownersDir() || a.Gone(b.Owner()) || b.Gone(a.Owner()) {
		t.Errorf("two names, two places for locks: %s and %s", a.ownersDir(), b.ownersDir())
	}
}

func TestNamesThatAreSpecialInAURI(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b?mode=memory#%41")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "j?&é.db")
	id := open1(t, path).ID()
	if got := open1(t, path).ID(); got != id {
		t.Errorf("the id was %q and is %q", id, got)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNotAUsableJournalIsRefusedAndLeftAsItIs(t *testing.T) {
	whole := contentOfAJournal(t)
	for name, tt := range map[string]struct {
		content []byte
		class   error
		text    string
	}{
		"an empty file": {
			[]byte{}, nil,
			"journal PATH: the file is empty: remove it to begin a new journal, or restore a copy made by keyturn journal backup",
		},
		"a text": {
			bytes.Repeat([]byte("# notes\n"), 1000), ErrForeign,
			"journal PATH: not an SQLite database, or its beginning is damaged: not a journal: check journal.path, keyturn never overwrites a file",
		},
		"a short text": {
			[]byte("hello\n"), ErrForeign,
			"journal PATH: not an SQLite database, or its beginning is damaged: not a journal: check journal.path, keyturn never overwrites a file",
		},
		"the database of another program": {
			otherDatabase(t), ErrForeign,
			"journal PATH: the database of another program: not a journal: check journal.path, keyturn never overwrites a file",
		},
		"a journal whose first page is wiped": {
			append(make([]byte, pageSize), whole[pageSize:]...), ErrForeign,
			"journal PATH: not an SQLite database, or its beginning is damaged: not a journal: check journal.path, keyturn never overwrites a file",
		},
		"a journal that is cut off in its first page": {
			whole[:1000], ErrDamaged,
			"journal PATH: damaged: keep the file and its -wal, and restore a copy made by keyturn journal backup",
		},
		"a journal that is cut in half": {
			whole[:len(whole)/2/pageSize*pageSize], ErrDamaged,
			"journal PATH: damaged: keep the file and its -wal, and restore a copy made by keyturn journal backup",
		},
		"a journal that lacks its last page": {
			whole[:len(whole)-pageSize], ErrDamaged,
			"journal PATH: damaged: keep the file and its -wal, and restore a copy made by keyturn journal backup",
		},
		"a journal with a page of zeros": {
			replaced(whole, 3, make([]byte, pageSize)), ErrDamaged,
			"journal PATH: damaged: keep the file and its -wal, and restore a copy made by keyturn journal backup",
		},
		"a journal with a page of noise": {
			replaced(whole, len(whole)/pageSize-1, bytes.Repeat([]byte{0xa5, 0x5a, 0x0d}, pageSize)[:pageSize]), ErrDamaged,
			"journal PATH: damaged: keep the file and its -wal, and restore a copy made by keyturn journal backup",
		},
		"a newer journal": {
			changed(t, "PRAGMA user_version = 2"), ErrNewer,
			"journal PATH: it has version 2 and this keyturn knows up to 1: use the keyturn that wrote it, or a newer one",
		},
		"a newer journal by its table": {
			changed(t, "UPDATE meta SET value = '3' WHERE key = 'schema'"), ErrNewer,
			"journal PATH: it has version 3 and this keyturn knows up to 1: use the keyturn that wrote it, or a newer one",
		},
		"a journal without a version": {
			changed(t, "DELETE FROM meta WHERE key = 'schema'"), ErrDamaged,
			"journal PATH: damaged: keep the file and its -wal, and restore a copy made by keyturn journal backup (it does not tell its version and id)",
		},
		"a journal without an id": {
			changed(t, "DELETE FROM meta WHERE key = 'id'"), ErrDamaged,
			"journal PATH: damaged: keep the file and its -wal, and restore a copy made by keyturn journal backup (it does not tell its version and id)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			if err := os.WriteFile(path, tt.content, 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				err := wantError(t, path, path, tt.text)
				if tt.class != nil && !errors.Is(err, tt.class) {
					t.Errorf("%v is not %v", err, tt.class)
				}
			}
			got, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(got, tt.content) {
				t.Errorf("the file has changed, %v", err)
			}
		})
	}
}

// wantError opens the file both ways. What SQLite says of a damaged page may follow the text.
func wantError(t *testing.T, path, name, want string) error {
	t.Helper()
	j, err := Open(t.Context(), name)
	if err == nil {
		j.Close()
		t.Fatal("it was opened")
	}
	r, rerr := OpenReadOnly(t.Context(), name)
	if rerr == nil {
		r.Close()
		t.Fatal("it was opened for reading")
	}
	for _, err := range []error{err, rerr} {
		got := strings.ReplaceAll(err.Error(), name, "PATH")
		if errors.Is(err, ErrDamaged) && !strings.HasSuffix(want, ")") {
			got, _, _ = strings.Cut(got, " (")
		}
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if _, err := os.Stat(path + ".owners"); err == nil {
		t.Error("a lock was made beside a file that is not used")
	}
	return err
}

// contentOfAJournal is a journal of several pages, closed.
func contentOfAJournal(t *testing.T) []byte {
	t.Helper()
	return changed(t, "SELECT 1")
}

func changed(t *testing.T, query string) []byte {
	t.Helper()
	path := newPath(t)
	j := open1(t, path)
	for i := range rotator.Seq(100) {
		journaltest.Append(t, j, "user/1/a", i, journaltest.Event("20261120-7f3k9qx2"), []byte("blob"))
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	exec1(t, path, query)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func replaced(b []byte, page int, with []byte) []byte {
	b = slices.Clone(b)
	copy(b[page*pageSize:], with)
	return b
}

func otherDatabase(t *testing.T) []byte {
	t.Helper()
	path := newPath(t)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec("CREATE TABLE notes (x); INSERT INTO notes VALUES (1)")
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// exec1 changes a journal behind its back.
func exec1(t *testing.T, path, query string) {
	t.Helper()
	db, err := openDB(path, "rw", 1)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(query)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// A key that is damaged without breaking the order of the rows hides its row: the log would seem shorter than it is.
func TestARowWithADamagedKeyIsMissed(t *testing.T) {
	whole := contentOfAJournal(t)
	name := []byte("user/1/a")
	for at := bytes.Index(whole, name); at >= 0; {
		path := newPath(t)
		b := slices.Clone(whole)
		b[at+len(name)-1] = 'b'
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := Open(t.Context(), path)
		if err == nil {
			_, err = j.Events(t.Context(), "user/1/a")
			_ = j.Close()
		}
		if !errors.Is(err, ErrDamaged) {
			t.Fatalf("the name at %d is damaged, and that is not noticed: %v", at, err)
		}
		next := bytes.Index(whole[at+1:], name)
		if next < 0 {
			return
		}
		at += 1 + next
	}
	t.Fatal("the name is nowhere in the file")
}

func TestOpenNeedsADirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "var", "lib")
	path := filepath.Join(dir, "journal.db")
	want := fmt.Sprintf("journal %s: its directory %s does not exist: create it with mode 0700, owned by the user that runs keyturn", path, dir)
	if _, err := Open(t.Context(), path); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	here := t.TempDir()
	want = fmt.Sprintf("journal %s: not a regular file: not a journal: check journal.path, keyturn never overwrites a file", here)
	if _, err := Open(t.Context(), here); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestReadingMakesNothing(t *testing.T) {
	path := newPath(t)
	_, err := OpenReadOnly(t.Context(), path)
	if want := fmt.Sprintf("journal %s: there is none yet, the first rotation makes it", path); err == nil || err.Error() != want || !errors.Is(err, ErrMissing) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 0 {
		t.Errorf("the directory holds %v, %v", entries, err)
	}
}

func TestReadingBesideADaemon(t *testing.T) {
	path := newPath(t)
	j := open1(t, path)
	e := journaltest.Event("20261120-7f3k9qx2")
	journaltest.Append(t, j, "user/1/a", 0, e, []byte("blob"))

	r, err := OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if l, err := r.Events(t.Context(), "user/1/a"); err != nil || !l.Has(e.ID) {
		t.Errorf("got %+v, %v", l, err)
	}
	if r.ID() != j.ID() || r.Owner() != (rotator.Owner{}) || r.Gone(j.Owner()) {
		t.Errorf("id %s, owner %+v, gone %t", r.ID(), r.Owner(), r.Gone(j.Owner()))
	}
	_, err = r.Append(t.Context(), "user/1/a", 1, journaltest.Event(""), nil)
	if want := fmt.Sprintf("journal %s: append to user/1/a: it was opened for reading only", path); err == nil || err.Error() != want || !errors.Is(err, ErrReadOnly) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	journaltest.Append(t, j, "user/1/a", 1, journaltest.Event(""), nil)
}

func TestManyWhoMakeAJournalAtOnceMakeOne(t *testing.T) {
	path := newPath(t)
	ids := make(chan string)
	for range 8 {
		go func() {
			j, err := Open(context.WithoutCancel(t.Context()), path)
			if err != nil {
				ids <- err.Error()
				return
			}
			ids <- j.ID()
			_ = j.Close()
		}()
	}
	first := <-ids
	for range 7 {
		if id := <-ids; id != first {
			t.Errorf("one has %s, another %s", first, id)
		}
	}
}

func TestAFileThatCannotBeWritten(t *testing.T) {
	for name, tt := range map[string]struct {
		dir, file fs.FileMode
	}{
		// SQLite opens it without complaint.
		"the file is for reading only": {0o777, 0o400},
		"so is its directory":          {0o555, 0o400},
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			if err := open1(t, path).Close(); err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if os.Getuid() == 0 {
				// Root writes everywhere: the child becomes a user to whom the file belongs.
				if err := os.Chown(path, 65534, 65534); err != nil {
					t.Fatal(err)
				}
			}
			dir := filepath.Dir(path)
			t.Cleanup(func() {
				if err := os.Chmod(dir, 0o700); err != nil {
					t.Error(err)
				}
			})
			for p, mode := range map[string]fs.FileMode{filepath.Dir(dir): 0o755, dir: tt.dir, path: tt.file} {
				if err := os.Chmod(p, mode); err != nil {
					t.Fatal(err)
				}
			}
			c := start(t, "nobody", path)
			want := fmt.Sprintf("error: journal %s: the file, or its -wal and -shm beside it, cannot be written: check the owner and mode of the files and their directory, and the file system", path)
			if got := c.line(); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if err := c.cmd.Wait(); err == nil {
				t.Error("it was opened")
			}
			after, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(before, after) {
				t.Errorf("the file has changed, %v", err)
			}
		})
	}
}
