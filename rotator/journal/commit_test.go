package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"keyturn/rotator"
	"keyturn/rotator/journal/journaltest"
)

// holdLock takes the lock on the file as another process would, until release.
func holdLock(t *testing.T, path string) (release func()) {
	t.Helper()
	db, err := openDB(path, "rw", 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	return func() {
		_, err := db.Exec("ROLLBACK")
		if err := errors.Join(err, db.Close()); err != nil {
			t.Error(err)
		}
	}
}

func TestAppendsThatWaitTogetherShareACommit(t *testing.T) {
	path := newPath(t)
	j := open1(t, path)
	journaltest.Append(t, j, "user/1/loser", 0, journaltest.Event(""), nil)
	before := j.commit.commits.Load()
	release := holdLock(t, path)

	const n = 100
	var started, ended sync.WaitGroup
	var lost error
	for i := range n {
		started.Add(1)
		ended.Go(func() {
			s := rotator.Stream(fmt.Sprintf("user/1/%03d", i))
			started.Done()
			if _, err := j.Append(t.Context(), s, 0, journaltest.Event(""), nil); err != nil {
				t.Error(err)
			}
		})
	}
	ended.Go(func() { _, lost = j.Append(t.Context(), "user/1/loser", 0, journaltest.Event(""), nil) })
	started.Wait()
	release()
	ended.Wait()
	// Not one exactly: some may not have been queued yet when the lock was released.
	if commits := j.commit.commits.Load() - before; commits > n/2 {
		t.Errorf("%d appends have taken %d commits", n, commits)
	}
	if !errors.Is(lost, rotator.ErrConflict) {
		t.Errorf("the one that was out of turn: %v", lost)
	}
	if users, err := j.Users(t.Context()); err != nil || len(users) != n+1 {
		t.Errorf("%d logs, %v", len(users), err)
	}
}

func TestAnAppendWaitsForAnotherProcessUntilItsContextEnds(t *testing.T) {
	path := newPath(t)
	j := open1(t, path)
	release := holdLock(t, path)
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("the deadline of this step"))
	defer cancel()
	_, err := j.Append(ctx, "user/1/a", 0, journaltest.Event(""), nil)
	want := fmt.Sprintf("journal %s: append to user/1/a: gave up waiting for the file: the deadline of this step", path)
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if _, err := j.Events(t.Context(), "user/1/a"); err != nil {
		t.Errorf("reading does not wait: %v", err)
	}
	release()
	journaltest.Append(t, j, "user/1/a", 0, journaltest.Event(""), nil)
}

func TestAFullDiskFailsAppendsAndDamagesNothing(t *testing.T) {
	path := newPath(t)
	j := open1(t, path)
	const rotation = rotator.ID("20261120-7f3k9qx2")
	journaltest.Append(t, j, "user/1/a", 0, journaltest.Event(rotation), []byte("blob"))
	full := func(pages string) {
		t.Helper()
		if _, err := j.commit.conn.ExecContext(t.Context(), "PRAGMA max_page_count = "+pages); err != nil {
			t.Fatal(err)
		}
	}
	full("1") // SQLite takes the number of pages that are there
	big := journaltest.Event(rotation)
	big.Body = rotator.Resolved{Reason: strings.Repeat("x", 10*pageSize)}
	_, err := j.Append(t.Context(), "user/1/a", 1, big, nil)
	if want := fmt.Sprintf("journal %s: append to user/1/a: the disk is full", path); err == nil || err.Error() != want {
		t.Fatalf("got  %v\nwant %s", err, want)
	}
	// There is room again: the connection was given up, and its limit with it.
	journaltest.Append(t, j, "user/1/a", 1, big, nil)
	if err := j.Forget(t.Context(), rotation); err != nil {
		t.Error(err)
	}
	if l, err := open1(t, path).Events(t.Context(), "user/1/a"); err != nil || l.Seq() != 2 {
		t.Errorf("%d events, %v", l.Seq(), err)
	}
}

func TestWhatIsTooLargeIsRefused(t *testing.T) {
	path := newPath(t)
	j := open1(t, path)
	big := journaltest.Samples()[1]
	big.Body = rotator.Resolved{Reason: strings.Repeat("x", maxEvent)}
	_, err := j.Append(t.Context(), "user/1/a", 0, big, nil)
	want := fmt.Sprintf("journal %s: append to user/1/a: event %s of 1048751 bytes is larger than 1048576", path, big.ID)
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	e := journaltest.Event("20261120-7f3k9qx2")
	_, err = j.Append(t.Context(), "user/1/a", 0, e, make([]byte, maxSealed+1))
	want = fmt.Sprintf("journal %s: append to user/1/a: a sealed secret of 65537 bytes is larger than 65536", path)
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	journaltest.Append(t, j, "user/1/a", 0, e, make([]byte, maxSealed))
}

func TestTheTextsOfConflictsAndOfWhatIsNotThere(t *testing.T) {
	path := newPath(t)
	j := open1(t, path)
	e := journaltest.Event("20261120-7f3k9qx2")
	journaltest.Append(t, j, "user/1/a", 0, e, nil)
	ctx := t.Context()
	_, behind := j.Append(ctx, "user/1/a", 0, journaltest.Event(""), nil)
	_, again := j.Append(ctx, "user/1/a", 1, e, nil)
	_, missing := j.Sealed(ctx, "20261120-7f3k9qx2")
	reseal := j.Reseal(ctx, "20261120-7f3k9qx2", []byte("a"), []byte("b"))
	empty := j.Reseal(ctx, "20261120-7f3k9qx2", []byte("a"), nil)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	_, closed := j.Append(ctx, "user/1/a", 1, journaltest.Event(""), nil)
	_, closedRead := j.Events(ctx, "user/1/a")
	for want, err := range map[string]error{
		"append to user/1/a: the log has grown: another keyturn is at work":                                                       behind,
		"append to user/1/a: event " + string(e.ID) + " is in the journal already: the log has grown: another keyturn is at work": again,
		"read the sealed secret of 20261120-7f3k9qx2: the journal keeps no secret for this rotation":                              missing,
		"reseal 20261120-7f3k9qx2: the sealed secret is another by now: the log has grown: another keyturn is at work":            reseal,
		"reseal 20261120-7f3k9qx2: a sealed secret of 0 bytes is none, or larger than 65536":                                      empty,
		"append to user/1/a: the journal is closed":                                                                               closed,
		"read user/1/a: the journal is closed":                                                                                    closedRead,
	} {
		if want = "journal " + path + ": " + want; err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func TestCloseDoesNotLeaveAppendsHanging(t *testing.T) {
	path := newPath(t)
	j := open1(t, path)
	release := holdLock(t, path)
	errs := make(chan error)
	const n = 10
	for i := range n {
		go func() {
			_, err := j.Append(context.Background(), rotator.Stream(fmt.Sprintf("user/1/%d", i)), 0, journaltest.Event(""), nil)
			errs <- err
		}()
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	for range n {
		if err := <-errs; !errors.Is(err, rotator.ErrClosed) {
			t.Errorf("got %v", err)
		}
	}
	release()
}
