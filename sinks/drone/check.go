package drone

import (
	"context"
	"net/http"
	"strings"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// Check says whether the token may write, and what keeps readers from the secrets. Who may list the secrets of a repository
// may write them.
func (s *store) Check(ctx context.Context, names []string, _ map[string]vars.Seen) ([]sinks.Warning, error) {
	if s.cfg.Repository != "" {
		return s.disused(ctx)
	}
	if err := s.mayWrite(ctx); err != nil {
		return nil, err
	}
	return s.shadowed(ctx, names)
}

func (s *store) disused(ctx context.Context) ([]sinks.Warning, error) {
	const op = "drone: look at the repository"
	var repository struct {
		Active bool `json:"active"`
	}
	if _, err := s.api.Do(ctx, httpapi.Request{Op: op, Path: "/repos/" + s.cfg.Repository, Explain: s.explain(op)}, &repository); err != nil {
		return nil, err
	}
	if !repository.Active {
		return []sinks.Warning{sinks.Warning("drone: " + s.cfg.name() + " is not active: it runs no builds")}, nil
	}
	return nil, nil
}

// mayWrite tries to create a secret that has neither name nor value, which the server looks at only when the user may write:
// any member of an organization may list.
func (s *store) mayWrite(ctx context.Context) error {
	const op = "drone: ask whether secrets may be written"
	r := httpapi.Request{Op: op, Method: http.MethodPost, Path: s.cfg.path(), Body: map[string]string{"name": "", "data": ""}, Repeatable: true, Explain: s.explain(op)}
	_, err := s.api.Do(ctx, r, nil)
	if httpapi.StatusOf(err) == http.StatusBadRequest {
		return nil
	}
	return err
}

// looked is how many repositories are looked at for secrets of their own.
const looked = 100

// shadowed looks for secrets of the organization's repositories, which come before its own, as far as the token may.
func (s *store) shadowed(ctx context.Context, names []string) (warnings []sinks.Warning, err error) {
	var all []struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	}
	if _, err := s.api.Do(ctx, httpapi.Request{Op: "drone: list the repositories", Path: "/user/repos"}, &all); err != nil {
		return nil, err
	}
	count := 0
	for _, r := range all {
		if !strings.EqualFold(r.Namespace, s.cfg.Organization) || !isName(r.Namespace) || !isName(r.Name) || count == looked {
			continue
		}
		count++
		repository := r.Namespace + "/" + r.Name
		var own []listed
		_, err := s.api.Do(ctx, httpapi.Request{Op: "drone: list the secrets of " + repository, Path: "/repos/" + repository + "/secrets"}, &own)
		switch httpapi.StatusOf(err) {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
			continue
		}
		if err != nil {
			return nil, err
		}
		var theirs []string
		for _, v := range own {
			theirs = append(theirs, v.Name)
		}
		warnings = append(warnings, vars.Shadowed("drone", names, theirs, "repository "+repository)...)
	}
	return warnings, nil
}
