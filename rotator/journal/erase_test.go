package journal

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"keyturn/rotator"
	"keyturn/rotator/journal/journaltest"
)

// blob is n random bytes of hex digits, and pieces of it to search for: no piece may stay either.
func blob(n int) (b []byte, pieces []string) {
	raw := make([]byte, n/2)
	_, _ = rand.Read(raw)
	b = []byte(hex.EncodeToString(raw))
	for p := b; len(p) >= 24; p = p[24:] {
		pieces = append(pieces, string(p[:24]))
	}
	return b, pieces
}

func TestForgetLeavesNoByteInTheFiles(t *testing.T) {
	path := newPath(t)
	j := open1(t, path)
	const rotation = rotator.ID("20261120-7f3k9qx2")
	first, firstPieces := blob(200)
	second, secondPieces := blob(300)
	third, thirdPieces := blob(300)
	journaltest.Append(t, j, "user/1/a", 0, journaltest.Event(rotation), first)
	journaltest.Append(t, j, "user/1/a", 1, journaltest.Event(rotation), second)
	if len(found(t, path, string(second))) == 0 {
		t.Fatal("the search does not find what is there")
	}
	if err := j.Reseal(t.Context(), rotation, second, third); err != nil {
		t.Fatal(err)
	}
	if got := found(t, path, append(firstPieces, secondPieces...)...); len(got) > 0 {
		t.Errorf("after reseal the old blob is still in %v", got)
	}
	if err := j.Forget(t.Context(), rotation); err != nil {
		t.Fatal(err)
	}
	if got := found(t, path, append(append(firstPieces, secondPieces...), thirdPieces...)...); len(got) > 0 {
		t.Errorf("after forget there is still %v", got)
	}
}

// Many secrets come and go, so that the tree of the table grows, splits and shrinks: SQLite then moves what it stores, and
// copies that it leaves behind are not overwritten by secure_delete.
func TestForgetLeavesNoByteHoweverFullTheTableIs(t *testing.T) {
	path := newPath(t)
	j := open1(t, path)
	const n = 120
	var seq rotator.Seq
	pieces := map[rotator.ID][]string{}
	var order []rotator.ID
	for i := range n {
		id := rotator.NewID(time.Now())
		b, p := blob(100 + 40*(i%20))
		pieces[id], order = p, append(order, id)
		seq = journaltest.Append(t, j, "user/1/a", seq, journaltest.Event(id), b)
	}
	var gone []string
	for i, id := range order {
		if i%3 == 2 {
			continue
		}
		if err := j.Forget(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		gone = append(gone, pieces[id]...)
	}
	if got := found(t, path, gone...); len(got) > 0 {
		t.Errorf("%d pieces of %d are left, as %q", len(got), len(gone), got[0])
	}
	for i, id := range order {
		if b, err := j.Sealed(t.Context(), id); i%3 == 2 && (err != nil || !bytes.HasPrefix(b, []byte(pieces[id][0]))) {
			t.Errorf("a secret that is still needed is lost: %v", err)
		}
	}
}

func TestForgetWaitsForAReaderInAnotherProcess(t *testing.T) {
	path := newPath(t)
	j := open1(t, path)
	const rotation = rotator.ID("20261120-7f3k9qx2")
	b, pieces := blob(200)
	journaltest.Append(t, j, "user/1/a", 0, journaltest.Event(rotation), b)
	reader := start(t, "read", path)
	reader.line()

	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, errors.New("the deadline of this step"))
	defer cancel()
	err := j.Forget(ctx, rotation)
	want := fmt.Sprintf("journal %s: forget %s: its bytes may still be in the file: gave up waiting for the file: the deadline of this step", path, rotation)
	if err == nil || err.Error() != want {
		t.Fatalf("got  %v\nwant %s", err, want)
	}
	if _, err := j.Sealed(t.Context(), rotation); !errors.Is(err, rotator.ErrNoSecret) {
		t.Errorf("it is deleted all the same: %v", err)
	}
	if len(found(t, path, pieces...)) == 0 {
		t.Error("the reader did not keep the pages, and the test shows nothing")
	}
	// Others are not held up meanwhile.
	journaltest.Append(t, j, "user/1/b", 0, journaltest.Event(""), nil)

	done := make(chan error)
	go func() { done <- j.Forget(t.Context(), rotation) }()
	journaltest.Append(t, j, "user/1/b", 1, journaltest.Event(""), nil)
	reader.end()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := found(t, path, pieces...); len(got) > 0 {
		t.Errorf("there is still %v", got)
	}
}

func TestForgetOfManyAtOnce(t *testing.T) {
	path := newPath(t)
	j := open1(t, path)
	var pieces []string
	var ids []rotator.ID
	for i := range 20 {
		id := rotator.NewID(time.Now())
		b, p := blob(200)
		pieces, ids = append(pieces, p...), append(ids, id)
		journaltest.Append(t, j, rotator.Stream(fmt.Sprintf("user/1/%d", i)), 0, journaltest.Event(id), b)
	}
	var wg sync.WaitGroup
	for _, id := range ids {
		wg.Go(func() {
			if err := j.Forget(t.Context(), id); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := found(t, path, pieces...); len(got) > 0 {
		t.Errorf("there is still %q", got)
	}
}
