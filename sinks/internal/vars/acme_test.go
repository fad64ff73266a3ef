package vars_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"testing"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/httpapi"
	"keyturn/sinks/internal/vars"
	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

// shows is what the store of a test shows of its variables.
type shows struct {
	values, tails, times, versions, notes bool
}

// config is of a made-up kind.
type config struct {
	URL       string          `yaml:"url"`
	Token     secret.Ref      `yaml:"token"`
	Variables sinks.Variables `yaml:"variables"`
	Bundle    string          `yaml:"bundle"`
	shows     shows
}

func (c *config) Validate() error     { return vars.Rule{Max: 40}.Validate(c.Variables, c.Bundle) }
func (c *config) Destination() string { return "acme " + c.URL + " " + c.Bundle }

const source = `// Package acme is made up.
//
//	acme:
//	  url: https://acme.example
//
// Verified against: itself.
package acme
`

// acme is a kind whose store shows what sh says.
func acme(sh shows, best sinks.Evidence) sinks.Spec {
	return sinks.Define(sinks.Definition[config, *config]{
		Kind: "acme", Summary: "variables of a made-up store", Best: best, Verified: "itself", Source: source,
		Defaults: config{Variables: sinks.DefaultVariables, shows: sh},
		Open: func(ctx context.Context, c *config, env sinks.Env) (sinks.Sink, error) {
			auth, err := httpapi.Bearer(ctx, "acme: token", c.Token)
			if err != nil {
				return nil, err
			}
			api, err := httpapi.New(httpapi.Options{Base: c.URL, Auth: auth, Limiter: httpapi.Limiter(env, c.URL)})
			if err != nil {
				return nil, err
			}
			o := vars.Options{Kind: "acme", Place: c.Destination(), Variables: c.Variables, Bundle: c.Bundle, Base: c.URL}
			if sh.notes {
				o.NoteMax = 100
			}
			if sh.values {
				return vars.NewReadable(o, &store{api}, env), nil
			}
			return vars.New(o, &store{api}, env), nil
		},
	})
}

type store struct{ api *httpapi.Client }

// shown is a variable in an answer of the store.
type shown struct {
	Name    string    `json:"name"`
	Value   *string   `json:"value,omitempty"`
	Masked  string    `json:"masked,omitempty"`
	Updated time.Time `json:"updated,omitzero"`
	Version string    `json:"version,omitempty"`
	Note    string    `json:"note,omitempty"`
}

func (s *store) See(ctx context.Context, _ []string) (map[string]vars.Seen, time.Time, error) {
	var got []shown
	resp, err := s.api.Do(ctx, httpapi.Request{Op: "acme: list the variables", Path: "/vars"}, &got)
	seen := map[string]vars.Seen{}
	for _, v := range got {
		one := vars.Seen{Stamp: v.Version, At: v.Updated, Note: v.Note}
		if v.Value != nil {
			one.Shown, one.Value = true, secret.FromString(*v.Value)
		}
		if len(v.Masked) > 4 {
			one.Tail = v.Masked[4:]
		}
		seen[v.Name] = one
	}
	return seen, resp.Date, err
}

func (s *store) Prepare(_ context.Context, c vars.Change) (vars.Write, error) {
	r := httpapi.Request{Op: "acme: write " + c.Name, Method: http.MethodPut, Path: "/vars/" + url.PathEscape(c.Name)}
	return func(ctx context.Context) error {
		r.Body = map[string]string{"value": c.Value.Reveal(), "note": c.Note}
		_, err := s.api.Do(ctx, r, nil)
		return err
	}, nil
}

func (s *store) Remove(ctx context.Context, name string, _ vars.Seen) error {
	_, err := s.api.Do(ctx, httpapi.Request{Op: "acme: remove " + name, Method: http.MethodDelete, Path: "/vars/" + name}, nil)
	return err
}

func (s *store) Check(context.Context, []string, map[string]vars.Seen) ([]sinks.Warning, error) {
	return nil, nil
}

const token = "the-token-of-the-store"

// newAcme is a store with a neighbour.
func newAcme(t sinktest.T, sh shows) *varstest.Server {
	var s *varstest.Server
	s = varstest.New(t, varstest.Model{
		Authorized: func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer "+token },
		Written: func(r *http.Request, _ []byte) string {
			if r.Method == http.MethodGet {
				return ""
			}
			return path.Base(r.URL.Path)
		},
		Serve: func(w http.ResponseWriter, r *http.Request, body []byte) {
			name := path.Base(r.URL.Path)
			switch r.Method {
			case http.MethodGet:
				list := []shown{}
				for name, v := range s.Vars {
					list = append(list, sh.of(name, v))
				}
				json.NewEncoder(w).Encode(list)
			case http.MethodPut:
				var in struct{ Value, Note string }
				json.Unmarshal(body, &in)
				s.Put(name, varstest.Var{Value: in.Value, Note: in.Note})
			case http.MethodDelete:
				s.Remove(name)
			}
		},
	})
	s.Put("REGION", varstest.Var{Value: "eu-central-1", Note: "where"})
	return s
}

func (sh shows) of(name string, v varstest.Var) shown {
	out := shown{Name: name}
	if sh.values {
		out.Value = &v.Value
	}
	if sh.tails {
		out.Masked = "xxxx" + v.Value[max(0, len(v.Value)-4):]
	}
	if sh.times {
		out.Updated = v.At
	}
	if sh.versions {
		out.Version = string(rune('a' + v.Version))
	}
	if sh.notes {
		out.Note = v.Note
	}
	return out
}

func newConfig(t sinktest.T, s *varstest.Server, spec sinks.Spec) *config {
	cfg := spec.New().(*config)
	cfg.URL, cfg.Token = s.URL, varstest.File(t, token)
	return cfg
}

func TestConformance(t *testing.T) {
	for name, c := range map[string]struct {
		shows  shows
		bundle string
		best   sinks.Evidence
	}{
		"a store that gives values back":         {shows{values: true}, "", sinks.Exact},
		"a store that shows ends and times":      {shows{tails: true, times: true}, "", sinks.Partial},
		"a store that shows versions":            {shows{versions: true}, "", sinks.Stamped},
		"a store that shows nothing":             {shows{}, "", sinks.Accepted},
		"a bundle in a store that gives it back": {shows{values: true, notes: true}, "AWS_CREDENTIALS", sinks.Exact},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := acme(c.shows, c.best)
			sinktest.Run(t, sinktest.Kind{Spec: spec, New: func(t sinktest.T) sinktest.Target {
				s := newAcme(t, c.shows)
				cfg := newConfig(t, s, spec)
				cfg.Bundle = c.bundle
				return s.Target(cfg, cfg.Variables, cfg.Bundle, token)
			}})
		})
	}
}
