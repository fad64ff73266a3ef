package bitbucket

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"testing"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

func TestConformance(t *testing.T) {
	for name, c := range map[string]struct {
		evidence sinks.Evidence
		at       string
		change   func(*server, *Config)
	}{
		"a repository whose key id is shown": {sinks.Partial, ofRepository, func(s *server, c *Config) { s.shown, c.ShowKeyID = true, true }},
		"a deployment by its name":           {sinks.Accepted, ofDeployment, func(_ *server, c *Config) { c.Deployment, c.User = "Production", "ci@acme.example" }},
		"a workspace":                        {sinks.Accepted, ofWorkspace, func(_ *server, c *Config) { c.Repository = "" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lacks := map[sinktest.Fault]string{}
			if c.evidence == sinks.Partial {
				lacks[sinktest.FailBefore] = "the key id that is still shown cannot say that the secret beside it is new; see the test below"
			}
			sinktest.Run(t, sinktest.Kind{Spec: Spec, Evidence: c.evidence, Lacks: lacks, New: func(t sinktest.T) sinktest.Target {
				s := newServer(t, c.at)
				cfg := newConfig(t, s)
				c.change(s, cfg)
				return s.Target(cfg, cfg.Variables, "", token)
			}})
		})
	}
}

var pair = sinks.Credential{KeyID: "AKIANEW", Secret: secret.FromString("new/+secret")}

func opened(t *testing.T, at string, change func(*server, *Config)) (*server, sinks.Sink) {
	t.Helper()
	s := newServer(t, at)
	cfg := newConfig(t, s)
	if change != nil {
		change(s, cfg)
	}
	sink, err := Spec.Open(t.Context(), cfg, sinks.Env{UserAgent: "keyturn/test"})
	if err != nil {
		t.Fatal(err)
	}
	return s, sink
}

// within is the time of a call that may retry until its end.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

// The store shows the former key id then, and nothing of the secret. The new pair is not accepted before it is whole.
func TestAHalfDonePushIsCompletedByTheNext(t *testing.T) {
	s, sink := opened(t, ofRepository, func(s *server, c *Config) {
		s.shown, c.ShowKeyID = true, true
		s.Put("AWS_ACCESS_KEY_ID", varstest.Var{Value: "AKIAOLD"})
		s.Put("AWS_SECRET_ACCESS_KEY", varstest.Var{Value: "old"})
	})
	puts, fails := 0, true
	s.Before = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if r.Method != http.MethodPut || !fails {
			return false
		}
		if puts++; puts == 1 {
			return false
		}
		w.WriteHeader(http.StatusBadRequest)
		return true
	}
	_, err := sink.Push(t.Context(), pair)
	const want = "bitbucket: write AWS_ACCESS_KEY_ID of acme/app: Bitbucket does not accept it" +
		" (half done: AWS_SECRET_ACCESS_KEY is written, AWS_ACCESS_KEY_ID is not known to be)"
	if sinks.ClassOf(err) != sinks.Refused || err.Error() != want {
		t.Errorf("%v", err)
	}
	if _, err := sink.Verify(t.Context(), pair, "AKIAOLD", sinks.Receipt{}); sinks.ClassOf(err) != sinks.Stale {
		t.Errorf("%v", err)
	}
	fails = false
	r, err := sink.Push(t.Context(), pair)
	if err != nil {
		t.Fatal(err)
	}
	if e, err := sink.Verify(t.Context(), pair, "AKIAOLD", r); e != sinks.Partial || err != nil {
		t.Errorf("%v, %v", e, err)
	}
}

func TestWhatIsSecured(t *testing.T) {
	put := func(name string, is bool) func(*server, *Config) {
		return func(s *server, _ *Config) { s.Put(name, varstest.Var{Value: "old", Data: secured(is)}) }
	}
	show := func(s *server, c *Config) { c.ShowKeyID = true }
	both := func(a, b func(*server, *Config)) func(*server, *Config) {
		return func(s *server, c *Config) { a(s, c); b(s, c) }
	}
	for name, c := range map[string]struct {
		change     func(*server, *Config)
		id, secret bool
	}{
		"new variables":                        {nil, true, true},
		"a key id in the open stays so":        {put("AWS_ACCESS_KEY_ID", false), false, true},
		"a secured key id stays so":            {put("AWS_ACCESS_KEY_ID", true), true, true},
		"a secret in the open is secured":      {put("AWS_SECRET_ACCESS_KEY", false), true, true},
		"a new key id that is to be shown":     {show, false, true},
		"a secured key id that is to be shown": {both(show, put("AWS_ACCESS_KEY_ID", true)), false, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, sink := opened(t, ofRepository, c.change)
			if _, err := sink.Push(t.Context(), pair); err != nil {
				t.Fatal(err)
			}
			if id, secret := s.secured("AWS_ACCESS_KEY_ID"), s.secured("AWS_SECRET_ACCESS_KEY"); id != c.id || secret != c.secret {
				t.Errorf("key id %t, secret %t", id, secret)
			}
			served, err := sink.(sinks.Reader).Serving(t.Context())
			if c.id && !errors.Is(err, sinks.ErrBlind) || !c.id && (err != nil || served != "AKIANEW") {
				t.Errorf("%q, %v", served, err)
			}
		})
	}
}

