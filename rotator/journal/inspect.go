package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// inspect says whether the file is a journal that this keyturn can use, and returns the journal's id. It reads
// through a connection that cannot write, so whatever is wrong with the file, it stays as it is.
func inspect(ctx context.Context, path string) (id string, err error) {
	fi, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", ErrMissing
	case err != nil:
		return "", err
	case !fi.Mode().IsRegular():
		return "", fmt.Errorf("not a regular file: %w", ErrForeign)
	case fi.Size() == 0:
		return "", errors.New("the file is empty: remove it to begin a new journal, or restore a copy made by keyturn journal backup")
	}
	db, err := openDB(path, "ro", 1)
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }()
	err = retry(ctx, func() error { id, err = inspectDB(ctx, db, fi.Size()); return err })
	if err != nil {
		return "", explain(err)
	}
	return id, nil
}

func inspectDB(ctx context.Context, db *sql.DB, size int64) (id string, err error) {
	var app, version int64
	if err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&app); err != nil {
		return "", err
	}
	if size < pageSize {
		return "", fmt.Errorf("%w (the file is cut off)", ErrDamaged)
	}
	if app != applicationID {
		return "", fmt.Errorf("the database of another program: %w", ErrForeign)
	}
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return "", err
	}
	if version > schemaVersion {
		return "", newer(version)
	}
	var found string
	// quick_check would not compare rows with their indices: a damaged key can hide the row, and it looks as if it never was.
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&found); err != nil {
		return "", err
	}
	if found != "ok" {
		return "", fmt.Errorf("%w (%s)", ErrDamaged, strings.Join(strings.Fields(found), " "))
	}
	return inspectMeta(ctx, db)
}

// inspectMeta reads the version once more, where a database without user_version would have it.
func inspectMeta(ctx context.Context, db *sql.DB) (id string, err error) {
	var schema string
	if err := db.QueryRowContext(ctx, sqlMeta, "schema").Scan(&schema); err != nil {
		return "", noMeta(err)
	}
	version, err := strconv.ParseInt(schema, 10, 64)
	if err != nil || version < 1 {
		return "", fmt.Errorf("%w (it does not tell its version)", ErrDamaged)
	}
	if version > schemaVersion {
		return "", newer(version)
	}
	if err := db.QueryRowContext(ctx, sqlMeta, "id").Scan(&id); err != nil {
		return "", noMeta(err)
	}
	return id, nil
}

func noMeta(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%w (it does not tell its version and id)", ErrDamaged)
	}
	return err
}

func newer(version int64) error {
	return fmt.Errorf("it has version %d and this keyturn knows up to %d: %w", version, schemaVersion, ErrNewer)
}
