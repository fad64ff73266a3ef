package sinktest

import (
	"context"
	"errors"
	"sync"
	"time"

	"keyturn/sinks"
)

// suite is every promise, in the order in which it is tried.
var suite = []test{
	{name: "the kind describes itself", run: describes},
	{name: "the doc page has a yaml example", run: documents},
	{name: "Check accepts a working destination and writes nothing", run: checkWritesNothing},
	{name: "Check and Push say temporary when the destination is unreachable", faults: []Fault{Unreachable}, run: unreachable},
	{name: "Check and Push say denied when the sink's credentials are refused", faults: []Fault{Denied}, run: denied},
	{name: "Check and Push say missing when there is nothing to write to", faults: []Fault{Missing}, run: missing},
	{name: "Push serves the pair and Verify shows it", run: pushAndVerify},
	{name: "Push replaces what somebody else wrote", outside: true, run: pushReplaces},
	{name: "Push removes a session token beside the pair", outside: true, session: true, run: pushRemovesSession},
	{name: "Push is idempotent", run: pushTwice},
	{name: "Push writes the secret before the key id", outside: true, run: pushOrder},
	{name: "a half-done push is not taken for a whole one", outside: true, faults: []Fault{FailBefore}, run: halfDone},
	{name: "Push heals a push that failed", outside: true, faults: []Fault{FailBefore}, run: pushHealsBefore},
	{name: "Push heals a push whose answer was lost", outside: true, faults: []Fault{FailAfter}, run: pushHealsAfter},
	{name: "Verify before any push is not a success", run: verifyBeforePush},
	{name: "Verify after the next push does not accept the former pair", run: verifyFormer},
	{name: "Verify notices another pair that somebody else wrote", outside: true, run: verifyForeign},
	{name: "Verify notices another secret beside the same id", outside: true, run: verifyForeignSecret},
	{name: "Verify fails when the destination is unreachable", faults: []Fault{Unreachable}, run: verifyUnreachable},
	{name: "Serving says which key is served", run: servingKey},
	{name: "Serving says nothing when nothing is served", outside: true, run: servingNothing},
	{name: "Serving fails when the destination is unreachable", faults: []Fault{Unreachable}, run: servingUnreachable},
	{name: "a call whose context has ended does nothing", run: endedContext},
	{name: "a call ends with its context and leaves nothing running", outside: true, faults: []Fault{Hang}, run: hanging},
	{name: "concurrent calls agree", run: concurrent},
	{name: "sink and configuration print without secrets", run: printing},
}

func checkWritesNothing(t T, k Kind) {
	b := open(t, k)
	before := func() {
		if _, err := b.check(callTime); err != nil {
			t.Fatalf("check of a working destination: %v", err)
		}
	}
	before()
	b.serves(Pair{})
	b.untouched()
	if b.Write == nil {
		return
	}
	old := newSessionPair()
	if k.NoSession != "" {
		old.SessionToken = ""
	}
	b.write(old)
	before()
	b.serves(old)
	b.untouched()
}

func unreachable(t T, k Kind) { fails(t, k, Unreachable, sinks.Temporary, patience) }
func denied(t T, k Kind)      { fails(t, k, Denied, sinks.Denied, callTime) }
func missing(t T, k Kind)     { fails(t, k, Missing, sinks.Missing, callTime) }

// fails breaks the destination and expects want of Check and Push, and that a healed
// destination is as it was.
func fails(t T, k Kind, f Fault, want sinks.Class, d time.Duration) {
	b := open(t, k)
	b.Break(t, f)
	_, err := b.check(d)
	b.wantClass("check", err, want)
	p := b.pair()
	_, err = b.push(p, d)
	b.wantClass("push", err, want)
	b.Heal(t)
	b.serves(Pair{})
	b.untouched()
	b.mustVerify(p, "", b.mustPush(p))
	b.untouched()
}

func pushAndVerify(t T, k Kind) {
	b := open(t, k)
	first, second := b.pair(), b.pair()
	b.mustVerify(first, "", b.mustPush(first))
	r := b.mustPush(second)
	b.mustVerify(second, first.ID, r)
	b.reopen()
	b.mustVerify(second, first.ID, r)
	b.untouched()
}

func pushReplaces(t T, k Kind) {
	b := open(t, k)
	old, p := NewPair(), b.pair()
	b.write(old)
	b.mustVerify(p, old.ID, b.mustPush(p))
	b.untouched()
}

