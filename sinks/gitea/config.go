package gitea

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
	URL          string          `yaml:"url" doc:"address of the server: https://git.example.com"`
	CACert       string          `yaml:"ca_cert" doc:"PEM file with the authorities to trust; the system's by default"`
	Token        secret.Ref      `yaml:"token" doc:"an access token"`
	Repository   string          `yaml:"repository" doc:"OWNER/NAME; or organization, or user"`
	Organization string          `yaml:"organization" doc:"secrets of the whole organization"`
	User         string          `yaml:"user" doc:"secrets of this user, whose token it must be, for all of the user's repositories"`
	Variables    sinks.Variables `yaml:"variables" doc:"names of the secrets"`
	Bundle       string          `yaml:"bundle" doc:"name of one secret that holds a credentials file, in place of two"`
}

// names are those that Gitea and Forgejo take. Source: "Secrets" of both handbooks, and Gitea's check of names.
var names = vars.Rule{Reserved: []string{"GITEA_", "GITHUB_", "FORGEJO_"}}

// segment is a name that stands in a path as it is.
var segment = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

func isName(s string) bool { return segment.MatchString(s) && s != "." && s != ".." }

// isRepository says whether s is OWNER/NAME.
func isRepository(s string) bool {
	owner, name, _ := strings.Cut(s, "/")
	return isName(owner) && isName(name)
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
	for _, is := range []bool{c.Repository != "", c.Organization != "", c.User != ""} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		bad("repository", "exactly one of repository, organization and user must be given")
	case c.Repository != "" && !isRepository(c.Repository):
		bad("repository", "must be OWNER/NAME")
	case c.Organization != "" && !isName(c.Organization):
		bad("organization", "must be the name of an organization")
	case c.User != "" && !isName(c.User):
		bad("user", "must be the name of a user")
	}
	for _, v := range []struct{ field, name string }{
		{"variables.access_key_id", c.Variables.AccessKeyID}, {"variables.secret_access_key", c.Variables.SecretAccessKey},
		{"variables.session_token", c.Variables.SessionToken}, {"bundle", c.Bundle},
	} {
		if strings.EqualFold(v.name, "CI") {
			bad(v.field, "must not be CI")
		}
	}
	// The server keeps names in capitals: two that differ only in case are one secret there.
	if capitals := c.capitals(); c.Variables.Validate("variables") == nil && capitals.Validate("variables") != nil {
		bad("variables", "access_key_id, secret_access_key and session_token must differ by more than case")
	}
	return errors.Join(errs...)
}

func (c *Config) capitals() sinks.Variables {
	return sinks.Variables{
		AccessKeyID:     strings.ToUpper(c.Variables.AccessKeyID),
		SecretAccessKey: strings.ToUpper(c.Variables.SecretAccessKey),
		SessionToken:    strings.ToUpper(c.Variables.SessionToken),
	}
}

// base is the address of the API, whether or not the configured one names its version.
func (c *Config) base() string {
	const version = "/api/v1"
	return strings.TrimSuffix(strings.TrimRight(c.URL, "/"), version) + version
}

// Destination names the secrets that a push changes.
func (c *Config) Destination() string {
	v := c.capitals()
	what := fmt.Sprintf("secrets %q %q", v.AccessKeyID, v.SecretAccessKey)
	if c.Bundle != "" {
		what = fmt.Sprintf("secret %q", strings.ToUpper(c.Bundle))
	}
	return fmt.Sprintf("gitea %s %s %s", c.base(), strings.ToLower(scopeOf(c).name), what)
}
