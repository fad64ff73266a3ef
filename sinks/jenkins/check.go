package jenkins

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// Check reads the credential and asks for the form that changes it. It writes nothing.
func (s *sink) Check(ctx context.Context) (warnings []sinks.Warning, err error) {
	err = httpapi.Retry(ctx, func(ctx context.Context) (err error) {
		warnings, err = s.check(ctx)
		return err
	})
	return warnings, err
}

func (s *sink) check(ctx context.Context) (warnings []sinks.Warning, err error) {
	warn := func(format string, args ...any) {
		warnings = append(warnings, sinks.Warning("jenkins: "+fmt.Sprintf(format, args...)))
	}
	if httpapi.Unencrypted(s.cfg.URL) {
		warn("%s is not encrypted: tokens and secrets can be read on the way", s.cfg.URL)
	}
	now, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	if now.there && now.doc.with("secretKey", "").redacted() {
		return nil, sinks.Errorf(sinks.Refused, s.op("check"), "the credential holds another secret, which Jenkins does not show and a write would lose")
	}
	if now.doc.get("scope") == "SYSTEM" {
		warn("the scope of %s is SYSTEM: jobs do not get it", s.cfg.name())
	}
	known, err := s.mayWrite(ctx, now)
	if err != nil {
		return nil, err
	}
	if !known {
		warn("whether the user may write %s is not known", s.cfg.name())
	}
	return warnings, nil
}

// mayWrite asks for a page that Jenkins gives only to who may write; known is false if it has no such page.
// Source: plugin credentials, the views update and newCredentials.
func (s *sink) mayWrite(ctx context.Context, now current) (known bool, err error) {
	op, permission := s.op("check"), "Update"
	path := strings.TrimSuffix(s.path(), "config.xml") + "update"
	if !now.there {
		path, permission = s.cfg.store()+"/newCredentials", "Create"
	}
	_, err = s.api.Do(ctx, httpapi.Request{
		Op: op, Path: path, Header: http.Header{"Accept": {"text/html"}}, Explain: explain(op, permission),
	}, nil)
	if sinks.ClassOf(err) == sinks.Missing {
		return false, nil
	}
	return err == nil, err
}
