package vault

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// soon is when a token that runs out deserves a warning.
const soon = 72 * time.Hour

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
	return s.checkToken(ctx, warn)
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

// checkRights asks for the capabilities that a push needs. Source: "/sys/capabilities-self (API)".
func (s *sink) checkRights(ctx context.Context, now current, warn func(string, ...any)) error {
	op := "vault: check " + s.name()
	kv, err := s.version(ctx, op)
	if err != nil {
		return err
	}
	path := s.path(kv)
	var got struct {
		Data struct {
			Capabilities []string `json:"capabilities"`
		} `json:"data"`
	}
	_, err = s.call.put(ctx, op, "sys/capabilities-self", map[string]any{"paths": []string{path}}, &got)
	if sinks.ClassOf(err) == sinks.Denied {
		warn("vault: the token may not ask for its capabilities (policy \"default\"): whether it may write %s is not known", path)
		return nil
	}
	if err != nil {
		return err
	}
	need := "create"
	if now.version > 0 || now.fields != nil {
		need = "update"
	}
	may := got.Data.Capabilities
	if !slices.Contains(may, "root") && !slices.Contains(may, need) {
		return sinks.Errorf(sinks.Denied, op, "the token's policies do not allow %s on %s", need, path)
	}
	return nil
}

// checkToken warns of a token that runs out and that keyturn cannot replace. Source: "Token auth method (API)".
func (s *sink) checkToken(ctx context.Context, warn func(string, ...any)) error {
	if s.call.login.method != nil {
		return nil
	}
	var got struct {
		Data struct {
			TTL        int    `json:"ttl"`
			ExpireTime string `json:"expire_time"`
		} `json:"data"`
	}
	err := s.call.get(ctx, "vault: look up the token", "auth/token/lookup-self", &got)
	if sinks.ClassOf(err) == sinks.Denied {
		warn("vault: the token may not look itself up (policy \"default\"): when it runs out is not known")
		return nil
	}
	if err != nil {
		return err
	}
	left := time.Duration(got.Data.TTL) * time.Second
	if got.Data.ExpireTime != "" && left < soon {
		warn("vault: the token runs out in %s", strings.TrimSuffix(left.Round(time.Minute).String(), "0s"))
	}
	return nil
}
