package awsauth

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"golang.org/x/sync/errgroup"
)

const (
	ownKey    = "AKIARTX3GSDSOWNKEY22"
	ownSecret = "own+SecretCanary/0123456789abcdefghijklm"
	prodRole  = "arn:aws:iam::111122223333:role/keyturn"
)

// fakeSTS hands out sessions and tells who signs. It is the network.
type fakeSTS struct {
	mu       sync.Mutex
	assumed  []string // "account number session external-id duration region" of each AssumeRole
	asked    int
	running  int
	widest   int
	agents   []string
	lifetime time.Duration
	latency  time.Duration
	fault    func(action string, n int) (status int, body string) // status 0: none
	n        map[string]int
}

var credential = regexp.MustCompile(`Credential=(\w+)/\d+/([\w-]+)/`)

func (f *fakeSTS) RoundTrip(r *http.Request) (*http.Response, error) {
	_ = r.ParseForm()
	f.mu.Lock()
	f.running++
	f.widest = max(f.widest, f.running)
	f.mu.Unlock()
	time.Sleep(f.latency)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running--
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	status, body := f.answer(r.Form.Get("Action"), r)
	rec := httptest.NewRecorder()
	rec.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	rec.WriteHeader(status)
	_, _ = rec.WriteString(body)
	return rec.Result(), nil
}

