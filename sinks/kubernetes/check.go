package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// errNoDryRun is an admission webhook that has effects, so that the server does not call it for show.
var errNoDryRun = errors.New("an admission webhook takes no dry run")

// placeholder is what a dry run writes.
var placeholder = sinks.Credential{KeyID: "keyturn-dry-run", Secret: secret.FromString("keyturn-dry-run")}

// Check reads the Secret and tries the write as a dry run. It writes nothing.
func (s *sink) Check(ctx context.Context) (warnings []sinks.Warning, err error) {
	err = httpapi.Retry(ctx, func(ctx context.Context) (err error) {
		warnings, err = s.check(ctx)
		return err
	})
	return warnings, err
}

func (s *sink) check(ctx context.Context) (warnings []sinks.Warning, err error) {
	warn := func(format string, args ...any) {
		warnings = append(warnings, sinks.Warning("kubernetes: "+fmt.Sprintf(format, args...)))
	}
	if httpapi.Unencrypted(s.server) {
		warn("%s is not encrypted: tokens and secrets can be read on the way", s.server)
	}
	now, err := s.get(ctx)
	if err != nil {
		return nil, err
	}
	if now.Immutable {
		return nil, s.immutable("check")
	}
	_, err = s.apply(ctx, now, placeholder, "check", url.Values{"dryRun": {"All"}})
	switch {
	case errors.Is(err, errNoDryRun):
		warn("%v: whether the Secret may be written is not known", errNoDryRun)
	case err != nil:
		return nil, err
	}
	if _, token := now.Data[s.cfg.Variables.SessionToken]; token {
		warn("%s lies beside the pair and makes it useless: a push removes it", s.cfg.Variables.SessionToken)
	}
	s.rivals(now, warn)
	return warnings, nil
}

// rivals warns of those who will write the pair anew.
func (s *sink) rivals(now object, warn func(string, ...any)) {
	for _, o := range now.Metadata.OwnerReferences {
		if o.Controller {
			warn("the Secret belongs to the %s %s, which may write it anew: let keyturn write where that takes the pair from", o.Kind, o.Name)
		}
	}
	for _, f := range now.Metadata.ManagedFields {
		_, id := f.Fields.Data["f:"+s.cfg.Variables.AccessKeyID]
		_, value := f.Fields.Data["f:"+s.cfg.Variables.SecretAccessKey]
		if f.Operation == "Apply" && f.Manager != s.manager() && (id || value) {
			warn("the field manager %s applies the same keys: its next apply conflicts, or puts its own pair back", f.Manager)
		}
	}
}
