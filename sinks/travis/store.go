package travis

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// store is the variables of a repository for one branch, or for all. Sources: API v3, "Env vars" and "Env var".
type store struct {
	cfg Config
	api *httpapi.Client
}

// variable is one in an answer.
type variable struct {
	ID     string  `json:"id"`
	Name   string  `json:"name"`
	Value  *string `json:"value"` // only if public
	Public bool    `json:"public"`
	Branch string  `json:"branch"` // null: all
}

// See finds the variables of the branch; the same name may be there for others.
func (s *store) See(ctx context.Context, _ []string) (map[string]vars.Seen, time.Time, error) {
	list, now, err := s.list(ctx)
	seen := map[string]vars.Seen{}
	for _, v := range list {
		if v.Branch != s.cfg.Branch {
			continue
		}
		one := vars.Seen{ID: v.ID, Data: v}
		if v.Public && v.Value != nil {
			one.Shown, one.Value = true, secret.FromString(*v.Value)
		}
		seen[v.Name] = one
	}
	return seen, now, err
}

// list reads the variables of all branches, which come at once, and the store's clock.
func (s *store) list(ctx context.Context) ([]variable, time.Time, error) {
	var got struct {
		All []variable `json:"env_vars"`
	}
	r := httpapi.Request{Op: "travis: list the variables of " + s.cfg.Repository, Path: s.cfg.path() + "/env_vars"}
	r.Explain = explain(r.Op)
	resp, err := s.api.Do(ctx, r, &got)
	return got.All, resp.Date, err
}

// Prepare makes a change of the value alone, or a variable that is not public. A key id is made public if that is configured.
func (s *store) Prepare(_ context.Context, c vars.Change) (vars.Write, error) {
	r := httpapi.Request{Op: "travis: write " + c.Name, Repeatable: true}
	r.Explain = explain(r.Op)
	public := c.ID && s.cfg.PublicKeyID
	body := map[string]any{}
	if c.Now != nil {
		if err := private(c.Name, *c.Now, c.ID); err != nil {
			return nil, err
		}
		r.Method, r.Path = http.MethodPatch, s.one(*c.Now)
		r.Explain = gone(r.Op, r.Explain)
		if public {
			body["env_var.public"] = true
		}
	} else {
		r.Method, r.Path = http.MethodPost, s.cfg.path()+"/env_vars"
		body["env_var.name"], body["env_var.public"] = c.Name, public
		if s.cfg.Branch != "" {
			body["env_var.branch"] = s.cfg.Branch
		}
	}
	return func(ctx context.Context) error {
		body["env_var.value"] = c.Value.Reveal()
		r.Body = body
		_, err := s.api.Do(ctx, r, nil)
		return err
	}, nil
}

func (s *store) one(now vars.Seen) string { return s.cfg.path() + "/env_var/" + url.PathEscape(now.ID) }

// private says whether the variable may hold a secret: what is public is printed in every log.
func private(name string, now vars.Seen, isID bool) error {
	if v, _ := now.Data.(variable); v.Public && !isID {
		return sinks.Errorf(sinks.Refused, "travis: look at "+name, "it is public, so that build logs show the secret: change that in the repository's settings")
	}
	return nil
}

// Remove deletes a session token.
func (s *store) Remove(ctx context.Context, name string, now vars.Seen) error {
	_, err := s.api.Do(ctx, httpapi.Request{Op: "travis: remove " + name, Method: http.MethodDelete, Path: s.one(now)}, nil)
	if httpapi.StatusOf(err) == http.StatusNotFound {
		return nil
	}
	return err
}

func explain(op string) func(int, []byte) error {
	return func(status int, body []byte) error {
		switch {
		case status == http.StatusNotFound:
			return sinks.Errorf(sinks.Missing, op, "it does not exist, or the token's user may not see it (404)")
		case status == http.StatusForbidden && bytes.Contains(body, []byte("repo_migrated")):
			return sinks.Errorf(sinks.Denied, op, "the repository was moved to travis-ci.com (403)")
		case status == http.StatusForbidden:
			return sinks.Errorf(sinks.Denied, op, "the token is not valid, or its user may not change the repository's settings (403)")
		case status == http.StatusConflict:
			return sinks.Errorf(sinks.Conflict, op, "somebody else created it")
		}
		return nil
	}
}

// gone makes a variable that was there a moment ago, and is not now, one to be created: somebody else removed it, or Travis
// did, between the two halves of a change.
func gone(op string, otherwise func(int, []byte) error) func(int, []byte) error {
	return func(status int, body []byte) error {
		if status == http.StatusNotFound {
			return sinks.Errorf(sinks.Conflict, op, "it is gone")
		}
		return otherwise(status, body)
	}
}
