package drone

import (
	"context"
	"net/http"
	"strings"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// store is the secrets of one place.
type store struct {
	api *httpapi.Client
	cfg Config
}

// listed is what the server shows of a secret that matters here. Source: Drone's documentation, "Secret List".
type listed struct {
	Name string `json:"name"`
}

// See lists the secrets. The server makes no pages.
func (s *store) See(ctx context.Context, names []string) (map[string]vars.Seen, time.Time, error) {
	const op = "drone: list the secrets"
	var all []listed
	resp, err := s.api.Do(ctx, httpapi.Request{Op: op, Path: s.cfg.path(), Explain: s.explain(op)}, &all)
	if err != nil {
		return nil, time.Time{}, err
	}
	seen := map[string]vars.Seen{}
	for _, n := range names {
		for _, v := range all {
			if !strings.EqualFold(n, v.Name) {
				continue
			}
			if _, twice := seen[n]; twice {
				return nil, time.Time{}, sinks.Errorf(sinks.Refused, op, "there are two secrets %s that differ only in case: remove one", n)
			}
			seen[n] = vars.Seen{ID: v.Name}
		}
	}
	return seen, resp.Date, nil
}

// Prepare makes the one request that creates or changes a secret. A change leaves out what pull requests may, which stays. A
// POST is not repeated by itself: if the first one was done, the server answers the second with 500 for ever. The
// engine looks again instead, and changes what it finds.
func (s *store) Prepare(_ context.Context, c vars.Change) (vars.Write, error) {
	op := "drone: write " + c.Name
	r := httpapi.Request{Op: op, Method: http.MethodPost, Path: s.cfg.path(), Explain: s.explain(op)}
	if c.Now != nil {
		r.Method, r.Path, r.Repeatable = http.MethodPatch, s.cfg.path()+"/"+c.Now.ID, true
	}
	return func(ctx context.Context) error {
		body := map[string]any{"data": c.Value.Reveal()}
		if c.Now == nil {
			body["name"], body["pull_request"] = c.Name, s.cfg.PullRequest
		}
		r.Body = body
		_, err := s.api.Do(ctx, r, nil)
		return err
	}, nil
}

// Remove deletes a secret.
func (s *store) Remove(ctx context.Context, name string, now vars.Seen) error {
	op := "drone: remove " + name
	_, err := s.api.Do(ctx, httpapi.Request{Op: op, Method: http.MethodDelete, Path: s.cfg.path() + "/" + now.ID, Explain: s.explain(op)}, nil)
	if httpapi.StatusOf(err) == http.StatusNotFound {
		return nil
	}
	return err
}

// explain says what a failure means here. The server answers 404 for a repository, and 401 for an organization, to which
// the user may not write.
func (s *store) explain(op string) func(int, []byte) error {
	return func(status int, _ []byte) error {
		failed := &httpapi.StatusError{Status: status}
		switch {
		case status == http.StatusUnauthorized && s.cfg.Organization != "":
			return sinks.Errorf(sinks.Denied, op, "%w: the token is not valid, or its user is no administrator of %s", failed, s.cfg.name())
		case status == http.StatusNotFound:
			return sinks.Errorf(sinks.Missing, op, "%w: %s does not exist, or the token's user may not write to it", failed, s.cfg.name())
		}
		return nil
	}
}
