package buildkite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

const token = "bkua_TheTokenOfTheModel"

const clusterID = "42f1a7da-812d-4430-93d8-1cc7c33a6bcf"

const base = "/v2/organizations/acme/clusters/" + clusterID + "/secrets"

// model is a small Buildkite with one cluster and one pipeline. Its traps: a secret is known by an id; its value is never shown, and is changed at an
// address of its own, while the other one refuses it; whoever does not say what the policy is gets none; a description
// that changes moves the time of the update; lists have pages.
type model struct {
	*varstest.Server
	scopes  []string
	state   string // of each build
	started []string
}

func newModel(t sinktest.T, cfg *Config) *model {
	m := &model{scopes: []string{"read_secret_details", "write_secrets"}}
	m.Server = varstest.New(t, varstest.Model{
		Authorized: func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer "+token },
		Place:      func(r *http.Request) bool { return r.URL.Path != "/v2/access-token" },
		Written:    m.written, Serve: m.serve,
		Missing: func(w http.ResponseWriter) { refuse(w, 404, `{"message":"Not Found"}`) },
	})
	cfg.URL, cfg.Token = m.URL+"/v2", varstest.File(t, token)
	for _, name := range []string{"NPM_TOKEN", "REGION", "SENTRY"} {
		m.Put(name, varstest.Var{Value: "something else", Note: "not keyturn's", Data: "- pipeline_slug: docs"})
	}
	return m
}

func refuse(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

// named is the secret that a path names by its id, and what follows.
func (m *model) named(r *http.Request) (name, rest string) {
	id, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, base+"/"), "/")
	for name, v := range m.Vars {
		if v.ID == id {
			return name, rest
		}
	}
	return "", rest
}

func (m *model) written(r *http.Request, body []byte) string {
	if r.Method == http.MethodGet || !strings.HasPrefix(r.URL.Path, base) {
		return ""
	}
	if r.Method == http.MethodPost {
		var in struct{ Key string }
		_ = json.Unmarshal(body, &in)
		return in.Key
	}
	name, _ := m.named(r)
	return name
}

func (m *model) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	switch {
	case r.URL.Path == "/v2/access-token":
		_ = json.NewEncoder(w).Encode(map[string]any{"uuid": "b63254c0", "scopes": m.scopes})
	case r.URL.Path == base && r.Method == http.MethodGet:
		m.list(w, r)
	case r.URL.Path == base && r.Method == http.MethodPost:
		m.create(w, body)
	case strings.HasPrefix(r.URL.Path, base+"/"):
		m.one(w, r, body)
	case strings.HasPrefix(r.URL.Path, "/v2/organizations/acme/pipelines/canary/builds"):
		m.build(w, r, body)
	default:
		refuse(w, 404, `{"message":"Not Found"}`)
	}
}

func (m *model) list(w http.ResponseWriter, r *http.Request) {
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	page = max(page, 1)
	keys := slices.Sorted(maps.Keys(m.Vars))
	rest := keys[min((page-1)*2, len(keys)):]
	if len(rest) > 2 {
		rest = rest[:2]
		w.Header().Set("Link", fmt.Sprintf(`<https://api.buildkite.com%s?page=%d&per_page=2>; rel="next", <https://api.buildkite.com%s?page=9>; rel="last"`,
			r.URL.Path, page+1, r.URL.Path))
	}
	out := []map[string]any{}
	for _, name := range rest {
		v := m.Vars[name]
		out = append(out, map[string]any{
			"id": v.ID, "key": name, "description": v.Note, "policy": v.Data, "created_at": v.Created, "updated_at": v.At, "last_read_at": nil,
		})
	}
	_ = json.NewEncoder(w).Encode(out)
}

// decode is strict: what the model does not know is a mistake of the sink.
func decode(w http.ResponseWriter, body []byte, in any) bool {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if d.Decode(in) != nil {
		refuse(w, 422, `{"message":"The value parameter cannot be updated on this endpoint.","was":`+strconv.Quote(string(body))+`}`)
		return false
	}
	return true
}

func (m *model) create(w http.ResponseWriter, body []byte) {
	var in struct {
		Key    string  `json:"key"`
		Value  string  `json:"value"`
		Policy *string `json:"policy"`
	}
	if !decode(w, body, &in) {
		return
	}
	if _, taken := m.Vars[in.Key]; taken {
		refuse(w, 422, `{"message":"Validation Failed","errors":[{"field":"key","code":"has already been taken"}]}`)
		return
	}
	v := varstest.Var{Value: in.Value}
	if in.Policy != nil {
		v.Data = *in.Policy
	}
	m.Put(in.Key, v)
	refuse(w, 201, `{}`)
}

func (m *model) one(w http.ResponseWriter, r *http.Request, body []byte) {
	name, rest := m.named(r)
	v, ok := m.Vars[name]
	switch {
	case !ok:
		refuse(w, 404, `{"message":"Not Found"}`)
	case r.Method == http.MethodDelete && rest == "":
		m.Remove(name)
		w.WriteHeader(204)
	case r.Method == http.MethodPut && rest == "value":
		var in struct {
			Value string `json:"value"`
		}
		if decode(w, body, &in) {
			v.Value = in.Value
			m.Put(name, v)
			refuse(w, 200, `{}`)
		}
	default:
		refuse(w, 422, `{"message":"The value parameter cannot be updated on this endpoint."}`)
	}
}

func (m *model) build(w http.ResponseWriter, r *http.Request, body []byte) {
	if r.Method == http.MethodPost {
		var in struct{ Commit, Branch string }
		if _ = json.Unmarshal(body, &in); in.Commit == "" || in.Branch != "main" {
			refuse(w, 422, `{"message":"Branch is not allowed"}`)
			return
		}
		m.started = append(m.started, string(body))
		refuse(w, 201, `{"id":"f62a1b4d","number":12,"state":"creating"}`)
		return
	}
	if !strings.HasSuffix(r.URL.Path, "/builds/12") {
		refuse(w, 404, `{"message":"Not Found"}`)
		return
	}
	fmt.Fprintf(w, `{"number":12,"state":%q}`, m.state)
}
