package circleci

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

const token = "CCIPAT_TheTokenOfTheModel"

const (
	deployID = "11111111-2222-3333-4444-555555555555"
	otherID  = "66666666-7777-8888-9999-000000000000"
	secretID = "99999999-7777-8888-9999-000000000000" // restricted to a group
	orgID    = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
)

// model is a small CircleCI with the project gh/acme/app and the organization's contexts. Its traps: a project's value is shown as xxxx and its
// end, and the time of its creation under either of two names; a write to a project is a creation; a context is known by an id, not by its name, which
// is on the second page; not every server shows the ends of a context's values.
type model struct {
	*varstest.Server
	ofContext bool                // Vars are those of the context deploy
	blunt     bool                // contexts show no ends
	contexts  []named             // of gh/acme
	other     map[string][]string // names in other contexts, by id
	denied    bool                // the user may not list contexts

	state     string // of each pipeline
	workflows []string
	started   []string // bodies that started pipelines, each after its path
}

func newModel(t sinktest.T, cfg *Config) *model {
	m := &model{
		ofContext: cfg.Context != "", other: map[string][]string{otherID: {"NPM_TOKEN"}},
		contexts: []named{{otherID, "packages"}, {secretID, "secret"}, {deployID, "deploy"}},
	}
	m.Server = varstest.New(t, varstest.Model{
		Authorized: func(r *http.Request) bool { return r.Header.Get("Circle-Token") == token },
		Written:    m.written, Serve: m.serve,
		Missing: func(w http.ResponseWriter) { refuse(w, 404) },
	})
	cfg.URL, cfg.Token = m.URL+"/api/v2", varstest.File(t, token)
	for _, name := range []string{"REGION", "NPM", "SENTRY"} {
		m.Put(name, varstest.Var{Value: "something-else"})
	}
	return m
}

func refuse(w http.ResponseWriter, status int) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"message":%q}`, http.StatusText(status))
}

func (m *model) written(r *http.Request, body []byte) string {
	switch {
	case !strings.Contains(r.URL.Path, "/envvar") && !strings.Contains(r.URL.Path, "/environment-variable"):
		return ""
	case r.Method == http.MethodPost:
		var in struct{ Name string }
		_ = json.Unmarshal(body, &in)
		return in.Name
	case r.Method == http.MethodPut, r.Method == http.MethodDelete:
		return path.Base(r.URL.Path)
	}
	return ""
}

func (m *model) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	p := strings.TrimPrefix(r.URL.Path, "/api/v2")
	switch {
	case strings.HasPrefix(p, "/project/gh/acme/app/envvar") && !m.ofContext:
		m.project(w, r, body)
	case p == "/context":
		m.list(w, r)
	case strings.HasPrefix(p, "/context/"+deployID+"/environment-variable") && m.ofContext:
		m.context(w, r, body)
	case strings.HasPrefix(p, "/context/"):
		m.names(w, r, strings.Split(p, "/")[2])
	case strings.HasPrefix(p, "/project/gh/acme/canary/pipeline"), strings.HasPrefix(p, "/pipeline/"):
		m.pipeline(w, r, p, body)
	default:
		refuse(w, 404)
	}
}

// paged answers with two items at a time.
func paged[T any](w http.ResponseWriter, r *http.Request, items []T) {
	from, _ := strconv.Atoi(r.URL.Query().Get("page-token"))
	out := map[string]any{"items": items[min(from, len(items)):min(from+2, len(items))], "next_page_token": nil}
	if from+2 < len(items) {
		out["next_page_token"] = strconv.Itoa(from + 2)
	}
	_ = json.NewEncoder(w).Encode(out)
}

func tail(s string) string { return s[max(0, len(s)-4):] }

func (m *model) project(w http.ResponseWriter, r *http.Request, body []byte) {
	name := strings.Trim(strings.TrimPrefix(r.URL.Path, "/api/v2/project/gh/acme/app/envvar"), "/")
	switch r.Method {
	case http.MethodGet:
		all := []map[string]any{}
		for i, n := range slices.Sorted(maps.Keys(m.Vars)) {
			v := m.Vars[n]
			all = append(all, map[string]any{"name": n, "value": "xxxx" + tail(v.Value), []string{"created-at", "created_at"}[i%2]: v.Created})
		}
		paged(w, r, all)
	case http.MethodPost:
		var in struct{ Name, Value string }
		_ = json.Unmarshal(body, &in)
		m.Put(in.Name, varstest.Var{Value: in.Value})
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"name":%q,"value":"xxxx"}`, in.Name)
	case http.MethodDelete:
		m.remove(w, name)
	default:
		refuse(w, 405)
	}
}

func (m *model) remove(w http.ResponseWriter, name string) {
	if _, ok := m.Vars[name]; !ok {
		refuse(w, 404)
		return
	}
	m.Remove(name)
	_, _ = w.Write([]byte(`{"message":"Deleted."}`))
}

func (m *model) context(w http.ResponseWriter, r *http.Request, body []byte) {
	name := strings.Trim(strings.TrimPrefix(r.URL.Path, "/api/v2/context/"+deployID+"/environment-variable"), "/")
	switch r.Method {
	case http.MethodGet:
		all := []map[string]any{}
		for _, n := range slices.Sorted(maps.Keys(m.Vars)) {
			v := m.Vars[n]
			one := map[string]any{"variable": n, "created_at": v.Created, "updated_at": v.At, "context_id": deployID}
			if !m.blunt {
				one["truncated_value"] = tail(v.Value)
			}
			all = append(all, one)
		}
		paged(w, r, all)
	case http.MethodPut:
		var in struct{ Value string }
		_ = json.Unmarshal(body, &in)
		m.Put(name, varstest.Var{Value: in.Value})
		_, _ = w.Write([]byte(`{}`))
	case http.MethodDelete:
		m.remove(w, name)
	default:
		refuse(w, 405)
	}
}

// list knows the organization by its slug and its id; another one has a context of the same name.
func (m *model) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	switch {
	case m.denied:
		refuse(w, 403)
	case q.Get("owner-slug") == "gh/acme", q.Get("owner-id") == orgID:
		paged(w, r, m.contexts)
	case q.Get("owner-slug") == "gh/else":
		paged(w, r, []named{{otherID, "deploy"}})
	default:
		refuse(w, 404)
	}
}

// names serves the contexts that a test is not about.
func (m *model) names(w http.ResponseWriter, r *http.Request, id string) {
	if id == secretID {
		refuse(w, 403)
		return
	}
	all := []map[string]any{}
	for _, n := range m.other[id] {
		all = append(all, map[string]any{"variable": n})
	}
	paged(w, r, all)
}

func (m *model) pipeline(w http.ResponseWriter, r *http.Request, p string, body []byte) {
	switch {
	case r.Method == http.MethodPost:
		var in struct {
			Parameters map[string]string
		}
		_ = json.Unmarshal(body, &in)
		if len(in.Parameters) != 1 || in.Parameters["keyturn_key_id"] == "" {
			refuse(w, 400)
			return
		}
		m.started = append(m.started, strings.TrimPrefix(p, "/project/gh/acme/canary")+" "+string(body))
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"id":%q,"state":"pending","number":7}`, orgID)
	case p == "/pipeline/"+orgID:
		fmt.Fprintf(w, `{"id":%q,"state":%q}`, orgID, m.state)
	case p == "/pipeline/"+orgID+"/workflow":
		all := []map[string]any{}
		for _, s := range m.workflows {
			all = append(all, map[string]any{"status": s})
		}
		paged(w, r, all)
	default:
		refuse(w, 404)
	}
}
