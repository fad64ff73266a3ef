package hoop

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/sinktest"
)

func file(t sinktest.T, text string) secret.Ref {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatalf("%v", err)
	}
	return secret.Ref{File: path}
}

func configFor(t sinktest.T, s *server) *Config {
	cfg := Spec.New().(*Config)
	cfg.URL, cfg.Connection, cfg.Token = s.URL, "aws", file(t, token)
	return cfg
}

func TestConformance(t *testing.T) {
	for name, c := range map[string]struct {
		hides    bool
		evidence sinks.Evidence
		auth     func(t sinktest.T, c *Config)
	}{
		"a gateway that shows values, by token":   {false, sinks.Exact, func(sinktest.T, *Config) {}},
		"a gateway that hides values, by its key": {true, sinks.Stamped, func(t sinktest.T, c *Config) { c.Token, c.APIKey = secret.Ref{}, file(t, apiKey) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sinktest.Run(t, sinktest.Kind{Spec: Spec, Evidence: c.evidence, New: func(t sinktest.T) sinktest.Target {
				s := newServer(t)
				s.hides = c.hides
				cfg := configFor(t, s)
				c.auth(t, cfg)
				return s.target(cfg)
			}})
		})
	}
}

var pair = sinks.Credential{KeyID: "AKIAIOSFODNN7EXAMPLE", Secret: secret.FromString("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")}

func opened(t *testing.T, cfg *Config) *sink {
	t.Helper()
	s, err := Spec.Open(t.Context(), cfg, sinks.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return s.(*sink)
}

func TestOtherValuesStayHiddenOrNot(t *testing.T) {
	want := map[string]string{
		"envvar:REGION": b64("eu-central-1"), "filesystem:KUBECONFIG": b64("clusters: []"), "envvar:DB": b64("_aws:db:name"),
		"envvar:AWS_ACCESS_KEY_ID": b64(string(pair.KeyID)), "envvar:AWS_SECRET_ACCESS_KEY": b64(pair.Secret.Reveal()),
	}
	for name, hides := range map[string]bool{"shown": false, "hidden": true} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.hides = hides
			s.envs["envvar:AWS_SESSION_TOKEN"] = b64("stale")
			if _, err := opened(t, configFor(t, s)).Push(t.Context(), pair); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, s.envs); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAPairThatIsShownIsNotWrittenAgain(t *testing.T) {
	s := newServer(t)
	sink := opened(t, configFor(t, s))
	first, err := sink.Push(t.Context(), pair)
	if err != nil {
		t.Fatal(err)
	}
	again, err := sink.Push(t.Context(), pair)
	if err != nil || again.Stamp != first.Stamp {
		t.Errorf("%q, %v, want %q", again.Stamp, err, first.Stamp)
	}
}

func TestHiddenValuesThatSomebodyElseChangedAreStale(t *testing.T) {
	s := newServer(t)
	s.hides = true
	sink := opened(t, configFor(t, s))
	r, err := sink.Push(t.Context(), pair)
	if err != nil {
		t.Fatal(err)
	}
	if e, err := sink.Verify(t.Context(), pair, "", r); e != sinks.Stamped || err != nil {
		t.Fatalf("%v, %v", e, err)
	}
	s.change(func() { s.envs["envvar:REGION"] = b64("eu-west-1") })
	_, err = sink.Verify(t.Context(), pair, "", r)
	want := "hoop: verify connection aws: its values were changed since they were written"
	if err == nil || err.Error() != want || sinks.ClassOf(err) != sinks.Stale {
		t.Errorf("%v, want %s", err, want)
	}
	if _, err := sink.Serving(t.Context()); !errors.Is(err, sinks.ErrBlind) {
		t.Errorf("serving: %v", err)
	}
}

// Each push reads and writes all values: side by side, one would undo the other's.
func TestPushesOfOneConnectionWaitForEachOther(t *testing.T) {
	s := newServer(t)
	env := sinks.Env{Serials: &sinks.Serials{}}
	var all sync.WaitGroup
	for i := range 8 {
		cfg := configFor(t, s)
		cfg.Variables = sinks.Variables{AccessKeyID: fmt.Sprintf("ID_%d", i), SecretAccessKey: fmt.Sprintf("SECRET_%d", i), SessionToken: "TOKEN"}
		sink, err := Spec.Open(t.Context(), cfg, env)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			if _, err := sink.Push(t.Context(), pair); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(s.envs) != 3+2*8 {
		t.Errorf("%d values are left", len(s.envs))
	}
}

func TestVerifyWaitsForAnAnswerThatLags(t *testing.T) {
	s := newServer(t)
	sink := opened(t, configFor(t, s))
	r, err := sink.Push(t.Context(), pair)
	if err != nil {
		t.Fatal(err)
	}
	s.lag = 2
	if e, err := sink.Verify(t.Context(), pair, "", r); e != sinks.Exact || err != nil || s.lag != 0 {
		t.Errorf("%v, %v, %d answers are left", e, err, s.lag)
	}
}

func TestChecksAndPushesThatFail(t *testing.T) {
	for name, c := range map[string]struct {
		set   func(*testing.T, *server, *Config)
		want  string
		class sinks.Class
	}{
		"an agent's connection": {func(_ *testing.T, s *server, _ *Config) { s.managedBy = "agent" },
			"hoop: look at connection aws: its agent manages it: nobody else can write to it", sinks.Refused},
		"a reference to another store": {func(_ *testing.T, s *server, _ *Config) {
			s.hides, s.envs["envvar:AWS_SECRET_ACCESS_KEY"] = true, b64("_aws:ci/bot:secret")
		}, "hoop: look at connection aws: AWS_SECRET_ACCESS_KEY refers to another store: write the pair to that one", sinks.Refused},
		"a connection that is not there": {func(_ *testing.T, _ *server, c *Config) { c.Connection = "none" },
			"hoop: read connection none: 404 Not Found: there is no such connection, or the token may not see it", sinks.Missing},
		"a token that is not valid": {func(t *testing.T, _ *server, c *Config) { c.Token = file(t, "wrong") },
			"hoop: ask for the user: 401 Unauthorized: the token is not valid, or not of an administrator", sinks.Denied},
		"a token that may only read": {func(t *testing.T, _ *server, c *Config) { c.Token = file(t, auditor) },
			"hoop: ask for the user: the token is not of an administrator, who alone may write", sinks.Denied},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			cfg := configFor(t, s)
			c.set(t, s, cfg)
			sink := opened(t, cfg)
			_, err := sink.Check(t.Context())
			if err == nil || err.Error() != c.want || sinks.ClassOf(err) != c.class {
				t.Errorf("check: %v (%v), want %s", err, sinks.ClassOf(err), c.want)
			}
			envs := len(s.envs)
			if _, err = sink.Push(t.Context(), pair); sinks.ClassOf(err) != c.class || len(s.envs) != envs {
				t.Errorf("push: %v (%v), %d values", err, sinks.ClassOf(err), len(s.envs))
			}
		})
	}
}

