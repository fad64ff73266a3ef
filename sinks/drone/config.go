package drone

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
	URL          string          `yaml:"url" doc:"address of the server: https://drone.example.com"`
	CACert       string          `yaml:"ca_cert" doc:"PEM file with the authorities to trust; the system's by default"`
	Token        secret.Ref      `yaml:"token" doc:"a user's token"`
	Repository   string          `yaml:"repository" doc:"OWNER/NAME; or organization"`
	Organization string          `yaml:"organization" doc:"secrets of the whole organization; those of a user take an administrator of the server"`
	PullRequest  bool            `yaml:"pull_request" doc:"whether pull requests read a secret that a push creates"`
	Variables    sinks.Variables `yaml:"variables" doc:"names of the secrets"`
	Bundle       string          `yaml:"bundle" doc:"name of one secret that holds a credentials file, in place of two"`
}

// names are those that Drone takes.
var names = vars.Rule{Form: regexp.MustCompile(`^[A-Za-z0-9_.-]*[A-Za-z0-9_-]$`), Says: "letters, digits, _, - and ."}

// segment is a name that stands in a path as it is.
var segment = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)

func isName(s string) bool { return segment.MatchString(s) && s != "." && s != ".." }

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
	owner, name, _ := strings.Cut(c.Repository, "/")
	switch {
	case (c.Repository == "") == (c.Organization == ""):
		bad("repository", "exactly one of repository and organization must be given")
	case c.Repository != "" && !(isName(owner) && isName(name)):
		bad("repository", "must be OWNER/NAME")
	case c.Organization != "" && !isName(c.Organization):
		bad("organization", "must be the name of an organization")
	}
	if v := c.small(); c.Variables.Validate("variables") == nil && v.Validate("variables") != nil {
		bad("variables", "access_key_id, secret_access_key and session_token must differ by more than case")
	}
	return errors.Join(errs...)
}

func (c *Config) small() sinks.Variables {
	return sinks.Variables{
		AccessKeyID:     strings.ToLower(c.Variables.AccessKeyID),
		SecretAccessKey: strings.ToLower(c.Variables.SecretAccessKey),
		SessionToken:    strings.ToLower(c.Variables.SessionToken),
	}
}

// base is the address of the API, whether or not the configured one names it.
func (c *Config) base() string {
	const api = "/api"
	return strings.TrimSuffix(strings.TrimRight(c.URL, "/"), api) + api
}

// path is where the secrets lie, below the API's address.
func (c *Config) path() string {
	if c.Repository != "" {
		return "/repos/" + c.Repository + "/secrets"
	}
	return "/secrets/" + c.Organization
}

// name is the place in texts.
func (c *Config) name() string {
	if c.Repository != "" {
		return "repository " + c.Repository
	}
	return "organization " + c.Organization
}

// Destination names the secrets that a push changes.
func (c *Config) Destination() string {
	v := c.small()
	what := fmt.Sprintf("secrets %q %q", v.AccessKeyID, v.SecretAccessKey)
	if c.Bundle != "" {
		what = fmt.Sprintf("secret %q", strings.ToLower(c.Bundle))
	}
	return fmt.Sprintf("drone %s %s %s", c.base(), c.name(), what)
}
