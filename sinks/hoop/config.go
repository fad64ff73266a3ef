package hoop

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
	URL        string          `yaml:"url" doc:"address of the gateway: https://hoop.example.com"`
	CACert     string          `yaml:"ca_cert" doc:"PEM file with the authorities to trust; the system's by default"`
	Token      secret.Ref      `yaml:"token" doc:"an API key hpk_..., or an access token; or api_key"`
	APIKey     secret.Ref      `yaml:"api_key" doc:"the API key of the gateway's own configuration"`
	Connection string          `yaml:"connection" doc:"name or id"`
	Variables  sinks.Variables `yaml:"variables" doc:"names of the environment variables"`
}

// segment is a name that stands in a path as it is.
var segment = regexp.MustCompile(`^[A-Za-z0-9._:-]+$`)

// Validate says which fields are wrong.
func (c *Config) Validate() error {
	errs := []error{vars.Rule{}.Validate(c.Variables, "")}
	bad := func(field, format string, args ...any) { errs = append(errs, sinks.Fieldf(field, format, args...)) }
	if _, err := httpapi.ParseBase(c.URL); err != nil {
		bad("url", "%v", err)
	}
	if c.Token.IsZero() == c.APIKey.IsZero() {
		bad("token", "exactly one of token and api_key must be given")
	}
	if !segment.MatchString(c.Connection) || c.Connection == "." || c.Connection == ".." {
		bad("connection", "must be the name or the id of a connection")
	}
	return errors.Join(errs...)
}

// base is the address of the API, whether or not the configured one names it.
func (c *Config) base() string {
	const api = "/api"
	return strings.TrimSuffix(strings.TrimRight(c.URL, "/"), api) + api
}

// Destination names the values that a push changes.
func (c *Config) Destination() string {
	return fmt.Sprintf("hoop %s connection %s variables %q %q", c.base(), c.Connection, c.Variables.AccessKeyID, c.Variables.SecretAccessKey)
}
