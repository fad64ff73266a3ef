package awsauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"
)

func TestThrottlesAndPassingFaultsNeverSurface(t *testing.T) {
	for name, code := range map[string]struct {
		status int
		code   string
	}{
		"Throttling": {400, "Throttling"}, "ThrottlingException": {400, "ThrottlingException"},
		"RequestLimitExceeded": {503, "RequestLimitExceeded"}, "TooManyRequestsException": {429, "TooManyRequestsException"},
		"SlowDown": {503, "SlowDown"}, "429": {429, "x"}, "500": {500, "InternalFailure"}, "503": {503, "ServiceUnavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{}, func(t *testing.T, a *Accounts, fake *fakeSTS) {
				fake.fault = func(_ string, n int) (int, string) {
					if n <= 6 { // more often than AWS_MAX_ATTEMPTS allows
						return refusal(code.status, code.code)
					}
					return 0, ""
				}
				mustBe(t, a, Session{}, ownKey+" eu-central-1")
			})
		})
	}
}

func TestWhatIsNotRepeated(t *testing.T) {
	for _, code := range []string{"AccessDenied", "LimitExceeded", "LimitExceededException", "InvalidClientTokenId", "SignatureDoesNotMatch", "ConcurrentModification"} {
		t.Run(code, func(t *testing.T) {
			inBubble(t, Options{}, func(t *testing.T, a *Accounts, fake *fakeSTS) {
				fake.fault = func(string, int) (int, string) { return refusal(400, code) }
				_, err := who(t.Context(), a, Session{})
				var api smithy.APIError
				if !errors.As(err, &api) || api.ErrorCode() != code || fake.n["GetCallerIdentity"] != 1 {
					t.Errorf("%d calls, %v", fake.n["GetCallerIdentity"], err)
				}
			})
		})
	}
}

func TestACallEndsWithItsContext(t *testing.T) {
	cause := errors.New("the step took too long")
	inBubble(t, Options{AttemptTimeout: 10 * time.Second}, func(t *testing.T, a *Accounts, fake *fakeSTS) {
		fake.fault = func(string, int) (int, string) { return refusal(503, "ServiceUnavailable") }
		ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Millisecond, cause)
		defer cancel()
		_, err := who(ctx, a, Session{})
		var gaveUp *GaveUp
		if !errors.As(err, &gaveUp) || !errors.Is(err, cause) || gaveUp.Attempts != 1 || !strings.HasPrefix(gaveUp.Error(), "the step took too long after 1 attempt, the last: ") {
			t.Errorf("%v", err)
		}
		if want := "the step took too long"; (&GaveUp{Cause: cause}).Error() != want {
			t.Error("without an attempt there is nothing to tell")
		}
	})
}

func TestAnAttemptThatTakesTooLongIsMadeAgain(t *testing.T) {
	inBubble(t, Options{AttemptTimeout: 10 * time.Second}, func(t *testing.T, a *Accounts, _ *fakeSTS) {
		attempts := 0
		a.opts.Transport = network(func(r *http.Request) (*http.Response, error) {
			if attempts++; attempts < 3 {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return (&fakeSTS{}).RoundTrip(r)
		})
		began := time.Now()
		mustBe(t, a, Session{}, ownKey+" eu-central-1")
		if took := time.Since(began); attempts != 3 || took < 20*time.Second || took > 21*time.Second {
			t.Errorf("%d attempts in %s", attempts, took)
		}
	})
}

func TestWithNopRetryerThereIsOneAttempt(t *testing.T) {
	inBubble(t, Options{AttemptTimeout: 10 * time.Second}, func(t *testing.T, a *Accounts, fake *fakeSTS) {
		fake.fault = func(string, int) (int, string) { return refusal(503, "SlowDown") }
		cfg, err := a.Config(t.Context(), Session{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}, func(o *sts.Options) { o.Retryer = aws.NopRetryer{} })
		if !Throttled(err) || fake.n["GetCallerIdentity"] != 1 {
			t.Errorf("%d calls, %v", fake.n["GetCallerIdentity"], err)
		}
	})
}

func TestCallsToAnAccountShareItsConcurrency(t *testing.T) {
	inBubble(t, Options{Concurrency: 4}, func(t *testing.T, a *Accounts, fake *fakeSTS) {
		fake.latency = time.Second
		var g errgroup.Group
		for n := range 40 {
			g.Go(func() error {
				_, err := who(t.Context(), a, Session{Robot: fmt.Sprint(n)})
				return err
			})
		}
		began := time.Now()
		if err := g.Wait(); err != nil || fake.widest != 4 || time.Since(began) != 10*time.Second {
			t.Errorf("%d at once, %s, %v", fake.widest, time.Since(began), err)
		}
	})
}

func TestCredentialsThatCannotBeFetched(t *testing.T) {
	for name, tc := range map[string]struct {
		code     string
		status   int
		passing  bool
		from, to time.Duration
	}{
		"the role refuses":   {"AccessDenied", 403, false, 0, 0},
		"STS is down":        {"ServiceUnavailable", 503, true, patience, patience + longestWait},
		"STS only throttles": {"Throttling", 400, true, fetchTimeout, fetchTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{}, func(t *testing.T, a *Accounts, fake *fakeSTS) {
				fake.fault = func(string, int) (int, string) { return refusal(tc.status, tc.code) }
				began := time.Now()
				_, err := who(t.Context(), a, Session{Account: "prod", Robot: "ci"})
				var own *CredentialsError
				if !errors.As(err, &own) || own.Role != "assume role "+prodRole || own.Passing() != tc.passing {
					t.Error(err)
				}
				if took := time.Since(began); took < tc.from || took > tc.to {
					t.Errorf("after %s: %v", took, err)
				}
			})
		})
	}
}

func TestAnAnswerIsBounded(t *testing.T) {
	c := capped{network(func(*http.Request) (*http.Response, error) {
		return &http.Response{Body: io.NopCloser(endless{})}, nil
	})}
	resp, err := c.RoundTrip(&http.Request{})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); n != maxAnswer || err != nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

func TestRetryAfterIsTold(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Accounts, _ *fakeSTS) {
		n := 0
		a.opts.Transport = network(func(r *http.Request) (*http.Response, error) {
			if n++; n == 1 {
				return &http.Response{StatusCode: 429, Header: http.Header{"Retry-After": {"7"}}, Body: http.NoBody}, nil
			}
			return (&fakeSTS{}).RoundTrip(r)
		})
		began := time.Now()
		mustBe(t, a, Session{}, ownKey+" eu-central-1")
		if took := time.Since(began); took < 7*time.Second {
			t.Errorf("asked again after %s", took)
		}
	})
}

// network is what carries requests.
type network func(*http.Request) (*http.Response, error)

func (f network) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