func pushRemovesSession(t T, k Kind) {
	b := open(t, k)
	old, p := newSessionPair(), b.pair()
	b.write(old)
	b.mustVerify(p, old.ID, b.mustPush(p))
	b.untouched()
	// The pair is there already, only a token came beside it: Push must not be content.
	beside := p
	beside.SessionToken = newSessionPair().SessionToken
	b.write(beside)
	if _, err := b.verify(p, old.ID, sinks.Receipt{}, callTime); err == nil && k.evidence() == sinks.Exact {
		t.Errorf("verify accepts a pair that a session token makes useless")
	}
	b.mustVerify(p, old.ID, b.mustPush(p))
	b.untouched()
}

func pushTwice(t T, k Kind) {
	b := open(t, k)
	p := b.pair()
	b.mustPush(p)
	r := b.mustPush(p)
	b.mustVerify(p, "", r)
	b.reopen()
	b.mustVerify(p, "", b.mustPush(p))
	b.untouched()
}

func pushHealsBefore(t T, k Kind) { heals(t, k, FailBefore) }
func pushHealsAfter(t T, k Kind)  { heals(t, k, FailAfter) }

func heals(t T, k Kind, f Fault) {
	b := open(t, k)
	old, p := NewPair(), b.pair()
	b.write(old)
	b.Break(t, f)
	if _, err := b.push(p, patience); err == nil {
		b.serves(p) // a retry inside the call may have healed it; a lie is caught here
	} else if !sinks.ClassOf(err).Retryable() {
		t.Errorf("push under %q: class %q, want one that is tried again: %v", f, sinks.ClassOf(err), err)
	}
	b.Heal(t)
	b.reopen()
	b.mustVerify(p, old.ID, b.mustPush(p))
	b.untouched()
}

func verifyBeforePush(t T, k Kind) {
	b := open(t, k)
	p := b.pair()
	if e, err := b.verify(p, "", sinks.Receipt{}, callTime); err == nil {
		t.Errorf("verify of a pair that nobody pushed: evidence %q, want an error", e)
	}
	b.serves(Pair{})
	b.untouched()
}

func verifyFormer(t T, k Kind) {
	b := open(t, k)
	first, second := b.pair(), b.pair()
	r := b.mustPush(first)
	b.mustPush(second)
	b.notAnymore(first, r)
}

func verifyForeign(t T, k Kind) {
	b := open(t, k)
	p, other := b.pair(), NewPair()
	r := b.mustPush(p)
	b.write(other)
	b.notAnymore(p, r)
	b.serves(other)
}

func verifyForeignSecret(t T, k Kind) {
	if k.evidence() != sinks.Exact {
		t.Logf("not applicable: the evidence is %q", k.evidence())
		return
	}
	b := open(t, k)
	p, other := b.pair(), NewPair()
	r := b.mustPush(p)
	other.ID = p.ID
	b.write(other)
	b.notAnymore(p, r)
}

// notAnymore expects that Verify does not accept p, which was replaced: a readable
// destination positively shows another, a stamp has moved on, and a kind that sees neither cannot know.
func (b *bench) notAnymore(p Pair, r sinks.Receipt) {
	b.t.Helper()
	e := b.k.evidence()
	if e < sinks.Stamped {
		b.t.Logf("not applicable: the evidence is %q", e)
		return
	}
	_, err := b.verify(p, "", r, callTime)
	if e >= sinks.Partial {
		b.wantClass("verify of a pair that was replaced", err, sinks.Stale)
	} else if err == nil {
		b.t.Errorf("verify of a pair that was replaced succeeded")
	}
}

func verifyUnreachable(t T, k Kind) {
	if k.evidence() < sinks.Stamped {
		t.Logf("not applicable: the evidence is %q", k.evidence())
		return
	}
	b := open(t, k)
	p := b.pair()
	r := b.mustPush(p)
	b.Break(t, Unreachable)
	_, err := b.verify(p, "", r, patience)
	b.wantClass("verify", err, sinks.Temporary)
	b.Heal(t)
	b.mustVerify(p, "", r)
}

