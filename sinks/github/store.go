package github

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
)

// store is the secrets of one scope. Source: the REST API's pages "Actions secrets", "Dependabot secrets" and "Codespaces secrets".
type store struct {
	cfg Config
	in  scope
	api *httpapi.Client
}

// secretInfo is what GitHub shows of a secret.
type secretInfo struct {
	Name       string    `json:"name"`
	UpdatedAt  time.Time `json:"updated_at"`
	Visibility string    `json:"visibility"`
}

type secretPage struct {
	Secrets []secretInfo `json:"secrets"`
}

// See lists the secrets. GitHub keeps names in upper case.
func (s *store) See(ctx context.Context, names []string) (map[string]vars.Seen, time.Time, error) {
	all, now, err := s.list(ctx, s.in.path, s.in.name)
	if err != nil {
		return nil, time.Time{}, err
	}
	seen := map[string]vars.Seen{}
	for _, one := range all {
		for _, name := range names {
			if strings.EqualFold(name, one.Name) {
				seen[name] = vars.Seen{At: one.UpdatedAt, Data: one.Visibility}
			}
		}
	}
	return seen, now, nil
}

// list reads all pages; the time is GitHub's when it began.
func (s *store) list(ctx context.Context, path, name string) (all []secretInfo, now time.Time, err error) {
	r := httpapi.Request{Op: "github: list the secrets of " + name, Path: path, Query: url.Values{"per_page": {"100"}}}
	next := func(page secretPage, resp httpapi.Response, q url.Values) bool {
		if now.IsZero() {
			now = resp.Date
		}
		return httpapi.LinkNext(page, resp, q)
	}
	err = httpapi.Pages(ctx, s.api, r, next, func(page secretPage) { all = append(all, page.Secrets...) })
	return all, now, err
}

func (s *store) publicKey(ctx context.Context) (key publicKey, resp httpapi.Response, err error) {
	resp, err = s.api.Do(ctx, httpapi.Request{Op: "github: read the public key of " + s.in.name, Path: s.in.path + "/public-key"}, &key)
	return key, resp, err
}

// change is the body of a write.
type change struct {
	EncryptedValue string   `json:"encrypted_value"`
	KeyID          string   `json:"key_id"`
	Visibility     string   `json:"visibility,omitempty"`
	Repositories   *[]int64 `json:"selected_repository_ids,omitempty"`
}

// Prepare seals the value and finds out who may read the secret: an organization's forgets it otherwise.
func (s *store) Prepare(ctx context.Context, c vars.Change) (vars.Write, error) {
	body, err := s.access(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := s.sealed(ctx, c, &body); err != nil {
		return nil, err
	}
	r := httpapi.Request{Op: "github: write " + c.Name + " of " + s.in.name, Method: http.MethodPut, Path: s.in.path + "/" + c.Name}
	return func(ctx context.Context) error {
		r.Body = body
		resp, err := s.api.Do(ctx, r, nil)
		if resp.Status != http.StatusUnprocessableEntity {
			return err
		}
		// GitHub has another public key by now.
		if err := s.sealed(ctx, c, &body); err != nil {
			return err
		}
		r.Body = body
		_, err = s.api.Do(ctx, r, nil)
		return err
	}, nil
}

func (s *store) sealed(ctx context.Context, c vars.Change, body *change) error {
	key, _, err := s.publicKey(ctx)
	if err != nil {
		return err
	}
	if body.EncryptedValue, err = key.seal(c.Value); err != nil {
		return sinks.Errorf(sinks.Temporary, "github: seal "+c.Name, "%w", err)
	}
	body.KeyID = key.ID
	return nil
}

// access is who may read the secret: as it is, or as configured if there is none yet.
func (s *store) access(ctx context.Context, c vars.Change) (change, error) {
	if !s.in.shared() {
		return change{}, nil
	}
	body := change{Visibility: s.cfg.Visibility}
	find := s.configured
	if c.Now != nil {
		body.Visibility, _ = c.Now.Data.(string)
		find = func(ctx context.Context) ([]int64, error) { return s.readers(ctx, c.Name) }
	}
	if body.Visibility != selected {
		return body, nil
	}
	ids, err := find(ctx)
	body.Repositories = &ids
	return body, err
}

type repository struct {
	ID int64 `json:"id"`
}

type repositoryPage struct {
	Repositories []repository `json:"repositories"`
}

// readers are the repositories that may read a secret.
func (s *store) readers(ctx context.Context, name string) ([]int64, error) {
	r := httpapi.Request{
		Op: "github: list the repositories that read " + name, Path: s.in.path + "/" + name + "/repositories", Query: url.Values{"per_page": {"100"}},
	}
	ids := []int64{}
	err := httpapi.Pages(ctx, s.api, r, httpapi.LinkNext, func(page repositoryPage) {
		for _, one := range page.Repositories {
			ids = append(ids, one.ID)
		}
	})
	return ids, err
}

// configured are the repositories that are to read a secret that does not exist yet.
func (s *store) configured(ctx context.Context) ([]int64, error) {
	ids := []int64{}
	for _, name := range s.cfg.Repositories {
		var got repository
		full := s.in.owner + "/" + name
		if _, err := s.api.Do(ctx, httpapi.Request{Op: "github: look up " + full, Path: "/repos/" + full}, &got); err != nil {
			return nil, err
		}
		ids = append(ids, got.ID)
	}
	return ids, nil
}

// Remove deletes a session token.
func (s *store) Remove(ctx context.Context, name string, _ vars.Seen) error {
	_, err := s.api.Do(ctx, httpapi.Request{Op: "github: remove " + name + " of " + s.in.name, Method: http.MethodDelete, Path: s.in.path + "/" + name}, nil)
	if sinks.ClassOf(err) == sinks.Missing {
		return nil
	}
	return err
}
