package hcpterraform

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
	Token        secret.Ref      `yaml:"token" doc:"an API token of a team or a user"`
	Organization string          `yaml:"organization" doc:"of a workspace that is given by its name; left out with an id"`
	Workspace    string          `yaml:"workspace" doc:"name of a workspace, or its id (ws-..) without organization; or variable_set"`
	VariableSet  string          `yaml:"variable_set" doc:"id (varset-..) of a variable set"`
	ShowKeyID    bool            `yaml:"show_key_id" doc:"make a new key id readable, so that it can be verified"`
	CACert       string          `yaml:"ca_cert" doc:"PEM file with the authorities to trust; the system's by default"`
	Variables    sinks.Variables `yaml:"variables" doc:"names of the environment variables"`
}

var (
	nameForm      = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	workspaceID   = regexp.MustCompile(`^ws-[A-Za-z0-9]{8,}$`)
	variableSetID = regexp.MustCompile(`^varset-[A-Za-z0-9]+$`)
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
	if c.Organization != "" && !nameForm.MatchString(c.Organization) {
		bad("organization", "must have only letters, digits, - and _")
	}
	if c.Workspace != "" && !nameForm.MatchString(c.Workspace) {
		bad("workspace", "must have only letters, digits, - and _")
	}
	if c.VariableSet != "" && !variableSetID.MatchString(c.VariableSet) {
		bad("variable_set", "must be the id of a variable set, which starts with varset-")
	}
	switch {
	case (c.Workspace == "") == (c.VariableSet == ""):
		bad("workspace", "exactly one of workspace and variable_set must be given")
	case c.Workspace != "" && c.Organization == "" && !workspaceID.MatchString(c.Workspace):
		bad("organization", "must not be empty, unless workspace is an id, which starts with ws-")
	}
	return errors.Join(append(errs, vars.Rule{}.Validate(c.Variables, ""))...)
}

// name is the place as errors call it.
func (c *Config) name() string {
	switch {
	case c.VariableSet != "":
		return "variable set " + c.VariableSet
	case c.Organization != "":
		return "workspace " + c.Organization + "/" + c.Workspace
	}
	return "workspace " + c.Workspace
}

// Destination names the two variables that a push changes.
func (c *Config) Destination() string {
	return fmt.Sprintf("hcp-terraform %s %s %q %q", strings.TrimRight(c.URL, "/"), c.name(), c.Variables.AccessKeyID, c.Variables.SecretAccessKey)
}
