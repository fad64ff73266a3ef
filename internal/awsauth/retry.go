package awsauth

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
)

// The wait after a passing fault doubles from first to longest. After a throttle the limiter
// decides how long to wait; the little that is added here keeps callers apart.
const (
	firstWait   = 100 * time.Millisecond
	longestWait = 5 * time.Second
)

// patience is how long a call is repeated that fails in passing. A throttle is no failure: it is waited out until
// the context ends.
const patience = 30 * time.Second

// retryer repeats what was throttled or failed in passing.
type retryer struct{}

var _ aws.RetryerV2 = retryer{}

// passing is the SDK's list without its throttle codes, which hold a quota (LimitExceededException).
var passing = retry.IsErrorRetryables{
	retry.NoRetryCanceledError{},
	retry.RetryableError{},
	retry.RetryableConnectionError{},
	retry.RetryableHTTPStatusCode{Codes: retry.DefaultRetryableHTTPStatusCodes},
	retry.RetryableErrorCode{Codes: retry.DefaultRetryableErrorCodes},
}

func (retryer) IsErrorRetryable(err error) bool {
	var (
		creds *CredentialsError
		cert  *tls.CertificateVerificationError
		body  *smithy.DeserializationError
	)
	switch {
	case errors.As(err, &creds): // whoever fetched them was patient already
		return false
	case errors.As(err, &cert): // waiting does not mend it
		return false
	case Throttled(err), errors.As(err, &body):
		return true
	}
	return passing.IsErrorRetryable(err) == aws.TrueTernary
}

// MaxAttempts is 0: no limit beside the context.
func (retryer) MaxAttempts() int { return 0 }

func (retryer) RetryDelay(attempt int, err error) (time.Duration, error) {
	if Throttled(err) {
		return rand.N(firstWait / 10), nil
	}
	wait := longestWait
	if attempt < 7 { // 100 ms << 6 is beyond longestWait
		wait = min(firstWait<<max(attempt-1, 0), longestWait)
	}
	return wait/2 + rand.N(wait/2), nil
}

var errNoUse = fmt.Errorf("nothing but failures for %s", patience)

// GetRetryToken has no quota to take from; it only loses patience. It is where the failed attempt is remembered.
func (retryer) GetRetryToken(ctx context.Context, err error) (func(error) error, error) {
	c := callIn(ctx)
	if c == nil {
		return noToken, nil
	}
	c.attempts++
	c.last = err
	if Throttled(err) {
		c.failing = time.Time{}
		return noToken, nil
	}
	if c.failing.IsZero() {
		c.failing = time.Now()
	}
	if time.Since(c.failing) > patience {
		return nil, &GaveUp{Cause: errNoUse, Attempts: c.attempts, Last: err}
	}
	return noToken, nil
}

func (retryer) GetInitialToken() func(error) error { return noToken }

func (retryer) GetAttemptToken(context.Context) (func(error) error, error) { return noToken, nil }

func noToken(error) error { return nil }
