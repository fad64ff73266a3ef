// Package rotatortest holds small working models of what a rotation depends on, with
// hooks for faults: IAM, the journal, sinks. They keep time with package time, so that
// tests run them inside testing/synctest bubbles. It does not import testing: the demonstration
// and the stand-in for AWS are made of them too.
package rotatortest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"keyturn/internal/secret"
	"keyturn/rotator"
)

// IAM is a small working model of IAM and STS of one AWS account. It keeps time with package
// time, so that it works inside a testing/synctest bubble, and starts no goroutines.
//
// Its fields are knobs. Set them before the first call, and later only inside [IAM.Change].
type IAM struct {
	NewKeyUsableAfter time.Duration // how long a key that was just created does not sign
	NewKeyPatchyFor   time.Duration // how long after that two calls it signs are accepted, the next two are not, and so on
	NewKeyListedAfter time.Duration // how long ListAccessKeys does not show it
	DisabledWorksFor  time.Duration // how long a key that was deactivated or deleted still signs
	LastUsedDelay     time.Duration // how late GetAccessKeyLastUsed shows a use
	Latency           time.Duration // of a call: half before it is applied, half after
	RateLimit         int           // calls per second, with a burst of one second's worth; 0 is no limit
	ClockSkew         time.Duration // how far AWS's clock is ahead of ours
	LateBy            time.Duration // when a call that is late is applied, after its caller was told that it failed

	// Fault is asked once per call, before anything is done. It may be called from several
	// goroutines, and may use the model's outside access. Faults in a call's context are asked instead.
	Fault func(Call) Fault
	// OnEffect is called after each change that a call made.
	OnEffect func()

	account string

	mu       sync.Mutex
	users    map[string]*user // by lower-case name
	keys     map[rotator.KeyID]*key
	roles    map[string]string // ARN to external id
	sessions map[rotator.KeyID]*session
	minted   []secret.Text
	calls    map[string]int
	log      []Record
	bucket   bucket
}

// NewIAM makes the model of an empty account. account is its twelve digits.
func NewIAM(account string) *IAM {
	if len(account) != 12 || strings.Trim(account, "0123456789") != "" {
		panic(fmt.Sprintf("account number %q: not twelve digits", account))
	}
	return &IAM{
		account: account,
		users:   map[string]*user{}, keys: map[rotator.KeyID]*key{},
		roles: map[string]string{}, sessions: map[rotator.KeyID]*session{},
		calls: map[string]int{},
	}
}

// Account is the account's number.
func (m *IAM) Account() string { return m.account }

