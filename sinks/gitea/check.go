package gitea

import (
	"context"
	"net/http"
	"net/url"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// Check asks whether the token may write, and what keeps readers from the secrets.
func (s *store) Check(ctx context.Context, names []string, _ map[string]vars.Seen) ([]sinks.Warning, error) {
	if err := s.mayWrite(ctx); err != nil {
		return nil, err
	}
	if s.in.repository {
		return s.disused(ctx)
	}
	return s.shadowed(ctx, names, s.in.path+"/repos")
}

// impossible is a name that no secret can have: it starts with a digit.
const impossible = "0"

// mayWrite makes a request that the server refuses for two reasons of its own, an impossible name and no value, which it
// looks at only when the token may write: a token that may only read can list, and no route tells what a token may do.
func (s *store) mayWrite(ctx context.Context) error {
	const op = "gitea: ask whether secrets may be written"
	_, err := s.api.Do(ctx, httpapi.Request{Op: op, Method: http.MethodPut, Path: s.path(impossible), Body: written{}, Explain: s.in.explain(op)}, nil)
	switch httpapi.StatusOf(err) {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return nil
	}
	return err
}

// disused says whether the repository runs no jobs.
func (s *store) disused(ctx context.Context) (warnings []sinks.Warning, err error) {
	const op = "gitea: look at the repository"
	var repository struct {
		Archived bool  `json:"archived"`
		Actions  *bool `json:"has_actions"`
	}
	if _, err := s.api.Do(ctx, httpapi.Request{Op: op, Path: s.in.path, Explain: s.in.explain(op)}, &repository); err != nil {
		return nil, err
	}
	if repository.Archived {
		warnings = append(warnings, sinks.Warning("gitea: "+s.in.name+" is archived: it runs no jobs"))
	}
	if repository.Actions != nil && !*repository.Actions {
		warnings = append(warnings, sinks.Warning("gitea: Actions are off in "+s.in.name+": it runs no jobs"))
	}
	return warnings, nil
}

// looked is how many repositories are looked at for secrets of their own.
const looked = 100

// shadowed looks for secrets of single repositories, which come before those of their owner, as far as the token may.
func (s *store) shadowed(ctx context.Context, names []string, path string) (warnings []sinks.Warning, err error) {
	repositories, err := s.repositories(ctx, path)
	for _, name := range repositories {
		if err != nil {
			break
		}
		var own []listed
		if own, _, err = s.list(ctx, "/repos/"+name); err == nil {
			warnings = append(warnings, vars.Shadowed("gitea", names, namesOf(own), "repository "+name)...)
		}
	}
	switch httpapi.StatusOf(err) {
	case http.StatusForbidden, http.StatusNotFound:
		return warnings, nil
	}
	return warnings, err
}

func namesOf(all []listed) (names []string) {
	for _, v := range all {
		names = append(names, v.Name)
	}
	return names
}

// repositories are the first ones of a list, as OWNER/NAME.
func (s *store) repositories(ctx context.Context, path string) (names []string, err error) {
	const op = "gitea: list the repositories"
	type page []struct {
		FullName string `json:"full_name"`
	}
	r := httpapi.Request{Op: op, Path: path, Query: url.Values{"limit": {"50"}}, Explain: s.in.explain(op)}
	more := httpapi.NumberNext("page", 1, 1, func(p page) int {
		if len(names) >= looked {
			return 0
		}
		return len(p)
	})
	err = httpapi.Pages(ctx, s.api, r, more, func(p page) {
		for _, one := range p {
			if isRepository(one.FullName) && len(names) < looked {
				names = append(names, one.FullName)
			}
		}
	})
	return names, err
}
