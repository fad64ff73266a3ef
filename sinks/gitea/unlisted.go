package gitea

import (
	"context"
	"strings"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// unlisted is the secrets of a user, which can be written and removed but not listed: no route of Gitea 1.26 or Forgejo
// does. The pair counts as there, which is less than any evidence, and a session token is removed without looking.
type unlisted struct {
	store
	cfg Config
}

// See asks whose the token is.
func (s *unlisted) See(ctx context.Context, _ []string) (map[string]vars.Seen, time.Time, error) {
	const op = "gitea: ask for the user"
	var user struct {
		Login string `json:"login"`
	}
	resp, err := s.api.Do(ctx, httpapi.Request{Op: op, Path: "/user", Explain: s.in.explain(op)}, &user)
	if err != nil {
		return nil, time.Time{}, err
	}
	if !strings.EqualFold(user.Login, s.cfg.User) {
		return nil, time.Time{}, sinks.Errorf(sinks.Denied, op, "the token is of another user than %s", s.cfg.User)
	}
	if s.cfg.Bundle != "" {
		return map[string]vars.Seen{s.cfg.Bundle: {}}, resp.Date, nil
	}
	return map[string]vars.Seen{s.cfg.Variables.SecretAccessKey: {}, s.cfg.Variables.AccessKeyID: {}}, resp.Date, nil
}

// Prepare puts the removal of a session token before the first write.
func (s *unlisted) Prepare(ctx context.Context, c vars.Change) (vars.Write, error) {
	write, err := s.store.Prepare(ctx, c)
	if err != nil || s.cfg.Bundle != "" || c.ID {
		return write, err
	}
	return func(ctx context.Context) error {
		if err := s.Remove(ctx, s.cfg.Variables.SessionToken, vars.Seen{}); err != nil {
			return err
		}
		return write(ctx)
	}, nil
}

// Check asks whether the token may write, and looks at the user's repositories.
func (s *unlisted) Check(ctx context.Context, names []string, _ map[string]vars.Seen) ([]sinks.Warning, error) {
	if err := s.mayWrite(ctx); err != nil {
		return nil, err
	}
	return s.shadowed(ctx, names, "/users/"+s.cfg.User+"/repos")
}
