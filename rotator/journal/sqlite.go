package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"keyturn/rotator"
)

// ID was made at random with the file. A copy has the same.
func (s *SQLite) ID() string { return s.id }

// Append waits while another process writes, until ctx ends.
func (s *SQLite) Append(ctx context.Context, stream rotator.Stream, after rotator.Seq, e rotator.Event, sealed []byte) (rotator.Seq, error) {
	r, err := encode(stream, after, e, sealed)
	if err != nil {
		return 0, s.failed("append to "+string(stream), err)
	}
	err = s.write(ctx, false, func(ctx context.Context, tx *sql.Conn) error {
		if err := insert(ctx, tx, r); err != nil || sealed == nil {
			return err
		}
		_, err := tx.ExecContext(ctx, sqlSeal, string(e.Rotation), sealed)
		return err
	})
	if err != nil {
		return 0, s.failed("append to "+string(stream), err)
	}
	return r.seq, nil
}

func insert(ctx context.Context, tx *sql.Conn, r record) error {
	var length rotator.Seq
	if err := tx.QueryRowContext(ctx, sqlLength, string(r.stream)).Scan(&length); err != nil {
		return err
	}
	if length != r.seq-1 {
		return errNotDone{rotator.ErrConflict}
	}
	_, err := tx.ExecContext(ctx, sqlInsert, string(r.stream), int64(r.seq), string(r.id), string(r.event), r.sum())
	if isDuplicate(err) {
		return errNotDone{fmt.Errorf("event %s is in the journal already: %w", r.id, rotator.ErrConflict)}
	}
	return err
}

// Events fails on an event that this keyturn does not understand.
func (s *SQLite) Events(ctx context.Context, stream rotator.Stream) (rotator.Log, error) {
	var events []rotator.Event
	err := s.look(ctx, func() (err error) {
		events, err = readEvents(ctx, s.read, stream)
		return err
	})
	if err != nil {
		return rotator.Log{}, s.failed("read "+string(stream), err)
	}
	return rotator.Log{Stream: stream, Events: events}, nil
}

func readEvents(ctx context.Context, db *sql.DB, stream rotator.Stream) ([]rotator.Event, error) {
	var length rotator.Seq
	if err := db.QueryRowContext(ctx, sqlLength, string(stream)).Scan(&length); err != nil {
		return nil, err
	}
	rows, err := db.QueryContext(ctx, sqlEvents, string(stream))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var events []rotator.Event
	for rows.Next() {
		r := record{stream: stream}
		var sum []byte
		if err := rows.Scan(&r.seq, &r.event, &sum); err != nil {
			return nil, err
		}
		e, err := r.decode(rotator.Seq(len(events)+1), sum)
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if n := rotator.Seq(len(events)); n < length { // others may have appended since, and nobody takes away
		return nil, fmt.Errorf("%w (event %d is missing)", ErrDamaged, n+1)
	}
	return events, nil
}

// Users are named in lower case, as their streams are.
func (s *SQLite) Users(ctx context.Context) ([]rotator.UserRef, error) {
	names, err := s.strings(ctx, sqlUsers)
	if err != nil {
		return nil, s.failed("list users", err)
	}
	var users []rotator.UserRef
	for _, n := range names {
		if u, ok := userRef(rotator.Stream(n)); ok {
			users = append(users, u)
		}
	}
	return users, nil
}

// Pending is in order of the ids, oldest day first.
func (s *SQLite) Pending(ctx context.Context) ([]rotator.ID, error) {
	names, err := s.strings(ctx, sqlPending)
	if err != nil {
		return nil, s.failed("list sealed secrets", err)
	}
	var ids []rotator.ID
	for _, n := range names {
		ids = append(ids, rotator.ID(n))
	}
	return ids, nil
}

// Sealed fails with rotator.ErrNoSecret if nothing is stored.
func (s *SQLite) Sealed(ctx context.Context, rotation rotator.ID) ([]byte, error) {
	var blob []byte
	err := s.look(ctx, func() error { return s.read.QueryRowContext(ctx, sqlSealed, string(rotation)).Scan(&blob) })
	if errors.Is(err, sql.ErrNoRows) {
		err = rotator.ErrNoSecret
	}
	if err != nil {
		return nil, s.failed("read the sealed secret of "+string(rotation), err)
	}
	return blob, nil
}

// Reseal erases old as Forget does. If it fails after new is stored, a Forget of any rotation erases it.
func (s *SQLite) Reseal(ctx context.Context, rotation rotator.ID, old, new []byte) error {
	var err error
	if len(new) > maxSealed || new == nil {
		err = fmt.Errorf("a sealed secret of %d bytes is none, or larger than %d", len(new), maxSealed)
	} else {
		err = s.write(ctx, true, func(ctx context.Context, tx *sql.Conn) error {
			return swap(ctx, tx, string(rotation), old, new)
		})
	}
	if err != nil {
		return s.failed("reseal "+string(rotation), err)
	}
	return nil
}

func swap(ctx context.Context, tx *sql.Conn, rotation string, old, new []byte) error {
	res, err := tx.ExecContext(ctx, sqlReseal, new, rotation, old)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return errNotDone{fmt.Errorf("the sealed secret is another by now: %w", rotator.ErrConflict)}
}

// Forget waits until nobody reads the pages of before, in any process: then the write-ahead log can be emptied. If ctx
// ends first the secret is deleted but its bytes may still be there: forget it again.
func (s *SQLite) Forget(ctx context.Context, rotation rotator.ID) error {
	err := s.write(ctx, true, func(ctx context.Context, tx *sql.Conn) error {
		_, err := tx.ExecContext(ctx, sqlForget, string(rotation))
		return err
	})
	if err != nil {
		return s.failed("forget "+string(rotation)+": its bytes may still be in the file", err)
	}
	return nil
}

func (s *SQLite) write(ctx context.Context, erase bool, do func(context.Context, *sql.Conn) error) error {
	if s.commit == nil {
		return ErrReadOnly
	}
	return s.commit.write(ctx, erase, do)
}

// look repeats a read while a lock is in its way.
func (s *SQLite) look(ctx context.Context, read func() error) error {
	if s.closed.Load() {
		return rotator.ErrClosed
	}
	return retry(ctx, read)
}

// strings reads one column.
func (s *SQLite) strings(ctx context.Context, query string) ([]string, error) {
	var all []string
	err := s.look(ctx, func() error {
		all = nil
		rows, err := s.read.QueryContext(ctx, query)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var v string
			if err := rows.Scan(&v); err != nil {
				return err
			}
			all = append(all, v)
		}
		return rows.Err()
	})
	return all, err
}

func (s *SQLite) failed(op string, err error) error {
	return fmt.Errorf("journal %s: %s: %w", s.path, op, explain(err))
}
