package main

import (
	"context"
	"sync"

	"keyturn/internal/secret"
	"keyturn/sinks"
)

// memory is a kind of sink that costs nothing, so that what is measured is keyturn and not a disk.
func memory() sinks.Spec {
	stores := &sync.Map{} // by name
	return sinks.Define(sinks.Definition[memoryConfig, *memoryConfig]{
		Kind: "memory", Best: sinks.Exact,
		Open: func(_ context.Context, c *memoryConfig, _ sinks.Env) (sinks.Sink, error) {
			return memorySink{c.Name, stores}, nil
		},
	})
}

type memoryConfig struct {
	Name string `yaml:"name"`
}

func (c *memoryConfig) Validate() error     { return nil }
func (c *memoryConfig) Destination() string { return c.Name }

type memorySink struct {
	name   string
	stores *sync.Map
}

func (s memorySink) Check(context.Context) ([]sinks.Warning, error) { return nil, nil }

func (s memorySink) Push(_ context.Context, c sinks.Credential) (sinks.Receipt, error) {
	var held secret.Text
	c.Secret.Use(func(b []byte) { held = secret.New(b) }) // the caller wipes its own
	s.stores.Store(s.name, sinks.Credential{KeyID: c.KeyID, Secret: held})
	return sinks.Receipt{}, nil
}

func (s memorySink) Verify(_ context.Context, c sinks.Credential, _ sinks.KeyID, _ sinks.Receipt) (sinks.Evidence, error) {
	v, ok := s.stores.Load(s.name)
	if !ok {
		return sinks.None, sinks.Errorf(sinks.Missing, "memory", "nothing is stored")
	}
	if held := v.(sinks.Credential); held.KeyID != c.KeyID || !held.Secret.Equal(c.Secret) {
		return sinks.None, sinks.Errorf(sinks.Stale, "memory", "another pair is stored")
	}
	return sinks.Exact, nil
}

func (s memorySink) Serving(context.Context) (sinks.KeyID, error) {
	v, ok := s.stores.Load(s.name)
	if !ok {
		return "", nil
	}
	return v.(sinks.Credential).KeyID, nil
}
