package buildkite

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
	URL          string          `yaml:"url" doc:"address of the API"`
	CACert       string          `yaml:"ca_cert" doc:"PEM file with the authorities to trust; the system's by default"`
	Token        secret.Ref      `yaml:"token" doc:"an API access token with the scopes read_secret_details and write_secrets"`
	Organization string          `yaml:"organization" doc:"slug of the organization"`
	Cluster      string          `yaml:"cluster" doc:"id of the cluster"`
	Policy       string          `yaml:"policy" doc:"access policy, in YAML, of a secret that a push creates"`
	Variables    sinks.Variables `yaml:"variables" doc:"names of the secrets"`
	Bundle       string          `yaml:"bundle" doc:"name of one secret that holds a credentials file, in place of two"`
}

// names are those that Buildkite takes. Source: REST API, "Secrets".
var names = vars.Rule{
	Max: 255, Form: regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`), Says: "letters, digits and _, and start with a letter",
	Reserved: []string{"buildkite", "bk"},
}

// segment is what stands in a path as it is.
var segment = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

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
	if !segment.MatchString(c.Organization) {
		bad("organization", "must be the slug of an organization, as in its address")
	}
	if !segment.MatchString(c.Cluster) {
		bad("cluster", "must be the id of a cluster, as in its address")
	}
	return errors.Join(errs...)
}

// Destination names the secrets that a push changes.
func (c *Config) Destination() string {
	what := fmt.Sprintf("secrets %q %q", c.Variables.AccessKeyID, c.Variables.SecretAccessKey)
	if c.Bundle != "" {
		what = fmt.Sprintf("secret %q", c.Bundle)
	}
	return fmt.Sprintf("buildkite %s organization %s cluster %s %s", strings.TrimRight(c.URL, "/"), c.Organization, c.Cluster, what)
}
