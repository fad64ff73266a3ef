package travis

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
	URL         string          `yaml:"url" doc:"address of the API; Enterprise: https://HOST/api"`
	CACert      string          `yaml:"ca_cert" doc:"PEM file with the authorities to trust; the system's by default"`
	Token       secret.Ref      `yaml:"token" doc:"an API token"`
	Repository  string          `yaml:"repository" doc:"OWNER/NAME, or its number in quotes"`
	Branch      string          `yaml:"branch" doc:"branch whose builds get the variables; all by default"`
	PublicKeyID bool            `yaml:"public_key_id" doc:"whether the key id is made public, so that it can be read back"`
	Variables   sinks.Variables `yaml:"variables" doc:"names of the variables"`
}

// names are those that a shell takes.
var names = vars.Rule{}

var repository = regexp.MustCompile(`^([A-Za-z0-9._-]+/[A-Za-z0-9._-]+|[0-9]+)$`)

// Validate says which fields are wrong.
func (c *Config) Validate() error {
	errs := []error{names.Validate(c.Variables, "")}
	bad := func(field, format string, args ...any) { errs = append(errs, sinks.Fieldf(field, format, args...)) }
	if _, err := httpapi.ParseBase(c.URL); err != nil {
		bad("url", "%v", err)
	}
	if c.Token.IsZero() {
		bad("token", "must not be empty")
	}
	if !repository.MatchString(c.Repository) {
		bad("repository", "must be OWNER/NAME, or a number")
	}
	return errors.Join(errs...)
}

// Destination names the variables that a push changes.
func (c *Config) Destination() string {
	return fmt.Sprintf("%s branch %q variables %q %q", c.place(), c.Branch, c.Variables.AccessKeyID, c.Variables.SecretAccessKey)
}

// place is the repository, of which only one variable at a time can be changed.
func (c *Config) place() string {
	return strings.ToLower(fmt.Sprintf("travis %s repository %s", strings.TrimRight(c.URL, "/"), c.Repository))
}

// path is the repository's, below the API's address.
func (c *Config) path() string { return "/repo/" + url.PathEscape(c.Repository) }

// written are the variables that a push writes.
func (c *Config) written() []string {
	return []string{c.Variables.SecretAccessKey, c.Variables.AccessKeyID}
}
