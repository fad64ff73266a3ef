package buildkite

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// store is the secrets of a cluster. Source: REST API, "Secrets".
type store struct {
	cfg    Config
	api    *httpapi.Client
	path   string
	canary bool // builds are to be started too
}

// See reads when each secret was updated. A description is written by a request of its own, so it carries no marker.
func (s *store) See(ctx context.Context, _ []string) (map[string]vars.Seen, time.Time, error) {
	type secret struct {
		ID      string    `json:"id"`
		Key     string    `json:"key"`
		Updated time.Time `json:"updated_at"`
	}
	var now time.Time
	next := func(page []secret, resp httpapi.Response, q url.Values) bool {
		now = resp.Date
		return httpapi.LinkNext(page, resp, q)
	}
	r := httpapi.Request{Op: "buildkite: list the secrets of cluster " + s.cfg.Cluster, Path: s.path, Query: url.Values{"per_page": {"100"}}}
	r.Explain = explain(r.Op)
	seen := map[string]vars.Seen{}
	err := httpapi.Pages(ctx, s.api, r, next, func(page []secret) {
		for _, v := range page {
			seen[v.Key] = vars.Seen{ID: v.ID, At: v.Updated}
		}
	})
	return seen, now, err
}

// Prepare makes a write of the value alone, or a secret with the configured policy.
func (s *store) Prepare(_ context.Context, c vars.Change) (vars.Write, error) {
	r := httpapi.Request{Op: "buildkite: write " + c.Name}
	r.Explain = explain(r.Op)
	body := map[string]string{}
	if c.Now != nil {
		r.Method, r.Path = http.MethodPut, s.path+"/"+url.PathEscape(c.Now.ID)+"/value"
		r.Explain = gone(r.Op, r.Explain)
	} else {
		r.Method, r.Path, r.Repeatable = http.MethodPost, s.path, true
		body["key"] = c.Name
		if s.cfg.Policy != "" {
			body["policy"] = s.cfg.Policy
		}
	}
	return func(ctx context.Context) error {
		body["value"] = c.Value.Reveal()
		r.Body = body
		_, err := s.api.Do(ctx, r, nil)
		return err
	}, nil
}

// Remove deletes a session token.
func (s *store) Remove(ctx context.Context, name string, now vars.Seen) error {
	_, err := s.api.Do(ctx, httpapi.Request{Op: "buildkite: remove " + name, Method: http.MethodDelete, Path: s.path + "/" + url.PathEscape(now.ID)}, nil)
	if httpapi.StatusOf(err) == http.StatusNotFound {
		return nil
	}
	return err
}

func explain(op string) func(int, []byte) error {
	return func(status int, body []byte) error {
		switch {
		case status == http.StatusNotFound:
			return sinks.Errorf(sinks.Missing, op, "it does not exist, or the token may not see it (404)")
		case status == http.StatusForbidden:
			return sinks.Errorf(sinks.Denied, op, "the token needs the scopes read_secret_details and write_secrets, and its user to be a maintainer of the cluster (403)")
		case status == http.StatusUnprocessableEntity && bytes.Contains(body, []byte("already")):
			return sinks.Errorf(sinks.Conflict, op, "somebody else created it")
		case status == http.StatusUnprocessableEntity:
			return sinks.Errorf(sinks.Refused, op, "Buildkite does not take the name, the value or the policy (422)")
		}
		return nil
	}
}

// gone makes a secret that was there a moment ago, and is not now, somebody else's change.
func gone(op string, otherwise func(int, []byte) error) func(int, []byte) error {
	return func(status int, body []byte) error {
		if status == http.StatusNotFound {
			return sinks.Errorf(sinks.Conflict, op, "somebody else removed it")
		}
		return otherwise(status, body)
	}
}
