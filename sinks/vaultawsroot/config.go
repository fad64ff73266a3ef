package vaultawsroot

import (
	"errors"

	"keyturn/sinks/internal/vaultapi"
)

// Config is the configuration of the kind.
type Config struct {
	vaultapi.Server `yaml:",inline"`
	Mount           string `yaml:"mount" doc:"where the AWS secrets engine is mounted"`
}

// Validate says which fields are wrong.
func (c *Config) Validate() error {
	return errors.Join(append(c.Server.Validate(), vaultapi.ValidatePath("mount", c.Mount))...)
}

// Destination names the engine.
func (c *Config) Destination() string { return "vault-aws-root " + c.Name() + " " + c.Mount }

// path is that of the root configuration. Source: "AWS secrets engine (API)", section "Configure root credentials".
func (c *Config) path() string { return c.Mount + "/config/root" }
