package azuredevops

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
	URL               string          `yaml:"url" doc:"address of Azure DevOps, without the organization"`
	Token             secret.Ref      `yaml:"token" doc:"a personal access token, or a token of Microsoft Entra ID"`
	Scheme            string          `yaml:"scheme" doc:"what the token is: pat or bearer"`
	Organization      string          `yaml:"organization" doc:"the organization; on Azure DevOps Server the collection"`
	Project           string          `yaml:"project" doc:"name or id of the project"`
	VariableGroup     int             `yaml:"variable_group" doc:"number of a variable group; or service_connection"`
	ServiceConnection string          `yaml:"service_connection" doc:"id of a service connection of type aws"`
	CACert            string          `yaml:"ca_cert" doc:"PEM file with the authorities to trust; the system's by default"`
	Variables         sinks.Variables `yaml:"variables" doc:"names of the variables in a group"`
}

var (
	uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	// reference is what a job can read as $(name).
	reference = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)
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
	if c.Scheme != "pat" && c.Scheme != "bearer" {
		bad("scheme", "must be pat or bearer")
	}
	name := func(field, name string) {
		if strings.TrimSpace(name) == "" || strings.Trim(name, ".") == "" || strings.ContainsAny(name, "/\\?#%") {
			bad(field, "must be a name without slashes")
		}
	}
	name("organization", c.Organization)
	name("project", c.Project)
	if c.VariableGroup < 0 {
		bad("variable_group", "must be the number of a group")
	}
	if c.ServiceConnection != "" && !uuid.MatchString(c.ServiceConnection) {
		bad("service_connection", "must be the id of a connection: 8-4-4-4-12 hexadecimal digits")
	}
	if (c.VariableGroup == 0) == (c.ServiceConnection == "") {
		bad("variable_group", "exactly one of variable_group and service_connection must be given")
	}
	rule := vars.Rule{Form: reference, Says: "letters, digits, _ and dots, and not start with a digit", Reserved: []string{"system.", "build.", "agent."}}
	return errors.Join(append(errs, rule.Validate(c.Variables, ""))...)
}

// base is the address of the organization.
func (c *Config) base() string { return strings.TrimRight(c.URL, "/") + "/" + c.Organization }

// name is the object as errors call it.
func (c *Config) name() string {
	if c.VariableGroup != 0 {
		return fmt.Sprintf("variable group %d of %s/%s", c.VariableGroup, c.Organization, c.Project)
	}
	return fmt.Sprintf("service connection %s of %s/%s", c.ServiceConnection, c.Organization, c.Project)
}

// place is the object that a push replaces, whichever of its variables are meant.
func (c *Config) place() string {
	return "azure-devops " + strings.TrimRight(c.URL, "/") + " " + c.name()
}

// Destination names what a push changes.
func (c *Config) Destination() string {
	if c.VariableGroup == 0 {
		return c.place()
	}
	return fmt.Sprintf("%s %q %q", c.place(), c.Variables.AccessKeyID, c.Variables.SecretAccessKey)
}
