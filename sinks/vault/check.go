package vault

import (
	"context"
	"fmt"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// Check logs in, reads the secret and asks what the token may do. It writes nothing.
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
		warn("vault: %s is not encrypted: tokens and secrets can be read on the way", s.cfg.Address)
	}
	if err := s.checkVersion(ctx); err != nil {
		return err
	}
	now, err := s.read(ctx)
	if err != nil {
		return err
	}
	if now.deleted {
		warn("vault: the newest version of %s is deleted: a push brings it back with the pair alone", s.name())
	}
	if err := s.checkRights(ctx, now, warn); err != nil {
		return err
	}
	return s.call.CheckToken(ctx, warn)
}

// checkVersion compares what is configured with what is there, as far as Vault tells.
func (s *sink) checkVersion(ctx context.Context) error {
	op := "vault: check " + s.name()
	if s.cfg.KV == 0 {
		_, err := s.version(ctx, op)
		return err
	}
	is, err := s.detect(ctx, op)
	if err != nil {
		return err
	}
	if is != s.cfg.KV {
		return sinks.Errorf(sinks.Refused, op, "the store is version %d, the configuration says kv: %d", is, s.cfg.KV)
	}
	return nil
}

// checkRights asks for the capability that a push needs.
func (s *sink) checkRights(ctx context.Context, now current, warn func(string, ...any)) error {
	op := "vault: check " + s.name()
	kv, err := s.version(ctx, op)
	if err != nil {
		return err
	}
	need := "create"
	if now.version > 0 || now.fields != nil {
		need = "update"
	}
	return s.call.CheckRights(ctx, op, s.path(kv), need, warn)
}
