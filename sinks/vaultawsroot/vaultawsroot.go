package vaultawsroot

import (
	"context"
	_ "embed"
	"fmt"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vaultapi"
)

//go:embed doc.go
var source string

const kind = "vault-aws-root"

// Spec is the kind.
var Spec = sinks.Define(sinks.Definition[Config, *Config]{
	Kind:     kind,
	Summary:  "the root configuration of Vault's AWS secrets engine",
	Best:     sinks.Partial,
	Verified: "Vault 1.21.1; OpenBao: documentation only",
	Source:   source,
	Defaults: Config{Mount: "aws"},
	Open:     open,
})

// sink is one engine.
type sink struct {
	cfg     Config
	call    *vaultapi.Client
	serials *sinks.Serials
}

func open(ctx context.Context, cfg *Config, env sinks.Env) (sinks.Sink, error) {
	c, err := vaultapi.New(ctx, kind, cfg.Server, env)
	if err != nil {
		return nil, err
	}
	s := &sink{cfg: *cfg, call: c, serials: env.Serials}
	if s.serials == nil {
		s.serials = &sinks.Serials{}
	}
	return s, nil
}

// op begins an error: "vault-aws-root: read aws/config/root".
func (s *sink) op(verb string) string { return kind + ": " + verb + " " + s.cfg.path() }

// Push writes the pair. It is written also if the key id is there already: whether the secret is, nobody can see.
func (s *sink) Push(ctx context.Context, cred sinks.Credential) (r sinks.Receipt, err error) {
	leave, err := s.serials.Enter(ctx, s.cfg.Destination())
	if err != nil {
		return sinks.Receipt{}, sinks.Errorf(sinks.Temporary, s.op("write"), "%w", err)
	}
	defer leave()
	err = httpapi.Retry(ctx, func(ctx context.Context) error {
		now, err := s.read(ctx)
		if err == nil {
			err = s.writable(now, s.op("write"))
		}
		if err == nil {
			r, err = s.write(ctx, now, cred)
		}
		return err
	})
	return r, err
}

// Verify compares the key id that Vault shows.
func (s *sink) Verify(ctx context.Context, cred sinks.Credential, _ sinks.KeyID, _ sinks.Receipt) (sinks.Evidence, error) {
	id, err := s.Serving(ctx)
	switch {
	case err != nil:
		return sinks.None, err
	case id == "":
		return sinks.None, sinks.Errorf(sinks.Stale, s.op("verify"), "it holds no key")
	case id != cred.KeyID:
		return sinks.None, sinks.Errorf(sinks.Stale, s.op("verify"), "it holds another key")
	}
	return sinks.Partial, nil
}

// Serving is the key id that Vault shows.
func (s *sink) Serving(ctx context.Context) (id sinks.KeyID, err error) {
	err = httpapi.Retry(ctx, func(ctx context.Context) error {
		now, err := s.read(ctx)
		id = now.key()
		return err
	})
	return id, err
}

// Check reads the configuration and asks what the token may do. It writes nothing.
func (s *sink) Check(ctx context.Context) (warnings []sinks.Warning, err error) {
	err = httpapi.Retry(ctx, func(ctx context.Context) error {
		warnings = nil
		return s.check(ctx, func(format string, args ...any) {
			warnings = append(warnings, sinks.Warning(fmt.Sprintf(format, args...)))
		})
	})
	if err != nil {
		return nil, err
	}
	return warnings, nil
}

func (s *sink) check(ctx context.Context, warn func(string, ...any)) error {
	if httpapi.Unencrypted(s.cfg.Address) {
		warn("%s: %s is not encrypted: tokens and secrets can be read on the way", kind, s.cfg.Address)
	}
	now, err := s.read(ctx)
	if err != nil {
		return err
	}
	op := s.op("check")
	if err := s.writable(now, op); err != nil {
		return err
	}
	need := "update"
	if now == nil {
		need = "create"
	}
	if err := s.call.CheckRights(ctx, op, s.cfg.path(), need, warn); err != nil {
		return err
	}
	return s.call.CheckToken(ctx, warn)
}
