package woodpecker

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// Config is the configuration of the kind.
type Config struct {
	URL          string          `yaml:"url" doc:"address of the server: https://ci.example.com"`
	CACert       string          `yaml:"ca_cert" doc:"PEM file with the authorities to trust; the system's by default"`
	Token        secret.Ref      `yaml:"token" doc:"a personal access token"`
	Repository   string          `yaml:"repository" doc:"OWNER/NAME; or organization, or global"`
	Organization string          `yaml:"organization" doc:"secrets of the whole organization, or of a user"`
	Global       bool            `yaml:"global" doc:"secrets of the whole server"`
	Events       []string        `yaml:"events" doc:"events that may use a secret that a push creates; all but pull requests by default"`
	Images       []string        `yaml:"images" doc:"images that may use a secret that a push creates; all by default"`
	Variables    sinks.Variables `yaml:"variables" doc:"names of the secrets"`
	Bundle       string          `yaml:"bundle" doc:"name of one secret that holds a credentials file, in place of two"`
}

// names are those that stand in a path as they are. The server takes any.
var names = vars.Rule{Form: regexp.MustCompile(`^[A-Za-z0-9_.-]*[A-Za-z0-9_-]$`), Says: "letters, digits, _, - and ."}

// known are the events of pipelines. Source: Woodpecker's manual, "Workflow syntax", "event".
var known = []string{"push", "pull_request", "pull_request_closed", "pull_request_metadata", "tag", "release", "deployment", "cron", "manual"}

// usual are the events of a new secret: those that nobody without rights can cause.
var usual = []string{"push", "tag", "release", "deployment", "cron", "manual"}

// segment is a name that stands in a path as it is.
var segment = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)

// isPath says whether s is at least least names between slashes. GitLab's groups nest.
func isPath(s string, least int) bool {
	parts := strings.Split(s, "/")
	for _, p := range parts {
		if !segment.MatchString(p) || p == "." || p == ".." {
			return false
		}
	}
	return len(parts) >= least
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
	given := 0
	for _, is := range []bool{c.Repository != "", c.Organization != "", c.Global} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		bad("repository", "exactly one of repository, organization and global must be given")
	case c.Repository != "" && !isPath(c.Repository, 2):
		bad("repository", "must be OWNER/NAME")
	case c.Organization != "" && !isPath(c.Organization, 1):
		bad("organization", "must be the name of an organization")
	}
	for i, e := range c.Events {
		if !slices.Contains(known, e) {
			bad(fmt.Sprintf("events[%d]", i), "must be one of %s", strings.Join(known, ", "))
		}
	}
	for i, image := range c.Images {
		if image == "" {
			bad(fmt.Sprintf("images[%d]", i), "must not be empty")
		}
	}
	return errors.Join(errs...)
}

// base is the address of the API, whether or not the configured one names it.
func (c *Config) base() string {
	const api = "/api"
	return strings.TrimSuffix(strings.TrimRight(c.URL, "/"), api) + api
}

// name is the place in texts.
func (c *Config) name() string {
	switch {
	case c.Repository != "":
		return "repository " + c.Repository
	case c.Organization != "":
		return "organization " + c.Organization
	}
	return "the server"
}

// Destination names the secrets that a push changes.
func (c *Config) Destination() string {
	what := fmt.Sprintf("secrets %q %q", c.Variables.AccessKeyID, c.Variables.SecretAccessKey)
	if c.Bundle != "" {
		what = fmt.Sprintf("secret %q", c.Bundle)
	}
	return fmt.Sprintf("woodpecker %s %s %s", c.base(), c.name(), what)
}
