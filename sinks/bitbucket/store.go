package bitbucket

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// store is the variables of one place. Source: "The Bitbucket Cloud REST API", "Pipelines".
type store struct {
	cfg Config
	api *httpapi.Client

	mu   sync.Mutex
	uuid string // of the deployment, once it is known
}

// variable is one in a request or an answer.
type variable struct {
	UUID    string `json:"uuid,omitempty"`
	Key     string `json:"key"`
	Value   string `json:"value"`
	Secured bool   `json:"secured"`
}

// page is one of a list. Bitbucket gives ten at a time unless it is asked for more, and never more than a hundred.
type page[T any] struct {
	Values []T    `json:"values"`
	Next   string `json:"next"`
}

func (s *store) op(verb string) string { return "bitbucket: " + verb }

// list reads all pages at path.
func list[T any](ctx context.Context, s *store, op, path string) (all []T, now time.Time, err error) {
	r := httpapi.Request{Op: op, Path: path, Query: url.Values{"pagelen": {"100"}}, Explain: explain(op)}
	follow := httpapi.URLNext(func(p page[T]) string { return p.Next })
	next := func(p page[T], resp httpapi.Response, q url.Values) bool {
		now = resp.Date
		return follow(p, resp, q)
	}
	err = httpapi.Pages(ctx, s.api, r, next, func(p page[T]) { all = append(all, p.Values...) })
	return all, now, err
}

// See lists all variables: one on a later page would be taken for missing.
func (s *store) See(ctx context.Context, _ []string) (map[string]vars.Seen, time.Time, error) {
	path, err := s.path(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	all, now, err := list[variable](ctx, s, s.op("list the variables of "+s.cfg.name()), path)
	if sinks.ClassOf(err) == sinks.Missing {
		s.forget()
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	seen := map[string]vars.Seen{}
	for _, v := range all {
		one := vars.Seen{ID: v.UUID, Data: v.Secured}
		if !v.Secured {
			one.Shown, one.Value = true, secret.FromString(v.Value)
		}
		seen[v.Key] = one
	}
	return seen, now, nil
}

// path is where the variables are. Only that of a workspace has a hyphen.
func (s *store) path(ctx context.Context) (string, error) {
	switch {
	case s.cfg.Repository == "":
		return "/workspaces/" + url.PathEscape(s.cfg.Workspace) + "/pipelines-config/variables", nil
	case s.cfg.Deployment == "":
		return s.repository() + "/pipelines_config/variables", nil
	}
	uuid, err := s.deployment(ctx)
	return s.variablesOf(uuid), err
}

func (s *store) repository() string {
	return "/repositories/" + url.PathEscape(s.cfg.Workspace) + "/" + url.PathEscape(s.cfg.Repository)
}

func (s *store) variablesOf(deployment string) string {
	return s.repository() + "/deployments_config/environments/" + url.PathEscape(deployment) + "/variables"
}

// environment is a deployment environment.
type environment struct {
	UUID string `json:"uuid"`
	Name string `json:"name"`
	Slug string `json:"slug"`
}

func (s *store) environments(ctx context.Context) ([]environment, error) {
	op := s.op("list the deployments of " + s.cfg.Workspace + "/" + s.cfg.Repository)
	all, _, err := list[environment](ctx, s, op, s.repository()+"/environments")
	return all, err
}

// deployment is the UUID of the deployment.
func (s *store) deployment(ctx context.Context) (string, error) {
	if strings.HasPrefix(s.cfg.Deployment, "{") {
		return s.cfg.Deployment, nil
	}
	s.mu.Lock()
	uuid := s.uuid
	s.mu.Unlock()
	if uuid != "" {
		return uuid, nil
	}
	all, err := s.environments(ctx)
	if err != nil {
		return "", err
	}
	for _, e := range all {
		if e.Name == s.cfg.Deployment || e.Slug == s.cfg.Deployment {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.uuid = e.UUID
			return e.UUID, nil
		}
	}
	return "", sinks.Errorf(sinks.Missing, s.op("look for "+s.cfg.name()), "there is no such deployment")
}

// forget makes the next call look the deployment up again.
func (s *store) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uuid = ""
}

// Prepare needs no more than what was seen.
func (s *store) Prepare(ctx context.Context, c vars.Change) (vars.Write, error) {
	path, err := s.path(ctx)
	if err != nil {
		return nil, err
	}
	op := s.op("write " + c.Name + " of " + s.cfg.name())
	r := httpapi.Request{Op: op, Method: http.MethodPost, Path: path, Explain: explain(op)}
	body := variable{Key: c.Name, Secured: !c.ID || !s.cfg.ShowKeyID}
	if c.Now != nil {
		r.Method, r.Path, body.UUID = http.MethodPut, path+"/"+url.PathEscape(c.Now.ID), c.Now.ID
		secured, _ := c.Now.Data.(bool)
		body.Secured = !c.ID || secured && !s.cfg.ShowKeyID
	}
	return func(ctx context.Context) error {
		body := body
		body.Value = c.Value.Reveal()
		r.Body = body
		_, err := s.api.Do(ctx, r, nil)
		if c.Now != nil && sinks.ClassOf(err) == sinks.Missing {
			return sinks.Errorf(sinks.Conflict, op, "the variable was removed meanwhile")
		}
		return err
	}, nil
}

// Remove deletes a variable.
func (s *store) Remove(ctx context.Context, name string, now vars.Seen) error {
	path, err := s.path(ctx)
	if err != nil {
		return err
	}
	op := s.op("remove " + name + " of " + s.cfg.name())
	_, err = s.api.Do(ctx, httpapi.Request{Op: op, Method: http.MethodDelete, Path: path + "/" + url.PathEscape(now.ID), Explain: explain(op)}, nil)
	if sinks.ClassOf(err) == sinks.Missing {
		return nil
	}
	return err
}

// explain says what a status means here.
func explain(op string) func(int, []byte) error {
	return func(status int, _ []byte) error {
		switch status {
		case http.StatusNotFound:
			return sinks.Errorf(sinks.Missing, op, "it does not exist, or the token may not see it")
		case http.StatusConflict:
			return sinks.Errorf(sinks.Conflict, op, "somebody else made the variable at the same time")
		case http.StatusBadRequest:
			return sinks.Errorf(sinks.Refused, op, "Bitbucket does not accept it")
		}
		return nil
	}
}
