package woodpecker

import (
	"context"
	"net/http"
	"net/url"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// Check says whether the token may write, and what keeps readers from the secrets. Who may list the secrets of a
// repository or an organization may write them; anybody may list global ones.
func (s *store) Check(ctx context.Context, names []string, _ map[string]vars.Seen) ([]sinks.Warning, error) {
	at, err := s.place(ctx)
	switch {
	case err != nil:
		return nil, err
	case s.cfg.Repository != "" && !at.active:
		return []sinks.Warning{sinks.Warning("woodpecker: " + s.cfg.name() + " is not active: it runs no pipelines")}, nil
	case s.cfg.Repository != "":
		return nil, nil
	case s.cfg.Organization != "":
		return s.shadowed(ctx, names, func(p narrower) bool { return p.OrgID == at.id }, "/user/repos")
	}
	if err := s.isAdministrator(ctx); err != nil {
		return nil, err
	}
	return s.shadowed(ctx, names, func(narrower) bool { return true }, "/orgs", "/repos")
}

func (s *store) isAdministrator(ctx context.Context) error {
	const op = "woodpecker: ask for the user"
	var user struct {
		Admin bool `json:"admin"`
	}
	if _, err := s.api.Do(ctx, httpapi.Request{Op: op, Path: "/user"}, &user); err != nil {
		return err
	}
	if !user.Admin {
		return sinks.Errorf(sinks.Denied, op, "it is no administrator of the server, and only one may write global secrets")
	}
	return nil
}

// looked is how many narrower places are looked at for secrets of their own.
const looked = 100

// narrower is a repository or an organization.
type narrower struct {
	ID       int64  `json:"id"`
	OrgID    int64  `json:"org_id"`
	FullName string `json:"full_name"` // of a repository
	Name     string `json:"name"`
}

func (n narrower) place() (path, scope string) {
	if n.FullName == "" {
		return secretsOf("orgs", n.ID), "organization " + n.Name
	}
	return secretsOf("repos", n.ID), "repository " + n.FullName
}

// shadowed looks for secrets of narrower places, as far as the token may.
func (s *store) shadowed(ctx context.Context, names []string, in func(narrower) bool, lists ...string) (warnings []sinks.Warning, err error) {
	places, err := s.narrower(ctx, in, lists)
	if err != nil {
		return nil, err
	}
	for _, p := range places {
		path, scope := p.place()
		own, _, err := s.list(ctx, path)
		switch {
		case hidden(err):
			continue
		case err != nil:
			return nil, err
		}
		var theirs []string
		for _, v := range own {
			theirs = append(theirs, v.Name)
		}
		warnings = append(warnings, vars.Shadowed("woodpecker", names, theirs, scope)...)
	}
	return warnings, nil
}

func (s *store) narrower(ctx context.Context, in func(narrower) bool, lists []string) (found []narrower, err error) {
	const op = "woodpecker: list repositories and organizations"
	for _, path := range lists {
		var all []narrower
		_, err := s.api.Do(ctx, httpapi.Request{Op: op, Path: path, Query: url.Values{"perPage": {"50"}}}, &all)
		if err != nil && !hidden(err) {
			return nil, err
		}
		for _, p := range all {
			if in(p) && len(found) < looked {
				found = append(found, p)
			}
		}
	}
	return found, nil
}

// hidden says whether the token may not look.
func hidden(err error) bool {
	status := httpapi.StatusOf(err)
	return status == http.StatusForbidden || status == http.StatusNotFound
}
