package awsiam

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"keyturn/internal/secret"
	"keyturn/rotator"
)

// limit is AWS's side of a rate: a bucket of tokens.
type limit struct {
	perSecond float64
	tokens    float64
	last      time.Time
	refused   int
}

func (l *limit) fault(string, int) fault {
	now := time.Now()
	l.tokens = min(5, l.tokens+now.Sub(l.last).Seconds()*l.perSecond)
	l.last = now
	if l.tokens < 1 {
		l.refused++
		return fault{sample: "any.throttled"}
	}
	l.tokens--
	return fault{}
}

func TestAHiddenLimitIsFoundAndNothingFails(t *testing.T) {
	const robots, calls, perSecond = 60, 6, 20
	inBubble(t, 50*time.Millisecond, func(t *testing.T, w *world, i *Issuer) {
		l := &limit{perSecond: perSecond, last: time.Now()}
		w.fault = l.fault
		for n := range robots {
			w.users[fmt.Sprintf("bot-%d", n)] = &user{path: "/"}
		}
		var g errgroup.Group
		began := time.Now()
		for name := range w.users {
			g.Go(func() error { return sixCalls(t, New(i.cfg, i.memory), name) })
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		took, floor := time.Since(began), time.Duration(robots*calls)*time.Second/perSecond
		if took > floor*5/4 {
			t.Errorf("took %s, the floor is %s, %d throttles", took, floor, l.refused)
		}
		for name, u := range w.users {
			if len(u.keys) != 0 {
				t.Errorf("%s has %d keys left", name, len(u.keys))
			}
		}
	})
}

// sixCalls makes a key, proves it, and takes it away again.
func sixCalls(t *testing.T, i *Issuer, name string) error {
	ctx := t.Context()
	if _, err := i.User(ctx, name); err != nil {
		return err
	}
	if _, _, err := i.Keys(ctx, name); err != nil {
		return err
	}
	var k rotator.Key
	var s secret.Text
	k, s, err := i.Create(ctx, name)
	if err != nil {
		return err
	}
	if _, err := i.Probe(ctx, k.ID, s, ""); err != nil {
		return err
	}
	if err := i.SetActive(ctx, name, k.ID, false); err != nil {
		return err
	}
	return i.Delete(ctx, name, k.ID)
}

func TestAClockThatIsOffIsPutRight(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, w *world, i *Issuer) {
		const off = 10 * time.Minute
		w.mint(bot)
		w.clock = off
		if _, clock, err := i.Keys(t.Context(), bot); err != nil || !clock.Equal(time.Now().Add(off).Truncate(time.Second)) || w.count("ListAccessKeys") != 2 {
			t.Errorf("%s, %d requests, %v", clock, w.count("ListAccessKeys"), err)
		}
		k, s, err := i.Create(t.Context(), bot)
		if err != nil || w.count("CreateAccessKey") != 1 {
			t.Errorf("%d requests, %v", w.count("CreateAccessKey"), err)
		}
		if _, err := i.Probe(t.Context(), k.ID, s, ""); err != nil || w.count("GetCallerIdentity") != 2 {
			t.Errorf("%d requests, %v", w.count("GetCallerIdentity"), err)
		}
	})
}
