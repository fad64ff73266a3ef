package standin

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"keyturn/rotator"
	"keyturn/rotator/rotatortest"
)

const number = "111122223333"

// world is a stand-in with keyturn's own user and one robot, and SDK configuration for both.
type world struct {
	*Server
	model      *rotatortest.IAM
	own, robot aws.Config
	robotKey   rotator.KeyID
}

func newWorld(t *testing.T) world {
	t.Helper()
	m := rotatortest.NewIAM(number)
	s, err := Start(m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w := world{Server: s, model: m}
	m.AddUser("keyturn", "/")
	m.AddUser("ci-bot", "/robots/")
	w.own, _ = w.as(t, "keyturn")
	w.robot, w.robotKey = w.as(t, "ci-bot")
	return w
}

// as is configuration with a new key of the user.
func (w world) as(t *testing.T, user string) (aws.Config, rotator.KeyID) {
	t.Helper()
	k, s, err := w.model.AddKey(user, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return w.with(string(k.ID), s.Reveal()), k.ID
}

// with is configuration with a pair, without retries.
func (w world) with(id, secret string) aws.Config {
	return aws.Config{
		Region: "eu-central-1", BaseEndpoint: &w.URL, Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
}

// code expects an error answer of AWS.
func code(t *testing.T, err error, want string, status int) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != want {
		t.Fatalf("error is %v, want code %s", err, want)
	}
	var resp interface{ HTTPStatusCode() int }
	if !errors.As(err, &resp) || resp.HTTPStatusCode() != status {
		t.Errorf("error is %v, want status %d", err, status)
	}
}

func whoami(cfg aws.Config) (string, error) {
	out, err := sts.NewFromConfig(cfg).GetCallerIdentity(context.Background(), nil)
	if err != nil {
		return "", err
	}
	return *out.Arn, nil
}

func TestAKeyLivesAsInIAM(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	c, name := iam.NewFromConfig(w.own), aws.String("ci-bot")

	made, err := c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name})
	if err != nil {
		t.Fatal(err)
	}
	k := made.AccessKey
	if k.Status != types.StatusTypeActive || len(*k.SecretAccessKey) != 40 || time.Since(*k.CreateDate) > time.Minute {
		t.Errorf("the new key has status %s and was created at %s", k.Status, k.CreateDate)
	}
	_, err = c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name})
	var limit *types.LimitExceededException
	if !errors.As(err, &limit) || *limit.Message != "Cannot exceed quota for AccessKeysPerUser: 2" {
		t.Fatalf("a third key: %v", err)
	}
	code(t, err, "LimitExceeded", 409)
	list, err := c.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: name})
	if err != nil || len(list.AccessKeyMetadata) != 2 || list.IsTruncated || *list.AccessKeyMetadata[1].AccessKeyId != *k.AccessKeyId {
		t.Fatalf("list: %+v, %v", list, err)
	}

	mine := w.with(*k.AccessKeyId, *k.SecretAccessKey)
	never, err := c.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: k.AccessKeyId})
	if err != nil || never.AccessKeyLastUsed.LastUsedDate != nil || *never.AccessKeyLastUsed.Region != "N/A" || *never.UserName != "ci-bot" {
		t.Fatalf("last use: %+v, %v", never, err)
	}
	if arn, err := whoami(mine); err != nil || arn != "arn:aws:iam::111122223333:user/robots/ci-bot" {
		t.Fatalf("identity: %s, %v", arn, err)
	}
	used, err := c.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: k.AccessKeyId})
	if err != nil || used.AccessKeyLastUsed.LastUsedDate == nil || *used.AccessKeyLastUsed.ServiceName != "sts" {
		t.Fatalf("last use: %+v, %v", used, err)
	}

	_, err = whoami(w.with(*k.AccessKeyId, strings.Repeat("x", 40)))
	code(t, err, "SignatureDoesNotMatch", 403)
	update := &iam.UpdateAccessKeyInput{UserName: name, AccessKeyId: k.AccessKeyId, Status: types.StatusTypeInactive}
	if _, err := c.UpdateAccessKey(ctx, update); err != nil {
		t.Fatal(err)
	}
	_, err = whoami(mine)
	code(t, err, "InvalidClientTokenId", 403)
	remove := &iam.DeleteAccessKeyInput{UserName: name, AccessKeyId: k.AccessKeyId}
	if _, err := c.DeleteAccessKey(ctx, remove); err != nil {
		t.Fatal(err)
	}
	_, err = c.DeleteAccessKey(ctx, remove)
	code(t, err, "NoSuchEntity", 404)
	_, err = c.UpdateAccessKey(ctx, update)
	code(t, err, "NoSuchEntity", 404)
	_, err = c.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: k.AccessKeyId})
	code(t, err, "AccessDenied", 403)
	_, err = whoami(mine)
	code(t, err, "InvalidClientTokenId", 403)
	_, err = c.ListAccessKeys(ctx, &iam.ListAccessKeysInput{})
	code(t, err, "ValidationError", 400)
	_, err = c.DeleteUser(ctx, &iam.DeleteUserInput{UserName: name})
	code(t, err, "InvalidAction", 400)
}

