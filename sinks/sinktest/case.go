package sinktest

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"keyturn/sinks"
)

const (
	callTime = 30 * time.Second       // for a call that should succeed, or fail at once
	patience = 300 * time.Millisecond // for a call that may retry until its time is up
	prompt   = 3 * time.Second        // how soon after its context a call must have ended
)

// test is one promise and what is needed to try it.
type test struct {
	name    string
	faults  []Fault // the destination must be able to have these
	outside bool    // it must be visible from outside
	session bool    // a session token must be able to lie beside the pair
	run     func(t T, k Kind)
}

// inapplicable says why c cannot be tried with k; "" if it can.
func (c test) inapplicable(k Kind) string {
	for _, f := range c.faults {
		if reason := k.Lacks[f]; reason != "" {
			return string(f) + ": " + reason
		}
	}
	if c.outside && k.Blind != "" {
		return k.Blind
	}
	if c.session && k.NoSession != "" {
		return k.NoSession
	}
	return ""
}

// bench is a target with an open sink, whose every word is searched for secrets.
type bench struct {
	Target
	t        T
	k        Kind
	sink     sinks.Sink
	canaries []string
	others   string
}

// open makes a fresh target and opens its sink.
func open(t T, k Kind) *bench {
	t.Helper()
	b := &bench{Target: k.New(t), t: t, k: k}
	b.canaries = append(b.canaries, b.Secrets...)
	b.others = b.neighbours()
	if b.Heal != nil {
		t.Cleanup(func() { b.Heal(t) })
	}
	b.reopen()
	return b
}

// reopen is a restart of keyturn: a new sink for the same destination.
func (b *bench) reopen() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), callTime)
	defer cancel()
	s, err := b.k.Spec.Open(ctx, b.Config, b.Env)
	b.clean("error of Open", err)
	if err != nil {
		b.t.Fatalf("open the sink: %v", err)
	}
	b.sink = s
}

// pair makes up a pair and keeps watch for its secret.
func (b *bench) pair() Pair {
	p := NewPair()
	b.canaries = append(b.canaries, p.Secret)
	return p
}

func (b *bench) check(d time.Duration) ([]sinks.Warning, error) {
	ctx, cancel := context.WithTimeout(b.t.Context(), d)
	defer cancel()
	return b.checkCtx(ctx)
}

func (b *bench) checkCtx(ctx context.Context) ([]sinks.Warning, error) {
	w, err := b.sink.Check(ctx)
	b.clean("answer of Check", w)
	b.clean("error of Check", err)
	return w, err
}

func (b *bench) push(p Pair, d time.Duration) (sinks.Receipt, error) {
	ctx, cancel := context.WithTimeout(b.t.Context(), d)
	defer cancel()
	return b.pushCtx(ctx, p)
}

func (b *bench) pushCtx(ctx context.Context, p Pair) (sinks.Receipt, error) {
	cred := p.Credential()
	r, err := b.sink.Push(ctx, cred)
	b.clean("receipt of Push", r)
	b.clean("error of Push", err)
	if !cred.Secret.EqualString(p.Secret) {
		b.t.Errorf("Push changed or wiped the secret that it was given")
	}
	return b.journalled(r), err
}

// journalled is r after it was written to a journal and read back.
func (b *bench) journalled(r sinks.Receipt) (back sinks.Receipt) {
	b.t.Helper()
	raw, err := json.Marshal(r)
	if err != nil {
		b.t.Fatalf("the receipt cannot be journalled: %v", err)
	}
	b.clean("journalled receipt", string(raw))
	if err := json.Unmarshal(raw, &back); err != nil {
		b.t.Fatalf("the journalled receipt cannot be read back: %v", err)
	}
	return back
}

func (b *bench) verify(p Pair, prev string, r sinks.Receipt, d time.Duration) (sinks.Evidence, error) {
	ctx, cancel := context.WithTimeout(b.t.Context(), d)
	defer cancel()
	return b.verifyCtx(ctx, p, prev, r)
}

func (b *bench) verifyCtx(ctx context.Context, p Pair, prev string, r sinks.Receipt) (sinks.Evidence, error) {
	e, err := b.sink.Verify(ctx, p.Credential(), sinks.KeyID(prev), r)
	b.clean("error of Verify", err)
	return e, err
}

// serving asks the sink which key it serves; ok is false if it is no Reader, or blind here, which only less than exact evidence excuses.
func (b *bench) serving(d time.Duration) (id sinks.KeyID, ok bool, err error) {
	r, ok := b.sink.(sinks.Reader)
	if !ok {
		return "", false, nil
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), d)
	defer cancel()
	id, err = r.Serving(ctx)
	b.clean("error of Serving", err)
	if errors.Is(err, sinks.ErrBlind) && b.k.evidence() < sinks.Exact {
		return "", false, nil
	}
	return id, true, err
}

// mustPush pushes p, and sees it arrive.
func (b *bench) mustPush(p Pair) sinks.Receipt {
	b.t.Helper()
	r, err := b.push(p, callTime)
	if err != nil {
		b.t.Fatalf("push: %v", err)
	}
	b.serves(p)
	return r
}

// mustVerify expects the evidence that the kind claims.
func (b *bench) mustVerify(p Pair, prev string, r sinks.Receipt) {
	b.t.Helper()
	got, err := b.verify(p, prev, r, callTime)
	if err != nil {
		b.t.Fatalf("verify after a push: %v", err)
	}
	if got != b.k.evidence() {
		b.t.Errorf("verify after a push: evidence %q, the kind claims %q", got, b.k.evidence())
	}
}

// evidence is what Verify is to give.
func (k Kind) evidence() sinks.Evidence {
	if k.Evidence != sinks.None {
		return k.Evidence
	}
	return k.Spec.Best
}

// write lets somebody else put p there, and keeps watch for its secrets.
func (b *bench) write(p Pair) {
	b.canaries = append(b.canaries, p.Secret)
	if p.SessionToken != "" {
		b.canaries = append(b.canaries, p.SessionToken)
	}
	b.Write(b.t, p)
}

// serves says whether a reader gets exactly want, with no session token.
func (b *bench) serves(want Pair) {
	b.t.Helper()
	if b.Read == nil {
		return
	}
	got := b.Read(b.t)
	if got.SessionToken != want.SessionToken {
		b.t.Errorf("a reader gets a session token: %t, want %t", got.SessionToken != "", want.SessionToken != "")
	}
	if got.ID != want.ID {
		b.t.Errorf("a reader gets key %q, want %q", got.ID, want.ID)
	}
	if got.Secret != want.Secret {
		b.t.Errorf("a reader gets a secret of %d bytes that is not the expected one of %d", len(got.Secret), len(want.Secret))
	}
}

// untouched says whether the neighbours are as they were.
func (b *bench) untouched() {
	b.t.Helper()
	if now := b.neighbours(); now != b.others {
		b.t.Errorf("neighbours were touched:\nbefore: %s\nafter:  %s", b.others, now)
	}
}

func (b *bench) neighbours() string {
	if b.Others == nil {
		return ""
	}
	return b.Others(b.t)
}

// wantClass says whether err is of class want.
func (b *bench) wantClass(op string, err error, want sinks.Class) {
	b.t.Helper()
	switch {
	case err == nil:
		b.t.Errorf("%s succeeded, want an error of class %q", op, want)
	case sinks.ClassOf(err) != want:
		b.t.Errorf("%s: class %q, want %q: %v", op, sinks.ClassOf(err), want, err)
	}
}
