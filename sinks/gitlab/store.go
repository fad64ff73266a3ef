package gitlab

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

// store is the variables of one place in one environment scope. Sources: "Project-level CI/CD variables API", "Group-level CI/CD
// variables API", "Instance-level CI/CD variables API".
type store struct {
	cfg Config
	api *httpapi.Client
}

// variable is one in an answer.
type variable struct {
	Key         string  `json:"key"`
	Value       *string `json:"value"` // null if hidden
	Type        string  `json:"variable_type"`
	Scope       string  `json:"environment_scope"` // an instance's variable has none
	Description string  `json:"description"`
	Masked      bool    `json:"masked"`
	Hidden      bool    `json:"hidden"`
	Protected   bool    `json:"protected"`
}

// file is the type of a variable whose value jobs find in a file.
const file = "file"

// See lists everything: a variable that is asked for by its name alone may be one of several.
func (s *store) See(ctx context.Context, _ []string) (map[string]vars.Seen, time.Time, error) {
	list, now, err := s.list(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	seen := map[string]vars.Seen{}
	for _, v := range list {
		if v.Scope == s.cfg.EnvironmentScope {
			seen[v.Key] = v.seen()
		}
	}
	return seen, now, nil
}

func (v variable) seen() vars.Seen {
	one := vars.Seen{Note: v.Description, Data: v}
	if !v.Hidden && v.Value != nil {
		one.Shown, one.Value = true, secret.FromString(*v.Value)
	}
	return one
}

// list reads the variables of all scopes, and the store's clock.
func (s *store) list(ctx context.Context) (list []variable, now time.Time, err error) {
	next := func(page []variable, resp httpapi.Response, q url.Values) bool {
		now = resp.Date
		return httpapi.LinkNext(page, resp, q)
	}
	r := httpapi.Request{Op: "gitlab: list the variables of " + s.cfg.place(), Path: s.cfg.path(), Query: url.Values{"per_page": {"100"}}}
	r.Explain = explain(r.Op)
	err = httpapi.Pages(ctx, s.api, r, next, func(page []variable) {
		for _, v := range page {
			if v.Scope == "" {
				v.Scope = all
			}
			list = append(list, v)
		}
	})
	return list, now, err
}

// filter names the scope. Without it GitLab refuses a name that is there several times, and an update that
// names the scope elsewhere would move the variable.
func (s *store) filter() url.Values {
	if s.cfg.Instance {
		return nil
	}
	return url.Values{"filter[environment_scope]": {s.cfg.EnvironmentScope}}
}

// Prepare makes an update of what is there, or a variable with the configured flags.
func (s *store) Prepare(_ context.Context, c vars.Change) (vars.Write, error) {
	r := httpapi.Request{Op: "gitlab: write " + c.Name}
	r.Explain = explain(r.Op)
	body := map[string]any{"description": c.Note}
	if c.Now != nil {
		if err := s.fits(c.Name, *c.Now); err != nil {
			return nil, err
		}
		r.Method, r.Path, r.Query = http.MethodPut, s.cfg.path()+"/"+url.PathEscape(c.Name), s.filter()
		r.Explain = gone(r.Op, r.Explain)
	} else {
		r.Method, r.Path, r.Repeatable = http.MethodPost, s.cfg.path(), true
		body["key"], body["raw"], body["protected"] = c.Name, true, s.cfg.Protected
		s.describe(body)
	}
	return func(ctx context.Context) error {
		body["value"] = c.Value.Reveal()
		r.Body = body
		_, err := s.api.Do(ctx, r, nil)
		return err
	}, nil
}

// describe adds what a new variable is made with.
func (s *store) describe(body map[string]any) {
	if !s.cfg.Instance {
		body["environment_scope"] = s.cfg.EnvironmentScope
	}
	switch {
	case s.cfg.Bundle != "":
		body["variable_type"] = file
	case s.cfg.Hidden:
		body["masked_and_hidden"] = true
	default:
		body["masked"] = s.cfg.Masked
	}
}

// fits says whether jobs find in the variable what a push writes: a file's variable holds a path.
func (s *store) fits(name string, now vars.Seen) error {
	v, _ := now.Data.(variable)
	op := "gitlab: look at " + name
	if s.cfg.Bundle != "" && v.Type != file {
		return sinks.Errorf(sinks.Refused, op, "it is not of type file: change that in GitLab")
	}
	if s.cfg.Bundle == "" && v.Type == file {
		return sinks.Errorf(sinks.Refused, op, "it is of type file: change that in GitLab")
	}
	return nil
}

// Remove deletes a session token.
func (s *store) Remove(ctx context.Context, name string, _ vars.Seen) error {
	r := httpapi.Request{
		Op: "gitlab: remove " + name, Method: http.MethodDelete, Path: s.cfg.path() + "/" + url.PathEscape(name), Query: s.filter(),
	}
	_, err := s.api.Do(ctx, r, nil)
	if httpapi.StatusOf(err) == http.StatusNotFound {
		return nil
	}
	return err
}

// explain reads why GitLab refuses. Its own words repeat the variable, so none of them are shown.
func explain(op string) func(int, []byte) error {
	return func(status int, body []byte) error {
		switch {
		case status == http.StatusNotFound:
			return sinks.Errorf(sinks.Missing, op, "it does not exist, or the token may not see it (404)")
		case status == http.StatusForbidden:
			return sinks.Errorf(sinks.Denied, op, "the token needs the scope api, and the role of a Maintainer (project), Owner (group) or administrator (instance) (403)")
		case status == http.StatusBadRequest && bytes.Contains(body, []byte("has already been taken")):
			return sinks.Errorf(sinks.Conflict, op, "somebody else created it")
		case status == http.StatusBadRequest && bytes.Contains(body, []byte(`"value"`)):
			return sinks.Errorf(sinks.Refused, op, "GitLab does not take the value for a variable with these flags (400)")
		}
		return nil
	}
}

// gone makes a variable that was there a moment ago, and is not now, somebody else's change.
func gone(op string, otherwise func(int, []byte) error) func(int, []byte) error {
	return func(status int, body []byte) error {
		if status == http.StatusNotFound {
			return sinks.Errorf(sinks.Conflict, op, "somebody else removed it")
		}
		return otherwise(status, body)
	}
}
