package rotator

import (
	"context"
	"fmt"
	"time"

	"keyturn/internal/secret"
)

// Issuer is AWS IAM and STS of one account, as far as a rotation needs them. Every
// call retries throttling and passing faults by itself until ctx ends, except Create.
// Errors are *IssuerError.
type Issuer interface {
	// Caller is who keyturn itself is. It is asked once per set of credentials.
	Caller(ctx context.Context) (Identity, error)
	// Credentials is the id of the access key that keyturn itself signs with. It calls nothing.
	Credentials(ctx context.Context) (KeyID, error)
	// User describes a user, its tag included. ClassNoUser if there is none.
	User(ctx context.Context, name string) (User, error)
	// Quarantine names the quarantine policies of AWS attached to the user.
	Quarantine(ctx context.Context, user string) ([]string, error)
	// LiftQuarantine detaches one of them. Not attached any more is success.
	LiftQuarantine(ctx context.Context, user, policy string) error
	// SetTag writes the ownership tag. Idempotent.
	SetTag(ctx context.Context, user, value string) error
	// Keys lists the user's keys, and tells AWS's clock (the answer's Date).
	Keys(ctx context.Context, user string) ([]Key, time.Time, error)
	// Create makes a key: exactly one request, never repeated. ClassUnclear if it may have
	// been applied; then the error may carry the key's id.
	Create(ctx context.Context, user string) (Key, secret.Text, error)
	// SetActive makes a key Active or Inactive. Idempotent. ClassNoKey if it is not there.
	SetActive(ctx context.Context, user string, id KeyID, active bool) error
	// Delete removes a key. Already gone is success only if a list in that account
	// succeeds without the key. Idempotent.
	Delete(ctx context.Context, user string, id KeyID) error
	// LastUsed tells when a key last signed a request; a zero Use.At is "never seen".
	LastUsed(ctx context.Context, id KeyID) (Use, error)
	// Probe lets the pair itself sign GetCallerIdentity, and, if role is not empty,
	// AssumeRole. One attempt: ClassNotYet while AWS does not know the key.
	Probe(ctx context.Context, id KeyID, s secret.Text, role string) (Identity, error)
}

// Identity is the answer of GetCallerIdentity.
type Identity struct {
	Account string `json:"account"`
	ARN     string `json:"arn"`
	UserID  string `json:"user_id,omitempty"`
}

// User is an IAM user.
type User struct {
	Name    string `json:"name"` // as IAM spells it
	Path    string `json:"path,omitempty"`
	ID      string `json:"id"` // AIDA..., unique for ever; a user made anew has another
	ARN     string `json:"arn"`
	Account string `json:"account"` // from the ARN
	Tag     string `json:"tag,omitempty"`
}

// KeyStatus is Active or Inactive.
type KeyStatus string

// The statuses of a key.
const (
	Active   KeyStatus = "Active"
	Inactive KeyStatus = "Inactive"
)

// Key is an access key as ListAccessKeys shows it. CreatedAt has a resolution of one second.
type Key struct {
	ID        KeyID     `json:"id"`
	Status    KeyStatus `json:"status"`
	CreatedAt time.Time `json:"created_at"`
}

// Use is what GetAccessKeyLastUsed knows. AWS shows a use minutes late.
type Use struct {
	At      time.Time `json:"at,omitzero"`
	Service string    `json:"service,omitempty"`
	Region  string    `json:"region,omitempty"`
	User    string    `json:"user,omitempty"`
}

// IssuerClass says what an AWS error means for the rotation.
type IssuerClass string

// The classes of an Issuer's errors. The source is the table of errors in the IAM API Reference
// ("Common Errors", "CreateAccessKey") as observed; see docs/decisions.
const (
	ClassTemporary   IssuerClass = "temporary"   // not applied, or safe to repeat: try again later
	ClassThrottled   IssuerClass = "throttled"   // not applied
	ClassBusy        IssuerClass = "busy"        // EntityTemporarilyUnmodifiable, ConcurrentModification: minutes
	ClassUnclear     IssuerClass = "unclear"     // Create may have been applied
	ClassLimit       IssuerClass = "limit"       // the user has two keys already
	ClassNoUser      IssuerClass = "no_user"     // there is no such user
	ClassNoKey       IssuerClass = "no_key"      // there is no such key
	ClassDenied      IssuerClass = "denied"      // keyturn is not allowed to
	ClassQuarantined IssuerClass = "quarantined" // denied by AWS's quarantine policy
	ClassNotYet      IssuerClass = "not_yet"     // AWS does not know the key (yet)
	ClassCredentials IssuerClass = "credentials" // keyturn's own credentials do not work
	ClassInvalid     IssuerClass = "invalid"     // AWS does not accept the request
)

// IssuerError is an error of AWS with its class. Its text holds no secret.
type IssuerError struct {
	Class IssuerClass
	Op    string // the AWS action: "CreateAccessKey"
	Code  string // AWS's code, if it answered
	Key   KeyID  // the key an unclear Create is known to have made, if it is known
	Err   error
}

func (e *IssuerError) Error() string { return fmt.Sprintf("%s: %v", e.Op, e.Err) }
func (e *IssuerError) Unwrap() error { return e.Err }