func TestUsersTagsAndPolicies(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	c, name := iam.NewFromConfig(w.own), aws.String("ci-bot")
	if _, err := c.TagUser(ctx, &iam.TagUserInput{UserName: name, Tags: []types.Tag{{Key: aws.String("keyturn"), Value: aws.String("a<b>/&c")}}}); err != nil {
		t.Fatal(err)
	}
	u, err := c.GetUser(ctx, &iam.GetUserInput{UserName: aws.String("CI-Bot")})
	if err != nil {
		t.Fatal(err)
	}
	if *u.User.UserName != "ci-bot" || *u.User.Path != "/robots/" || !strings.HasPrefix(*u.User.UserId, "AIDA") || len(u.User.Tags) != 1 || *u.User.Tags[0].Value != "a<b>/&c" {
		t.Errorf("user: %+v", u.User)
	}
	_, err = c.GetUser(ctx, &iam.GetUserInput{UserName: aws.String("nobody")})
	code(t, err, "NoSuchEntity", 404)

	for _, n := range []string{"a", "b", "c", "d"} {
		w.model.AddUser(n, "/robots/")
	}
	w.PageSize = 2
	var names []string
	for p := iam.NewListUsersPaginator(c, &iam.ListUsersInput{PathPrefix: aws.String("/robots/")}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page.Users {
			names = append(names, *u.UserName)
		}
	}
	if strings.Join(names, " ") != "a b c ci-bot d" {
		t.Errorf("users: %v", names)
	}

	w.model.Attach("ci-bot", "AWSCompromisedKeyQuarantineV3")
	attached, err := c.ListAttachedUserPolicies(ctx, &iam.ListAttachedUserPoliciesInput{UserName: name})
	if err != nil || len(attached.AttachedPolicies) != 1 || *attached.AttachedPolicies[0].PolicyName != "AWSCompromisedKeyQuarantineV3" {
		t.Fatalf("%+v, %v", attached, err)
	}
	_, err = iam.NewFromConfig(w.robot).CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name})
	code(t, err, "AccessDenied", 403)
	detach := &iam.DetachUserPolicyInput{UserName: name, PolicyArn: attached.AttachedPolicies[0].PolicyArn}
	if _, err := c.DetachUserPolicy(ctx, detach); err != nil {
		t.Fatal(err)
	}
	_, err = c.DetachUserPolicy(ctx, detach)
	code(t, err, "NoSuchEntity", 404)
}

func TestRolesOfThisAndOfAnotherAccount(t *testing.T) {
	here, there := rotatortest.NewIAM(number), rotatortest.NewIAM("444455556666")
	s, err := Start(here, there)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := world{Server: s, model: here}
	here.AddUser("keyturn", "/")
	cfg, own := w.as(t, "keyturn")
	there.AddUser("ci-bot", "/")

	assume := func(role string) aws.Config {
		p := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), role, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName, o.ExternalID = "keyturn-1", aws.String("x1")
		})
		c := cfg.Copy()
		c.Credentials = p
		return c
	}
	in := assume(there.AddRole("keyturn", "x1"))
	if arn, err := whoami(in); err != nil || arn != "arn:aws:sts::444455556666:assumed-role/keyturn/keyturn-1" {
		t.Fatalf("identity: %s, %v", arn, err)
	}
	if _, err := iam.NewFromConfig(in).GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("ci-bot")}); err != nil {
		t.Errorf("a call in the other account: %v", err)
	}
	_, err = whoami(assume("arn:aws:iam::444455556666:role/other"))
	code(t, err, "AccessDenied", 403)
	_, err = whoami(assume(there.AddRole("strict", "another")))
	code(t, err, "AccessDenied", 403)
	here.SetStatus(own, rotator.Inactive)
	_, err = whoami(assume("arn:aws:iam::444455556666:role/keyturn"))
	code(t, err, "InvalidClientTokenId", 403)

	ses, err := there.AssumeRole(t.Context(), "", "arn:aws:iam::444455556666:role/keyturn", "n1", "x1", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	_, err = whoami(w.with(string(ses.ID), ses.Secret.Reveal())) // without its token
	code(t, err, "InvalidClientTokenId", 403)
}

