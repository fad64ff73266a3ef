package journal

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// create makes an empty journal. It appears at path complete or not at all; if another process was faster, its
// file stays.
func create(ctx context.Context, path string) error {
	err := publish(path, func(tmp string) error { return fill(ctx, tmp) })
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("create: %w", explain(err))
	}
	return nil
}

// fill writes the schema, the version and a fresh id.
func fill(ctx context.Context, path string) error {
	db, err := openDB(path, "rw", 1)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for _, q := range []string{
		"PRAGMA application_id = " + strconv.Itoa(applicationID),
		"PRAGMA user_version = " + strconv.Itoa(schemaVersion),
		schema,
	} {
		if _, err := db.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	for k, v := range map[string]string{"id": newJournalID(), "schema": strconv.Itoa(schemaVersion)} {
		if _, err := db.ExecContext(ctx, sqlInsertMeta, k, v); err != nil {
			return err
		}
	}
	// Only the database itself gets a name: nothing may be left in its write-ahead log.
	if err := checkpoint(ctx, db); err != nil {
		return err
	}
	return db.Close()
}

// newJournalID is 64 random bits. It is half of the tag that each managed user carries.
func newJournalID() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// publish lets write fill a new file, mode 0600, and gives it its name when it is complete and on disk. It never
// replaces a file: fs.ErrExist.
func publish(path string, write func(tmp string) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return err
	}
	tmp := f.Name()
	defer func() {
		for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
			_ = os.Remove(tmp + suffix)
		}
	}()
	if err := errors.Join(ownedLikeDir(f), f.Close()); err != nil {
		return err
	}
	if err := write(tmp); err != nil {
		return err
	}
	if err := syncPath(tmp); err != nil {
		return err
	}
	if err := os.Link(tmp, path); err != nil {
		return err
	}
	return syncPath(filepath.Dir(path))
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// ownedLikeDir gives what root makes in the directory of a service's user to that user: a command that
// is run by root must not lock the daemon out.
func ownedLikeDir(f *os.File) error {
	if os.Geteuid() != 0 {
		return nil
	}
	fi, err := os.Stat(filepath.Dir(f.Name()))
	if err != nil {
		return err
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return f.Chown(int(st.Uid), int(st.Gid))
}
