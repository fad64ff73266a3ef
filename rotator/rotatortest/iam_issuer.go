package rotatortest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"keyturn/internal/secret"
	"keyturn/rotator"
)

// retryLimit ends the retries of a call whose context has no deadline.
const retryLimit = 2 * time.Minute

// Issuer is the model as the rotator sees it. Its calls are signed by own, the id of an access key in
// the model, or [Ambient].
func (m *IAM) Issuer(own rotator.KeyID) *Issuer { return &Issuer{m: m, own: own} }

// Issuer is a rotator.Issuer directly on the model.
type Issuer struct {
	m   *IAM
	own rotator.KeyID
}

var _ rotator.Issuer = (*Issuer)(nil)

// Credentials is the access key id of keyturn's own credentials.
func (i *Issuer) Credentials(context.Context) (rotator.KeyID, error) { return i.own, nil }

// Caller implements rotator.Issuer.
func (i *Issuer) Caller(ctx context.Context) (id rotator.Identity, err error) {
	err = i.retry(ctx, "GetCallerIdentity", func() error {
		id, err = i.m.GetCallerIdentity(ctx, i.own)
		return err
	})
	return id, err
}

// User implements rotator.Issuer.
func (i *Issuer) User(ctx context.Context, name string) (rotator.User, error) {
	var d UserDetail
	err := i.retry(ctx, "GetUser", func() (err error) {
		d, err = i.m.GetUser(ctx, i.own, name)
		return err
	})
	return d.User, err
}

// Quarantine implements rotator.Issuer. It gives ARNs.
func (i *Issuer) Quarantine(ctx context.Context, user string) ([]string, error) {
	var arns []string
	err := i.retry(ctx, "ListAttachedUserPolicies", func() (err error) {
		arns, err = i.m.ListAttachedUserPolicies(ctx, i.own, user)
		return err
	})
	return slices.DeleteFunc(arns, func(arn string) bool { return !isQuarantine(arn) }), err
}

// LiftQuarantine implements rotator.Issuer. policy is a name or an ARN.
func (i *Issuer) LiftQuarantine(ctx context.Context, user, policy string) error {
	err := i.retry(ctx, "DetachUserPolicy", func() error {
		return i.m.DetachUserPolicy(ctx, i.own, user, policyARN(policy))
	})
	if classOf(err) == rotator.ClassNoKey { // NoSuchEntity, and not of the user: it is not attached
		return nil
	}
	return err
}

// SetTag implements rotator.Issuer.
func (i *Issuer) SetTag(ctx context.Context, user, value string) error {
	return i.retry(ctx, "TagUser", func() error {
		return i.m.TagUser(ctx, i.own, user, map[string]string{rotator.Tag: value})
	})
}