func TestCheckWarnsOfASessionToken(t *testing.T) {
	s := newServer(t)
	s.envs["envvar:AWS_SESSION_TOKEN"] = b64("stale")
	got, err := opened(t, configFor(t, s)).Check(t.Context())
	want := []sinks.Warning{"hoop: AWS_SESSION_TOKEN lies beside the pair and makes it useless: a push removes it"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	for _, r := range s.requests {
		if r[:len(http.MethodGet)] != http.MethodGet {
			t.Errorf("it made %s", r)
		}
	}
}

func TestServingAValueThatIsNoBase64(t *testing.T) {
	s := newServer(t)
	s.envs["envvar:AWS_ACCESS_KEY_ID"] = "%"
	_, err := opened(t, configFor(t, s)).Serving(t.Context())
	if want := "hoop: read connection aws: AWS_ACCESS_KEY_ID is no text in base64"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(*Config)
		want string
	}{
		"nothing":                     {func(c *Config) { *c = Config{Variables: c.Variables} }, "url: must be an address that starts with https:// or http://\ntoken: exactly one of token and api_key must be given\nconnection: must be the name or the id of a connection"},
		"a token and a key":           {func(c *Config) { c.APIKey = secret.Ref{Env: "KEY"} }, "token: exactly one of token and api_key must be given"},
		"a connection that is a path": {func(c *Config) { c.Connection = "a/b" }, "connection: must be the name or the id of a connection"},
		"a name with a blank":         {func(c *Config) { c.Variables.AccessKeyID = "a b" }, "variables.access_key_id: must have only letters, digits and _, and not start with a digit"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Spec.New().(*Config)
			cfg.URL, cfg.Token, cfg.Connection = "https://hoop.example.com", secret.Ref{Env: "TOKEN"}, "aws"
			c.set(cfg)
			if err := cfg.Validate(); err == nil || err.Error() != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

func TestDestination(t *testing.T) {
	cfg := Spec.New().(*Config)
	cfg.URL, cfg.Connection = "https://hoop.example.com/base/api/", "aws"
	if got, want := cfg.Destination(), `hoop https://hoop.example.com/base/api connection aws variables "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
