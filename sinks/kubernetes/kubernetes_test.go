package kubernetes

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/sinktest"
)

func TestConformance(t *testing.T) {
	for name, change := range map[string]func(*server, *Config){
		"a Secret that is there": func(*server, *Config) {},
		"a Secret that is made, with other names": func(s *server, cfg *Config) {
			cfg.Secret, s.allowed = "new", []string{"create"}
			cfg.Variables = sinks.Variables{AccessKeyID: "ci.id", SecretAccessKey: "ci.secret", SessionToken: "ci.token"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kind := sinktest.Kind{Spec: Spec, New: func(t sinktest.T) sinktest.Target {
				s := newServer(t)
				cfg := s.config(t)
				change(s, cfg)
				target := s.target(cfg)
				if cfg.Secret == "new" {
					write := target.Write
					target.Write = func(t sinktest.T, p sinktest.Pair) {
						s.Change(func() {
							if s.secrets["new"] == nil {
								s.make("new", map[string][]byte{})
							}
						})
						write(t, p)
					}
					target.Others = func(sinktest.T) string { return fmt.Sprint(s.look("bot")) }
				}
				return target
			}}
			sinktest.Run(t, kind)
		})
	}
}

var pair = sinks.Credential{KeyID: "AKIANEW", Secret: secret.FromString("new/+secret")}

