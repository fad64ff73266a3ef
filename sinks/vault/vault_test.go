package vault

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/vaultapi"
	"keyturn/sinks/sinktest"
)

func newConfig() *Config { return Spec.New().(*Config) }

// file puts a secret where a reference finds it.
func file(t sinktest.T, value string) secret.Ref {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
		t.Fatalf("%v", err)
	}
	return secret.Ref{File: path}
}

func withToken(t sinktest.T, mount string, kv int) *Config {
	cfg := newConfig()
	cfg.Token, cfg.Mount, cfg.KV = file(t, rootToken), mount, kv
	return cfg
}

func TestConformance(t *testing.T) {
	for name, config := range map[string]func(t sinktest.T) *Config{
		"KV version 2 that is asked for": func(t sinktest.T) *Config { return withToken(t, "secret", 0) },
		"KV version 2 by AppRole": func(t sinktest.T) *Config {
			cfg := newConfig()
			cfg.AppRole = &vaultapi.AppRole{RoleID: "role", SecretID: file(t, secretID)}
			return cfg
		},
		"KV version 1 with other names": func(t sinktest.T) *Config {
			cfg := withToken(t, "kv1", 1)
			cfg.Variables = sinks.Variables{AccessKeyID: "id", SecretAccessKey: "value", SessionToken: "session"}
			return cfg
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sinktest.Run(t, sinktest.Kind{Spec: Spec, New: func(t sinktest.T) sinktest.Target {
				return newServer(t).target(config(t))
			}})
		})
	}
}

// opened is a sink of a fresh model.
func opened(t *testing.T, change func(*server, *Config)) (*server, sinks.Sink) {
	t.Helper()
	s := newServer(t)
	cfg := withToken(t, "secret", 0)
	s.target(cfg)
	if change != nil {
		change(s, cfg)
	}
	sink, err := Spec.Open(t.Context(), cfg, sinks.Env{UserAgent: "keyturn/test"})
	if err != nil {
		t.Fatal(err)
	}
	return s, sink
}

var pair = sinks.Credential{KeyID: "AKIANEW", Secret: secret.FromString("new/+secret")}

// within is the time of a call that may retry until its end.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestAPairThatIsThereIsNotWrittenAgain(t *testing.T) {
	s, sink := opened(t, nil)
	first, err := sink.Push(t.Context(), pair)
	if err != nil || first.Stamp != "2" || first.At.IsZero() {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := sink.Push(t.Context(), pair)
	if err != nil || again.Stamp != "2" || !again.At.Equal(first.At) || s.made("PUT secret/data/ci/bot") != 1 {
		t.Errorf("%+v, %v, %d writes", again, err, s.made("PUT secret/data/ci/bot"))
	}
}

// Somebody else changes another field between our read and our write.
func TestAWriteInBetweenIsNotLost(t *testing.T) {
	s, sink := opened(t, nil)
	var once sync.Once
	s.before = func(method, path string) {
		if method == http.MethodPut && path == "secret/data/ci/bot" {
			once.Do(func() { s.put("secret", "ci/bot", map[string]string{"region": "us-east-1"}) })
		}
	}
	r, err := sink.Push(t.Context(), pair)
	f := s.look("secret", "ci/bot")
	if err != nil || r.Stamp != "3" || f.text("region") != "us-east-1" || f.text("AWS_ACCESS_KEY_ID") != "AKIANEW" {
		t.Errorf("%+v, %v, %s", r, err, f)
	}
}

func TestAnotherFieldThatChangesLaterDoesNotMatter(t *testing.T) {
	s, sink := opened(t, nil)
	r, err := sink.Push(t.Context(), pair)
	if err != nil {
		t.Fatal(err)
	}
	s.put("secret", "ci/bot", map[string]string{"region": "us-east-1"})
	if e, err := sink.Verify(t.Context(), pair, "", r); e != sinks.Exact || err != nil {
		t.Errorf("%v, %v", e, err)
	}
}

