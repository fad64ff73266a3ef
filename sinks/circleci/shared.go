package circleci

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// shared is the variables of a context, which projects share. Source: API v2, "Context".
type shared struct {
	cfg Config
	api *httpapi.Client

	mu sync.Mutex
	id string // of the context, once it is known
}

// variable is one of a context.
type variable struct {
	Name    string    `json:"variable"`
	Updated time.Time `json:"updated_at"`
	Tail    string    `json:"truncated_value"` // not on every server
}

// named is a context in a list.
type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// See reads when each variable was changed, and its end if that is shown.
func (s *shared) See(ctx context.Context, _ []string) (map[string]vars.Seen, time.Time, error) {
	path, err := s.path(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	all, resp, err := s.list(ctx, path)
	if sinks.ClassOf(err) == sinks.Missing {
		s.forget() // the name may belong to another context now
	}
	seen := map[string]vars.Seen{}
	for _, v := range all {
		seen[v.Name] = vars.Seen{At: v.Updated, Tail: end(strings.TrimLeft(v.Tail, "*"))}
	}
	return seen, resp.Date, err
}

func (s *shared) list(ctx context.Context, path string) ([]variable, httpapi.Response, error) {
	r := httpapi.Request{Op: "circleci: list the variables of " + s.cfg.place(), Path: path}
	r.Explain = explain(r.Op)
	return list[variable](ctx, s.api, r)
}

// path is where the variables lie, for which a name has to be looked up once.
func (s *shared) path(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if isID.MatchString(s.cfg.Context) {
		s.id = s.cfg.Context
	}
	if s.id == "" {
		id, err := s.find(ctx)
		if err != nil {
			return "", err
		}
		s.id = id
	}
	return variablesOf(s.id), nil
}

func (s *shared) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.id = ""
}

func variablesOf(context string) string {
	return "/context/" + url.PathEscape(context) + "/environment-variable"
}

// find looks up the context by its name.
func (s *shared) find(ctx context.Context) (string, error) {
	op := "circleci: look up " + s.cfg.place()
	all, err := contexts(ctx, s.api, op, s.cfg.Organization)
	if err != nil {
		return "", err
	}
	for _, c := range all {
		if c.Name == s.cfg.Context {
			return c.ID, nil
		}
	}
	return "", sinks.Errorf(sinks.Missing, op, "it does not exist, or the token's user may not see it")
}

func contexts(ctx context.Context, api *httpapi.Client, op, organization string) ([]named, error) {
	r := httpapi.Request{Op: op, Path: "/context", Query: owner(organization)}
	r.Explain = explain(op)
	all, _, err := list[named](ctx, api, r)
	return all, err
}

// Prepare makes the one request that creates a variable or changes it.
func (s *shared) Prepare(ctx context.Context, c vars.Change) (vars.Write, error) {
	path, err := s.path(ctx)
	if err != nil {
		return nil, err
	}
	r := httpapi.Request{Op: "circleci: write " + c.Name, Method: http.MethodPut, Path: path + "/" + url.PathEscape(c.Name)}
	r.Explain = explain(r.Op)
	return func(ctx context.Context) error {
		r.Body = map[string]string{"value": c.Value.Reveal()}
		_, err := s.api.Do(ctx, r, nil)
		return err
	}, nil
}

// Remove deletes a session token.
func (s *shared) Remove(ctx context.Context, name string, _ vars.Seen) error {
	path, err := s.path(ctx)
	if err != nil {
		return err
	}
	return remove(ctx, s.api, name, path+"/"+url.PathEscape(name))
}
