package gitea

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// store is the secrets of a repository or an organization.
type store struct {
	api *httpapi.Client
	in  scope
}

// listed is what the server shows of a secret. Its time of creation says nothing: a new value does not move it.
// Forgejo, and Gitea before 1.24, have no description. Source: Gitea's API reference, "Secret".
type listed struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// written is a secret to be written. A description that is left out would be cleared.
type written struct {
	Data        string `json:"data"`
	Description string `json:"description"`
}

func (s *store) path(name string) string { return s.in.path + "/actions/secrets/" + name }

// See lists the secrets. The server keeps their names in capitals.
func (s *store) See(ctx context.Context, names []string) (map[string]vars.Seen, time.Time, error) {
	all, now, err := s.list(ctx, s.in.path)
	if err != nil {
		return nil, time.Time{}, err
	}
	seen := map[string]vars.Seen{}
	for _, v := range all {
		for _, n := range names {
			if strings.EqualFold(n, v.Name) {
				seen[n] = vars.Seen{Note: v.Description}
			}
		}
	}
	return seen, now, nil
}

// list reads all pages. A server may make them shorter than asked for, so that a short page is not the last.
func (s *store) list(ctx context.Context, path string) (all []listed, now time.Time, err error) {
	r := httpapi.Request{
		Op: "gitea: list the secrets", Path: path + "/actions/secrets", Query: url.Values{"page": {"1"}, "limit": {"50"}}, Explain: s.in.explain("gitea: list the secrets"),
	}
	next := func(page []listed, resp httpapi.Response, q url.Values) bool {
		now = resp.Date
		total, err := strconv.Atoi(resp.Header.Get("X-Total-Count"))
		n, _ := strconv.Atoi(q.Get("page"))
		q.Set("page", strconv.Itoa(n+1))
		return len(page) > 0 && (err != nil || len(all) < total)
	}
	err = httpapi.Pages(ctx, s.api, r, next, func(page []listed) { all = append(all, page...) })
	return all, now, err
}

// Prepare makes the one request that creates or changes a secret.
func (s *store) Prepare(_ context.Context, c vars.Change) (vars.Write, error) {
	op := "gitea: write " + c.Name
	r := httpapi.Request{Op: op, Method: http.MethodPut, Path: s.path(c.Name), Explain: s.in.explain(op)}
	return func(ctx context.Context) error {
		r.Body = written{c.Value.Reveal(), c.Note}
		_, err := s.api.Do(ctx, r, nil)
		return err
	}, nil
}

// Remove deletes a secret.
func (s *store) Remove(ctx context.Context, name string, _ vars.Seen) error {
	op := "gitea: remove " + name
	_, err := s.api.Do(ctx, httpapi.Request{Op: op, Method: http.MethodDelete, Path: s.path(name), Explain: s.in.explain(op)}, nil)
	if httpapi.StatusOf(err) == http.StatusNotFound {
		return nil
	}
	return err
}