// Somebody else makes, or removes, the variable between our read and our write.
func TestAChangeInBetweenIsNoFailure(t *testing.T) {
	for name, method := range map[string]string{"made": http.MethodPost, "removed": http.MethodPut} {
		t.Run(name, func(t *testing.T) {
			s, sink := opened(t, ofRepository, nil)
			if method == http.MethodPut {
				s.Put("AWS_SECRET_ACCESS_KEY", varstest.Var{Value: "old"})
			}
			done := false
			s.Before = func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
				if r.Method == method && !done {
					done = true
					if method == http.MethodPost {
						s.Put("AWS_SECRET_ACCESS_KEY", varstest.Var{Value: "other"})
					} else {
						s.Remove("AWS_SECRET_ACCESS_KEY")
					}
				}
				return false
			}
			_, err := sink.Push(t.Context(), pair)
			if err != nil || s.Vars["AWS_SECRET_ACCESS_KEY"].Value != "new/+secret" || s.Vars["AWS_ACCESS_KEY_ID"].Value != "AKIANEW" {
				t.Errorf("%v, %v", err, s.Vars)
			}
		})
	}
}

func TestADeploymentCanBeGivenByItsUUID(t *testing.T) {
	s, sink := opened(t, ofDeployment, func(_ *server, c *Config) { c.Deployment = production })
	if _, err := sink.Push(t.Context(), pair); err != nil || s.Made("GET /repositories/acme/app/environments") != 0 {
		t.Errorf("%v, %q", err, s.Requests)
	}
}

func TestCheckWarns(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*server, *Config)
		want   []sinks.Warning
	}{
		"a deployment with variables of its own": {
			func(s *server, _ *Config) { s.inStaging = []string{"A", "B", "C", "AWS_ACCESS_KEY_ID"} },
			[]sinks.Warning{"bitbucket: AWS_ACCESS_KEY_ID has a value of its own in deployment Staging: what is written here is not what is read there"},
		},
		"a deployment with others": {func(s *server, _ *Config) { s.inStaging = []string{"A"} }, nil},
		"a token that may not list deployments": {
			func(s *server, _ *Config) { s.blind = true },
			[]sinks.Warning{"bitbucket: the token may not list deployments: whether one has variables of its own is not known"},
		},
		"a secret in the open, and a token": {
			func(s *server, _ *Config) {
				s.Put("AWS_SECRET_ACCESS_KEY", varstest.Var{Value: "x", Data: secured(false)})
				s.Put("AWS_SESSION_TOKEN", varstest.Var{Value: "x"})
			},
			[]sinks.Warning{
				"bitbucket: AWS_SESSION_TOKEN lies beside the pair and makes it useless: a push removes it",
				"bitbucket: AWS_SECRET_ACCESS_KEY is not secured: a push secures it",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, sink := opened(t, ofRepository, c.change)
			if got, err := sink.Check(t.Context()); err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%q, %v\nwant %q", got, err, c.want)
			}
		})
	}
}

func TestFailuresAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*server, *Config)
		class  sinks.Class
		want   string
	}{
		"another repository": {
			func(_ *server, c *Config) { c.Repository = "other" },
			sinks.Missing, "bitbucket: list the variables of acme/other: it does not exist, or the token may not see it",
		},
		"another workspace": {
			func(_ *server, c *Config) { c.Workspace, c.Repository = "other", "" },
			sinks.Missing, "bitbucket: list the variables of workspace other: it does not exist, or the token may not see it",
		},
		"another deployment": {
			func(_ *server, c *Config) { c.Deployment = "Test" },
			sinks.Missing, "bitbucket: look for deployment Test of acme/app: there is no such deployment",
		},
		"another token": {
			func(_ *server, c *Config) { c.User = "other@acme.example" },
			sinks.Denied, "bitbucket: list the variables of acme/app: 401 Unauthorized",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, sink := opened(t, ofRepository, c.change)
			_, err := sink.Check(within(t))
			if err == nil || sinks.ClassOf(err) != c.class || err.Error() != c.want {
				t.Errorf("%v: %v\nwant %v: %s", sinks.ClassOf(err), err, c.class, c.want)
			}
		})
	}
}

func TestConfigIsValidated(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no address":       {func(c *Config) { c.URL = "" }, "url: must be an address that starts with https:// or http://"},
		"no token":         {func(c *Config) { c.Token.File = "" }, "token: must not be empty"},
		"a user and more":  {func(c *Config) { c.User = "a:b" }, "user: must be an email address"},
		"no workspace":     {func(c *Config) { c.Workspace = "" }, "workspace: must be a slug: letters, digits, dots, - and _"},
		"a full name":      {func(c *Config) { c.Repository = "acme/app" }, "repository: must be a slug: letters, digits, dots, - and _"},
		"no repository":    {func(c *Config) { c.Repository, c.Deployment = "", "Production" }, "deployment: needs a repository"},
		"a reserved name":  {func(c *Config) { c.Variables.AccessKeyID = "bitbucket_id" }, "variables.access_key_id: must not start with BITBUCKET_"},
		"a bad first sign": {func(c *Config) { c.Variables.AccessKeyID = "1ST" }, "variables.access_key_id: must have only letters, digits and _, and not start with a digit"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := newConfig(t, newServer(t, ofRepository))
			if err := cfg.Validate(); err != nil {
				t.Fatal(err)
			}
			c.change(cfg)
			if err := cfg.Validate(); err == nil || err.Error() != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}
