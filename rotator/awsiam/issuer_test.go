package awsiam

import (
	"errors"
	"regexp"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"keyturn/internal/awsauth"
	"keyturn/rotator"
)

func TestCallerIsAskedOncePerCredentials(t *testing.T) {
	inBubble(t, time.Second, func(t *testing.T, w *world, first *Issuer) {
		second := New(first.cfg, first.memory)
		var g errgroup.Group
		for n := range 20 {
			g.Go(func() error {
				i := []*Issuer{first, second}[n%2]
				id, err := i.Caller(t.Context())
				if want := (rotator.Identity{Account: account, ARN: "arn:aws:iam::111122223333:user/keyturn", UserID: "AIDAROTATOR"}); id != want {
					t.Errorf("%+v", id)
				}
				return err
			})
		}
		if err := g.Wait(); err != nil || w.count("GetCallerIdentity") != 1 {
			t.Errorf("asked %d times: %v", w.count("GetCallerIdentity"), err)
		}
		if id, err := first.Credentials(t.Context()); id != ownKey || err != nil {
			t.Errorf("%s, %v", id, err)
		}
	})
}

func TestCallerThatFailedIsAskedAgain(t *testing.T) {
	w := newWorld(t)
	w.fault = once("GetCallerIdentity", fault{sample: "any.badkey"})
	i := w.open(t, 0)
	_, err := i.Caller(t.Context())
	wantError(t, err, rotator.ClassCredentials, "GetCallerIdentity: InvalidClientTokenId: AWS does not know the access key that keyturn signs with: it was deactivated, deleted or mistyped, or its session token is missing")
	if _, err := i.Caller(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWithoutCredentials(t *testing.T) {
	w := newWorld(t)
	isolate(t, w.server.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	i := New(configure(t, awsauth.Options{}, awsauth.Session{}), nil)
	const why = `no credentials: no EC2 IMDS role found, operation error ec2imds: GetMetadata, access disabled to EC2 IMDS via client option, or "AWS_EC2_METADATA_DISABLED" environment variable: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where there is a role`
	_, err := i.Credentials(t.Context())
	wantError(t, err, rotator.ClassCredentials, "Credentials: "+why)
	_, _, err = i.Create(t.Context(), bot)
	wantError(t, err, rotator.ClassCredentials, "CreateAccessKey: "+why)
	if n := len(w.calls); n != 0 {
		t.Errorf("%d actions were called", n)
	}
}

func TestTheRoleOfAnAccount(t *testing.T) {
	const prefix = "ListAccessKeys: assume role arn:aws:iam::444455556666:role/"
	for name, tc := range map[string]struct {
		role  string
		fault func(string, int) fault
		class rotator.IssuerClass
		text  string
	}{
		"it is not allowed": {"closed", nil, rotator.ClassCredentials,
			prefix + "closed: AccessDenied: User: arn:aws:iam::111122223333:user/keyturn is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::444455556666:role/closed: check the role's trust policy and external id, and that keyturn may assume it"},
		"our own key is dead": {"keyturn", func(a string, _ int) fault { return fault{sample: "any.badkey"} }, rotator.ClassCredentials,
			prefix + "keyturn: InvalidClientTokenId: AWS does not know the access key that keyturn signs with: it was deactivated, deleted or mistyped, or its session token is missing"},
		"STS is down": {"keyturn", func(a string, _ int) fault { return serviceFailure(503) }, rotator.ClassTemporary,
			prefix + "keyturn: nothing but failures for 30s after N attempts, the last: HTTP 503: ServiceFailure: internal"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 0, func(t *testing.T, w *world, _ *Issuer) {
				w.fault = tc.fault
				role := assuming(t, w, "arn:aws:iam::444455556666:role/"+tc.role)
				_, _, err := role.Keys(t.Context(), bot)
				wantError(t, uncounted(err), tc.class, tc.text)
			})
		})
	}
}

// assuming is an Issuer on an account that is reached by AssumeRole.
func assuming(t *testing.T, w *world, role string) *Issuer {
	t.Helper()
	return New(configure(t, awsauth.Options{
		Transport: local{world: w}, Accounts: map[string]awsauth.Account{"other": {RoleARN: role}},
	}, awsauth.Session{Account: "other", Robot: bot, Rotation: "20261120-7f3k9qx2"}), nil)
}

// uncounted is err without the number of attempts, which depends on chance.
func uncounted(err error) error {
	var e *rotator.IssuerError
	if !errors.As(err, &e) {
		return err
	}
	text := regexp.MustCompile(`after \d+ attempts`).ReplaceAllString(e.Err.Error(), "after N attempts")
	return &rotator.IssuerError{Class: e.Class, Op: e.Op, Code: e.Code, Key: e.Key, Err: errors.New(text)}
}