// opened is a sink of a fresh model.
func opened(t *testing.T, change func(*server, *Config)) (*server, sinks.Sink) {
	t.Helper()
	s := newServer(t)
	cfg := s.config(t)
	if change != nil {
		change(s, cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	sink, err := Spec.Open(t.Context(), cfg, sinks.Env{UserAgent: "keyturn/test"})
	if err != nil {
		t.Fatal(err)
	}
	return s, sink
}

// within is the time of a call that should succeed, or fail at once.
func within(t *testing.T) context.Context { return timed(t, 30*time.Second) }

// briefly is the time of a call that may retry until its end.
func briefly(t *testing.T) context.Context { return timed(t, 300*time.Millisecond) }

func timed(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestTwoPairsInOneSecretDoNotTakeEachOthersPlace(t *testing.T) {
	s, first := opened(t, nil)
	cfg := s.config(t)
	cfg.Variables = sinks.Variables{AccessKeyID: "DEPLOY_ID", SecretAccessKey: "DEPLOY_SECRET", SessionToken: "DEPLOY_TOKEN"}
	second, err := Spec.Open(t.Context(), cfg, sinks.Env{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, sink := range []sinks.Sink{first, second} {
			if _, err := sink.Push(within(t), pair); err != nil {
				t.Fatal(err)
			}
		}
		s.update("bot", map[string]string{"AWS_ACCESS_KEY_ID": "AKIAOLD"})
	}
	if _, err := first.Push(within(t), pair); err != nil {
		t.Fatal(err)
	}
	for _, sink := range []sinks.Sink{first, second} {
		if e, err := sink.Verify(t.Context(), pair, "", sinks.Receipt{}); e != sinks.Exact || err != nil {
			t.Errorf("%v, %v", e, err)
		}
	}
	if data := s.look("bot"); len(data) != 6 {
		t.Errorf("%d keys", len(data))
	}
}

func TestAWriteInBetweenIsNotLost(t *testing.T) {
	s, sink := opened(t, nil)
	done := false
	s.Before = func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
		if r.Method == http.MethodPatch && !done {
			done = true
			s.rv++
			s.secrets["bot"].rv = s.rv
			s.secrets["bot"].data["AWS_SESSION_TOKEN"] = []byte("of another role")
		}
		return false
	}
	r, err := sink.Push(within(t), pair)
	if err != nil || r.Stamp != "3" || r.At.IsZero() {
		t.Errorf("%+v, %v", r, err)
	}
	if e, err := sink.Verify(t.Context(), pair, "", r); e != sinks.Exact || err != nil {
		t.Errorf("%v, %v", e, err)
	}
}

func TestTheSamePairIsNotWrittenAgain(t *testing.T) {
	s, sink := opened(t, nil)
	for range 3 {
		if r, err := sink.Push(within(t), pair); err != nil || r.Stamp != "2" {
			t.Errorf("%+v, %v", r, err)
		}
	}
	if n := s.Made("PATCH "); n != 1 {
		t.Errorf("%d writes", n)
	}
}

func TestVerifyNamesWhatIsThere(t *testing.T) {
	for want, change := range map[string]map[string]string{
		"it holds no key":                                {"AWS_ACCESS_KEY_ID": ""},
		"it holds another key":                           {"AWS_ACCESS_KEY_ID": "AKIAOLD"},
		"it holds another secret beside the same key id": {"AWS_SECRET_ACCESS_KEY": "old"},
		"it holds a session token beside the key":        {"AWS_SESSION_TOKEN": "t"},
	} {
		s, sink := opened(t, nil)
		if _, err := sink.Push(within(t), pair); err != nil {
			t.Fatal(err)
		}
		s.update("bot", change)
		_, err := sink.Verify(t.Context(), pair, "", sinks.Receipt{})
		if err == nil || err.Error() != "kubernetes: verify ci/bot: "+want || sinks.ClassOf(err) != sinks.Stale {
			t.Errorf("%v, want %s", err, want)
		}
	}
	_, sink := opened(t, func(_ *server, c *Config) { c.Secret = "new" })
	if _, err := sink.Verify(t.Context(), pair, "", sinks.Receipt{}); err == nil || err.Error() != "kubernetes: verify ci/new: the Secret does not exist" {
		t.Error(err)
	}
}

func TestAFailureIsNamed(t *testing.T) {
	answer := func(code int, body string) func(http.ResponseWriter, *http.Request, []byte) bool {
		return func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
			return true
		}
	}
	for name, c := range map[string]struct {
		change      func(*server, *Config)
		class       sinks.Class
		check, push string
	}{
		"an immutable Secret": {
			func(s *server, _ *Config) { s.secrets["bot"].immutable = true }, sinks.Refused,
			"kubernetes: check ci/bot: the Secret is immutable: it can only be replaced by a new one",
			"kubernetes: write ci/bot: the Secret is immutable: it can only be replaced by a new one",
		},
		"a Secret that is made immutable in between": {
			func(s *server, _ *Config) {
				s.Before = func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
					s.secrets["bot"].immutable = r.Method == http.MethodPatch
					return false
				}
			}, sinks.Refused,
			"kubernetes: check ci/bot: the Secret is immutable: it can only be replaced by a new one",
			"kubernetes: write ci/bot: the Secret is immutable: it can only be replaced by a new one",
		},
		"a Secret that is absent and may not be made": {
			func(_ *server, c *Config) { c.Secret = "new" }, sinks.Missing,
			"kubernetes: check ci/new: the Secret does not exist, and the account may not create it",
			"kubernetes: write ci/new: the Secret does not exist, and the account may not create it",
		},
		"a namespace that is missing": {
			func(s *server, c *Config) { c.Secret, s.gone, s.allowed = "new", true, []string{"create"} }, sinks.Missing,
			"kubernetes: check ci/new: the namespace does not exist",
			"kubernetes: write ci/new: the namespace does not exist",
		},
		"another Secret than RBAC names": {
			func(_ *server, c *Config) { c.Secret = "theirs" }, sinks.Denied,
			"kubernetes: read ci/theirs: RBAC, a quota or an admission policy does not allow to get the Secret",
			"kubernetes: read ci/theirs: RBAC, a quota or an admission policy does not allow to get the Secret",
		},
		"a token that is refused": {
			func(_ *server, c *Config) { c.Kubeconfig = replaced(c.Kubeconfig, token, "wrong") }, sinks.Denied,
			"kubernetes: read ci/bot: the token or client certificate is not accepted",
			"kubernetes: read ci/bot: the token or client certificate is not accepted",
		},
		"a proxy's page": {
			func(s *server, _ *Config) { s.Before = answer(404, "<html>nothing here</html>") }, sinks.Missing,
			"kubernetes: read ci/bot: 404 Not Found", "kubernetes: read ci/bot: 404 Not Found",
		},
		"a page instead of JSON": {
			func(s *server, _ *Config) { s.Before = answer(200, "<html>log in</html>") }, sinks.Temporary,
			"kubernetes: read ci/bot: the answer is not the JSON that was expected",
			"kubernetes: read ci/bot: the answer is not the JSON that was expected",
		},
		"a webhook that is down": {
			func(s *server, _ *Config) {
				s.Before = answer(500, `{"kind":"Status","message":"failed calling webhook"}`)
			}, sinks.Temporary,
			"kubernetes: read ci/bot: 500 Internal Server Error", "kubernetes: read ci/bot: 500 Internal Server Error",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, sink := opened(t, c.change)
			_, err := sink.Check(briefly(t))
			if err == nil || err.Error() != c.check || sinks.ClassOf(err) != c.class {
				t.Errorf("check: %v: %v, want %v: %s", sinks.ClassOf(err), err, c.class, c.check)
			}
			_, err = sink.Push(briefly(t), pair)
			if err == nil || err.Error() != c.push || sinks.ClassOf(err) != c.class {
				t.Errorf("push: %v: %v, want %v: %s", sinks.ClassOf(err), err, c.class, c.push)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*server)
		want   []sinks.Warning
	}{
		"nothing to say": {func(*server) {}, nil},
		"a session token": {
			func(s *server) { s.secrets["bot"].data["AWS_SESSION_TOKEN"] = []byte("t") },
			[]sinks.Warning{"kubernetes: AWS_SESSION_TOKEN lies beside the pair and makes it useless: a push removes it"},
		},
		"a controller": {
			func(s *server) {
				s.secrets["bot"].owners = []owner{{Kind: "ExternalSecret", Name: "aws", Controller: true}, {Kind: "App", Name: "ci"}}
			},
			[]sinks.Warning{"kubernetes: the Secret belongs to the ExternalSecret aws, which may write it anew: let keyturn write where that takes the pair from"},
		},
		"another who applies": {
			func(s *server) {
				s.secrets["bot"].applied["flux"] = []string{"AWS_ACCESS_KEY_ID"}
				s.secrets["bot"].applied["argocd"] = []string{"region"}
				s.secrets["bot"].applied["keyturn"] = []string{"AWS_ACCESS_KEY_ID"}
			},
			[]sinks.Warning{"kubernetes: the field manager flux applies the same keys: its next apply conflicts, or puts its own pair back"},
		},
		"a webhook with effects": {
			func(s *server) { s.effects = true },
			[]sinks.Warning{"kubernetes: an admission webhook takes no dry run: whether the Secret may be written is not known"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, sink := opened(t, func(s *server, _ *Config) { c.change(s) })
			got, err := sink.Check(within(t))
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestConfigurationsThatAreWrong(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no cluster":            {func(c *Config) { c.Kubeconfig = "" }, "kubeconfig: exactly one of kubeconfig and in_cluster: true must be given"},
		"two clusters":          {func(c *Config) { c.InCluster = true }, "kubeconfig: exactly one of kubeconfig and in_cluster: true must be given"},
		"a context in a pod":    {func(c *Config) { c.Kubeconfig, c.InCluster, c.Context = "", true, "x" }, "context: is that of a kubeconfig, and none is given"},
		"no namespace":          {func(c *Config) { c.Namespace = "" }, "namespace: must be the name of a namespace: small letters, digits and -"},
		"a way out":             {func(c *Config) { c.Namespace = "ci/secrets" }, "namespace: must be the name of a namespace: small letters, digits and -"},
		"a Secret in capitals":  {func(c *Config) { c.Secret = "Bot" }, "secret: must be the name of a Secret: small letters, digits, - and dots"},
		"a Secret with a slash": {func(c *Config) { c.Secret = "a/b" }, "secret: must be the name of a Secret: small letters, digits, - and dots"},
		"a key with a slash":    {func(c *Config) { c.Variables.AccessKeyID = "a/b" }, "variables.access_key_id: must have only letters, digits, dots, - and _, and not start with two dots"},
		"a key of dots":         {func(c *Config) { c.Variables.AccessKeyID = "..a" }, "variables.access_key_id: must have only letters, digits, dots, - and _, and not start with two dots"},
		"a long key":            {func(c *Config) { c.Variables.AccessKeyID = strings.Repeat("a", 101) }, "variables.access_key_id: is too long"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Spec.New().(*Config)
			cfg.Kubeconfig, cfg.Namespace, cfg.Secret = "/etc/kubeconfig", "ci", "aws.bot-1"
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

func TestDestinationTellsTwoPlacesApart(t *testing.T) {
	base := Config{Kubeconfig: "/k", Namespace: "ci", Secret: "bot", Variables: sinks.DefaultVariables}
	for name, change := range map[string]func(*Config){
		"kubeconfig": func(c *Config) { c.Kubeconfig = "/l" }, "context": func(c *Config) { c.Context = "x" },
		"cluster":   func(c *Config) { c.Kubeconfig, c.InCluster = "", true },
		"namespace": func(c *Config) { c.Namespace = "x" }, "secret": func(c *Config) { c.Secret = "x" },
		"variables": func(c *Config) { c.Variables.AccessKeyID = "id" },
	} {
		other := base
		change(&other)
		if other.Destination() == base.Destination() {
			t.Errorf("another %s is the same destination", name)
		}
	}
}

func TestTheDocPageNamesEveryKey(t *testing.T) {
	typ := reflect.TypeFor[Config]()
	for i := range typ.NumField() {
		if key := typ.Field(i).Tag.Get("yaml"); !strings.Contains(Spec.Doc, key) {
			t.Errorf("the doc page does not mention %s", key)
		}
	}
}
