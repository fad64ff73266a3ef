package bitbucket

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
	URL        string          `yaml:"url" doc:"address of the API"`
	Token      secret.Ref      `yaml:"token" doc:"an access token, or with user an API token"`
	User       string          `yaml:"user" doc:"email address of the API token's user; none for an access token"`
	Workspace  string          `yaml:"workspace" doc:"slug of the workspace"`
	Repository string          `yaml:"repository" doc:"slug of the repository; without it the workspace's variables are meant"`
	Deployment string          `yaml:"deployment" doc:"name, or UUID with braces, of a deployment environment of the repository"`
	ShowKeyID  bool            `yaml:"show_key_id" doc:"write the key id unsecured, so that it can be verified"`
	Variables  sinks.Variables `yaml:"variables" doc:"names of the variables"`
}

var slugForm = regexp.MustCompile(`^(\{[0-9a-fA-F-]{36}\}|[A-Za-z0-9._-]+)$`)

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
	if strings.Contains(c.User, ":") {
		bad("user", "must be an email address")
	}
	slug := func(field, slug string) {
		if !slugForm.MatchString(slug) || strings.Trim(slug, ".") == "" {
			bad(field, "must be a slug: letters, digits, dots, - and _")
		}
	}
	slug("workspace", c.Workspace)
	if c.Repository != "" {
		slug("repository", c.Repository)
	}
	if c.Deployment != "" && c.Repository == "" {
		bad("deployment", "needs a repository")
	}
	return errors.Join(append(errs, vars.Rule{Reserved: []string{"BITBUCKET_"}}.Validate(c.Variables, ""))...)
}

// name is the place as errors call it.
func (c *Config) name() string {
	switch {
	case c.Repository == "":
		return "workspace " + c.Workspace
	case c.Deployment == "":
		return c.Workspace + "/" + c.Repository
	}
	return "deployment " + c.Deployment + " of " + c.Workspace + "/" + c.Repository
}

// Destination names the two variables that a push changes.
func (c *Config) Destination() string {
	return fmt.Sprintf("bitbucket %s %s %q %q", strings.TrimRight(c.URL, "/"), c.name(), c.Variables.AccessKeyID, c.Variables.SecretAccessKey)
}
