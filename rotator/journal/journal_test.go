package journal

import (
	"path/filepath"
	"testing"

	"keyturn/rotator"
	"keyturn/rotator/journal/journaltest"
)

func TestSQLiteConforms(t *testing.T) {
	journaltest.Run(t, func(t *testing.T) rotator.Journal { return open1(t, newPath(t)) })
	journaltest.RunShared(t, func(t *testing.T) (a, b rotator.Journal) {
		path := newPath(t)
		return open1(t, path), open1(t, path)
	})
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "journal.db") }

func open1(t testing.TB, path string) *SQLite {
	t.Helper()
	j, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}
