package gitlab

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// Config is the configuration of the kind.
type Config struct {
	URL              string          `yaml:"url" doc:"address of the API; self-managed: https://HOST/api/v4"`
	CACert           string          `yaml:"ca_cert" doc:"PEM file with the authorities to trust; the system's by default"`
	Token            secret.Ref      `yaml:"token" doc:"an access token with the scope api"`
	Project          string          `yaml:"project" doc:"path of a project, or its number in quotes; or group, or instance"`
	Group            string          `yaml:"group" doc:"path of a group, or its number in quotes"`
	Instance         bool            `yaml:"instance" doc:"the variables of the whole instance"`
	EnvironmentScope string          `yaml:"environment_scope" doc:"environments that get the variables"`
	Masked           bool            `yaml:"masked" doc:"a variable that a push creates is masked in job logs"`
	Hidden           bool            `yaml:"hidden" doc:"a variable that a push creates is masked and never shown again"`
	Protected        bool            `yaml:"protected" doc:"a variable that a push creates reaches protected branches and tags only"`
	Variables        sinks.Variables `yaml:"variables" doc:"names of the variables"`
	Bundle           string          `yaml:"bundle" doc:"name of one variable of type file that holds a credentials file, in place of two"`
}

// all is the scope of a variable that every environment gets.
const all = "*"

// names are those that GitLab takes. Source: "Project-level CI/CD variables API".
var names = vars.Rule{Max: 255}

// Validate says which fields are wrong.
func (c *Config) Validate() error {
	errs := []error{names.Validate(c.Variables, c.Bundle)}
	bad := func(field, format string, args ...any) { errs = append(errs, sinks.Fieldf(field, format, args...)) }
	if _, err := httpapi.ParseBase(c.URL); err != nil {
		bad("url", "%v", err)
	} else if !strings.HasSuffix(strings.TrimRight(c.URL, "/"), "/api/v4") {
		bad("url", "must end in /api/v4")
	}
	if c.Token.IsZero() {
		bad("token", "must not be empty")
	}
	given := 0
	for _, is := range []bool{c.Project != "", c.Group != "", c.Instance} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		bad("project", "exactly one of project, group and instance must be given")
	case !isPath(c.Project):
		bad("project", "must be a path without a slash at either end")
	case !isPath(c.Group):
		bad("group", "must be a path without a slash at either end")
	}
	if c.EnvironmentScope == "" {
		bad("environment_scope", "must not be empty; %q is all environments", all)
	}
	if c.Instance && c.EnvironmentScope != all {
		bad("environment_scope", "variables of an instance have none")
	}
	return errors.Join(append(errs, c.validateHidden()...)...)
}

func (c *Config) validateHidden() (errs []error) {
	if !c.Hidden {
		return nil
	}
	if c.Bundle != "" {
		errs = append(errs, sinks.Fieldf("hidden", "a bundle has several lines, which GitLab cannot mask or hide"))
	}
	if c.Instance {
		errs = append(errs, sinks.Fieldf("hidden", "variables of an instance cannot be hidden"))
	}
	if !c.Masked {
		errs = append(errs, sinks.Fieldf("masked", "a hidden variable is masked too"))
	}
	return errs
}

func isPath(p string) bool {
	return strings.Trim(p, "/ ") == p && !strings.Contains(p, "//") && !strings.ContainsAny(p, "?#%")
}

// Destination names the variables that a push changes.
func (c *Config) Destination() string {
	what := fmt.Sprintf("variables %q %q", c.Variables.AccessKeyID, c.Variables.SecretAccessKey)
	if c.Bundle != "" {
		what = fmt.Sprintf("file %q", c.Bundle)
	}
	return fmt.Sprintf("gitlab %s %s scope %q %s", strings.TrimRight(c.URL, "/"), c.place(), c.EnvironmentScope, what)
}

// place is where the variables lie, in words.
func (c *Config) place() string {
	switch {
	case c.Project != "":
		return "project " + c.Project
	case c.Group != "":
		return "group " + c.Group
	}
	return "instance"
}

// path is where the variables lie, below the API's address.
func (c *Config) path() string {
	switch {
	case c.Project != "":
		return "/projects/" + url.PathEscape(c.Project) + "/variables"
	case c.Group != "":
		return "/groups/" + url.PathEscape(c.Group) + "/variables"
	}
	return "/admin/ci/variables"
}

// written are the variables that a push writes.
func (c *Config) written() []string {
	if c.Bundle != "" {
		return []string{c.Bundle}
	}
	return []string{c.Variables.SecretAccessKey, c.Variables.AccessKeyID}
}
