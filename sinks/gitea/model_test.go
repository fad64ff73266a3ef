package gitea

import (
	"encoding/json"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

const (
	token    = "0123456789abcdef0123456789abcdef01234567"
	readOnly = "fedcba9876543210fedcba9876543210fedcba98"
)

// server is a small Gitea: the secrets of one place, what surrounds them, and its traps.
type server struct {
	*varstest.Server
	place       string // "/repos/acme/app"
	forgejo     bool   // no descriptions, other words about runs
	before126   bool   // a start tells nothing
	before125   bool   // and runs are not listed
	archived    bool
	withActions bool
	own         map[string][]string // secrets of other repositories, by OWNER/NAME
	runs        []run
	started     []string // body of each start
}

type run struct {
	ID         int64  `json:"id"`
	Path       string `json:"path"`
	Status     string `json:"status"`
	Conclusion string `json:"conclusion,omitempty"`
}

func newServer(t sinktest.T, place string) *server {
	s := &server{place: place, withActions: true, own: map[string][]string{}}
	s.Server = varstest.New(t, varstest.Model{
		Serve: s.serve,
		Authorized: func(r *http.Request) bool {
			auth := r.Header.Get("Authorization")
			return auth == "token "+token || auth == "token "+readOnly
		},
		Written: func(r *http.Request, _ []byte) string {
			name := path.Base(r.URL.Path)
			if r.Method == http.MethodGet || r.Method == http.MethodPost || name == impossible {
				return ""
			}
			return strings.ToUpper(name)
		},
		Place: func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/v1"+place) },
	})
	s.Put("REGION", varstest.Var{Value: "eu-central-1", Note: "where it runs"})
	s.Put("AWS_REGION", varstest.Var{Value: "eu-central-1"})
	s.Put("ZONE", varstest.Var{Value: "a"})
	return s
}

func (s *server) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	at := strings.TrimPrefix(r.URL.Path, "/api/v1")
	if r.Method != http.MethodGet && r.Header.Get("Authorization") == "token "+readOnly {
		w.WriteHeader(http.StatusForbidden) // the scope is looked at before anything else
		return
	}
	name, isSecret := strings.CutPrefix(at, s.place+"/actions/secrets/")
	switch {
	case isSecret:
		s.secret(w, r, strings.ToUpper(name), body)
	case at == s.place+"/actions/secrets" && s.place != "/user":
		s.list(w, r)
	case at == "/user":
		answer(w, map[string]any{"login": "mona"})
	case at == "/repos/acme/app":
		answer(w, map[string]any{"archived": s.archived, "has_actions": s.withActions, "default_branch": "trunk"})
	case at == "/orgs/acme/repos" || at == "/users/Mona/repos":
		s.repositories(w, r)
	case strings.HasSuffix(at, "/actions/secrets"):
		s.others(w, strings.TrimSuffix(strings.TrimPrefix(at, "/repos/"), "/actions/secrets"))
	case strings.HasPrefix(at, "/repos/acme/app/actions/"):
		s.actions(w, r, strings.TrimPrefix(at, "/repos/acme/app/actions/"), body)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func answer(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

// list makes pages of two, whatever it is asked for, as a server does whose administrator wants it.
func (s *server) list(w http.ResponseWriter, r *http.Request) {
	var all []map[string]any
	for name, v := range s.Vars {
		one := map[string]any{"name": name, "created_at": v.Created.Format(time.RFC3339)}
		if !s.forgejo {
			one["description"] = v.Note
		}
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b map[string]any) int { return strings.Compare(a["name"].(string), b["name"].(string)) })
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	from := min(2*(page-1), len(all))
	if !s.forgejo {
		w.Header().Set("X-Total-Count", strconv.Itoa(len(all)))
	}
	answer(w, append([]map[string]any{}, all[from:min(from+2, len(all))]...))
}

var legal = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*$`)

func (s *server) secret(w http.ResponseWriter, r *http.Request, name string, body []byte) {
	_, exists := s.Vars[name]
	if r.Method == http.MethodDelete {
		if s.Remove(name); !exists {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var in struct{ Data, Description string }
	switch _ = json.Unmarshal(body, &in); {
	case in.Data == "":
		w.WriteHeader(http.StatusUnprocessableEntity)
	case !legal.MatchString(name) || strings.HasPrefix(name, "GITEA_"):
		w.WriteHeader(http.StatusBadRequest)
	default:
		if s.forgejo {
			in.Description = ""
		}
		s.Put(name, varstest.Var{Value: in.Data, Note: in.Description}) // one that is left out is cleared
		w.WriteHeader(map[bool]int{false: http.StatusCreated, true: http.StatusNoContent}[exists])
	}
}

func (s *server) repositories(w http.ResponseWriter, r *http.Request) {
	var names []string
	for name := range s.own {
		names = append(names, name)
	}
	slices.Sort(names)
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	from := min(max(page-1, 0), len(names))
	list := []map[string]string{}
	for _, name := range names[from:min(from+1, len(names))] {
		list = append(list, map[string]string{"full_name": name})
	}
	answer(w, list)
}

func (s *server) others(w http.ResponseWriter, repository string) {
	list := []map[string]string{}
	for _, name := range s.own[repository] {
		if name == "hidden" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		list = append(list, map[string]string{"name": name})
	}
	w.Header().Set("X-Total-Count", strconv.Itoa(len(list)))
	answer(w, list)
}

func (s *server) actions(w http.ResponseWriter, r *http.Request, at string, body []byte) {
	id, isRun := strings.CutPrefix(at, "runs/")
	switch {
	case at == "workflows/canary.yml/dispatches":
		s.start(w, r, body)
	case at == "runs" && !s.before125:
		answer(w, map[string]any{"workflow_runs": s.runs})
	case isRun:
		for _, one := range s.runs {
			if id == strconv.FormatInt(one.ID, 10) {
				answer(w, one)
				return
			}
		}
		w.WriteHeader(http.StatusNotFound)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (s *server) start(w http.ResponseWriter, r *http.Request, body []byte) {
	s.started = append(s.started, string(body))
	id := int64(41 + len(s.started))
	s.runs = append(s.runs, run{ID: id, Path: "canary.yml@refs/heads/main", Status: "queued"}, run{ID: id + 100, Path: "other.yml@refs/heads/main", Status: "queued"})
	switch {
	case s.before126:
		w.WriteHeader(http.StatusNoContent)
	case s.forgejo:
		w.WriteHeader(http.StatusCreated)
		answer(w, map[string]any{"id": id, "run_number": 1, "jobs": []string{"canary"}})
	case r.URL.Query().Get("return_run_details") == "true":
		answer(w, map[string]any{"workflow_run_id": id, "run_url": "https://git.example.com/api"})
	}
}
