package github

import (
	"strings"
	"testing"

	"keyturn/internal/secret"
	"keyturn/sinks"
)

func valid() *Config {
	c := Spec.New().(*Config)
	c.Token, c.Repository = secret.Ref{Env: "GITHUB_TOKEN"}, "acme/app"
	return c
}

func TestAConfigurationIsValidated(t *testing.T) {
	key := secret.Ref{Env: "KEY"}
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"a repository":    {func(*Config) {}, ""},
		"an environment":  {func(c *Config) { c.Environment = "a b/c" }, ""},
		"an organization": {func(c *Config) { c.Repository, c.Organization = "", "acme" }, ""},
		"selected ones": {func(c *Config) {
			c.Repository, c.Organization, c.Visibility, c.Repositories = "", "acme", selected, []string{"app"}
		}, ""},
		"an App":      {func(c *Config) { c.Token, c.App = secret.Ref{}, &App{"1", 2, key} }, ""},
		"no scope":    {func(c *Config) { c.Repository = "" }, "repository: exactly one of repository and organization must be given"},
		"two scopes":  {func(c *Config) { c.Organization = "acme" }, "repository: exactly one of repository and organization must be given"},
		"no owner":    {func(c *Config) { c.Repository = "app" }, "repository: must be OWNER/NAME"},
		"a path":      {func(c *Config) { c.Repository = "acme/app/x" }, "repository: must be OWNER/NAME"},
		"dots":        {func(c *Config) { c.Repository = "acme/.." }, "repository: must be OWNER/NAME"},
		"an odd name": {func(c *Config) { c.Repository, c.Organization = "", "a b" }, "organization: must be the name of an organization"},
		"an environment of an organization": {
			func(c *Config) { c.Repository, c.Organization, c.Environment = "", "acme", "e" }, "environment: needs a repository and store: actions",
		},
		"an environment of Dependabot": {func(c *Config) { c.Environment, c.Store = "e", dependabot }, "environment: needs a repository and store: actions"},
		"another store":                {func(c *Config) { c.Store = "agents" }, "store: must be actions, dependabot or codespaces"},
		"another visibility":           {func(c *Config) { c.Visibility = "public" }, "visibility: must be all, private or selected"},
		"repositories of a repository": {func(c *Config) { c.Repositories, c.Visibility = []string{"a"}, selected }, "repositories: needs an organization and visibility: selected"},
		"repositories with an owner": {
			func(c *Config) {
				c.Repository, c.Organization, c.Visibility, c.Repositories = "", "acme", selected, []string{"acme/app"}
			},
			"repositories[0]: must be the name of a repository, without its owner",
		},
		"no token":            {func(c *Config) { c.Token = secret.Ref{} }, "token: exactly one of token and app must be given"},
		"a token and an App":  {func(c *Config) { c.App = &App{"1", 2, key} }, "token: exactly one of token and app must be given"},
		"an empty App":        {func(c *Config) { c.Token, c.App = secret.Ref{}, &App{} }, "app.id: must not be empty\napp.installation: must be the number of an installation\napp.private_key: must not be empty"},
		"an address":          {func(c *Config) { c.URL = "github.com" }, "url: must be an address that starts with https:// or http://"},
		"a reserved name":     {func(c *Config) { c.Variables.AccessKeyID = "github_key" }, "variables.access_key_id: must not start with GITHUB_"},
		"a name with a digit": {func(c *Config) { c.Bundle = "1A" }, "bundle: must have only letters, digits and _, and not start with a digit"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := valid()
			c.change(cfg)
			text := ""
			if err := cfg.Validate(); err != nil {
				text = err.Error()
			}
			if text != c.want {
				t.Errorf("%q, want %q", text, c.want)
			}
		})
	}
}

// Whatever changes the place changes its name, and nothing else does.
func TestTheDestinationIsThePlace(t *testing.T) {
	same := valid()
	same.Token, same.Visibility, same.URL = secret.Ref{Env: "OTHER"}, "all", same.URL+"/"
	same.Variables.AccessKeyID = strings.ToLower(same.Variables.AccessKeyID)
	if got, want := same.Destination(), valid().Destination(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	seen := map[string]string{valid().Destination(): "the first"}
	for name, change := range map[string]func(*Config){
		"another address":    func(c *Config) { c.URL = "https://ghe.example/api/v3" },
		"another repository": func(c *Config) { c.Repository = "acme/web" },
		"an environment":     func(c *Config) { c.Environment = "production" },
		"another store":      func(c *Config) { c.Store = dependabot },
		"an organization":    func(c *Config) { c.Repository, c.Organization = "", "acme" },
		"another name":       func(c *Config) { c.Variables.SecretAccessKey = "S" },
		"a bundle":           func(c *Config) { c.Bundle = "B" },
	} {
		cfg := valid()
		change(cfg)
		if other, there := seen[cfg.Destination()]; there {
			t.Errorf("%s is the same place as %s", name, other)
		}
		seen[cfg.Destination()] = name
	}
}

var _ sinks.Config = (*Config)(nil)
