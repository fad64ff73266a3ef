package bitbucket

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"slices"
	"sort"

	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

const (
	token      = "the-token-of-the-model"
	production = "{8b2c1d3e-0000-4000-8000-000000000001}"
	staging    = "{8b2c1d3e-0000-4000-8000-000000000002}"

	ofWorkspace  = "/workspaces/acme/pipelines-config/variables"
	ofRepository = "/repositories/acme/app/pipelines_config/variables"
	ofDeployment = "/repositories/acme/app/deployments_config/environments/" + production + "/variables"
	ofStaging    = "/repositories/acme/app/deployments_config/environments/" + staging + "/variables"
)

// secured is of a variable; those of somebody else are secured, but for the key id if shown.
type secured bool

// server is a small Bitbucket whose variables are at one place. Its traps: pages of three whatever is asked for, the last first; secured values are
// empty; a variable that exists cannot be made; braces in addresses are escaped.
type server struct {
	*varstest.Server
	at        string // where the variables are
	shown     bool
	blind     bool     // deployments cannot be listed
	inStaging []string // variables of another deployment
}

func newServer(t sinktest.T, at string) *server {
	s := &server{at: at}
	s.Server = varstest.New(t, varstest.Model{
		Authorized: func(r *http.Request) bool {
			basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("ci@acme.example:"+token))
			return r.Header.Get("Authorization") == "Bearer "+token || r.Header.Get("Authorization") == basic
		},
		Written: s.written,
		Serve:   s.serve,
	})
	for i := range 5 {
		s.Put(fmt.Sprintf("Z%d", i), varstest.Var{Value: "x", Data: secured(i%2 == 0)})
	}
	return s
}

func (s *server) secured(name string) bool {
	if f, ok := s.Vars[name].Data.(secured); ok {
		return bool(f)
	}
	return !s.shown || name != "AWS_ACCESS_KEY_ID"
}

func uuid(v varstest.Var) string { return "{00000000-0000-4000-8000-00000000" + v.ID + "}" }

func (s *server) byID(id string) string {
	for name, v := range s.Vars {
		if uuid(v) == id {
			return name
		}
	}
	return "?"
}

func (s *server) written(r *http.Request, raw []byte) string {
	switch r.Method {
	case http.MethodGet:
		return ""
	case http.MethodPost:
		var in variable
		_ = json.Unmarshal(raw, &in)
		return in.Key
	}
	return s.byID(path.Base(r.URL.Path))
}

func (s *server) serve(w http.ResponseWriter, r *http.Request, raw []byte) {
	at := r.URL.Path
	switch {
	case r.Method == http.MethodGet && at == "/repositories/acme/app/environments":
		if s.blind {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		paged(w, r, []environment{{staging, "Staging", "staging"}, {"{8b2c1d3e-0000-4000-8000-000000000003}", "Gone", "gone"}, {UUID: "{3}", Name: "x"}, {production, "Production", "production"}})
	case r.Method == http.MethodGet && at == ofStaging:
		all := []variable{}
		for _, name := range s.inStaging {
			all = append(all, variable{Key: name, Secured: true})
		}
		paged(w, r, all)
	case r.Method == http.MethodGet && at == s.at:
		s.list(w, r)
	case r.Method == http.MethodPost && at == s.at:
		s.create(w, raw)
	case path.Dir(at) == s.at && s.byID(path.Base(at)) != "?" && r.Method != http.MethodGet:
		s.change(w, r, raw, s.byID(path.Base(at)))
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (s *server) list(w http.ResponseWriter, r *http.Request) {
	var names []string
	for name := range s.Vars {
		names = append(names, name)
	}
	sort.Strings(names)
	slices.Reverse(names)
	all := []variable{}
	for _, name := range names {
		v := variable{UUID: uuid(s.Vars[name]), Key: name, Secured: s.secured(name)}
		if !v.Secured {
			v.Value = s.Vars[name].Value
		}
		all = append(all, v)
	}
	paged(w, r, all)
}

// paged gives three at a time.
func paged[T any](w http.ResponseWriter, r *http.Request, all []T) {
	number := 1
	_, _ = fmt.Sscan(r.URL.Query().Get("page"), &number)
	from, to := min((number-1)*3, len(all)), min(number*3, len(all))
	out := map[string]any{"page": number, "values": all[from:to]}
	if to < len(all) {
		out["next"] = fmt.Sprintf("https://api.bitbucket.org/2.0/elsewhere?pagelen=3&page=%d", number+1)
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (s *server) create(w http.ResponseWriter, raw []byte) {
	var in variable
	_ = json.Unmarshal(raw, &in)
	switch _, exists := s.Vars[in.Key]; {
	case exists:
		w.WriteHeader(http.StatusConflict)
	case in.Value == "":
		w.WriteHeader(http.StatusBadRequest)
	default:
		s.Put(in.Key, varstest.Var{Value: in.Value, Data: secured(in.Secured)})
		w.WriteHeader(http.StatusCreated)
	}
}

func (s *server) change(w http.ResponseWriter, r *http.Request, raw []byte, name string) {
	if r.Method == http.MethodDelete {
		s.Remove(name)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var in variable
	_ = json.Unmarshal(raw, &in)
	if in.Key != name {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.Put(name, varstest.Var{Value: in.Value, Data: secured(in.Secured)})
}

func newConfig(t sinktest.T, s *server) *Config {
	cfg := Spec.New().(*Config)
	cfg.URL, cfg.Token = s.URL, varstest.File(t, token)
	cfg.Workspace, cfg.Repository = "acme", "app"
	return cfg
}
