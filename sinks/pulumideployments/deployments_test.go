package pulumideployments

import (
	"context"
	"net/http"
	"reflect"
	"testing"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/sinktest"
)

func TestConformance(t *testing.T) {
	sinktest.Run(t, sinktest.Kind{Spec: Spec, New: func(t sinktest.T) sinktest.Target {
		s := settled(t)
		return s.target(newConfig(t, s))
	}})
}

var pair = sinks.Credential{KeyID: "AKIANEW", Secret: secret.FromString("new/+secret")}

func opened(t *testing.T, s *server) sinks.Sink {
	t.Helper()
	sink, err := Spec.Open(t.Context(), newConfig(t, s), sinks.Env{UserAgent: "keyturn/test"})
	if err != nil {
		t.Fatal(err)
	}
	return sink
}

// within is the time of a call that may retry until its end.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestOnlyThePairIsSent(t *testing.T) {
	s := settled(t)
	var sent string
	s.Before = func(_ http.ResponseWriter, r *http.Request, body []byte) bool {
		if r.Method == http.MethodPost {
			sent = string(body)
		}
		return false
	}
	r, err := opened(t, s).Push(t.Context(), pair)
	const want = `{"operationContext":{"environmentVariables":{"AWS_ACCESS_KEY_ID":{"secret":"AKIANEW"},"AWS_SECRET_ACCESS_KEY":{"secret":"new/+secret"},"AWS_SESSION_TOKEN":null}}}`
	if err != nil || sent != want || r.Stamp != "2" {
		t.Errorf("%+v, %v\n%s", r, err, sent)
	}
}

func TestAChangeOfSomethingElseDoesNotMatter(t *testing.T) {
	s := settled(t)
	sink := opened(t, s)
	r, err := sink.Push(t.Context(), pair)
	if err != nil {
		t.Fatal(err)
	}
	s.put(object{"AWS_REGION": "us-east-1"})
	if e, err := sink.Verify(t.Context(), pair, "", r); e != sinks.Stamped || err != nil {
		t.Errorf("%v, %v", e, err)
	}
}

func TestSettingsThatDoNotExistAreMade(t *testing.T) {
	s := newServer(t)
	sink := opened(t, s)
	w, err := sink.Check(t.Context())
	want := []sinks.Warning{"pulumi-deployments: the stack has no deployment settings: a push makes them, with the pair alone"}
	if err != nil || !reflect.DeepEqual(w, want) {
		t.Errorf("%q, %v", w, err)
	}
	r, err := sink.Push(t.Context(), pair)
	if err != nil || len(s.variables()) != 2 {
		t.Fatalf("%v, %v", s.variables(), err)
	}
	if e, err := sink.Verify(t.Context(), pair, "", r); e != sinks.Stamped || err != nil {
		t.Errorf("%v, %v", e, err)
	}
}

func TestEvidenceIsWhatTheAPITells(t *testing.T) {
	for name, c := range map[string]struct {
		silent, mute bool
		want         sinks.Evidence
	}{
		"versions alone":      {false, true, sinks.Stamped},
		"ciphertexts alone":   {true, false, sinks.Stamped},
		"neither one of them": {true, true, sinks.Accepted},
	} {
		t.Run(name, func(t *testing.T) {
			s := settled(t)
			s.silent, s.mute = c.silent, c.mute
			sink := opened(t, s)
			r, err := sink.Push(t.Context(), pair)
			if err != nil {
				t.Fatal(err)
			}
			if e, err := sink.Verify(t.Context(), pair, "", r); e != c.want || err != nil {
				t.Errorf("%v, %v", e, err)
			}
		})
	}
}

