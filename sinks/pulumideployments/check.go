package pulumideployments

import (
	"context"
	"fmt"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// Check reads the stack and its settings. It writes nothing.
func (s *sink) Check(ctx context.Context) (warnings []sinks.Warning, err error) {
	warn := func(format string, args ...any) {
		warnings = append(warnings, sinks.Warning("pulumi-deployments: "+fmt.Sprintf(format, args...)))
	}
	if httpapi.Unencrypted(s.cfg.URL) {
		warn("%s is not encrypted: tokens and secrets can be read on the way", s.cfg.URL)
	}
	op := "pulumi-deployments: check " + s.cfg.name()
	request := httpapi.Request{Op: op, Path: s.stack(), Explain: explain(op, "the stack does not exist, or the token may not see it")}
	if _, err := s.api.Do(ctx, request, nil); err != nil {
		return nil, err
	}
	now, err := s.read(ctx)
	if sinks.ClassOf(err) == sinks.Missing {
		warn("the stack has no deployment settings: a push makes them, with the pair alone")
		return warnings, nil
	}
	if err != nil {
		return nil, err
	}
	v := s.cfg.Variables
	if now.variable(v.SessionToken).there {
		warn("%s lies beside the pair and makes it useless: a push removes it", v.SessionToken)
	}
	if now.variable(v.SecretAccessKey).shown {
		warn("%s is not encrypted: a push makes it a secret", v.SecretAccessKey)
	}
	if now.oidc() {
		warn("the stack gets AWS credentials by OIDC too: which ones a deployment uses is not said")
	}
	return warnings, nil
}
