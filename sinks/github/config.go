package github

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// Config is the configuration of the kind.
type Config struct {
	URL          string          `yaml:"url" doc:"address of the API; Enterprise Server: https://HOST/api/v3"`
	CACert       string          `yaml:"ca_cert" doc:"PEM file with the authorities to trust; the system's by default"`
	Token        secret.Ref      `yaml:"token" doc:"a personal access token; or app"`
	App          *App            `yaml:"app"`
	Repository   string          `yaml:"repository" doc:"OWNER/NAME; or organization"`
	Organization string          `yaml:"organization" doc:"secrets of the whole organization"`
	Environment  string          `yaml:"environment" doc:"secrets of this environment of the repository"`
	Store        string          `yaml:"store" oneof:"actions dependabot codespaces" doc:"whose secrets"`
	Visibility   string          `yaml:"visibility" oneof:"all private selected" doc:"who reads an organization's secret that a push creates; one that is there keeps its own"`
	Repositories []string        `yaml:"repositories" doc:"names of those who do, with visibility: selected"`
	Variables    sinks.Variables `yaml:"variables" doc:"names of the secrets"`
	Bundle       string          `yaml:"bundle" doc:"name of one secret that holds a credentials file, in place of two"`
}

// App authenticates as an installation of a GitHub App.
type App struct {
	ID           string     `yaml:"id" doc:"client id, or app id in quotes"`
	Installation int        `yaml:"installation" doc:"number of the installation"`
	PrivateKey   secret.Ref `yaml:"private_key" doc:"the PEM file that GitHub made"`
}

const (
	actions    = "actions"
	dependabot = "dependabot"
	codespaces = "codespaces"
	selected   = "selected"
)

// names are those that GitHub takes. Source: "Using secrets in GitHub Actions", "Naming your secrets".
var names = vars.Rule{Reserved: []string{"GITHUB_"}}

// segment is a name that stands in a path as it is.
var segment = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// Validate says which fields are wrong.
func (c *Config) Validate() error {
	errs := []error{names.Validate(c.Variables, c.Bundle)}
	bad := func(field, format string, args ...any) { errs = append(errs, sinks.Fieldf(field, format, args...)) }
	if _, err := httpapi.ParseBase(c.URL); err != nil {
		bad("url", "%v", err)
	}
	owner, name, _ := strings.Cut(c.Repository, "/")
	switch {
	case (c.Repository == "") == (c.Organization == ""):
		bad("repository", "exactly one of repository and organization must be given")
	case c.Repository != "" && !(isName(owner) && isName(name)):
		bad("repository", "must be OWNER/NAME")
	case c.Organization != "" && !isName(c.Organization):
		bad("organization", "must be the name of an organization")
	}
	if c.Environment != "" && (c.Repository == "" || c.Store != actions) {
		bad("environment", "needs a repository and store: actions")
	}
	if c.Store != actions && c.Store != dependabot && c.Store != codespaces {
		bad("store", "must be actions, dependabot or codespaces")
	}
	return errors.Join(append(append(errs, c.validateVisibility()...), c.validateAuth()...)...)
}

func isName(s string) bool { return segment.MatchString(s) && s != "." && s != ".." }

func (c *Config) validateVisibility() (errs []error) {
	switch {
	case c.Visibility != "all" && c.Visibility != "private" && c.Visibility != selected:
		errs = append(errs, sinks.Fieldf("visibility", "must be all, private or selected"))
	case len(c.Repositories) > 0 && (c.Visibility != selected || c.Organization == ""):
		errs = append(errs, sinks.Fieldf("repositories", "needs an organization and visibility: selected"))
	}
	for i, r := range c.Repositories {
		if !isName(r) {
			errs = append(errs, sinks.Fieldf(fmt.Sprintf("repositories[%d]", i), "must be the name of a repository, without its owner"))
		}
	}
	return errs
}

func (c *Config) validateAuth() (errs []error) {
	if c.Token.IsZero() == (c.App == nil) {
		return []error{sinks.Fieldf("token", "exactly one of token and app must be given")}
	}
	if c.App == nil {
		return nil
	}
	if c.App.ID == "" {
		errs = append(errs, sinks.Fieldf("app.id", "must not be empty"))
	}
	if c.App.Installation <= 0 {
		errs = append(errs, sinks.Fieldf("app.installation", "must be the number of an installation"))
	}
	if c.App.PrivateKey.IsZero() {
		errs = append(errs, sinks.Fieldf("app.private_key", "must not be empty"))
	}
	return errs
}

// Destination names the secrets that a push changes.
func (c *Config) Destination() string {
	what := fmt.Sprintf("secrets %q %q", c.Variables.AccessKeyID, c.Variables.SecretAccessKey)
	if c.Bundle != "" {
		what = fmt.Sprintf("secret %q", c.Bundle)
	}
	return fmt.Sprintf("github %s %s%s environment %q %s %s",
		strings.TrimRight(c.URL, "/"), c.Repository, c.Organization, c.Environment, c.Store, strings.ToUpper(what))
}
