package journal

import (
	"context"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Why a journal is not opened or read. In each case the file is as it was before.
var (
	// ErrMissing: there is no file. Only OpenReadOnly returns it.
	ErrMissing = errors.New("there is none yet, the first rotation makes it")
	// ErrForeign: the file is something else than a journal.
	ErrForeign = errors.New("not a journal: check journal.path, keyturn never overwrites a file")
	// ErrNewer: a newer keyturn has written it.
	ErrNewer = errors.New("use the keyturn that wrote it, or a newer one")
	// ErrDamaged: what is stored is not what was written.
	ErrDamaged = errors.New("damaged: keep the file and its -wal, and restore a copy made by keyturn journal backup")
	// ErrReadOnly: a journal that was opened for reading is asked to write.
	ErrReadOnly = errors.New("it was opened for reading only")
)

// explain says what a failure of SQLite means, with the class that a caller decides on.
func explain(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%w (%s)", ErrDamaged, e.Error())
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("not an SQLite database, or its beginning is damaged: %w", ErrForeign)
	case sqlite3.SQLITE_FULL:
		return errors.New("the disk is full")
	case sqlite3.SQLITE_READONLY:
		return errors.New("the file, or its -wal and -shm beside it, cannot be written: check the owner and mode of the files and their directory, and the file system")
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return errors.New("the file, or its -wal and -shm beside it, cannot be opened: check the owner and mode of the files and their directory")
	}
	return err
}

// isBusy says that another connection holds a lock which it will give back.
func isBusy(err error) bool { return hasCode(err, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL) }

// isDuplicate says that a row with that key is there already.
func isDuplicate(err error) bool { return hasCode(err, sqlite3.SQLITE_CONSTRAINT) }

func hasCode(err error, codes ...int) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	for _, c := range codes {
		if e.Code()&0xff == c {
			return true
		}
	}
	return false
}

// waited is the error of waiting, for a lock or for readers to end, until ctx ended.
func waited(ctx context.Context) error {
	return fmt.Errorf("gave up waiting for the file: %w", context.Cause(ctx))
}
