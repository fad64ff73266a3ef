package pulumiesc

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// Config is the configuration of the kind.
type Config struct {
	URL          string          `yaml:"url" doc:"address of the Pulumi API"`
	Token        secret.Ref      `yaml:"token" doc:"a Pulumi access token"`
	Organization string          `yaml:"organization"`
	Project      string          `yaml:"project"`
	Environment  string          `yaml:"environment"`
	Path         string          `yaml:"path" doc:"where the values lie, below values: names with dots between them"`
	CACert       string          `yaml:"ca_cert" doc:"PEM file with the authorities to trust; the system's by default"`
	Variables    sinks.Variables `yaml:"variables" doc:"names of the values"`
}

var (
	// nameForm is a name of an environment or its project. Source: "Pulumi ESC REST API".
	nameForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)
	// keyForm is what needs no quotes in YAML, nor in a reference to it.
	keyForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)
)

// Validate says which fields are wrong.
func (c *Config) Validate() error {
	var errs []error
	bad := func(field, msg string) { errs = append(errs, sinks.Fieldf(field, "%s", msg)) }
	if _, err := httpapi.ParseBase(c.URL); err != nil {
		bad("url", err.Error())
	}
	if c.Token.IsZero() {
		bad("token", "must not be empty")
	}
	for field, name := range map[string]string{"organization": c.Organization, "project": c.Project, "environment": c.Environment} {
		if !nameForm.MatchString(name) || strings.Trim(name, ".") == "" {
			bad(field, "must have 1 to 100 letters, digits, dots, - and _")
		}
	}
	for _, key := range c.path() {
		if !keyForm.MatchString(key) {
			bad("path", "must be names with dots between them, of letters, digits, - and _")
			break
		}
	}
	if err := c.Variables.Validate("variables"); err != nil {
		return errors.Join(append(errs, err)...)
	}
	for field, key := range map[string]string{
		"variables.access_key_id": c.Variables.AccessKeyID, "variables.secret_access_key": c.Variables.SecretAccessKey,
		"variables.session_token": c.Variables.SessionToken,
	} {
		if !keyForm.MatchString(key) {
			bad(field, "must have only letters, digits, - and _, and not start with a digit")
		}
	}
	return errors.Join(errs...)
}

// path is that of the object which holds the pair, below values.
func (c *Config) path() []string { return strings.Split(c.Path, ".") }

// name is the environment as Pulumi's own command calls it.
func (c *Config) name() string { return c.Organization + "/" + c.Project + "/" + c.Environment }

// Destination names the two values that a push changes.
func (c *Config) Destination() string {
	return fmt.Sprintf("pulumi-esc %s %s values.%s %q %q",
		strings.TrimRight(c.URL, "/"), c.name(), c.Path, c.Variables.AccessKeyID, c.Variables.SecretAccessKey)
}
