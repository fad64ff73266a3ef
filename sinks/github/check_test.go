package github

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"testing"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/varstest"
)

// silent is what Check says of a token whose rights GitHub does not tell.
const silent = "github: GitHub does not tell whether a fine-grained token may write, and so it is not known before the first push"

func TestWarnings(t *testing.T) {
	in := func(d time.Duration) string {
		return time.Date(2026, 11, 3, 10, 0, 0, 0, time.UTC).Add(d).Format("2006-01-02 15:04:05 MST")
	}
	for name, c := range map[string]struct {
		change func(*model, *Config)
		want   []sinks.Warning
	}{
		"nothing to say":       {func(*model, *Config) {}, nil},
		"a fine-grained token": {func(m *model, _ *Config) { m.tokens[token] = "-" }, []sinks.Warning{silent}},
		"an App":               {func(m *model, c *Config) { m.withApp(t, c) }, nil},
		"a token for a year":   {func(m *model, _ *Config) { m.expires = in(365 * 24 * time.Hour) }, nil},
		"a token that runs out": {
			func(m *model, _ *Config) { m.expires = in(75 * time.Hour) },
			[]sinks.Warning{"github: the token runs out in 3 days"},
		},
		"a fine-grained token of the last hours": {
			func(m *model, _ *Config) { m.tokens[token], m.expires = "-", "2026-11-03 12:30:30 +0100" },
			[]sinks.Warning{"github: the token runs out in 1h30m", silent},
		},
		"a session token beside the pair": {
			func(m *model, _ *Config) { m.Put(writeScope+"/AWS_SESSION_TOKEN", seeded(about{})) },
			[]sinks.Warning{"github: AWS_SESSION_TOKEN lies beside the pair and makes it useless: a push removes it"},
		},
		"environments with secrets of the same names": {
			func(m *model, _ *Config) {
				for _, env := range []string{"staging", "production"} {
					m.places["/repos/acme/app/environments/"+env+"/secrets"] = true
				}
				m.Put("/repos/acme/app/environments/production/secrets/AWS_ACCESS_KEY_ID", seeded(about{}))
				m.Put("/repos/acme/app/environments/production/secrets/AWS_SESSION_TOKEN", seeded(about{}))
				m.Put("/repos/acme/app/environments/staging/secrets/OTHER", seeded(about{}))
			},
			[]sinks.Warning{"github: AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN have values of their own in environment production: what is written here is not what is read there"},
		},
		"environments that the token may not see": {
			func(m *model, _ *Config) {
				m.Before = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
					hidden := r.URL.Path == "/repos/acme/app/environments"
					if hidden {
						say(w, 403, "Resource not accessible by personal access token")
					}
					return hidden
				}
			}, nil,
		},
		"an environment itself is not shadowed": {
			func(m *model, c *Config) {
				c.Environment = "staging"
				m.places["/repos/acme/app/environments/production/secrets"] = true
				m.Put("/repos/acme/app/environments/production/secrets/AWS_ACCESS_KEY_ID", seeded(about{}))
			}, nil,
		},
		"an organization with more secrets than a workflow gets": {
			func(m *model, c *Config) {
				c.Repository, c.Organization = "", "acme"
				m.short = 40
				for i := range 99 {
					m.Put(fmt.Sprintf("/orgs/acme/actions/secrets/A%02d", i), seeded(about{"all", ""}))
				}
				m.Put("/orgs/acme/actions/secrets/AWS_REGION", seeded(about{"all", ""}))
			},
			[]sinks.Warning{"github: 100 secrets of organization acme come before AWS_SECRET_ACCESS_KEY: a workflow that may read more than 100 of them does not get it"},
		},
		"an organization with just enough": {
			func(m *model, c *Config) {
				c.Repository, c.Organization = "", "acme"
				for i := range 99 {
					m.Put(fmt.Sprintf("/orgs/acme/actions/secrets/A%02d", i), seeded(about{"all", ""}))
				}
			}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, s := opened(t, func(m *model, cfg *Config) { m.Change(func() {}); c.change(m, cfg) })
			got, err := s.Check(t.Context())
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestAFailureIsNamed(t *testing.T) {
	answer := func(path string, status int, message string, header ...string) func(*model, *Config) {
		return func(m *model, _ *Config) {
			m.Before = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
				if r.URL.Path != path {
					return false
				}
				for i := 0; i < len(header); i += 2 {
					w.Header().Set(header[i], header[i+1])
				}
				say(w, status, message)
				return true
			}
		}
	}
	for name, c := range map[string]struct {
		change func(*model, *Config)
		class  sinks.Class
		want   string
	}{
		"a token that is wrong": {
			func(m *model, _ *Config) { delete(m.tokens, token) },
			sinks.Denied, "github: list the secrets of acme/app: 401 Unauthorized",
		},
		"a repository that is hidden": {
			func(m *model, c *Config) {
				c.Repository = "acme/hidden"
				answer("/repos/acme/hidden/actions/secrets", 404, "Not Found")(m, c)
			},
			sinks.Missing, "github: list the secrets of acme/hidden: 404 Not Found: it does not exist, or the token may not see it",
		},
		"a right that is missing": {
			answer(writeScope, 403, "Resource not accessible by personal access token"),
			sinks.Denied, "github: list the secrets of acme/app: 403 Forbidden",
		},
		"single sign-on": {
			answer(writeScope, 403, "Resource protected by organization SAML enforcement", "X-GitHub-SSO", "required; url=https://github.com/orgs/acme/sso"),
			sinks.Denied, "github: list the secrets of acme/app: the token is not authorized for the organization's single sign-on",
		},
		"the first limit": {
			answer(writeScope, 403, "API rate limit exceeded", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "9999999999"),
			sinks.Throttled, "github: list the secrets of acme/app: 403 Forbidden",
		},
		"the second limit without a word on how long": {
			answer(writeScope, 403, "You have exceeded a secondary rate limit."),
			sinks.Throttled, "github: list the secrets of acme/app: GitHub's secondary rate limit",
		},
		"the service that is away": {
			answer(writeScope, 503, "Secrets service unavailable"),
			sinks.Temporary, "github: list the secrets of acme/app: 503 Service Unavailable",
		},
		"a classic token without the scope": {
			func(m *model, _ *Config) { m.tokens[token] = "public_repo, workflow" },
			sinks.Denied, "github: check the token: it lacks the scope repo",
		},
		"a classic token without any scope": {
			func(m *model, _ *Config) { m.tokens[token] = "" },
			sinks.Denied, "github: check the token: it lacks the scope repo",
		},
		"a classic token of an organization's member": {
			func(m *model, c *Config) {
				c.Repository, c.Organization = "", "acme"
				m.tokens[token] = "repo, read:org"
			},
			sinks.Denied, "github: check the token: it lacks the scope admin:org",
		},
		"an archived repository": {
			func(m *model, _ *Config) { m.repos["acme/app"]["archived"] = true },
			sinks.Refused, "github: check acme/app: the repository is archived",
		},
		"an archived repository that is noticed late": {
			answer(writeScope+"/public-key", 403, "Repository was archived so is read-only."),
			sinks.Refused, "github: read the public key of acme/app: the repository is archived",
		},
		"a reader": {
			func(m *model, _ *Config) { m.repos["acme/app"]["permissions"] = map[string]bool{"push": false} },
			sinks.Denied, "github: check acme/app: the token's owner may not write to the repository",
		},
		"an App without the permission": {
			func(m *model, c *Config) { m.withApp(t, c); c.Store = dependabot },
			sinks.Denied, "github: get a token for installation 77: the app is not installed on the repository, or was not granted dependabot_secrets: write",
		},
		"an App of another id": {
			func(m *model, c *Config) { m.withApp(t, c); c.App.ID = "Iv23other" },
			sinks.Denied, "github: get a token for installation 77: the app's id or private key is not accepted, or the clock of this machine is wrong",
		},
		"an App without that installation": {
			func(m *model, c *Config) { m.withApp(t, c); c.App.Installation = 78 },
			sinks.Denied, "github: get a token for installation 78: the app has no such installation",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, s := opened(t, c.change)
			ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
			defer cancel()
			_, err := s.Check(ctx)
			if err == nil || err.Error() != c.want || sinks.ClassOf(err) != c.class {
				t.Errorf("%v: %v, want %v: %s", sinks.ClassOf(err), err, c.class, c.want)
			}
		})
	}
}

func TestASecretThatIsMissingIsNoticedWhenTheSinkIsOpened(t *testing.T) {
	missing := secret.Ref{File: "/nonexistent"}
	for want, change := range map[string]func(*Config){
		"github: token: secret from file /nonexistent: no such file or directory":           func(c *Config) { c.Token = missing },
		"github: app.private_key: secret from file /nonexistent: no such file or directory": func(c *Config) { c.App = &App{PrivateKey: missing} },
		"github: app.private_key: it is not an RSA private key in PEM":                      func(c *Config) { c.App = &App{PrivateKey: varstest.File(t, "ssh-ed25519")} },
	} {
		cfg := Spec.New().(*Config)
		cfg.Repository = "acme/app"
		change(cfg)
		if _, err := Spec.Open(t.Context(), cfg, sinks.Env{}); err == nil || err.Error() != want || sinks.ClassOf(err) != sinks.Denied {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
