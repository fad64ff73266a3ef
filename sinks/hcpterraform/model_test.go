package hcpterraform

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"slices"
	"sort"
	"strings"

	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

const (
	token     = "the-token-of-the-model"
	workspace = "ws-8FAdk29dkLsm30dk"
	set       = "varset-4Gh7Kx2mQp9sTz3v"
)

// flags is what a variable has besides value and description. Those of somebody else are sensitive, but for the key id if shown.
type flags struct {
	Category string
	Plain    bool
	HCL      bool
}

// server is a small HCP Terraform with one workspace and one set, which hold the same variables here. Its traps: two at a page whatever
// is asked for, sensitive values are null, an environment variable and a Terraform variable may have one name.
type server struct {
	*varstest.Server
	shown     bool // a key id of somebody else is not sensitive
	still     bool // versions do not move
	forbidden bool
	local     bool
	priority  []map[string]any // what is in force in place of the variables of the same name
}

func newServer(t sinktest.T) *server {
	s := &server{}
	s.Server = varstest.New(t, varstest.Model{
		Authorized: func(r *http.Request) bool {
			return r.Header.Get("Authorization") == "Bearer "+token && r.Header.Get("Content-Type") != "application/json"
		},
		Written: s.written,
		Serve:   s.serve,
	})
	s.Put("TF_LOG", varstest.Var{Value: "info", Note: "how loud", Data: flags{Category: "env", Plain: true}})
	s.Put("terraform/AWS_ACCESS_KEY_ID", varstest.Var{Value: "mine", Data: flags{Category: "terraform", HCL: true}})
	s.Put("region", varstest.Var{Value: "eu", Data: flags{Category: "terraform"}})
	return s
}

func (s *server) flags(name string) flags {
	if f, ok := s.Vars[name].Data.(flags); ok {
		return f
	}
	return flags{Category: "env", Plain: s.shown && name == "AWS_ACCESS_KEY_ID"}
}

// variable is the body of a request.
type body struct {
	Data struct {
		ID, Type   string
		Attributes struct {
			Key, Value, Description, Category string
			Sensitive                         *bool
			HCL                               *bool
		}
	}
}

func (s *server) written(r *http.Request, raw []byte) string {
	var in body
	switch r.Method {
	case http.MethodGet:
		return ""
	case http.MethodPost:
		_ = json.Unmarshal(raw, &in)
		return in.Data.Attributes.Key
	}
	return s.byID(path.Base(r.URL.Path))
}

func (s *server) byID(id string) string {
	for name, v := range s.Vars {
		if "var-"+v.ID == id {
			return name
		}
	}
	return "?"
}

func (s *server) serve(w http.ResponseWriter, r *http.Request, raw []byte) {
	list := []string{"/workspaces/" + workspace + "/vars", "/varsets/" + set + "/relationships/vars"}
	at := r.URL.Path
	switch {
	case r.Method == http.MethodGet && (at == "/organizations/acme/workspaces/prod" || at == "/workspaces/"+workspace):
		mode := "remote"
		if s.local {
			mode = "local"
		}
		fmt.Fprintf(w, `{"data":{"id":%q,"attributes":{"execution-mode":%q,"permissions":{"can-update-variable":%t}}}}`, workspace, mode, !s.forbidden)
	case r.Method == http.MethodGet && at == "/varsets/"+set:
		fmt.Fprintf(w, `{"data":{"id":%q,"attributes":{"permissions":{"can-update":%t}},"relationships":{"workspaces":{"data":[{"id":"ws-hidden00"},{"id":%q}]}}}}`,
			set, !s.forbidden, workspace)
	case r.Method == http.MethodGet && slices.Contains(list, at):
		s.page(w, r, s.all(nil))
	case r.Method == http.MethodGet && at == "/workspaces/"+workspace+"/all-vars":
		s.page(w, r, s.all(s.priority))
	case r.Method == http.MethodPost && slices.Contains(list, at):
		s.create(w, raw)
	case slices.Contains(list, path.Dir(at)) && s.byID(path.Base(at)) != "?":
		s.change(w, r, raw, s.byID(path.Base(at)))
	default:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"errors":[{"status":"404","title":"not found"}]}`)
	}
}

// all are the variables, but others in place of those of the same name.
func (s *server) all(others []map[string]any) []map[string]any {
	var names []string
	for name := range s.Vars {
		names = append(names, name)
	}
	sort.Strings(names)
	out := slices.Clone(others)
	for _, name := range names {
		if !slices.ContainsFunc(others, func(o map[string]any) bool { return o["attributes"].(map[string]any)["key"] == name }) {
			out = append(out, s.show(name))
		}
	}
	return out
}

func (s *server) show(name string) map[string]any {
	v, f := s.Vars[name], s.flags(name)
	a := map[string]any{
		"key": strings.TrimPrefix(name, "terraform/"), "value": nil, "description": v.Note, "category": f.Category, "hcl": f.HCL,
		"sensitive": !f.Plain, "version-id": fmt.Sprintf("v%d", v.Version),
	}
	if f.Plain {
		a["value"] = v.Value
	}
	if s.still {
		a["version-id"] = "v0"
	}
	return map[string]any{"id": "var-" + v.ID, "type": "vars", "attributes": a}
}

// page gives two at a time.
func (s *server) page(w http.ResponseWriter, r *http.Request, all []map[string]any) {
	number := 1
	_, _ = fmt.Sscan(r.URL.Query().Get("page[number]"), &number)
	from, to := min((number-1)*2, len(all)), min(number*2, len(all))
	var next any
	if to < len(all) {
		next = number + 1
	}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"data": all[from:to], "meta": map[string]any{"pagination": map[string]any{"current-page": number, "next-page": next}},
	})
}

func (s *server) create(w http.ResponseWriter, raw []byte) {
	var in body
	_ = json.Unmarshal(raw, &in)
	a := in.Data.Attributes
	switch _, exists := s.Vars[a.Key]; {
	case in.Data.Type != "vars" || a.Category != "env" || a.Sensitive == nil:
		w.WriteHeader(http.StatusUnprocessableEntity)
	case exists:
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprint(w, `{"errors":[{"detail":"Key has already been taken"}]}`)
	default:
		s.Put(a.Key, varstest.Var{Value: a.Value, Note: a.Description, Data: flags{Category: "env", Plain: !*a.Sensitive}})
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]any{"data": s.show(a.Key)})
	}
}

func (s *server) change(w http.ResponseWriter, r *http.Request, raw []byte, name string) {
	if r.Method == http.MethodDelete {
		s.Remove(name)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var in body
	_ = json.Unmarshal(raw, &in)
	v, f, a := s.Vars[name], s.flags(name), in.Data.Attributes
	if in.Data.ID != "var-"+v.ID || a.Key != "" || a.Sensitive != nil && !*a.Sensitive && !f.Plain {
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	if a.Sensitive != nil {
		f.Plain = !*a.Sensitive
	}
	s.Put(name, varstest.Var{Value: a.Value, Note: a.Description, Data: f})
	_ = json.NewEncoder(w).Encode(map[string]any{"data": s.show(name)})
}

func newConfig(t sinktest.T, s *server) *Config {
	cfg := Spec.New().(*Config)
	cfg.URL, cfg.Token = s.URL, varstest.File(t, token)
	cfg.Organization, cfg.Workspace = "acme", "prod"
	return cfg
}