func TestCheckWarns(t *testing.T) {
	s := settled(t)
	s.Change(func() {
		s.merge(object{"operationContext": object{
			"environmentVariables": object{"AWS_SESSION_TOKEN": object{"secret": "x"}, "AWS_SECRET_ACCESS_KEY": "plain"},
			"oidc":                 object{"aws": object{"roleARN": "arn:aws:iam::1:role/x"}},
		}})
	})
	got, err := opened(t, s).Check(t.Context())
	want := []sinks.Warning{
		"pulumi-deployments: AWS_SESSION_TOKEN lies beside the pair and makes it useless: a push removes it",
		"pulumi-deployments: AWS_SECRET_ACCESS_KEY is not encrypted: a push makes it a secret",
		"pulumi-deployments: the stack gets AWS credentials by OIDC too: which ones a deployment uses is not said",
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestFailuresAreNamed(t *testing.T) {
	gone := func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		w.WriteHeader(http.StatusNotFound)
		return true
	}
	for name, c := range map[string]struct {
		change func(*server)
		call   func(context.Context, sinks.Sink) error
		class  sinks.Class
		want   string
	}{
		"no stack": {
			func(s *server) { s.Before = gone },
			func(ctx context.Context, s sinks.Sink) error { _, err := s.Check(ctx); return err },
			sinks.Missing, "pulumi-deployments: check acme/network/prod: the stack does not exist, or the token may not see it",
		},
		"no stack, pushed": {
			func(s *server) { s.Before = gone },
			func(ctx context.Context, s sinks.Sink) error { _, err := s.Push(ctx, pair); return err },
			sinks.Missing, "pulumi-deployments: write acme/network/prod: the stack does not exist, or the token may not see it",
		},
		"no settings, verified": {
			func(s *server) { s.Before = gone },
			func(ctx context.Context, s sinks.Sink) error {
				_, err := s.Verify(ctx, pair, "", sinks.Receipt{})
				return err
			},
			sinks.Missing, "pulumi-deployments: read acme/network/prod: the stack has no deployment settings, or the token may not see them",
		},
		"settings that are not accepted": {
			nil,
			func(ctx context.Context, s sinks.Sink) error {
				_, err := s.Push(ctx, sinks.Credential{KeyID: "invalid", Secret: pair.Secret})
				return err
			},
			sinks.Refused, "pulumi-deployments: write acme/network/prod: Pulumi does not accept the settings",
		},
		"no receipt": {
			func(s *server) { s.put(object{"AWS_ACCESS_KEY_ID": "AKIANEW", "AWS_SECRET_ACCESS_KEY": "x"}) },
			func(ctx context.Context, s sinks.Sink) error {
				_, err := s.Verify(ctx, pair, "", sinks.Receipt{})
				return err
			},
			sinks.Unclassified, "pulumi-deployments: verify acme/network/prod: nothing that Pulumi shows says which pair it serves",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := settled(t)
			if c.change != nil {
				c.change(s)
			}
			err := c.call(within(t), opened(t, s))
			if err == nil || sinks.ClassOf(err) != c.class || err.Error() != c.want {
				t.Errorf("%v: %v\nwant %v: %s", sinks.ClassOf(err), err, c.class, c.want)
			}
		})
	}
}

func TestWhatChangedIsStale(t *testing.T) {
	for name, c := range map[string]struct {
		change object
		want   string
	}{
		"another secret":          {object{"AWS_SECRET_ACCESS_KEY": object{"secret": "x"}}, "the variables were changed since they were written"},
		"another key in the open": {object{"AWS_ACCESS_KEY_ID": "AKIAOTHER"}, "AWS_ACCESS_KEY_ID holds another key"},
		"a session token":         {object{"AWS_SESSION_TOKEN": object{"secret": "x"}}, "AWS_SESSION_TOKEN lies beside the key"},
		"a secret that is gone":   {object{"AWS_SECRET_ACCESS_KEY": nil}, "AWS_SECRET_ACCESS_KEY is not there"},
	} {
		t.Run(name, func(t *testing.T) {
			s := settled(t)
			sink := opened(t, s)
			r, err := sink.Push(t.Context(), pair)
			if err != nil {
				t.Fatal(err)
			}
			s.put(c.change)
			_, err = sink.Verify(t.Context(), pair, "", r)
			if sinks.ClassOf(err) != sinks.Stale || err.Error() != "pulumi-deployments: verify acme/network/prod: "+c.want {
				t.Error(err)
			}
		})
	}
}

func TestConfigIsValidated(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no address":      {func(c *Config) { c.URL = "" }, "url: must be an address that starts with https:// or http://"},
		"no token":        {func(c *Config) { c.Token.File = "" }, "token: must not be empty"},
		"no organization": {func(c *Config) { c.Organization = "" }, "organization: must have 1 to 100 letters, digits, dots, - and _"},
		"dots alone":      {func(c *Config) { c.Project = ".." }, "project: must have 1 to 100 letters, digits, dots, - and _"},
		"a full name":     {func(c *Config) { c.Stack = "acme/prod" }, "stack: must have 1 to 100 letters, digits, dots, - and _"},
		"a bad variable":  {func(c *Config) { c.Variables.AccessKeyID = "1ST" }, "variables.access_key_id: must have only letters, digits and _, and not start with a digit"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := newConfig(t, newServer(t))
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