func (f *fakeSTS) answer(action string, r *http.Request) (int, string) {
	if f.n == nil {
		f.n = map[string]int{}
	}
	f.n[action]++
	f.agents = append(f.agents, r.UserAgent())
	if f.fault != nil {
		if status, body := f.fault(action, f.n[action]); status != 0 {
			return status, body
		}
	}
	by := credential.FindStringSubmatch(r.Header.Get("Authorization"))
	if action == "AssumeRole" {
		role := strings.Split(r.Form.Get("RoleArn"), ":")
		f.assumed = append(f.assumed, strings.Join([]string{role[4], r.Form.Get("RoleSessionName"), r.Form.Get("ExternalId"), r.Form.Get("DurationSeconds"), by[2]}, " "))
		return 200, fmt.Sprintf(`<AssumeRoleResponse><AssumeRoleResult><AssumedRoleUser><Arn>arn:aws:sts::%s:assumed-role/x/y</Arn></AssumedRoleUser><Credentials><AccessKeyId>ASIA%016d</AccessKeyId><SecretAccessKey>role/SecretCanary</SecretAccessKey><SessionToken>role/TokenCanary</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
			role[4], len(f.assumed), time.Now().Add(f.lifetime).UTC().Format(time.RFC3339))
	}
	f.asked++
	return 200, fmt.Sprintf(`<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>%s %s</Arn><UserId>x</UserId><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`, by[1], by[2])
}

func refusal(status int, code string) (int, string) {
	return status, "<ErrorResponse><Error><Code>" + code + "</Code><Message>m</Message></Error></ErrorResponse>"
}

// isolate keeps the machine's own AWS configuration out.
func isolate(t *testing.T) {
	t.Helper()
	for k, v := range map[string]string{
		"AWS_ACCESS_KEY_ID": ownKey, "AWS_SECRET_ACCESS_KEY": ownSecret, "AWS_SESSION_TOKEN": "own/TokenCanary", "AWS_REGION": "",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_PROFILE": "",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": "http://aws.test", "AWS_MAX_ATTEMPTS": "2",
	} {
		t.Setenv(k, v)
	}
}

// inBubble runs f inside a synctest bubble with accounts "default", "prod" and "dev".
func inBubble(t *testing.T, o Options, f func(t *testing.T, a *Accounts, aws *fakeSTS)) {
	t.Helper()
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeSTS{lifetime: time.Hour}
		o.Region, o.Transport = "eu-central-1", fake
		o.Accounts = map[string]Account{
			"prod": {RoleARN: prodRole, ExternalID: "x1"},
			"dev":  {RoleARN: "arn:aws:iam::444455556666:role/keyturn", Duration: 15 * time.Minute, SessionName: "kt-${account}-${robot}"},
		}
		a, err := New(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		f(t, a, fake)
	})
}

// who makes a call in the session and says which key signed it, for which Region.
func who(ctx context.Context, a *Accounts, s Session) (string, error) {
	cfg, err := a.Config(ctx, s)
	if err != nil {
		return "", err
	}
	out, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.Arn), nil
}

func mustBe(t *testing.T, a *Accounts, s Session, want string) {
	t.Helper()
	if got, err := who(t.Context(), a, s); err != nil || got != want {
		t.Errorf("%+v: got %q, %v, want %q", s, got, err, want)
	}
}

func TestSessionsOfAccounts(t *testing.T) {
	inBubble(t, Options{UserAgent: "keyturn/1.2.3"}, func(t *testing.T, a *Accounts, fake *fakeSTS) {
		mustBe(t, a, Session{}, ownKey+" eu-central-1")
		mustBe(t, a, Session{Account: "default", Region: "us-gov-west-1"}, ownKey+" us-gov-west-1")
		for range 2 { // the second finds the session in the cache
			mustBe(t, a, Session{Account: "prod", Robot: "ci", Rotation: rotation}, "ASIA0000000000000001 eu-central-1")
		}
		mustBe(t, a, Session{Account: "prod", Robot: "ci", Rotation: rotation, Region: "eu-west-1"}, "ASIA0000000000000001 eu-west-1")
		mustBe(t, a, Session{Account: "prod", Robot: "other", Rotation: rotation}, "ASIA0000000000000002 eu-central-1")
		mustBe(t, a, Session{Account: "dev", Robot: "ci", Rotation: rotation}, "ASIA0000000000000003 eu-central-1")
		want := []string{
			"111122223333 keyturn-ci-20261120-7f3k9qx2 x1 3600 eu-central-1",
			"111122223333 keyturn-other-20261120-7f3k9qx2 x1 3600 eu-central-1",
			"444455556666 kt-dev-ci  900 eu-central-1",
		}
		if !slices.Equal(fake.assumed, want) {
			t.Errorf("got  %q\nwant %q", fake.assumed, want)
		}
		if !strings.Contains(fake.agents[0], "keyturn/1.2.3") {
			t.Errorf("user agent %s", fake.agents[0])
		}
		for account, number := range map[string]string{"prod": "111122223333", "dev": "444455556666", "default": "", "": "", "nope": ""} {
			if got := a.Number(account); got != number {
				t.Errorf("number of %q is %q", account, got)
			}
		}
		_, err := a.Config(t.Context(), Session{Account: "nope"})
		if err == nil || err.Error() != "aws account nope is not configured: there are default, dev, prod" {
			t.Error(err)
		}
	})
}

func TestASessionIsFetchedOnceForAllWhoWait(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Accounts, fake *fakeSTS) {
		fake.latency = time.Second
		var g errgroup.Group
		for range 20 {
			g.Go(func() error {
				_, err := who(t.Context(), a, Session{Account: "prod", Robot: "ci"})
				return err
			})
		}
		if err := g.Wait(); err != nil || len(fake.assumed) != 1 || fake.asked != 20 {
			t.Errorf("%d sessions, %d calls, %v", len(fake.assumed), fake.asked, err)
		}
	})
}

func TestSessionsAreRenewed(t *testing.T) {
	s := Session{Account: "prod", Robot: "ci"}
	t.Run("before they end", func(t *testing.T) {
		inBubble(t, Options{}, func(t *testing.T, a *Accounts, fake *fakeSTS) {
			mustBe(t, a, s, "ASIA0000000000000001 eu-central-1")
			time.Sleep(54 * time.Minute)
			mustBe(t, a, s, "ASIA0000000000000001 eu-central-1")
			time.Sleep(5 * time.Minute)
			mustBe(t, a, s, "ASIA0000000000000002 eu-central-1")
		})
	})
	t.Run("when AWS says that they have ended", func(t *testing.T) {
		inBubble(t, Options{}, func(t *testing.T, a *Accounts, fake *fakeSTS) {
			mustBe(t, a, s, "ASIA0000000000000001 eu-central-1")
			fake.fault = func(action string, n int) (int, string) {
				if action == "GetCallerIdentity" && n == 2 {
					return refusal(403, "ExpiredToken")
				}
				return 0, ""
			}
			mustBe(t, a, s, "ASIA0000000000000002 eu-central-1")
		})
	})
	t.Run("once in a call", func(t *testing.T) {
		inBubble(t, Options{}, func(t *testing.T, a *Accounts, fake *fakeSTS) {
			fake.fault = func(action string, n int) (int, string) {
				if action == "GetCallerIdentity" {
					return refusal(403, "ExpiredToken")
				}
				return 0, ""
			}
			if _, err := who(t.Context(), a, s); err == nil || len(fake.assumed) != 2 || fake.n["GetCallerIdentity"] != 2 {
				t.Errorf("%d sessions, %d calls, %v", len(fake.assumed), fake.n["GetCallerIdentity"], err)
			}
		})
	})
}

func TestTheCacheOfSessionsIsBounded(t *testing.T) {
	s := newSessions(2)
	fresh := func() *provider { return newProvider(nil, "") }
	a, b := s.get("x", "a", fresh), s.get("x", "b", fresh)
	if s.get("x", "a", fresh) != a {
		t.Error("a was made twice")
	}
	s.get("y", "a", fresh) // drops b, which was not used for longest
	if s.get("x", "a", fresh) != a || s.get("x", "b", fresh) == b || len(s.by) != 2 || s.order.Len() != 2 {
		t.Errorf("%d sessions are kept", len(s.by))
	}
}

func TestOptionsThatAreRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		account string
		options Account
		want    string
	}{
		"the name default":       {"default", Account{RoleARN: prodRole}, "aws account default: the name is taken by the SDK's credential chain"},
		"no role":                {"prod", Account{}, "aws account prod: role_arn is not of the form arn:aws:iam::111122223333:role/name"},
		"a user's ARN":           {"prod", Account{RoleARN: "arn:aws:iam::111122223333:user/x"}, "aws account prod: role_arn is not of the form arn:aws:iam::111122223333:role/name"},
		"a short external id":    {"prod", Account{RoleARN: prodRole, ExternalID: "x"}, "aws account prod: external_id must be 2 to 1224 of letters, digits and _+=,.@:/-"},
		"a long external id":     {"prod", Account{RoleARN: prodRole, ExternalID: strings.Repeat("x", 1225)}, "aws account prod: external_id must be 2 to 1224 of letters, digits and _+=,.@:/-"},
		"a short duration":       {"prod", Account{RoleARN: prodRole, Duration: time.Minute}, "aws account prod: duration must be between 15m and 12h"},
		"a long duration":        {"prod", Account{RoleARN: prodRole, Duration: 13 * time.Hour}, "aws account prod: duration must be between 15m and 12h"},
		"an unknown placeholder": {"prod", Account{RoleARN: prodRole, SessionName: "${x}"}, `aws account prod: session_name "${x}": unknown placeholder ${x}: there are robot, user, account and rotation`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(t.Context(), Options{Accounts: map[string]Account{tc.account: tc.options}})
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestTheChainIsLoadedLate(t *testing.T) {
	isolate(t)
	t.Setenv("AWS_PROFILE", "missing")
	a, err := New(t.Context(), Options{Region: "eu-central-1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Config(t.Context(), Session{}); err == nil || err.Error() != "aws configuration: failed to get shared config profile, missing" {
		t.Error(err)
	}
	t.Setenv("AWS_PROFILE", "") // the failure is not remembered
	if _, err := a.Config(t.Context(), Session{}); err != nil {
		t.Error(err)
	}
}

func TestTheRegionIsTheEnvironmentsOrUSEast1(t *testing.T) {
	isolate(t)
	for env, want := range map[string]string{"": "us-east-1", "cn-north-1": "cn-north-1"} {
		t.Setenv("AWS_REGION", env)
		a, err := New(t.Context(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if cfg, err := a.Config(t.Context(), Session{}); err != nil || cfg.Region != want {
			t.Errorf("%s, %v", cfg.Region, err)
		}
	}
}

func TestAConfigurationShowsNoSecret(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, a *Accounts, fake *fakeSTS) {
		for _, account := range []string{"", "prod"} {
			s := Session{Account: account, Robot: "ci"}
			if _, err := who(t.Context(), a, s); err != nil {
				t.Fatal(err)
			}
			cfg, err := a.Config(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
				for _, v := range []any{cfg, &cfg, cfg.Credentials, a, a.sessions} {
					if text := fmt.Sprintf(verb, v); strings.Contains(text, "Canary") {
						t.Errorf("%s of %T shows a secret", verb, v)
					}
				}
			}
		}
	})
}