func servingKey(t T, k Kind) {
	b := open(t, k)
	p := b.pair()
	b.mustPush(p)
	id, ok, err := b.serving(callTime)
	if !ok {
		t.Logf("not applicable: the sink is no Reader")
		return
	}
	if err != nil || id != sinks.KeyID(p.ID) {
		t.Errorf("serving: %q, %v, want %q", id, err, p.ID)
	}
	if b.Write == nil {
		return
	}
	other := NewPair()
	b.write(other)
	if id, _, err = b.serving(callTime); err != nil || id != sinks.KeyID(other.ID) {
		t.Errorf("serving what somebody else wrote: %q, %v, want %q", id, err, other.ID)
	}
}

func servingNothing(t T, k Kind) {
	b := open(t, k)
	id, ok, err := b.serving(callTime)
	if !ok {
		t.Logf("not applicable: the sink is no Reader")
		return
	}
	if err != nil || id != "" {
		t.Errorf("serving before any push: %q, %v, want nothing and no error", id, err)
	}
	b.untouched()
}

func servingUnreachable(t T, k Kind) {
	b := open(t, k)
	b.mustPush(b.pair())
	b.Break(t, Unreachable)
	id, ok, err := b.serving(patience)
	if !ok {
		t.Logf("not applicable: the sink is no Reader")
		return
	}
	if err == nil {
		t.Errorf("serving of an unreachable destination: %q, want an error", id)
	}
}

func endedContext(t T, k Kind) {
	b := open(t, k)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := b.pair()
	if _, err := b.checkCtx(ctx); err == nil {
		t.Errorf("check with an ended context succeeded")
	}
	if _, err := b.pushCtx(ctx, p); err == nil {
		t.Errorf("push with an ended context succeeded")
	}
	if _, err := b.verifyCtx(ctx, p, "", sinks.Receipt{}); err == nil {
		t.Errorf("verify with an ended context succeeded")
	}
	b.serves(Pair{})
	b.untouched()
}

func hanging(t T, k Kind) {
	b := open(t, k)
	old, p := NewPair(), b.pair()
	r := b.mustPush(p)
	b.write(old)
	b.Break(t, Hang)
	calls := map[string]func(context.Context) error{
		"check":  func(ctx context.Context) error { _, err := b.checkCtx(ctx); return err },
		"push":   func(ctx context.Context) error { _, err := b.pushCtx(ctx, p); return err },
		"verify": func(ctx context.Context) error { _, err := b.verifyCtx(ctx, p, old.ID, r); return err },
	}
	if reader, ok := b.sink.(sinks.Reader); ok {
		calls["serving"] = func(ctx context.Context) error { _, err := reader.Serving(ctx); return err }
	}
	for name, call := range calls {
		b.promptly(name, call)
	}
	b.Heal(t)
	time.Sleep(patience) // whatever was left running would now get through
	b.serves(old)
	b.untouched()
	b.mustVerify(p, old.ID, b.mustPush(p))
}

// promptly cuts call short and expects it to end, with an error.
func (b *bench) promptly(name string, call func(context.Context) error) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience/3)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- call(ctx) }()
	select {
	case err := <-ended:
		if err == nil {
			b.t.Errorf("%s of a hanging destination succeeded", name)
		}
	case <-time.After(patience/3 + prompt):
		b.t.Fatalf("%s goes on %v after its context ended", name, prompt)
	}
}

func concurrent(t T, k Kind) {
	b := open(t, k)
	p := b.pair()
	r := b.mustPush(p)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() { errs[i] = b.together(p, r, i) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Errorf("calls side by side: %v", err)
	}
	b.serves(p)
	b.mustVerify(p, "", b.mustPush(p))
	b.untouched()
}

// together is one of several callers: all verify, some also ask other things.
func (b *bench) together(p Pair, r sinks.Receipt, i int) error {
	if _, err := b.verify(p, "", r, callTime); err != nil {
		return err
	}
	if i%2 == 0 {
		_, _, err := b.serving(callTime)
		return err
	}
	_, err := b.check(callTime)
	return err
}

func printing(t T, k Kind) {
	b := open(t, k)
	p := b.pair()
	b.mustVerify(p, "", b.mustPush(p))
	b.clean("sink", b.sink)
	b.clean("configuration", b.Config)
	b.clean("destination", b.Config.Destination())
	if pr, ok := b.sink.(sinks.Principal); ok {
		ctx, cancel := context.WithTimeout(t.Context(), callTime)
		defer cancel()
		arn, err := pr.Principal(ctx)
		b.clean("principal", arn)
		b.clean("error of Principal", err)
	}
}
