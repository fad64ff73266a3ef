package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"keyturn/rotator"
)

// SQLite is a rotator.Journal in an SQLite file. See the package comment.
type SQLite struct {
	path   string // absolute, symbolic links resolved
	id     string
	read   *sql.DB
	closed atomic.Bool
	commit *committer // nil if opened for reading only
	lock   *ownerLock // nil if opened for reading only
	self   rotator.Owner
}

var _ rotator.Journal = (*SQLite)(nil)

// readers is how many reads of one process go on at once.
const readers = 4

// Open opens the journal at path for reading and writing, and makes it, mode 0600, if there is no file. The
// directory must exist. A file that is open to others is closed to them. ErrForeign, ErrNewer, ErrDamaged.
func Open(ctx context.Context, path string) (*SQLite, error) {
	s, err := open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", path, err)
	}
	return s, nil
}

// OpenReadOnly opens a journal that is there, for reading. It waits for nobody and nobody waits for it. ErrMissing
// if there is none; else as Open.
func OpenReadOnly(ctx context.Context, path string) (*SQLite, error) {
	s, err := openReadOnly(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", path, err)
	}
	return s, nil
}

func openReadOnly(ctx context.Context, path string) (*SQLite, error) {
	path, err := resolve(path)
	if err != nil {
		return nil, err
	}
	id, err := inspect(ctx, path)
	if err != nil {
		return nil, err
	}
	s := &SQLite{path: path, id: id, self: thisProcess()}
	s.read, err = openDB(path, "ro", readers)
	return s, err
}

func open(ctx context.Context, path string) (_ *SQLite, err error) {
	if path, err = resolve(path); err != nil {
		return nil, err
	}
	id, err := inspect(ctx, path)
	if errors.Is(err, ErrMissing) {
		if err = create(ctx, path); err == nil {
			id, err = inspect(ctx, path)
		}
	}
	if err != nil {
		return nil, err
	}
	if err := closeToOthers(path); err != nil {
		return nil, err
	}
	s := &SQLite{path: path, id: id, self: thisProcess()}
	defer func() {
		if err != nil {
			_ = s.shut()
		}
	}()
	if s.commit, err = newCommitter(ctx, path); err != nil {
		return nil, err
	}
	if s.read, err = openDB(path, "ro", readers); err != nil {
		return nil, err
	}
	s.self.ID = newOwnerID()
	s.lock, err = lockOwner(s.ownersDir(), s.self)
	return s, err
}

// Close waits for appends under way, gives the owner's lock back and closes the file. Idempotent.
func (s *SQLite) Close() error {
	if err := s.shut(); err != nil {
		return fmt.Errorf("journal %s: close: %w", s.path, explain(err))
	}
	return nil
}

// shut closes the readers first: the last connection to close must be one that may empty the write-ahead log.
func (s *SQLite) shut() error {
	s.closed.Store(true)
	var errs []error
	if s.read != nil {
		errs = append(errs, s.read.Close())
	}
	if s.commit != nil {
		errs = append(errs, s.commit.close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.release())
	}
	return errors.Join(errs...)
}

// resolve makes one path of all names of a file: the owners' locks lie beside it.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real, nil
	}
	if fi, err := os.Lstat(path); err == nil && fi.Mode()&fs.ModeSymlink != 0 {
		return "", errors.New("it is a symbolic link that leads nowhere")
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("its directory %s does not exist: create it with mode 0700, owned by the user that runs keyturn", filepath.Dir(path))
	}
	if err != nil {
		return "", fmt.Errorf("its directory: %w", err)
	}
	return filepath.Join(dir, filepath.Base(path)), nil
}

// closeToOthers takes the rights of group and others away, from what SQLite has made beside the file too.
func closeToOthers(path string) error {
	for _, p := range []string{path, path + "-wal", path + "-shm"} {
		fi, err := os.Stat(p)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if fi.Mode().Perm()&0o077 == 0 {
			continue
		}
		if err := os.Chmod(p, fi.Mode().Perm()&^0o077); err != nil {
			return fmt.Errorf("it is open to others: %w", err)
		}
	}
	return nil
}

// openDB opens a pool of up to n connections. mode is SQLite's: "ro" or "rw", neither of which makes a file.
func openDB(path, mode string, n int) (*sql.DB, error) {
	q := url.Values{
		"mode":       {mode},
		"_defensive": {"1"},
		"_dqs":       {"0"},
		"_error_rc":  {"1"},
		"_pragma":    {"trusted_schema(OFF)", "cell_size_check(ON)", "temp_store(MEMORY)"},
	}
	if mode == "rw" {
		q.Add("_pragma", "journal_mode(WAL)")
		q.Add("_pragma", "synchronous(FULL)")
		q.Add("_pragma", "secure_delete(ON)")
	}
	// SQLite waits in C, deaf to a context: waiting is done in Go, see retry.
	q.Set("_busy_timeout", "0")
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// retry repeats f while another connection holds a lock, until ctx ends.
func retry(ctx context.Context, f func() error) error {
	for wait := time.Millisecond; ; wait = backoff(wait) {
		err := f()
		if !isBusy(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return waited(ctx)
		case <-time.After(wait):
		}
	}
}
