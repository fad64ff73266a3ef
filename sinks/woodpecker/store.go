package woodpecker

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// store is the secrets of one place.
type store struct {
	api *httpapi.Client
	cfg Config
}

// listed is what the server shows of a secret. Source: Woodpecker's API description, "Secret".
type listed struct {
	Name string `json:"name"`
	Note string `json:"note"`
}

// created is a new secret.
type created struct {
	Name   string   `json:"name"`
	Value  string   `json:"value"`
	Note   string   `json:"note"`
	Events []string `json:"events"`
	Images []string `json:"images"`
}

// changed is a change of a secret: what is left out stays, which is how events and images do.
type changed struct {
	Value string `json:"value"`
	Note  string `json:"note"`
}

// See lists the secrets.
func (s *store) See(ctx context.Context, names []string) (map[string]vars.Seen, time.Time, error) {
	at, err := s.place(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	all, now, err := s.list(ctx, at.path)
	if err != nil {
		return nil, time.Time{}, err
	}
	seen := map[string]vars.Seen{}
	for _, v := range all {
		if slices.Contains(names, v.Name) {
			seen[v.Name] = vars.Seen{Note: v.Note}
		}
	}
	return seen, now, nil
}

func (s *store) list(ctx context.Context, path string) (all []listed, now time.Time, err error) {
	const op = "woodpecker: list the secrets"
	const full = 50 // the server makes no longer pages
	more := httpapi.NumberNext("page", 1, full, func(page []listed) int { return len(page) })
	next := func(page []listed, resp httpapi.Response, q url.Values) bool {
		now = resp.Date
		return more(page, resp, q)
	}
	r := httpapi.Request{Op: op, Path: path, Query: url.Values{"page": {"1"}, "perPage": {"50"}}, Explain: s.explain(op)}
	err = httpapi.Pages(ctx, s.api, r, next, func(page []listed) { all = append(all, page...) })
	return all, now, err
}

// Prepare looks the place up. A POST is not repeated by itself: if the first one was done, the server answers the
// second with 500 for ever. The engine looks again instead, and changes what it finds.
func (s *store) Prepare(ctx context.Context, c vars.Change) (vars.Write, error) {
	at, err := s.place(ctx)
	if err != nil {
		return nil, err
	}
	op := "woodpecker: write " + c.Name
	r := httpapi.Request{Op: op, Method: http.MethodPost, Path: at.path, Explain: s.explain(op)}
	if c.Now != nil {
		r.Method, r.Path, r.Repeatable = http.MethodPatch, at.path+"/"+c.Name, true
	}
	return func(ctx context.Context) error {
		if c.Now == nil {
			r.Body = created{Name: c.Name, Value: c.Value.Reveal(), Note: c.Note, Events: s.events(), Images: append([]string{}, s.cfg.Images...)}
		} else {
			r.Body = changed{c.Value.Reveal(), c.Note}
		}
		_, err := s.api.Do(ctx, r, nil)
		return err
	}, nil
}

func (s *store) events() []string {
	if len(s.cfg.Events) > 0 {
		return s.cfg.Events
	}
	return usual
}

// Remove deletes a secret.
func (s *store) Remove(ctx context.Context, name string, _ vars.Seen) error {
	at, err := s.place(ctx)
	if err != nil {
		return err
	}
	op := "woodpecker: remove " + name
	_, err = s.api.Do(ctx, httpapi.Request{Op: op, Method: http.MethodDelete, Path: at.path + "/" + name, Explain: s.explain(op)}, nil)
	if httpapi.StatusOf(err) == http.StatusNotFound {
		return nil
	}
	return err
}
