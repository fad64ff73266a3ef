package sinktest

import (
	"slices"

	"keyturn/sinks"
)

// A store that takes one request for each variable serves a mixed pair between two of them, and after a push that
// ended there. These are the promises about it.

func pushOrder(t T, k Kind) {
	b := open(t, k)
	if b.Order == nil {
		t.Logf("not applicable: the store takes the pair in one request")
		return
	}
	want := []string{Secret, ID}
	old := NewPair()
	if k.NoSession == "" {
		old = newSessionPair()
		want = []string{Session, Secret, ID}
	}
	b.write(old)
	p := b.pair()
	b.mustPush(p)
	if got := b.Order(t); !slices.Equal(got, want) {
		t.Errorf("a push writes %q, want %q", got, want)
	}
	b.untouched()
}

func halfDone(t T, k Kind) {
	b := open(t, k)
	if b.Order == nil {
		t.Logf("not applicable: the store takes the pair in one request")
		return
	}
	first, second := b.pair(), b.pair()
	r := b.mustPush(first)
	b.Break(t, FailBefore)
	if _, err := b.push(second, patience); err == nil {
		t.Errorf("a push whose last write fails succeeded")
	}
	b.Heal(t)
	b.serves(Pair{ID: first.ID, Secret: second.Secret})
	b.reopen()
	b.notWhole("the former pair", first, "", r)
	b.notWhole("the new pair", second, first.ID, sinks.Receipt{})
	if id, ok, err := b.serving(callTime); ok && err == nil && id == sinks.KeyID(second.ID) {
		t.Errorf("serving says that the new key is served")
	}
	b.mustVerify(second, first.ID, b.mustPush(second))
	b.untouched()
}

// notWhole expects that Verify does not accept p, of which half is there. Evidence accepted sees nothing.
func (b *bench) notWhole(which string, p Pair, prev string, r sinks.Receipt) {
	b.t.Helper()
	if b.k.evidence() < sinks.Stamped {
		return
	}
	if e, err := b.verify(p, prev, r, callTime); err == nil {
		b.t.Errorf("after a half-done push verify accepts %s: evidence %q", which, e)
	}
}
