package vault

import (
	"errors"
	"fmt"

	"keyturn/sinks"
	"keyturn/sinks/internal/vaultapi"
)

// Config is the configuration of the kind.
type Config struct {
	vaultapi.Server `yaml:",inline"`
	Mount           string          `yaml:"mount" doc:"where the key-value store is mounted"`
	KV              int             `yaml:"kv" doc:"version of the store, 1 or 2; 0: ask Vault"`
	Path            string          `yaml:"path" doc:"the secret, below mount and without data/"`
	Variables       sinks.Variables `yaml:"variables" doc:"names of the fields"`
}

// Validate says which fields are wrong.
func (c *Config) Validate() error {
	errs := append(c.Server.Validate(), vaultapi.ValidatePath("mount", c.Mount), vaultapi.ValidatePath("path", c.Path))
	if c.KV < 0 || c.KV > 2 {
		errs = append(errs, sinks.Fieldf("kv", "must be 1 or 2"))
	}
	return errors.Join(append(errs, c.Variables.Validate("variables"))...)
}

// Destination names the two fields that a push changes.
func (c *Config) Destination() string {
	return fmt.Sprintf("vault %s %s/%s fields %q %q", c.Name(), c.Mount, c.Path, c.Variables.AccessKeyID, c.Variables.SecretAccessKey)
}
