package circleci

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// Config is the configuration of the kind.
type Config struct {
	URL          string          `yaml:"url" doc:"address of the API; server: https://HOST/api/v2"`
	CACert       string          `yaml:"ca_cert" doc:"PEM file with the authorities to trust; the system's by default"`
	Token        secret.Ref      `yaml:"token" doc:"a personal API token"`
	Project      string          `yaml:"project" doc:"slug of a project: gh/acme/app, circleci/ORG-ID/PROJECT-ID; or context"`
	Context      string          `yaml:"context" doc:"name or id of a context"`
	Organization string          `yaml:"organization" doc:"slug or id of the organization whose context it is, if context is a name: gh/acme"`
	Variables    sinks.Variables `yaml:"variables" doc:"names of the variables"`
	Bundle       string          `yaml:"bundle" doc:"name of one variable that holds a credentials file, in place of two"`
}

// names are those that CircleCI takes. Source: "Using contexts", "Context and environment variable limits".
var names = vars.Rule{Max: 300}

var (
	isID    = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	segment = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
)

// isSlug says whether s is of n segments that stand in a path as they are.
func isSlug(s string, n int) bool {
	parts := strings.Split(s, "/")
	for _, p := range parts {
		if !segment.MatchString(p) || p == "." || p == ".." {
			return false
		}
	}
	return len(parts) == n
}

// Validate says which fields are wrong.
func (c *Config) Validate() error {
	errs := []error{names.Validate(c.Variables, c.Bundle)}
	bad := func(field, format string, args ...any) { errs = append(errs, sinks.Fieldf(field, format, args...)) }
	if _, err := httpapi.ParseBase(c.URL); err != nil {
		bad("url", "%v", err)
	}
	if c.Token.IsZero() {
		bad("token", "must not be empty")
	}
	switch {
	case (c.Project == "") == (c.Context == ""):
		bad("project", "exactly one of project and context must be given")
	case c.Project != "" && !isSlug(c.Project, 3):
		bad("project", "must be VCS/ORGANIZATION/PROJECT: gh/acme/app")
	case c.Project != "" && c.Organization != "":
		bad("organization", "needs a context")
	case c.Context != "" && !isID.MatchString(c.Context) && c.Organization == "":
		bad("organization", "must be given, because context is a name")
	}
	if c.Organization != "" && !isSlug(c.Organization, 2) && !isID.MatchString(c.Organization) {
		bad("organization", "must be VCS/ORGANIZATION, or its id: gh/acme")
	}
	return errors.Join(errs...)
}

// Destination names the variables that a push changes.
func (c *Config) Destination() string {
	what := fmt.Sprintf("variables %q %q", c.Variables.AccessKeyID, c.Variables.SecretAccessKey)
	if c.Bundle != "" {
		what = fmt.Sprintf("variable %q", c.Bundle)
	}
	return fmt.Sprintf("circleci %s %s %s", strings.TrimRight(c.URL, "/"), c.place(), what)
}

// place is where the variables lie, in words.
func (c *Config) place() string {
	switch {
	case c.Project != "":
		return "project " + c.Project
	case c.Organization != "":
		return "context " + c.Context + " of " + c.Organization
	}
	return "context " + c.Context
}

// owner asks for the contexts of an organization.
func owner(organization string) url.Values {
	if isID.MatchString(organization) {
		return url.Values{"owner-id": {organization}}
	}
	return url.Values{"owner-slug": {organization}}
}

// written are the variables that a push writes.
func (c *Config) written() []string {
	if c.Bundle != "" {
		return []string{c.Bundle}
	}
	return []string{c.Variables.SecretAccessKey, c.Variables.AccessKeyID}
}
