package github

import (
	"net/http"
	"testing"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/sinktest"
)

func TestConformance(t *testing.T) {
	for name, c := range map[string]struct {
		by     string
		change func(sinktest.T, *model, *Config)
	}{
		"a repository": {ofGitHub, nil},
		"an environment of a repository on a server": {ofServer, func(_ sinktest.T, _ *model, c *Config) {
			c.Environment = "prod/eu"
			c.Variables = sinks.Variables{AccessKeyID: "DEPLOY_KEY", SecretAccessKey: "DEPLOY_SECRET", SessionToken: "DEPLOY_TOKEN"}
		}},
		"an organization as an App": {ofGitHub, func(t sinktest.T, m *model, c *Config) {
			c.Repository, c.Organization = "", "acme"
			m.withApp(t, c)
		}},
		"a bundle for Dependabot": {ofGitHub, func(_ sinktest.T, _ *model, c *Config) { c.Store, c.Bundle = dependabot, "AWS_CREDENTIALS" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sinktest.Run(t, sinktest.Kind{Spec: Spec, Evidence: sinks.Stamped, New: func(st sinktest.T) sinktest.Target {
				m := newModel(t, st, c.by)
				cfg := m.as(st, func(cfg *Config) {
					if c.change != nil {
						c.change(st, m, cfg)
					}
				})
				return m.target(cfg)
			}})
		})
	}
}

// opened is a sink of a fresh model.
func opened(t *testing.T, change func(*model, *Config)) (*model, sinks.Sink) {
	t.Helper()
	m := newModel(t, t, ofGitHub)
	return m, m.open(t, m.as(t, func(c *Config) {
		if change != nil {
			change(m, c)
		}
	}), sinks.Env{UserAgent: "keyturn/test"})
}

func (m *model) open(t *testing.T, cfg *Config, env sinks.Env) sinks.Sink {
	t.Helper()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	s, err := Spec.Open(t.Context(), cfg, env)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func push(t *testing.T, s sinks.Sink) sinks.Receipt {
	t.Helper()
	r, err := s.Push(t.Context(), pair)
	if err != nil {
		t.Fatal(err)
	}
	if e, err := s.Verify(t.Context(), pair, "", r); e != sinks.Stamped || err != nil {
		t.Fatalf("%v, %v", e, err)
	}
	return r
}

var pair = sinks.Credential{KeyID: "AKIANEW", Secret: secret.FromString("new/+secret")}

const (
	idPath     = writeScope + "/AWS_ACCESS_KEY_ID"
	secretPath = writeScope + "/AWS_SECRET_ACCESS_KEY"
)

// Every scope has a path, and a public key that opens nothing else: the model refuses what is sealed for another.
func TestEachScopeIsWritten(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		path   string
	}{
		"Actions of a repository":       {nil, "/repos/acme/app/actions/secrets/"},
		"Dependabot of a repository":    {func(c *Config) { c.Store = dependabot }, "/repos/acme/app/dependabot/secrets/"},
		"Codespaces of a repository":    {func(c *Config) { c.Store = codespaces }, "/repos/acme/app/codespaces/secrets/"},
		"an environment":                {func(c *Config) { c.Environment = "prod eu/1" }, "/repos/acme/app/environments/prod eu/1/secrets/"},
		"Actions of an organization":    {func(c *Config) { c.Repository, c.Organization = "", "acme" }, "/orgs/acme/actions/secrets/"},
		"Dependabot of an organization": {func(c *Config) { c.Repository, c.Organization, c.Store = "", "acme", dependabot }, "/orgs/acme/dependabot/secrets/"},
		"Codespaces of an organization": {func(c *Config) { c.Repository, c.Organization, c.Store = "", "acme", codespaces }, "/orgs/acme/codespaces/secrets/"},
	} {
		t.Run(name, func(t *testing.T) {
			m, s := opened(t, func(_ *model, cfg *Config) {
				if c.change != nil {
					c.change(cfg)
				}
			})
			push(t, s)
			if id, value := m.Vars[c.path+"AWS_ACCESS_KEY_ID"].Value, m.Vars[c.path+"AWS_SECRET_ACCESS_KEY"].Value; id != "AKIANEW" || value != "new/+secret" {
				t.Errorf("%d secrets, key id %q, a secret of %d bytes", len(m.Vars), id, len(value))
			}
		})
	}
}

// GitHub makes a new key between our fetch and our put.
func TestAKeyThatChangesInBetweenIsReadAgain(t *testing.T) {
	m, s := opened(t, nil)
	m.Before = func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
		if r.Method == http.MethodPut && m.Vars[secretPath].Version == 0 {
			m.keys[writeScope] = newSealKey("the next key")
			m.Before = nil
		}
		return false
	}
	push(t, s)
	if n := m.count("GET " + writeScope + "/public-key"); n != 4 {
		t.Errorf("%d reads of the public key, want one for each secret and one more for each", n)
	}
}

// count is Made of exactly one request line.
func (m *model) count(line string) (n int) {
	for _, r := range m.Requests {
		if r == line {
			n++
		}
	}
	return n
}

