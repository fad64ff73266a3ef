package sinks

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestOneAtATimeIsAtAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Serials
		var wg sync.WaitGroup
		start, inside := time.Now(), 0
		for range 5 {
			wg.Go(func() {
				leave, err := s.Enter(t.Context(), "a")
				if err != nil {
					t.Error(err)
					return
				}
				defer leave()
				if inside++; inside != 1 {
					t.Error("two are at one place")
				}
				time.Sleep(time.Second)
				inside--
			})
			wg.Go(func() {
				leave, err := s.Enter(t.Context(), "b")
				if err != nil {
					t.Error(err)
					return
				}
				leave()
			})
		}
		wg.Wait()
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("%v, want 5s", took)
		}
	})
}

func TestWaitingForAPlaceEndsWithTheContext(t *testing.T) {
	var s Serials
	leave, err := s.Enter(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	cancel(why)
	if _, err := s.Enter(ctx, "a"); !errors.Is(err, why) {
		t.Error(err)
	}
	leave()
	if _, err := s.Enter(t.Context(), "a"); err != nil {
		t.Error(err)
	}
}
