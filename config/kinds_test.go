package config

import (
	"context"
	"errors"
	"strings"

	"keyturn/internal/secret"
	"keyturn/sinks"
)

// boxConfig is the configuration of a test kind that has a field of every sort.
type boxConfig struct {
	Address   string            `yaml:"address" doc:"where the box is"`
	Token     secret.Ref        `yaml:"token"`
	Login     *boxLogin         `yaml:"login"`
	Path      string            `yaml:"path"`
	Slots     int               `yaml:"slots"`
	Sealed    bool              `yaml:"sealed"`
	Wait      sinksDuration     `yaml:"-"`
	Mode      string            `yaml:"mode" oneof:"open shut"`
	Tags      []string          `yaml:"tags"`
	Labels    map[string]string `yaml:"labels"`
	Extra     map[string]any    `yaml:"extra"`
	Variables sinks.Variables   `yaml:"variables"`
}

type sinksDuration struct{}

type boxLogin struct {
	ID     string     `yaml:"id"`
	Secret secret.Ref `yaml:"secret"`
}

func (c *boxConfig) Validate() error {
	var errs []error
	if c.Address == "" {
		errs = append(errs, sinks.Fieldf("address", "must not be empty"))
	}
	if c.Path == "" || strings.Contains(c.Path, "${rotation}") {
		errs = append(errs, sinks.Fieldf("path", "must be the path of a slot"))
	}
	if c.Token.IsZero() == (c.Login == nil) {
		errs = append(errs, sinks.Fieldf("token", "exactly one of token and login is needed"))
	}
	if c.Login != nil && c.Login.ID == "" {
		errs = append(errs, sinks.Fieldf("login.id", "must not be empty"))
	}
	return errors.Join(append(errs, c.Variables.Validate("variables"))...)
}

func (c *boxConfig) Destination() string { return c.Address + "/" + c.Path }

// boxSink shows what it was opened with.
type boxSink struct {
	sinks.Sink
	cfg *boxConfig
}

var box = sinks.Define(sinks.Definition[boxConfig, *boxConfig]{
	Kind: "box", Best: sinks.Exact,
	Defaults: boxConfig{Slots: 2, Tags: []string{"by-${robot}"}, Labels: map[string]string{"kind": "box"}, Variables: sinks.DefaultVariables},
	Open: func(_ context.Context, cfg *boxConfig, _ sinks.Env) (sinks.Sink, error) {
		return boxSink{cfg: cfg}, nil
	},
})

// holeConfig is a test kind that shows nothing, and says nothing of what is wrong.
type holeConfig struct {
	Name string `yaml:"name"`
}

func (c *holeConfig) Validate() error {
	if c.Name == "" || strings.Contains(c.Name, "bad") {
		return errors.New("no good: " + c.Name)
	}
	return nil
}

func (c *holeConfig) Destination() string { return c.Name }

var hole = sinks.Define(sinks.Definition[holeConfig, *holeConfig]{
	Kind: "hole", Best: sinks.Accepted,
	Open: func(context.Context, *holeConfig, sinks.Env) (sinks.Sink, error) { return nil, errors.New("closed") },
})

var specs = []sinks.Spec{box, hole}