func TestAKeyThatIsNeverAcceptedIsAnError(t *testing.T) {
	m, s := opened(t, nil)
	m.Before = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if r.Method == http.MethodPut {
			say(w, 422, "Bad request - The key_id is not valid")
			return true
		}
		return false
	}
	_, err := s.Push(t.Context(), pair)
	if sinks.ClassOf(err) != sinks.Refused || err.Error() != "github: write AWS_SECRET_ACCESS_KEY of acme/app: 422 Unprocessable Entity" || m.Made("PUT") != 2 {
		t.Errorf("%v after %d writes", err, m.Made("PUT"))
	}
}

// The second write fails for good: the error says what is there now.
func TestAPushThatEndsHalfWaySaysSo(t *testing.T) {
	m, s := opened(t, nil)
	m.Before = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if r.Method == http.MethodPut && r.URL.Path == idPath {
			say(w, 403, "Resource not accessible by personal access token")
			return true
		}
		return false
	}
	_, err := s.Push(t.Context(), pair)
	want := "github: write AWS_ACCESS_KEY_ID of acme/app: 403 Forbidden (half done: AWS_SECRET_ACCESS_KEY is written, AWS_ACCESS_KEY_ID is not known to be)"
	if sinks.ClassOf(err) != sinks.Denied || err.Error() != want {
		t.Errorf("%v", err)
	}
}

// What an organization's secret does not get again with its value, it loses.
func TestAnOrganizationsSecretKeepsItsReaders(t *testing.T) {
	const org = "/orgs/acme/actions/secrets/"
	m, s := opened(t, func(m *model, c *Config) {
		c.Repository, c.Organization = "", "acme"
		for name, a := range map[string]about{"AWS_ACCESS_KEY_ID": {selected, "[11,12,13]"}, "AWS_SECRET_ACCESS_KEY": {"all", ""}, "AWS_SESSION_TOKEN": {"all", ""}} {
			m.Change(func() { m.Put(org+name, seeded(a)) })
		}
	})
	push(t, s)
	id, value := m.Vars[org+"AWS_ACCESS_KEY_ID"], m.Vars[org+"AWS_SECRET_ACCESS_KEY"]
	if id.Data != (about{selected, "[11,12,13]"}) || value.Data != (about{"all", ""}) || len(m.Vars) != 2 {
		t.Errorf("%v, %v, %d secrets", id.Data, value.Data, len(m.Vars))
	}
}

func TestAnOrganizationsNewSecretGetsTheConfiguredReaders(t *testing.T) {
	const org = "/orgs/acme/actions/secrets/"
	for name, c := range map[string]struct {
		change func(*Config)
		want   about
	}{
		"private by default":      {func(*Config) {}, about{"private", ""}},
		"all":                     {func(c *Config) { c.Visibility = "all" }, about{"all", ""}},
		"selected":                {func(c *Config) { c.Visibility, c.Repositories = selected, []string{"web", "lib"} }, about{selected, "[12,13]"}},
		"selected, nobody so far": {func(c *Config) { c.Visibility = selected }, about{selected, "[]"}},
	} {
		t.Run(name, func(t *testing.T) {
			m, s := opened(t, func(_ *model, cfg *Config) {
				cfg.Repository, cfg.Organization = "", "acme"
				c.change(cfg)
			})
			push(t, s)
			push(t, s)
			if got := m.Vars[org+"AWS_ACCESS_KEY_ID"].Data; got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestNamesAreFoundInUpperCase(t *testing.T) {
	m, s := opened(t, func(m *model, c *Config) {
		c.Variables = sinks.Variables{AccessKeyID: "aws_id", SecretAccessKey: "aws_secret", SessionToken: "aws_session"}
	})
	m.Before = func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
		r.URL.Path = folded(r.URL.Path)
		return false
	}
	push(t, s)
	if len(m.Vars) != 2 || m.Vars[writeScope+"/AWS_ID"].Value != "AKIANEW" {
		t.Errorf("%d secrets", len(m.Vars))
	}
}

func TestASecretOfAnotherPageIsSeen(t *testing.T) {
	m, s := opened(t, nil)
	m.short = 1
	m.Change(func() {
		for _, n := range []string{"A", "AWS_SESSION_TOKEN", "Z"} {
			m.Put(writeScope+"/"+n, seeded(about{}))
		}
	})
	push(t, s)
	if _, there := m.Vars[writeScope+"/AWS_SESSION_TOKEN"]; there || len(m.Vars) != 4 {
		t.Errorf("%d secrets", len(m.Vars))
	}
}

// A change later than ours is somebody else's; one in the same second cannot be seen.
func TestATimeThatMovedIsStale(t *testing.T) {
	m, s := opened(t, nil)
	r := push(t, s)
	m.Change(func() { m.Put(secretPath, seeded(about{})) })
	_, err := s.Verify(t.Context(), pair, "", r)
	if sinks.ClassOf(err) != sinks.Stale || err.Error() != "github: verify: AWS_SECRET_ACCESS_KEY was changed since it was written" {
		t.Error(err)
	}
}