// Change lets f change knobs while calls run.
func (m *IAM) Change(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

type user struct {
	name, path, id string
	tags           map[string]string
	policies       []string // ARNs
	keys           []*key   // oldest first
}

func (u *user) arn(account string) string {
	return "arn:aws:iam::" + account + ":user" + u.path + u.name
}

type key struct {
	id       rotator.KeyID
	secret   secret.Text
	user     *user
	status   rotator.KeyStatus
	created  time.Time
	usableAt time.Time
	knownAt  time.Time // everywhere; between usableAt and knownAt in parts of AWS only
	signed   int       // how often it was tried in between
	listedAt time.Time
	offAt    time.Time // when it was deactivated or deleted
	deleted  bool
	uses     []rotator.Use // oldest first; only the last that is shown, and those that are not shown yet
}

// signs says whether AWS accepts the key's signature at now.
func (k *key) signs(now time.Time, lag time.Duration) bool {
	if now.Before(k.usableAt) {
		return false
	}
	if k.status == rotator.Active && !k.deleted {
		return true
	}
	return now.Before(k.offAt.Add(lag))
}

func (k *key) public() rotator.Key {
	return rotator.Key{ID: k.id, Status: k.status, CreatedAt: k.created.UTC().Truncate(time.Second)}
}

// used records a use and drops the ones that nobody can see any more.
func (k *key) used(use rotator.Use, delay time.Duration) {
	shown := use.At.Add(-delay)
	for len(k.uses) > 1 && !k.uses[1].At.After(shown) {
		k.uses = k.uses[1:]
	}
	k.uses = append(k.uses, use)
}

// lastUse is the newest use that GetAccessKeyLastUsed shows at now.
func (k *key) lastUse(now time.Time, delay time.Duration) rotator.Use {
	var last rotator.Use
	for _, u := range k.uses {
		if !u.At.After(now.Add(-delay)) {
			last = u
		}
	}
	last.At = last.At.Truncate(time.Second)
	return last
}

// session is what AssumeRole gave.
type session struct {
	secret, token secret.Text
	arn, id       string
	until         time.Time
}

// Call is a call as the fault hook and the log see it.
type Call struct {
	Op   string        // the AWS action: "CreateAccessKey"
	N    int           // it is the n-th call of that action, from 1
	By   rotator.KeyID // the key that signed it
	User string        // the user it is about, if it names one
	Key  rotator.KeyID // the key it is about, if it names one; the signing key of GetCallerIdentity
}

// Record is a call in the log.
type Record struct {
	Call
	At, Finished time.Time // Finished is zero while the call runs
	Applied      bool      // it changed something
	Err          error     // what the caller saw
}

// Fault is what goes wrong with a call.
type Fault string

// The faults.
const (
	None        Fault = ""
	Unreachable Fault = "unreachable" // no connection: certainly not applied
	FailBefore  Fault = "fail before" // AWS answers 500; not applied
	FailAfter   Fault = "fail after"  // applied; the answer is lost
	Hang        Fault = "hang"        // no answer until the context ends; not applied
	HangAfter   Fault = "hang after"  // applied; no answer until the context ends
	Late        Fault = "late"        // the answer is lost; applied LateBy after that. Only of calls that change something
	HangLate    Fault = "hang late"   // no answer until the context ends; applied LateBy after that. Only of calls that change something
	Truncated   Fault = "truncated"   // CreateAccessKey is applied; its answer breaks off within the secret. Else FailAfter
	Throttle    Fault = "throttle"    // not applied
	Denied      Fault = "denied"      // not applied
	Busy        Fault = "busy"        // EntityTemporarilyUnmodifiable; not applied
	UnknownKey  Fault = "unknown key" // the part of AWS that was asked does not know the signing key
	Expired     Fault = "expired"     // the signing session has ended
)

// Error is an answer of AWS that is an error.
type Error struct {
	Status  int
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// What happens to calls besides an [Error].
var (
	ErrUnreachable = errors.New("connection refused")
	ErrLost        = errors.New("the connection was closed before the answer came")
	ErrTruncated   = errors.New("the answer cannot be read")
)

func fault(f Fault) error {
	switch f {
	case Unreachable:
		return ErrUnreachable
	case FailBefore:
		return &Error{500, "ServiceFailure", "The request processing has failed because of an unknown error, exception or failure."}
	case Throttle:
		return &Error{400, "Throttling", "Rate exceeded"}
	case Denied:
		return &Error{403, "AccessDenied", "User is not authorized to perform this action"}
	case Busy:
		return &Error{409, "EntityTemporarilyUnmodifiable", "The entity is temporarily unmodifiable. Try again in several minutes."}
	case UnknownKey:
		return errUnknownSigner
	case Expired:
		return &Error{403, "ExpiredToken", "The security token included in the request is expired"}
	}
	return nil
}

var errUnknownSigner = &Error{403, "InvalidClientTokenId", "The security token included in the request is invalid."}

// do makes one call: the fault, the latency, the hidden limit, then apply under the lock, which
// says whether it changed anything.
func (m *IAM) do(ctx context.Context, c Call, apply func(now time.Time) (changed bool, err error)) (err error) {
	m.mu.Lock()
	m.calls[c.Op]++
	c.N = m.calls[c.Op]
	at := len(m.log)
	m.log = append(m.log, Record{Call: c, At: time.Now()})
	hook, onEffect, latency, lateBy := m.Fault, m.OnEffect, m.Latency, m.LateBy
	m.mu.Unlock()

	changed := false
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if at < len(m.log) {
			r := &m.log[at]
			r.Finished, r.Applied, r.Err = time.Now(), changed, err
		}
	}()

	f, then := None, func() {}
	if own, ok := faultsOf(ctx); ok {
		f, then = own.IAM(c)
	} else if hook != nil {
		f = hook(c)
	}
	switch f {
	case Hang:
		<-ctx.Done()
	case Late, HangLate:
		if f == HangLate {
			<-ctx.Done()
		}
		time.AfterFunc(lateBy, func() {
			if landed, _ := m.apply(c, apply); landed && onEffect != nil {
				onEffect()
			}
		})
		return ErrLost
	}
	if f == Unreachable {
		return ErrUnreachable
	}
	if err := wait(ctx, latency/2); err != nil {
		return err
	}
	if err := fault(f); err != nil {
		return err
	}
	changed, err = m.apply(c, apply)
	if changed && onEffect != nil {
		onEffect()
	}
	then()
	if err != nil {
		return err
	}
	switch {
	case f == HangAfter:
		<-ctx.Done()
	case f == Truncated && c.Op == "CreateAccessKey":
		return ErrTruncated
	case f == FailAfter, f == Truncated:
		return ErrLost
	}
	return wait(ctx, latency-latency/2)
}

func (m *IAM) apply(c Call, apply func(now time.Time) (bool, error)) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if !m.bucket.take(now, m.RateLimit) {
		return false, fault(Throttle)
	}
	if err := m.allowed(c, now); err != nil {
		return false, err
	}
	return apply(now)
}

// now is AWS's clock.
func (m *IAM) now() time.Time { return time.Now().Add(m.ClockSkew).UTC() }

// wait fails if ctx ends within d.
func wait(ctx context.Context, d time.Duration) error {
	if ctx.Err() == nil && d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		return fmt.Errorf("no answer: %w", context.Cause(ctx))
	}
	return nil
}

// bucket is a token bucket.
type bucket struct {
	tokens float64
	at     time.Time
}

func (b *bucket) take(now time.Time, perSecond int) bool {
	if perSecond <= 0 {
		return true
	}
	full := float64(perSecond)
	if b.at.IsZero() {
		b.tokens = full
	} else if gone := now.Sub(b.at).Seconds(); gone > 0 {
		b.tokens = min(full, b.tokens+gone*full)
	}
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
