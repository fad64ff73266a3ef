package drone

import (
	"encoding/json"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"

	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

const (
	token  = "55f24eb3d61ef6ac5e83d550178638dc"
	member = "66f24eb3d61ef6ac5e83d550178638dc" // reads, and writes nowhere
)

// server is a small Drone: the secrets of one place, what surrounds them, and its traps.
type server struct {
	*varstest.Server
	secrets  string // where they are: "/repos/acme/app/secrets"
	inactive bool
	own      map[string][]string // secrets of other repositories, by OWNER/NAME
}

func newServer(t sinktest.T, secrets string) *server {
	s := &server{secrets: secrets, own: map[string][]string{}}
	s.Server = varstest.New(t, varstest.Model{
		Serve: s.serve,
		Authorized: func(r *http.Request) bool {
			return slices.Contains([]string{"Bearer " + token, "Bearer " + member}, r.Header.Get("Authorization"))
		},
		Written: func(r *http.Request, body []byte) string {
			switch r.Method {
			case http.MethodPost:
				var in struct{ Name string }
				_ = json.Unmarshal(body, &in)
				return in.Name
			case http.MethodPatch, http.MethodDelete:
				return path.Base(r.URL.Path)
			}
			return ""
		},
	})
	s.Put("region", varstest.Var{Value: "eu-central-1", Data: true})
	return s
}

func (s *server) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	at, reads := strings.TrimPrefix(r.URL.Path, "/api"), r.Header.Get("Authorization") == "Bearer "+member
	name, one := strings.CutPrefix(at, s.secrets+"/")
	switch {
	case at == "/repos/acme/app":
		answer(w, map[string]any{"namespace": "acme", "name": "app", "active": !s.inactive})
	case at == "/user/repos":
		var all []map[string]string
		for repository := range s.own {
			owner, name, _ := strings.Cut(repository, "/")
			all = append(all, map[string]string{"namespace": owner, "name": name})
		}
		slices.SortFunc(all, func(a, b map[string]string) int { return strings.Compare(a["name"], b["name"]) })
		answer(w, all)
	case reads && strings.HasPrefix(s.secrets, "/repos/"):
		fail(w, http.StatusNotFound)
	case reads && r.Method != http.MethodGet:
		fail(w, http.StatusUnauthorized)
	case at == s.secrets:
		s.all(w, r, body)
	case one:
		s.one(w, r, name, body)
	case strings.HasSuffix(at, "/secrets"):
		s.others(w, strings.TrimSuffix(strings.TrimPrefix(at, "/repos/"), "/secrets"))
	default:
		fail(w, http.StatusNotFound)
	}
}

func answer(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

func fail(w http.ResponseWriter, status int) {
	w.WriteHeader(status)
	answer(w, map[string]string{"message": http.StatusText(status)})
}

// shown leaves out what is false, as the server does.
func (s *server) shown(name string) map[string]any {
	out := map[string]any{"id": 1, "name": name}
	if s.Vars[name].Data == true {
		out["pull_request"] = true
	}
	return out
}

var illegal = regexp.MustCompile(`[^a-zA-Z0-9-_.]`)

func (s *server) all(w http.ResponseWriter, r *http.Request, body []byte) {
	if r.Method == http.MethodGet {
		list := []map[string]any{}
		for name := range s.Vars {
			list = append(list, s.shown(name))
		}
		answer(w, list)
		return
	}
	var in struct {
		Name, Data  string
		PullRequest bool `json:"pull_request"`
	}
	_ = json.Unmarshal(body, &in)
	_, taken := s.Vars[in.Name]
	switch {
	case in.Name == "" || in.Data == "" || illegal.MatchString(in.Name):
		fail(w, http.StatusBadRequest)
	case taken: // the database refuses it
		fail(w, http.StatusInternalServerError)
	default:
		s.Put(in.Name, varstest.Var{Value: in.Data, Data: in.PullRequest})
		answer(w, s.shown(in.Name))
	}
}

func (s *server) one(w http.ResponseWriter, r *http.Request, name string, body []byte) {
	v, ok := s.Vars[name]
	if !ok {
		fail(w, http.StatusNotFound)
		return
	}
	if r.Method == http.MethodDelete {
		s.Remove(name)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var in struct {
		Data        *string
		PullRequest *bool `json:"pull_request"`
	}
	_ = json.Unmarshal(body, &in)
	if in.Data != nil {
		v.Value = *in.Data
	}
	if in.PullRequest != nil {
		v.Data = *in.PullRequest
	}
	s.Put(name, v)
	answer(w, s.shown(name))
}

func (s *server) others(w http.ResponseWriter, repository string) {
	list := []map[string]string{}
	for _, name := range s.own[repository] {
		if name == "hidden" {
			fail(w, http.StatusNotFound)
			return
		}
		list = append(list, map[string]string{"name": name})
	}
	answer(w, list)
}
