package pulumiesc

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

func TestConformance(t *testing.T) {
	sinktest.Run(t, sinktest.Kind{Spec: Spec, New: func(t sinktest.T) sinktest.Target {
		s := newServer(t, neighbours)
		return s.target(newConfig(t, s))
	}})
}

// opened is a sink of a fresh model.
func opened(t *testing.T, text string) (*server, sinks.Sink) {
	t.Helper()
	s := newServer(t, text)
	sink, err := Spec.Open(t.Context(), newConfig(t, s), sinks.Env{UserAgent: "keyturn/test"})
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

func TestAPairThatIsThereIsNotWrittenAgain(t *testing.T) {
	s, sink := opened(t, neighbours)
	first, err := sink.Push(t.Context(), pair)
	if err != nil || first.Stamp != "2" || first.At.IsZero() {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := sink.Push(t.Context(), pair)
	if err != nil || again.Stamp != "2" || s.Made("PATCH") != 1 {
		t.Errorf("%+v, %v, %d writes", again, err, s.Made("PATCH"))
	}
}

// Others' ciphertexts are sent back as they were, never as what is in them.
func TestOnlyThePairIsSentInPlainText(t *testing.T) {
	s, sink := opened(t, neighbours)
	var sent string
	s.Before = func(_ http.ResponseWriter, r *http.Request, body []byte) bool {
		if r.Method == http.MethodPatch {
			sent = string(body)
		}
		return false
	}
	if _, err := sink.Push(t.Context(), pair); err != nil {
		t.Fatal(err)
	}
	want := encrypted(neighbours) + "    AWS_ACCESS_KEY_ID:\n      fn::secret: \"AKIANEW\"\n    AWS_SECRET_ACCESS_KEY:\n      fn::secret: \"new/+secret\"\n"
	if sent != want || strings.Contains(sent, "hunter2") {
		t.Errorf("%s\nwant\n%s", sent, want)
	}
}

// Somebody else changes another value between our read and our write.
func TestAWriteInBetweenIsNotLost(t *testing.T) {
	s, sink := opened(t, neighbours)
	var once sync.Once
	s.Before = func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
		if r.Method == http.MethodPatch {
			once.Do(func() {
				s.Put(thing, varstest.Var{Value: strings.ReplaceAll(s.Vars[thing].Value, "eu-central-1", "us-east-1")})
			})
		}
		return false
	}
	r, err := sink.Push(t.Context(), pair)
	if text := s.text(); err != nil || r.Stamp != "3" || !strings.Contains(text, "us-east-1 # where") || !strings.Contains(text, "AWS_ACCESS_KEY_ID") {
		t.Errorf("%+v, %v\n%s", r, err, text)
	}
	if s.Made("PATCH") != 2 {
		t.Errorf("%d writes", s.Made("PATCH"))
	}
}

func TestAnOlderAnswerIsWaitedFor(t *testing.T) {
	s, sink := opened(t, neighbours)
	r, err := sink.Push(t.Context(), pair)
	if err != nil {
		t.Fatal(err)
	}
	s.lag = 2
	if e, err := sink.Verify(t.Context(), pair, "", r); e != sinks.Exact || err != nil {
		t.Errorf("%v, %v", e, err)
	}
}

func TestCheckWarns(t *testing.T) {
	_, sink := opened(t, "values:\n  environmentVariables:\n    AWS_SECRET_ACCESS_KEY: plain\n    AWS_SESSION_TOKEN: {fn::secret: x}\n")
	got, err := sink.Check(t.Context())
	want := []sinks.Warning{
		"pulumi-esc: AWS_SESSION_TOKEN lies beside the pair and makes it useless: a push removes it",
		"pulumi-esc: AWS_SECRET_ACCESS_KEY is not encrypted: a push encrypts it, but older revisions keep what it was",
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestFailuresAreNamed(t *testing.T) {
	check := func(ctx context.Context, s sinks.Sink) error { _, err := s.Check(ctx); return err }
	push := func(ctx context.Context, s sinks.Sink) error { _, err := s.Push(ctx, pair); return err }
	serving := func(ctx context.Context, s sinks.Sink) error { _, err := s.(sinks.Reader).Serving(ctx); return err }
	verify := func(ctx context.Context, s sinks.Sink) error {
		_, err := s.Verify(ctx, pair, "", sinks.Receipt{})
		return err
	}
	const inEnv = "values:\n  environmentVariables:\n"
	for name, c := range map[string]struct {
		text   string
		change func(*server)
		call   func(context.Context, sinks.Sink) error
		class  sinks.Class
		want   string
	}{
		"a reference": {
			inEnv + "    AWS_ACCESS_KEY_ID: ${aws.id}\n", nil, check, sinks.Refused,
			"pulumi-esc: check acme/ci/aws: AWS_ACCESS_KEY_ID refers to another value: set path and variables to where that one is",
		},
		"a reference, pushed": {
			inEnv + "    AWS_SECRET_ACCESS_KEY: ${aws.id}\n", nil, push, sinks.Refused,
			"pulumi-esc: edit acme/ci/aws: AWS_SECRET_ACCESS_KEY refers to another value: set path and variables to where that one is",
		},
		"a reference, asked for": {
			inEnv + "    AWS_ACCESS_KEY_ID: ${aws.id}\n", nil, serving, sinks.Refused,
			"pulumi-esc: read acme/ci/aws: AWS_ACCESS_KEY_ID refers to another value: set path and variables to where that one is",
		},
		"no ETag": {
			neighbours, func(s *server) { s.bare = true }, check, sinks.Refused,
			"pulumi-esc: check acme/ci/aws: the answer had no ETag: a change of somebody else could be lost",
		},
		"no ETag, pushed": {
			neighbours, func(s *server) { s.bare = true }, push, sinks.Refused,
			"pulumi-esc: write acme/ci/aws: the answer had no ETag: a change of somebody else could be lost",
		},
		"diagnostics": {
			neighbours + "    X: invalid\n", nil, push, sinks.Refused,
			"pulumi-esc: write acme/ci/aws: Pulumi does not accept the definition",
		},
		"writers who never stop": {
			neighbours, func(s *server) {
				s.Before = func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
					s.Put(thing, s.Vars[thing])
					return false
				}
			}, push, sinks.Conflict,
			"pulumi-esc: write acme/ci/aws: somebody else wrote at the same time",
		},
		"no key": {neighbours, nil, verify, sinks.Stale, "pulumi-esc: verify acme/ci/aws: it holds no key"},
		"another key": {
			inEnv + "    AWS_ACCESS_KEY_ID: AKIAOTHER\n", nil, verify, sinks.Stale, "pulumi-esc: verify acme/ci/aws: it holds another key",
		},
		"another secret": {
			inEnv + "    AWS_ACCESS_KEY_ID: AKIANEW\n    AWS_SECRET_ACCESS_KEY: {fn::secret: x}\n", nil, verify, sinks.Stale,
			"pulumi-esc: verify acme/ci/aws: it holds a session token beside the key, or another secret",
		},
		"no environment": {
			neighbours, func(s *server) {
				s.Before = func(w http.ResponseWriter, _ *http.Request, _ []byte) bool { w.WriteHeader(404); return true }
			}, check, sinks.Missing,
			"pulumi-esc: decrypt acme/ci/aws: the environment does not exist, or the token may not see it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, sink := opened(t, c.text)
			if c.change != nil {
				c.change(s)
			}
			err := c.call(within(t), sink)
			if sinks.ClassOf(err) != c.class || err.Error() != c.want {
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
		"no address":       {func(c *Config) { c.URL = "pulumi.com" }, "url: must be an address that starts with https:// or http://"},
		"no token":         {func(c *Config) { c.Token.File = "" }, "token: must not be empty"},
		"no organization":  {func(c *Config) { c.Organization = "" }, "organization: must have 1 to 100 letters, digits, dots, - and _"},
		"dots alone":       {func(c *Config) { c.Project = ".." }, "project: must have 1 to 100 letters, digits, dots, - and _"},
		"a path":           {func(c *Config) { c.Environment = "a/b" }, "environment: must have 1 to 100 letters, digits, dots, - and _"},
		"an empty path":    {func(c *Config) { c.Path = "" }, "path: must be names with dots between them, of letters, digits, - and _"},
		"an index":         {func(c *Config) { c.Path = "a.b[0]" }, "path: must be names with dots between them, of letters, digits, - and _"},
		"names alike":      {func(c *Config) { c.Variables.AccessKeyID = "AWS_SECRET_ACCESS_KEY" }, "variables: access_key_id, secret_access_key and session_token must differ"},
		"a name with dots": {func(c *Config) { c.Variables.AccessKeyID = "aws.id" }, "variables.access_key_id: must have only letters, digits, - and _, and not start with a digit"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := newConfig(t, newServer(t, ""))
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

func TestTheDestinationNamesWhatIsWritten(t *testing.T) {
	cfg := Spec.New().(*Config)
	cfg.Organization, cfg.Project, cfg.Environment = "acme", "ci", "aws"
	const want = `pulumi-esc https://api.pulumi.com acme/ci/aws values.environmentVariables "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY"`
	if got := cfg.Destination(); got != want {
		t.Error(got)
	}
}