// Keys implements rotator.Issuer.
func (i *Issuer) Keys(ctx context.Context, user string) (keys []rotator.Key, clock time.Time, err error) {
	err = i.retry(ctx, "ListAccessKeys", func() (err error) {
		keys, err = i.m.ListAccessKeys(ctx, i.own, user)
		return err
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	return keys, i.m.Clock().Truncate(time.Second), nil // the Date header has whole seconds
}

// Create implements rotator.Issuer.
func (i *Issuer) Create(ctx context.Context, user string) (rotator.Key, secret.Text, error) {
	if ctx.Err() != nil {
		return rotator.Key{}, secret.Text{}, &rotator.IssuerError{Class: rotator.ClassTemporary, Op: "CreateAccessKey", Err: context.Cause(ctx)}
	}
	k, s, err := i.m.CreateAccessKey(ctx, i.own, user)
	if err == nil {
		return k, s, nil
	}
	e := issuerError("CreateAccessKey", err)
	if e.Class == rotator.ClassTemporary && !errors.Is(err, ErrUnreachable) {
		e.Class, e.Key = rotator.ClassUnclear, k.ID
	}
	return rotator.Key{}, secret.Text{}, e
}

// SetActive implements rotator.Issuer.
func (i *Issuer) SetActive(ctx context.Context, user string, id rotator.KeyID, active bool) error {
	status := rotator.Inactive
	if active {
		status = rotator.Active
	}
	return i.retry(ctx, "UpdateAccessKey", func() error {
		return i.m.UpdateAccessKey(ctx, i.own, user, id, status)
	})
}

// Delete implements rotator.Issuer.
func (i *Issuer) Delete(ctx context.Context, user string, id rotator.KeyID) error {
	err := i.retry(ctx, "DeleteAccessKey", func() error {
		return i.m.DeleteAccessKey(ctx, i.own, user, id)
	})
	if classOf(err) != rotator.ClassNoKey {
		return err
	}
	keys, _, listErr := i.Keys(ctx, user)
	if listErr != nil {
		return listErr
	}
	if slices.ContainsFunc(keys, func(k rotator.Key) bool { return k.ID == id }) {
		return &rotator.IssuerError{Class: rotator.ClassTemporary, Op: "DeleteAccessKey", Code: "NoSuchEntity",
			Err: errors.New("the key is said to be gone, but the list shows it")}
	}
	return nil
}

// LastUsed implements rotator.Issuer.
func (i *Issuer) LastUsed(ctx context.Context, id rotator.KeyID) (use rotator.Use, err error) {
	err = i.retry(ctx, "GetAccessKeyLastUsed", func() (err error) {
		use, err = i.m.GetAccessKeyLastUsed(ctx, i.own, id)
		return err
	})
	return use, err
}

// Probe implements rotator.Issuer.
func (i *Issuer) Probe(ctx context.Context, id rotator.KeyID, s secret.Text, role string) (rotator.Identity, error) {
	who, err := i.signed(ctx, "GetCallerIdentity", id, s, func() (rotator.Identity, error) {
		return i.m.GetCallerIdentity(ctx, id)
	})
	if err != nil || role == "" {
		return who, err
	}
	_, err = i.signed(ctx, "AssumeRole", id, s, func() (rotator.Identity, error) {
		ses, err := i.m.AssumeRole(ctx, id, role, "keyturn-probe", "", 15*time.Minute)
		return ses.Identity, err
	})
	if err != nil {
		return rotator.Identity{}, err
	}
	return who, nil
}

// signed makes a call that the pair itself signs, once.
func (i *Issuer) signed(ctx context.Context, op string, id rotator.KeyID, s secret.Text, call func() (rotator.Identity, error)) (rotator.Identity, error) {
	who, err := call()
	if err == nil {
		if want, ok := i.m.Secret(id); !ok || !want.Equal(s) {
			err = errSignature
		}
	}
	if err == nil {
		return who, nil
	}
	e := issuerError(op, err)
	if e.Code == errUnknownSigner.Code {
		e.Class = rotator.ClassNotYet
	}
	return rotator.Identity{}, e
}

// retry repeats a call while it is throttled or fails in passing, until ctx ends.
func (i *Issuer) retry(ctx context.Context, op string, call func() error) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, retryLimit)
		defer cancel()
	}
	for pause := time.Second; ; pause = min(2*pause, 20*time.Second) {
		err := call()
		if err == nil {
			return nil
		}
		e := issuerError(op, err)
		if e.Class != rotator.ClassTemporary && e.Class != rotator.ClassThrottled {
			return e
		}
		if wait(ctx, pause) != nil {
			return e
		}
	}
}

// classes are the meanings of AWS's codes. NoSuchEntity is told apart by what it is about.
var classes = map[string]rotator.IssuerClass{
	"LimitExceeded":                 rotator.ClassLimit,
	"EntityTemporarilyUnmodifiable": rotator.ClassBusy,
	"Throttling":                    rotator.ClassThrottled,
	"ServiceFailure":                rotator.ClassTemporary,
	"AccessDenied":                  rotator.ClassDenied,
	"InvalidClientTokenId":          rotator.ClassCredentials,
	"SignatureDoesNotMatch":         rotator.ClassCredentials,
	"ExpiredToken":                  rotator.ClassCredentials,
	"NoSuchEntity":                  rotator.ClassNoKey,
}

func issuerError(op string, err error) *rotator.IssuerError {
	var e *Error
	if !errors.As(err, &e) {
		return &rotator.IssuerError{Class: rotator.ClassTemporary, Op: op, Err: err}
	}
	class, ok := classes[e.Code]
	switch {
	case !ok:
		class = rotator.ClassInvalid
	case class == rotator.ClassNoKey && strings.HasPrefix(e.Message, "The user with name"):
		class = rotator.ClassNoUser
	case class == rotator.ClassDenied && strings.Contains(e.Message, quarantinePrefix):
		class = rotator.ClassQuarantined
	}
	return &rotator.IssuerError{Class: class, Op: op, Code: e.Code, Err: errors.New(e.Message)}
}

func classOf(err error) rotator.IssuerClass {
	var e *rotator.IssuerError
	if errors.As(err, &e) {
		return e.Class
	}
	return ""
}
