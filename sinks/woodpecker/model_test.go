package woodpecker

import (
	"encoding/json"
	"io"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

const (
	token  = "eyJhbGciOiJIUzI1NiJ9.of-an-administrator"
	pusher = "eyJhbGciOiJIUzI1NiJ9.of-somebody-who-may-push"
	guest  = "eyJhbGciOiJIUzI1NiJ9.of-somebody-else"
)

// server is a small Woodpecker: the secrets of one place, what surrounds them, and its traps.
type server struct {
	*varstest.Server
	secrets  string // where they are: "/repos/17/secrets"
	inactive bool
	old      bool                // no notes
	own      map[string][]string // secrets of other places, by the path of their list
}

// flags are what a secret has besides its value.
type flags struct{ Events, Images []string }

func newServer(t sinktest.T, secrets string) *server {
	s := &server{secrets: secrets, own: map[string][]string{}}
	s.Server = varstest.New(t, varstest.Model{
		Serve: s.serve,
		Authorized: func(r *http.Request) bool {
			return slices.Contains([]string{"Bearer " + token, "Bearer " + pusher, "Bearer " + guest}, r.Header.Get("Authorization"))
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
	s.Put("region", varstest.Var{Value: "eu-central-1", Note: "where it runs", Data: flags{Events: []string{"push"}}})
	for i := range 60 { // more than a page
		s.Put("a"+strconv.Itoa(i), varstest.Var{Value: "x", Data: flags{Events: []string{"push"}}})
	}
	return s
}

func (s *server) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	at, may := strings.TrimPrefix(r.URL.Path, "/api"), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	name, one := strings.CutPrefix(at, s.secrets+"/")
	switch {
	case at == "/repos/lookup/acme/app":
		answer(w, map[string]any{"id": 17, "org_id": 4, "full_name": "acme/app", "active": !s.inactive})
	case at == "/orgs/lookup/acme":
		answer(w, map[string]any{"id": 4, "name": "acme"})
	case at == "/user":
		answer(w, map[string]any{"login": "keyturn", "admin": may == token})
	case at == "/user/repos" || at == "/repos":
		answer(w, []map[string]any{{"id": 17, "org_id": 4, "full_name": "acme/app"}, {"id": 18, "org_id": 5, "full_name": "other/app"}, {"id": 19, "org_id": 4, "full_name": "acme/hidden"}})
	case at == "/orgs":
		answer(w, []map[string]any{{"id": 4, "name": "acme"}})
	case at == s.secrets || one:
		s.place(w, r, may, name, body)
	case at == "/repos/19/secrets":
		w.WriteHeader(http.StatusNotFound)
	case strings.HasSuffix(at, "/secrets"):
		list := []map[string]string{}
		for _, n := range s.own[at] {
			list = append(list, map[string]string{"name": n})
		}
		answer(w, list)
	default: // whatever else is asked for is the page of the user interface
		_, _ = io.WriteString(w, "<!doctype html>")
	}
}

func answer(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

// place is the secrets, for those who may.
func (s *server) place(w http.ResponseWriter, r *http.Request, may, name string, body []byte) {
	switch {
	case strings.HasPrefix(s.secrets, "/repos/") && may == guest:
		w.WriteHeader(http.StatusNotFound)
	case strings.HasPrefix(s.secrets, "/orgs/") && may != token, s.secrets == "/secrets" && may != token && r.Method != http.MethodGet:
		w.WriteHeader(http.StatusForbidden)
	case r.Method == http.MethodGet:
		s.list(w, r)
	case r.Method == http.MethodPost:
		s.create(w, body)
	case r.Method == http.MethodPatch:
		s.change(w, name, body)
	default:
		if _, ok := s.Vars[name]; !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		s.Remove(name)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *server) list(w http.ResponseWriter, r *http.Request) {
	var names []string
	for name := range s.Vars {
		names = append(names, name)
	}
	slices.Sort(names)
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	from := min(50*(max(page, 1)-1), len(names))
	list := []map[string]any{}
	for _, name := range names[from:min(from+50, len(names))] {
		list = append(list, s.shown(name))
	}
	answer(w, list)
}

func (s *server) shown(name string) map[string]any {
	v := s.Vars[name]
	f, _ := v.Data.(flags)
	one := map[string]any{"id": 1, "name": name, "events": f.Events, "images": f.Images}
	if !s.old {
		one["note"] = v.Note
	}
	return one
}

// create refuses a name that is taken, by 500, and a secret that no event may use.
func (s *server) create(w http.ResponseWriter, body []byte) {
	var in created
	_ = json.Unmarshal(body, &in)
	_, taken := s.Vars[in.Name]
	switch {
	case len(in.Events) == 0 || in.Value == "":
		w.WriteHeader(http.StatusUnprocessableEntity)
	case taken:
		w.WriteHeader(http.StatusInternalServerError)
	default:
		s.Put(in.Name, varstest.Var{Value: in.Value, Note: in.Note, Data: flags{in.Events, in.Images}})
		answer(w, s.shown(in.Name))
	}
}

// change keeps what is left out, and the value if an empty one is sent.
func (s *server) change(w http.ResponseWriter, name string, body []byte) {
	v, ok := s.Vars[name]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	var in struct {
		Value, Note    *string
		Events, Images []string
	}
	_ = json.Unmarshal(body, &in)
	f, _ := v.Data.(flags)
	if in.Value != nil && *in.Value != "" {
		v.Value = *in.Value
	}
	if in.Note != nil {
		v.Note = *in.Note
	}
	if in.Events != nil {
		f.Events = in.Events
	}
	if in.Images != nil {
		f.Images = in.Images
	}
	if len(v.Note) > noteMax {
		w.WriteHeader(http.StatusInternalServerError) // the database does not take it
		return
	}
	v.Data = f
	s.Put(name, v)
	answer(w, s.shown(name))
}