func TestFaultsOfTheModelReachTheClient(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	c, in := iam.NewFromConfig(w.own), &iam.CreateAccessKeyInput{UserName: aws.String("ci-bot")}
	var next atomic.Value
	w.model.Fault = func(rotatortest.Call) rotatortest.Fault { return next.Load().(rotatortest.Fault) }

	next.Store(rotatortest.Throttle)
	_, err := c.CreateAccessKey(ctx, in)
	code(t, err, "Throttling", 400)
	if !strings.Contains(err.Error(), "Rate exceeded") {
		t.Errorf("throttled: %v", err)
	}
	next.Store(rotatortest.FailBefore)
	_, err = c.CreateAccessKey(ctx, in)
	code(t, err, "ServiceFailure", 500)
	next.Store(rotatortest.Unreachable)
	if _, err = c.CreateAccessKey(ctx, in); err == nil || len(w.model.Keys("ci-bot")) != 1 {
		t.Fatalf("no connection: %v", err)
	}
	next.Store(rotatortest.Hang)
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if _, err = c.CreateAccessKey(short, in); !errors.Is(err, context.DeadlineExceeded) || len(w.model.Keys("ci-bot")) != 1 {
		t.Fatalf("no answer: %v", err)
	}

	next.Store(rotatortest.Truncated)
	_, err = c.CreateAccessKey(ctx, in)
	var unreadable *smithy.DeserializationError
	if !errors.As(err, &unreadable) {
		t.Fatalf("a truncated answer: %v", err)
	}
	made := w.model.Keys("ci-bot")[1].ID
	if !strings.Contains(string(unreadable.Snapshot), string(made)) {
		t.Error("what was read does not hold the key's id")
	}
	w.model.DeleteKey(made)
	next.Store(rotatortest.FailAfter)
	if _, err = c.CreateAccessKey(ctx, in); err == nil || len(w.model.Keys("ci-bot")) != 2 {
		t.Fatalf("a lost answer: %v", err)
	}
}

func TestTheClockIsAWSs(t *testing.T) {
	w := newWorld(t)
	w.model.ClockSkew = time.Hour
	_, err := whoami(w.own)
	code(t, err, "SignatureDoesNotMatch", 403)
	cfg := w.own.Copy() // the SDK's own retryer corrects the skew by the Date header
	cfg.Retryer = nil
	if _, err := whoami(cfg); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNotSignedIsRefused(t *testing.T) {
	w := newWorld(t)
	tests := map[string]struct {
		method, auth, target string
		want                 string
		status               int
	}{
		"a GET":                      {method: "GET", want: "not a call", status: 400},
		"no Authorization":           {want: "<Code>MissingAuthenticationToken</Code>", status: 403},
		"no Authorization, JSON":     {target: "AmazonSSM.GetParameter", want: `"__type":"MissingAuthenticationTokenException"`, status: 400},
		"another scheme":             {auth: "Bearer x", want: "<Code>IncompleteSignature</Code>", status: 400},
		"a scope of too few parts":   {auth: "AWS4-HMAC-SHA256 Credential=A/b, SignedHeaders=host, Signature=00", want: "<Code>IncompleteSignature</Code>", status: 400},
		"a signature without date":   {auth: "AWS4-HMAC-SHA256 Credential=A/20260101/r/iam/aws4_request, SignedHeaders=host, Signature=00", want: "<Code>IncompleteSignature</Code>", status: 400},
		"a signature without a host": {auth: "AWS4-HMAC-SHA256 Credential=A/20260101/r/iam/aws4_request, SignedHeaders=x-amz-date, Signature=00", want: "<Code>IncompleteSignature</Code>", status: 400},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.method == "" {
				tt.method = "POST"
			}
			req, err := http.NewRequest(tt.method, w.URL+"/", strings.NewReader("Action=GetCallerIdentity"))
			if err != nil {
				t.Fatal(err)
			}
			if tt.auth != "" {
				req.Header.Set("Authorization", tt.auth)
			}
			if tt.target != "" {
				req.Header.Set("X-Amz-Target", tt.target)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body := make([]byte, 4096)
			n, _ := resp.Body.Read(body)
			if resp.StatusCode != tt.status || !strings.Contains(string(body[:n]), tt.want) {
				t.Errorf("%d %s", resp.StatusCode, body[:n])
			}
		})
	}
}

// BenchmarkCalls is what the stand-in carries, the SDK's share included.
func BenchmarkCalls(b *testing.B) {
	m := rotatortest.NewIAM(number)
	s, err := Start(m)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	m.AddUser("keyturn", "/")
	k, text, _ := m.AddKey("keyturn", 0)
	w := world{Server: s, model: m}
	c := sts.NewFromConfig(w.with(string(k.ID), text.Reveal()))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.GetCallerIdentity(context.Background(), nil); err != nil {
				b.Error(err)
			}
		}
	})
}
