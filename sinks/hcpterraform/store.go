package hcpterraform

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// store is the variables of one workspace or set. Sources: "Workspace variables API reference", "Variable sets API reference".
type store struct {
	cfg Config
	api *httpapi.Client

	mu sync.Mutex
	id string // of the workspace, once it is known
}

// variable is one in an answer.
type variable struct {
	ID         string `json:"id"`
	Attributes struct {
		Key         string  `json:"key"`
		Value       *string `json:"value"`
		Description string  `json:"description"`
		Category    string  `json:"category"`
		Sensitive   bool    `json:"sensitive"`
		VersionID   string  `json:"version-id"`
	} `json:"attributes"`
}

// page is one of a list.
type page struct {
	Data []variable `json:"data"`
	Meta struct {
		Pagination struct {
			Next int `json:"next-page"` // 0, from null, is the end
		} `json:"pagination"`
	} `json:"meta"`
}

func (s *store) op(verb string) string { return "hcp-terraform: " + verb }

// See lists all variables: there is no way to ask for one by its name.
func (s *store) See(ctx context.Context, _ []string) (map[string]vars.Seen, time.Time, error) {
	path, err := s.path(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	list, now, err := s.list(ctx, s.op("list the variables of "+s.cfg.name()), path)
	if sinks.ClassOf(err) == sinks.Missing {
		s.forget()
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	seen := map[string]vars.Seen{}
	for _, v := range list {
		one := vars.Seen{ID: v.ID, Stamp: v.Attributes.VersionID, Note: v.Attributes.Description, Data: v.Attributes.Sensitive}
		if !v.Attributes.Sensitive && v.Attributes.Value != nil {
			one.Shown, one.Value = true, secret.FromString(*v.Attributes.Value)
		}
		seen[v.Attributes.Key] = one
	}
	return seen, now, nil
}

// list reads all pages of environment variables at path.
func (s *store) list(ctx context.Context, op, path string) (all []variable, now time.Time, err error) {
	r := httpapi.Request{Op: op, Path: path, Query: url.Values{"page[size]": {"100"}}, Explain: explain(op, "")}
	next := func(p page, resp httpapi.Response, q url.Values) bool {
		now = resp.Date
		q.Set("page[number]", strconv.Itoa(p.Meta.Pagination.Next))
		return p.Meta.Pagination.Next > 0
	}
	err = httpapi.Pages(ctx, s.api, r, next, func(p page) {
		for _, v := range p.Data {
			if v.Attributes.Category == "env" {
				all = append(all, v)
			}
		}
	})
	return all, now, err
}

// path is where the variables are.
func (s *store) path(ctx context.Context) (string, error) {
	if s.cfg.VariableSet != "" {
		return "/varsets/" + url.PathEscape(s.cfg.VariableSet) + "/relationships/vars", nil
	}
	id, err := s.workspace(ctx)
	return "/workspaces/" + url.PathEscape(id) + "/vars", err
}

// workspace is the id of the workspace.
func (s *store) workspace(ctx context.Context) (string, error) {
	s.mu.Lock()
	id := s.id
	s.mu.Unlock()
	if id != "" {
		return id, nil
	}
	w, err := s.look(ctx)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.id = w.Data.ID
	return w.Data.ID, nil
}

// forget makes the next call look the workspace up again: it may have been replaced by one of the same name.
func (s *store) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.id = ""
}

// Prepare needs no more than what was seen.
func (s *store) Prepare(ctx context.Context, c vars.Change) (vars.Write, error) {
	path, err := s.path(ctx)
	if err != nil {
		return nil, err
	}
	op := s.op("write " + c.Name + " of " + s.cfg.name())
	if c.Now == nil {
		return s.create(op, path, c), nil
	}
	return s.update(op, path+"/"+url.PathEscape(c.Now.ID), c), nil
}

// data is a variable in a request.
func data(id string, attributes map[string]any) map[string]any {
	d := map[string]any{"type": "vars", "attributes": attributes}
	if id != "" {
		d["id"] = id
	}
	return map[string]any{"data": d}
}

// create is not repeated by itself: what a lost answer had made would be in its way, and is to be updated then.
func (s *store) create(op, path string, c vars.Change) vars.Write {
	return func(ctx context.Context) error {
		body := data("", map[string]any{
			"key": c.Name, "value": c.Value.Reveal(), "description": c.Note, "category": "env", "hcl": false,
			"sensitive": !c.ID || !s.cfg.ShowKeyID,
		})
		r := httpapi.Request{Op: op, Method: http.MethodPost, Path: path, Body: body, Explain: explain(op, "has already been taken")}
		_, err := s.api.Do(ctx, r, nil)
		return err
	}
}

func (s *store) update(op, path string, c vars.Change) vars.Write {
	return func(ctx context.Context) error {
		attributes := map[string]any{"value": c.Value.Reveal(), "description": c.Note}
		if sensitive, _ := c.Now.Data.(bool); !sensitive && !c.ID {
			attributes["sensitive"] = true
		}
		r := httpapi.Request{
			Op: op, Method: http.MethodPatch, Path: path, Body: data(c.Now.ID, attributes), Repeatable: true, Explain: explain(op, ""),
		}
		_, err := s.api.Do(ctx, r, nil)
		if sinks.ClassOf(err) == sinks.Missing {
			return sinks.Errorf(sinks.Conflict, op, "the variable was removed meanwhile")
		}
		return err
	}
}

// Remove deletes a variable.
func (s *store) Remove(ctx context.Context, name string, now vars.Seen) error {
	path, err := s.path(ctx)
	if err != nil {
		return err
	}
	op := s.op("remove " + name + " of " + s.cfg.name())
	_, err = s.api.Do(ctx, httpapi.Request{Op: op, Method: http.MethodDelete, Path: path + "/" + url.PathEscape(now.ID), Explain: explain(op, "")}, nil)
	if sinks.ClassOf(err) == sinks.Missing {
		return nil
	}
	return err
}

var errHidden = errors.New("it does not exist, or the token may not do this")

// explain says what a status means here. taken is what a refusal says of a name that is in use.
func explain(op, taken string) func(int, []byte) error {
	return func(status int, body []byte) error {
		switch {
		case status == http.StatusNotFound:
			return sinks.Errorf(sinks.Missing, op, "%w", errHidden)
		case status == http.StatusUnprocessableEntity && taken != "" && bytes.Contains(body, []byte(taken)):
			return sinks.Errorf(sinks.Conflict, op, "somebody else made the variable at the same time")
		case status == http.StatusUnprocessableEntity:
			return sinks.Errorf(sinks.Refused, op, "HCP Terraform does not accept it")
		}
		return nil
	}
}
