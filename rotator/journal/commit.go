package journal

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"keyturn/rotator"
)

// maxBatch bounds how many writes share a transaction.
const maxBatch = 256

// write is something to be done in a transaction.
type write struct {
	ctx context.Context
	// do returns errNotDone, wrapped, if it changed nothing; after any other error the transaction is rolled back.
	do func(context.Context, *sql.Conn) error
	// erase: what was deleted must be gone from the files before the write is answered.
	erase bool
	done  chan error // of capacity 1
}

// errNotDone marks a write that fails alone.
type errNotDone struct{ error }

func (e errNotDone) Unwrap() error { return e.error }

// committer is the one writer of this process. Writes that arrive while a transaction is being
// committed share the next one, and so its fsync.
type committer struct {
	db      *sql.DB
	queue   chan *write
	quit    chan struct{} // closed by close
	stopped chan struct{} // closed when run has returned
	once    sync.Once
	commits atomic.Int64

	// Used by run alone.
	conn    *sql.Conn
	erasing []*write // committed, waiting for the write-ahead log to be emptied
	wait    time.Duration
}

// newCommitter opens the file for writing, and proves that it can be written.
func newCommitter(ctx context.Context, path string) (*committer, error) {
	db, err := openDB(path, "rw", 1)
	if err != nil {
		return nil, err
	}
	c := &committer{db: db, queue: make(chan *write, maxBatch), quit: make(chan struct{}), stopped: make(chan struct{})}
	err = retry(ctx, func() error {
		if c.conn, err = db.Conn(ctx); err != nil {
			return err
		}
		_, err := c.conn.ExecContext(ctx, sqlProbe)
		if err != nil {
			c.drop()
		}
		return err
	})
	if err != nil {
		_ = db.Close()
		return nil, explain(err)
	}
	go c.run()
	return c, nil
}

// close answers what is queued with rotator.ErrClosed, and waits for what has begun.
func (c *committer) close() error {
	c.once.Do(func() { close(c.quit) })
	<-c.stopped
	return c.db.Close()
}

// write does w in a transaction, and returns when that is on disk. If ctx ends first, it may or may not be done.
func (c *committer) write(ctx context.Context, erase bool, do func(context.Context, *sql.Conn) error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	w := &write{ctx: ctx, do: do, erase: erase, done: make(chan error, 1)}
	select {
	case c.queue <- w:
	case <-c.quit:
		return rotator.ErrClosed
	case <-ctx.Done():
		return waited(ctx)
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return waited(ctx)
	case <-c.stopped:
		select {
		case err := <-w.done:
			return err
		default:
			return rotator.ErrClosed
		}
	}
}

func (c *committer) run() {
	defer close(c.stopped)
	for {
		var again <-chan time.Time
		if len(c.erasing) > 0 {
			c.wait = backoff(c.wait)
			again = time.After(c.wait)
		}
		select {
		case <-c.quit:
			c.drop()
			return
		case w := <-c.queue:
			c.commit(c.drain([]*write{w}))
		case <-again:
		}
		c.erase()
	}
}

// drain adds what is queued to batch, without waiting.
func (c *committer) drain(batch []*write) []*write {
	for len(batch) < maxBatch {
		select {
		case w := <-c.queue:
			batch = append(batch, w)
		default:
			return batch
		}
	}
	return batch
}

// commit does a batch in one transaction and answers it.
func (c *committer) commit(batch []*write) {
	batch, err := c.begin(batch)
	if err != nil || len(batch) == 0 {
		answer(batch, err)
		return
	}
	alone := make([]error, len(batch))
	for i, w := range batch {
		if w.ctx.Err() != nil {
			alone[i] = context.Cause(w.ctx)
			continue
		}
		// Not with the context of a caller: one who leaves must not break the transaction of the others.
		err := w.do(context.Background(), c.conn)
		if notDone, ok := errors.AsType[errNotDone](err); ok {
			alone[i] = notDone.error
		} else if err != nil {
			c.drop()
			answer(batch, explain(err))
			return
		}
	}
	if _, err := c.conn.ExecContext(context.Background(), "COMMIT"); err != nil {
		c.drop()
		answer(batch, explain(err))
		return
	}
	c.commits.Add(1)
	for i, w := range batch {
		if w.erase && alone[i] == nil {
			c.erasing, c.wait = append(c.erasing, w), 0
			continue
		}
		w.done <- alone[i]
	}
}

// begin takes the lock on the file, and waits while another process has it. Meanwhile the batch grows, and
// loses those whose context ends.
func (c *committer) begin(batch []*write) ([]*write, error) {
	for wait := time.Millisecond; ; wait = backoff(wait) {
		err := c.connect()
		if err == nil {
			_, err = c.conn.ExecContext(context.Background(), "BEGIN IMMEDIATE")
		}
		if err == nil {
			return c.drain(batch), nil
		}
		if !isBusy(err) {
			c.drop()
			return batch, explain(err)
		}
		select {
		case <-c.quit:
			return batch, rotator.ErrClosed
		case <-time.After(wait):
		}
		if batch = c.drain(dropEnded(batch)); len(batch) == 0 {
			return nil, nil
		}
	}
}

func dropEnded(batch []*write) []*write {
	var left []*write
	for _, w := range batch {
		if w.ctx.Err() == nil {
			left = append(left, w)
			continue
		}
		w.done <- waited(w.ctx)
	}
	return left
}

// erase empties the write-ahead log, where the pages of before a deletion still are, and answers who waits for
// that. While somebody reads, it cannot be done: then it is tried again later.
func (c *committer) erase() {
	c.erasing = dropEnded(c.erasing)
	if len(c.erasing) == 0 {
		return
	}
	err := c.connect()
	if err == nil {
		err = checkpoint(context.Background(), c.conn)
	}
	if isBusy(err) || errors.Is(err, errRead) {
		return
	}
	if err != nil {
		c.drop()
	}
	answer(c.erasing, explain(err))
	c.erasing = nil
}

// errRead says that somebody uses the write-ahead log.
var errRead = errors.New("the write-ahead log is in use")

// checkpoint copies the write-ahead log into the database and cuts it to nothing.
func checkpoint(ctx context.Context, db interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}) error {
	var busy, frames, copied int
	if err := db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &copied); err != nil {
		return err
	}
	if busy != 0 {
		return errRead
	}
	return nil
}

// connect makes the connection anew after drop.
func (c *committer) connect() error {
	if c.conn != nil {
		return nil
	}
	conn, err := c.db.Conn(context.Background())
	if err == nil {
		c.conn = conn
	}
	return err
}

// drop gives up the connection, and with it a transaction that failed half-way.
func (c *committer) drop() {
	if c.conn == nil {
		return
	}
	_ = c.conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = c.conn.Close()
	c.conn = nil
}

func answer(batch []*write, err error) {
	for _, w := range batch {
		w.done <- err
	}
}

// backoff is twice as long, with a random part so that processes do not wait in step, and at most 50 ms.
func backoff(wait time.Duration) time.Duration {
	wait = min(2*max(wait, time.Millisecond), 50*time.Millisecond)
	return wait/2 + rand.N(wait/2)
}
