package exec

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
)

//go:embed doc.go
var source string

// Spec is the kind. Best is what a plugin can declare at most; each says for itself what
// it can do.
var Spec = sinks.Define(sinks.Definition[Config, *Config]{
	Kind:     "exec",
	Summary:  "a program of yours that speaks JSON over stdin and stdout",
	Best:     sinks.Exact,
	Verified: "the plugins of deploy/examples, and a plugin that misbehaves in every way",
	Source:   source,
	Defaults: Config{Timeout: time.Minute},
	Open:     open,
})

// Config says which program, and what it is told.
type Config struct {
	Command []string              `yaml:"command" doc:"program and arguments; no shell is involved"`
	Config  map[string]string     `yaml:"config" doc:"what the plugin wants to know; never a secret"`
	Secrets map[string]secret.Ref `yaml:"secrets" doc:"secrets that the plugin needs, by name; handed over on stdin"`
	Timeout time.Duration         `yaml:"timeout" doc:"how long one call may take before its process group is killed"`
	Where   string                `yaml:"destination" doc:"a name for what a push changes; without it, command and config together"`
}

// Validate names every field that is wrong.
func (c *Config) Validate() error {
	var errs []error
	if len(c.Command) == 0 || c.Command[0] == "" {
		errs = append(errs, sinks.Fieldf("command", "must name a program"))
	}
	if c.Timeout <= 0 {
		errs = append(errs, sinks.Fieldf("timeout", "must be longer than 0"))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Secrets)) {
		if c.Secrets[name].IsZero() {
			errs = append(errs, sinks.Fieldf("secrets", "every secret must be a reference: env, file or command"))
			break
		}
	}
	return errors.Join(errs...)
}

// Destination is the name that the configuration gives it, or all that the plugin is told.
func (c *Config) Destination() string {
	if c.Where != "" {
		return fmt.Sprintf("destination %q", c.Where)
	}
	config, _ := json.Marshal(c.Config) // sorted; strings always marshal
	return fmt.Sprintf("command %q config %s", c.Command, config)
}

// open resolves the secrets and asks the plugin what it can do, which contacts nothing.
func open(ctx context.Context, c *Config, _ sinks.Env) (sinks.Sink, error) {
	secrets := map[string]secret.Text{}
	for name, ref := range c.Secrets {
		text, err := ref.Resolve(ctx)
		if err != nil {
			return nil, fmt.Errorf("exec: secrets.%s: %w", name, err)
		}
		secrets[name] = text
	}
	return openWith(ctx, c, secrets)
}

func openWith(ctx context.Context, c *Config, secrets map[string]secret.Text) (sinks.Sink, error) {
	s := &sink{command: c.Command, config: c.Config, secrets: secrets, timeout: c.Timeout}
	if err := s.describe(ctx); err != nil {
		return nil, err
	}
	if s.readable {
		return reader{s}, nil
	}
	return s, nil
}