func TestAReplicaThatLagsIsWaitedFor(t *testing.T) {
	s, sink := opened(t, nil)
	r, err := sink.Push(t.Context(), pair)
	if err != nil {
		t.Fatal(err)
	}
	s.lag = 2
	if e, err := sink.Verify(t.Context(), pair, "", r); e != sinks.Exact || err != nil {
		t.Errorf("%v, %v", e, err)
	}
	s.lag = 1000
	_, err = sink.Verify(t.Context(), pair, "", r)
	if sinks.ClassOf(err) != sinks.Stale || err.Error() != "vault: verify secret/ci/bot: it holds no key" {
		t.Errorf("a store that was set back: %v", err)
	}
}

func TestADeletedVersionIsWrittenOver(t *testing.T) {
	s, sink := opened(t, nil)
	s.v2["ci/bot"][0].deleted = true
	w, err := sink.Check(t.Context())
	want := []sinks.Warning{"vault: the newest version of secret/ci/bot is deleted: a push brings it back with the pair alone"}
	if err != nil || !reflect.DeepEqual(w, want) {
		t.Errorf("%q, %v", w, err)
	}
	if id, err := sink.(sinks.Reader).Serving(t.Context()); id != "" || err != nil {
		t.Errorf("serving %q, %v", id, err)
	}
	r, err := sink.Push(t.Context(), pair)
	if err != nil || r.Stamp != "2" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestASecretThatDoesNotExistIsMade(t *testing.T) {
	s, sink := opened(t, func(s *server, c *Config) { c.Path = "new/bot" })
	r, err := sink.Push(t.Context(), pair)
	if err != nil || r.Stamp != "1" || len(s.look("secret", "new/bot")) != 2 {
		t.Errorf("%+v, %v, %s", r, err, s.look("secret", "new/bot"))
	}
}

func TestAStoreThatUpgradesIsWaitedFor(t *testing.T) {
	s, sink := opened(t, func(s *server, _ *Config) { s.upgrading = 2 })
	if _, err := sink.Push(t.Context(), pair); err != nil {
		t.Error(err)
	}
	s.upgrading = 1000
	_, err := sink.(sinks.Reader).Serving(within(t))
	if err == nil || err.Error() != "vault: read secret/ci/bot: the store is being upgraded to version 2" {
		t.Error(err)
	}
}

// Numbers, nested values and characters of other fields come back as they were.
func TestOtherFieldsKeepTheirValues(t *testing.T) {
	s, sink := opened(t, nil)
	before := fields{"n": json.RawMessage(`12345678901234567890`), "o": json.RawMessage(`{"a":[1.50,null]}`), "AWS_SESSION_TOKEN": json.RawMessage(`7`)}
	s.v2["ci/bot"][0].fields = before
	if _, err := sink.Push(t.Context(), pair); err != nil {
		t.Fatal(err)
	}
	f := s.look("secret", "ci/bot")
	if string(f["n"]) != string(before["n"]) || string(f["o"]) != string(before["o"]) || f["AWS_SESSION_TOKEN"] != nil {
		t.Errorf("%s", f)
	}
}

func TestAFailureIsNamed(t *testing.T) {
	text := func(status int, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
			return true
		}
	}
	for name, c := range map[string]struct {
		change func(*server, *Config)
		class  sinks.Class
		want   string
	}{
		"sealed": {
			func(s *server, _ *Config) { s.answer = text(503, `{"errors":["Vault is sealed"]}`) },
			sinks.Temporary, "vault: check secret/ci/bot: the Vault is sealed",
		},
		"a proxy's page": {
			func(s *server, c *Config) { c.KV, s.answer = 2, text(404, `<html>not here</html>`) },
			sinks.Missing, "vault: check secret/ci/bot: 404 Not Found",
		},
		"another service": {
			func(s *server, c *Config) { c.KV, s.answer = 2, text(404, `{"message":"no"}`) },
			sinks.Missing, "vault: check secret/ci/bot: 404 Not Found",
		},
		"a page instead of JSON": {
			func(s *server, _ *Config) { s.answer = text(200, `<html>log in</html>`) },
			sinks.Temporary, "vault: check secret/ci/bot: the answer is not the JSON that was expected",
		},
		"a redirect to another host": {
			func(s *server, _ *Config) {
				s.answer = func(w http.ResponseWriter, r *http.Request) bool {
					http.Redirect(w, r, "http://other.invalid/", http.StatusTemporaryRedirect)
					return true
				}
			},
			sinks.Refused, "vault: check secret/ci/bot: the store redirects to another address",
		},
		"a status that is neither success nor failure": {
			func(s *server, _ *Config) { s.answer = text(304, ``) },
			sinks.Refused, "vault: check secret/ci/bot: 304 Not Modified",
		},
		"a mount that is not there": {
			func(_ *server, c *Config) { c.Mount = "nowhere" },
			sinks.Missing, "vault: check nowhere/ci/bot: nothing is mounted there",
		},
		"a mount of another sort": {
			func(_ *server, c *Config) { c.Mount = "pki" },
			sinks.Refused, "vault: check pki/ci/bot: pki is not a key-value store",
		},
		"the other version": {
			func(_ *server, c *Config) { c.KV = 1 },
			sinks.Refused, "vault: check secret/ci/bot: the store is version 2, the configuration says kv: 1",
		},
		"a namespace that is missing": {
			func(s *server, _ *Config) { s.namespace = "team" },
			sinks.Missing, "vault: check secret/ci/bot: nothing is mounted there",
		},
		"no right to write": {
			func(s *server, _ *Config) { s.tokens[rootToken].deny = []string{"write secret/data/ci/bot"} },
			sinks.Denied, "vault: check secret/ci/bot: the token's policies do not allow update on secret/data/ci/bot",
		},
		"no right to write a new one": {
			func(s *server, c *Config) {
				c.Path = "new"
				s.tokens[rootToken].deny = []string{"write secret/data/new"}
			},
			sinks.Denied, "vault: check secret/new: the token's policies do not allow create on secret/data/new",
		},
		"no right to read": {
			func(s *server, _ *Config) { s.tokens[rootToken].deny = []string{"secret/data/ci/bot"} },
			sinks.Denied, "vault: read secret/ci/bot: the token is not valid, or its policies do not allow it",
		},
		"a wrong secret id": {
			func(s *server, c *Config) {
				c.AppRole, c.Token = &vaultapi.AppRole{RoleID: "role", SecretID: c.Token}, secret.Ref{}
			},
			sinks.Denied, "vault: log in at auth/approle: the role or its secret is not accepted",
		},
		"a login that is not there": {
			func(s *server, c *Config) {
				c.JWT, c.Token = &vaultapi.JWT{Role: "r", Token: c.Token, Mount: "gitlab"}, secret.Ref{}
			},
			sinks.Denied, "vault: log in at auth/gitlab: the role or its secret is not accepted",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, sink := opened(t, c.change)
			_, err := sink.Check(within(t))
			if err == nil || err.Error() != c.want || sinks.ClassOf(err) != c.class {
				t.Errorf("%v: %v, want %v: %s", sinks.ClassOf(err), err, c.class, c.want)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*server)
		want   []sinks.Warning
	}{
		"nothing to say":            {func(*server) {}, nil},
		"a token for a long time":   {func(s *server) { s.give(90 * 24 * time.Hour) }, nil},
		"a token that runs out":     {func(s *server) { s.give(25 * time.Hour) }, []sinks.Warning{"vault: the token runs out in 25h0m"}},
		"a token of the last hours": {func(s *server) { s.give(90 * time.Minute) }, []sinks.Warning{"vault: the token runs out in 1h30m"}},
		"a token without the default policy": {func(s *server) { s.tokens[rootToken].blind = true }, []sinks.Warning{
			`vault: the token may not ask for its capabilities (policy "default"): whether it may write secret/data/ci/bot is not known`,
			`vault: the token may not look itself up (policy "default"): when it runs out is not known`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			_, sink := opened(t, func(s *server, _ *Config) { c.change(s) })
			got, err := sink.Check(t.Context())
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func (s *server) give(ttl time.Duration) {
	s.tokens[rootToken] = &tokenInfo{ttl: int(ttl.Seconds()), created: time.Now()}
}

func TestATokenThatRanOutIsReplacedByAnotherLogin(t *testing.T) {
	s, sink := opened(t, func(s *server, c *Config) {
		c.AppRole, c.Token = &vaultapi.AppRole{RoleID: "role", SecretID: file(t, secretID)}, secret.Ref{}
	})
	for range 2 {
		if _, err := sink.Push(t.Context(), pair); err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		clear(s.tokens) // all are revoked
		s.mu.Unlock()
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := sink.Verify(t.Context(), pair, "", sinks.Receipt{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if s.logins != 3 {
		t.Errorf("%d logins, want one at the start and one after each revocation", s.logins)
	}
}

func TestEachMethodLogsIn(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"approle": func(c *Config) { c.AppRole = &vaultapi.AppRole{RoleID: "role", SecretID: file(t, secretID)} },
		"kubernetes": func(c *Config) {
			c.Kubernetes = &vaultapi.Kubernetes{Role: "keyturn", TokenPath: file(t, "the-pod").File}
		},
		"jwt": func(c *Config) { c.JWT = &vaultapi.JWT{Role: "keyturn", Token: file(t, "the-job"), Mount: "gitlab"} },
	} {
		t.Run(name, func(t *testing.T) {
			s, sink := opened(t, func(_ *server, c *Config) { c.Token = secret.Ref{}; change(c) })
			for range 3 {
				if _, err := sink.Push(t.Context(), pair); err != nil {
					t.Error(err)
				}
			}
			if w, err := sink.Check(t.Context()); len(w) != 0 || err != nil || s.logins != 1 {
				t.Errorf("%q, %v, %d logins", w, err, s.logins)
			}
		})
	}
}

func TestATokenFileThatWasRenewedIsReadAgain(t *testing.T) {
	var ref secret.Ref
	s, sink := opened(t, func(_ *server, c *Config) { ref = c.Token })
	if _, err := sink.Push(t.Context(), pair); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.tokens = map[string]*tokenInfo{"hvs.renewed": {}}
	s.mu.Unlock()
	if _, err := sink.Verify(t.Context(), pair, "", sinks.Receipt{}); sinks.ClassOf(err) != sinks.Denied {
		t.Errorf("the old token: %v", err)
	}
	if err := os.WriteFile(ref.File, []byte("hvs.renewed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Verify(t.Context(), pair, "", sinks.Receipt{}); err != nil {
		t.Error(err)
	}
}

func TestTheNamespaceIsSentAndTheEnvironmentIsNot(t *testing.T) {
	t.Setenv("VAULT_TOKEN", "hvs.from-the-environment")
	t.Setenv("VAULT_NAMESPACE", "from-the-environment")
	t.Setenv("VAULT_ADDR", "http://127.0.0.1:1")
	t.Setenv("VAULT_HEADERS", `{"X-Extra":"1"}`)
	s, sink := opened(t, func(s *server, c *Config) { s.namespace, c.Namespace = "team/ci", "team/ci" })
	s.answer = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("X-Vault-Token") != rootToken || r.Header.Get("X-Extra") != "" || r.Header.Get("User-Agent") != "keyturn/test" {
			t.Errorf("headers %v", r.Header)
		}
		return false
	}
	if _, err := sink.Push(t.Context(), pair); err != nil {
		t.Error(err)
	}
}

func TestASecretThatIsMissingIsNoticedWhenTheSinkIsOpened(t *testing.T) {
	missing := secret.Ref{File: "/nonexistent/token"}
	for name, change := range map[string]func(*Config){
		"vault: token: secret from file /nonexistent/token: no such file or directory":                 func(c *Config) { c.Token = missing },
		"vault: approle.secret_id: secret from file /nonexistent/token: no such file or directory":     func(c *Config) { c.AppRole = &vaultapi.AppRole{SecretID: missing} },
		"vault: jwt.token: secret from file /nonexistent/token: no such file or directory":             func(c *Config) { c.JWT = &vaultapi.JWT{Token: missing} },
		"vault: kubernetes.token_path: secret from file /nonexistent/token: no such file or directory": func(c *Config) { c.Kubernetes = &vaultapi.Kubernetes{TokenPath: missing.File} },
		"vault: read the CA certificates: open /nonexistent/ca.pem: no such file or directory":         func(c *Config) { c.CACert = "/nonexistent/ca.pem" },
	} {
		cfg := newConfig()
		cfg.Address = "https://vault.invalid"
		change(cfg)
		if _, err := Spec.Open(t.Context(), cfg, sinks.Env{}); err == nil || err.Error() != name {
			t.Errorf("%v, want %s", err, name)
		}
	}
}

func TestConfigurationsThatAreWrong(t *testing.T) {
	const path = "must be a path without a slash at either end"
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no address":          {func(c *Config) { c.Address = "" }, "address: must be an address that starts with https:// or http://"},
		"a password":          {func(c *Config) { c.Address = "https://u:p@h" }, "address: must hold no user, password, query or fragment"},
		"no path":             {func(c *Config) { c.Path = "" }, "path: " + path},
		"a slash in front":    {func(c *Config) { c.Path = "/ci" }, "path: " + path},
		"a way out":           {func(c *Config) { c.Path = "ci/../other" }, "path: " + path},
		"a query":             {func(c *Config) { c.Path = "ci?version=1" }, "path: " + path},
		"a mount with slash":  {func(c *Config) { c.Mount = "secret/" }, "mount: " + path},
		"a namespace":         {func(c *Config) { c.Namespace = "/team" }, "namespace: " + path},
		"a version":           {func(c *Config) { c.KV = 3 }, "kv: must be 1 or 2"},
		"no login":            {func(c *Config) { c.Token = secret.Ref{} }, "token: exactly one of token, approle, kubernetes and jwt must be given"},
		"two logins":          {func(c *Config) { c.Kubernetes = &vaultapi.Kubernetes{Role: "r"} }, "token: exactly one of token, approle, kubernetes and jwt must be given"},
		"equal names":         {func(c *Config) { c.Variables.SessionToken = "AWS_ACCESS_KEY_ID" }, "variables: access_key_id, secret_access_key and session_token must differ"},
		"an empty AppRole":    {func(c *Config) { c.Token, c.AppRole = secret.Ref{}, &vaultapi.AppRole{} }, "approle.role_id: must not be empty\napprole.secret_id: must not be empty"},
		"an empty Kubernetes": {func(c *Config) { c.Token, c.Kubernetes = secret.Ref{}, &vaultapi.Kubernetes{Mount: "/x"} }, "kubernetes.role: must not be empty\nkubernetes.mount: " + path},
		"an empty JWT":        {func(c *Config) { c.Token, c.JWT = secret.Ref{}, &vaultapi.JWT{} }, "jwt.role: must not be empty\njwt.token: must not be empty"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := newConfig()
			cfg.Address, cfg.Path, cfg.Token = "https://vault.invalid", "ci/bot", secret.Ref{Env: "X"}
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

func TestDestinationTellsTwoPlacesApartAndNothingElse(t *testing.T) {
	base := Config{Server: vaultapi.Server{Address: "https://v"}, Mount: "secret", Path: "ci/bot", Variables: sinks.DefaultVariables}
	same := base
	same.Address, same.Token, same.KV, same.CACert = "https://v/", secret.Ref{Env: "X"}, 2, "ca.pem"
	if base.Destination() != same.Destination() {
		t.Errorf("%s\n%s", base.Destination(), same.Destination())
	}
	for name, change := range map[string]func(*Config){
		"address": func(c *Config) { c.Address = "https://w" }, "namespace": func(c *Config) { c.Namespace = "n" },
		"mount": func(c *Config) { c.Mount = "kv" }, "path": func(c *Config) { c.Path = "x" },
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
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if key := f.Tag.Get("yaml"); !f.Anonymous && !strings.Contains(Spec.Doc, key) {
			t.Errorf("the doc page does not mention %s", key)
		}
	}
}
