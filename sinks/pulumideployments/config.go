package pulumideployments

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
	URL          string          `yaml:"url" doc:"address of the Pulumi API"`
	Token        secret.Ref      `yaml:"token" doc:"a Pulumi access token"`
	Organization string          `yaml:"organization"`
	Project      string          `yaml:"project"`
	Stack        string          `yaml:"stack" doc:"name of the stack, without organization and project"`
	CACert       string          `yaml:"ca_cert" doc:"PEM file with the authorities to trust; the system's by default"`
	Variables    sinks.Variables `yaml:"variables" doc:"names of the environment variables"`
}

// nameForm is a name of an organization, a project or a stack. Source: "Stacks", "Stack naming".
var nameForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)

// Validate says which fields are wrong.
func (c *Config) Validate() error {
	var errs []error
	if _, err := httpapi.ParseBase(c.URL); err != nil {
		errs = append(errs, sinks.Fieldf("url", "%v", err))
	}
	if c.Token.IsZero() {
		errs = append(errs, sinks.Fieldf("token", "must not be empty"))
	}
	name := func(field, name string) {
		if !nameForm.MatchString(name) || strings.Trim(name, ".") == "" {
			errs = append(errs, sinks.Fieldf(field, "must have 1 to 100 letters, digits, dots, - and _"))
		}
	}
	name("organization", c.Organization)
	name("project", c.Project)
	name("stack", c.Stack)
	return errors.Join(append(errs, vars.Rule{}.Validate(c.Variables, ""))...)
}

// name is the stack as Pulumi's own command calls it.
func (c *Config) name() string { return c.Organization + "/" + c.Project + "/" + c.Stack }

// Destination names the two variables that a push changes.
func (c *Config) Destination() string {
	return fmt.Sprintf("pulumi-deployments %s %s %q %q",
		strings.TrimRight(c.URL, "/"), c.name(), c.Variables.AccessKeyID, c.Variables.SecretAccessKey)
}
