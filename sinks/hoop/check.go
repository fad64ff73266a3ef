package hoop

import (
	"context"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
)

// Check asks who keyturn is there, and looks at the connection. It writes nothing.
func (s *sink) Check(ctx context.Context) (warnings []sinks.Warning, err error) {
	err = httpapi.Retry(ctx, func(ctx context.Context) (err error) {
		warnings, err = s.check(ctx)
		return err
	})
	return warnings, err
}

func (s *sink) check(ctx context.Context) (warnings []sinks.Warning, err error) {
	// Only an administrator is shown values: to others a connection looks empty, and a push would empty it.
	if err := s.isAdministrator(ctx); err != nil {
		return nil, err
	}
	now, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.writable(now); err != nil {
		return nil, err
	}
	if httpapi.Unencrypted(s.cfg.URL) {
		warnings = append(warnings, sinks.Warning("hoop: "+s.cfg.URL+" is not encrypted: tokens and secrets can be read on the way"))
	}
	if name := s.cfg.Variables.SessionToken; now.values[key(name)].raw != nil {
		warnings = append(warnings, sinks.Warning("hoop: "+name+" lies beside the pair and makes it useless: a push removes it"))
	}
	return warnings, nil
}

func (s *sink) isAdministrator(ctx context.Context) error {
	const op = "hoop: ask for the user"
	var user struct {
		Admin bool `json:"is_admin"`
	}
	if _, err := s.api.Do(ctx, httpapi.Request{Op: op, Path: "/userinfo", Explain: explain(op)}, &user); err != nil {
		return err
	}
	if !user.Admin {
		return sinks.Errorf(sinks.Denied, op, "the token is not of an administrator, who alone may write")
	}
	return nil
}
