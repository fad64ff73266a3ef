package gitlab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

const token = "glpat-TheTokenOfTheModel"

// model is a small GitLab with one project, acme/app, of which scope is the one that a test looks at. Its traps: a name that
// is there several times must be asked for with its scope; lists have pages; a hidden value is null for ever; an update that
// names the scope moves the variable; refusals repeat the variable, value included; a variable of a file holds a path.
type model struct {
	*varstest.Server
	path   string // of the variables
	scope  string // of the variables that are by their name alone in Vars; others are name@scope
	bundle string
	hidden bool // what somebody else writes anew

	tokenInfo string // answer about the token; "": it cannot be looked up
	version   string
	pipelines map[string]string // status by number
	started   []string          // bodies that started pipelines
}

// flags are what a variable has besides its value.
type flags struct {
	Scope, Type                    string
	Masked, Hidden, Protected, Raw bool
}

func newModel(t sinktest.T, cfg *Config) *model {
	m := &model{
		path: cfg.path(), scope: cfg.EnvironmentScope, bundle: cfg.Bundle, hidden: cfg.Hidden, version: "18.5.0-ee",
		tokenInfo: `{"scopes":["api"],"expires_at":"2027-10-01"}`, pipelines: map[string]string{},
	}
	m.Server = varstest.New(t, varstest.Model{
		Authorized: func(r *http.Request) bool { return r.Header.Get("PRIVATE-TOKEN") == token },
		Place:      func(r *http.Request) bool { return m.isVariables(r) },
		Written:    m.written, Serve: m.serve,
		Missing: func(w http.ResponseWriter) { refuse(w, 404, `{"message":"404 Project Not Found"}`) },
	})
	cfg.URL, cfg.Token = m.URL+"/api/v4", varstest.File(t, token)
	m.Put("REGION", varstest.Var{Value: "eu-central-1", Note: "where", Data: flags{Scope: m.scope, Type: "env_var"}})
	if !cfg.Instance {
		m.Put("AWS_ACCESS_KEY_ID@staging", varstest.Var{Value: "AKIASTAGING", Data: flags{Scope: "staging", Type: "env_var"}})
	}
	return m
}

func refuse(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

func (m *model) isVariables(r *http.Request) bool {
	return strings.HasPrefix(r.URL.EscapedPath(), "/api/v4"+m.path)
}

// key is a variable's key in Vars.
func (m *model) key(name, scope string) string {
	if scope == "" || scope == m.scope {
		return name
	}
	return name + "@" + scope
}

// named is the variable that a path names.
func (m *model) named(r *http.Request) string {
	name, _ := url.PathUnescape(strings.TrimPrefix(r.URL.EscapedPath(), "/api/v4"+m.path+"/"))
	return name
}

func (m *model) written(r *http.Request, body []byte) string {
	switch {
	case r.Method == http.MethodGet || !m.isVariables(r):
		return ""
	case r.Method == http.MethodPost:
		var in struct {
			Key   string `json:"key"`
			Scope string `json:"environment_scope"`
		}
		_ = json.Unmarshal(body, &in)
		return m.key(in.Key, in.Scope)
	}
	return m.key(m.named(r), r.URL.Query().Get("filter[environment_scope]"))
}

func (m *model) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/api/v4")
	switch {
	case path == m.path && r.Method == http.MethodGet:
		m.list(w, r)
	case path == m.path && r.Method == http.MethodPost:
		m.create(w, body)
	case m.isVariables(r):
		m.one(w, r, body)
	case path == "/personal_access_tokens/self" && m.tokenInfo != "":
		_, _ = w.Write([]byte(m.tokenInfo))
	case path == "/version":
		fmt.Fprintf(w, `{"version":%q}`, m.version)
	case strings.HasPrefix(path, "/projects/acme%2Fcanary/pipeline"):
		m.pipeline(w, r, strings.TrimPrefix(path, "/projects/acme%2Fcanary/pipeline"), body)
	default:
		refuse(w, 404, `{"error":"404 Not Found"}`)
	}
}

// flagsOf are v's flags; a variable that somebody else wrote has the usual ones.
func (m *model) flagsOf(key string, v varstest.Var) flags {
	if f, ok := v.Data.(flags); ok {
		return f
	}
	f := flags{Scope: m.scope, Type: "env_var", Masked: true, Hidden: m.hidden}
	if key == m.bundle {
		f.Type, f.Masked = file, false
	}
	return f
}

func (m *model) shown(key string) map[string]any {
	v := m.Vars[key]
	f := m.flagsOf(key, v)
	name, _, _ := strings.Cut(key, "@")
	out := map[string]any{
		"key": name, "variable_type": f.Type, "value": v.Value, "masked": f.Masked, "hidden": f.Hidden, "protected": f.Protected,
		"raw": f.Raw, "description": nil,
	}
	if v.Note != "" {
		out["description"] = v.Note
	}
	if f.Hidden {
		out["value"] = nil
	}
	if !strings.HasPrefix(m.path, "/admin") {
		out["environment_scope"] = f.Scope
	}
	return out
}

// perPage is less than what is asked for, as for everybody who asks for too much.
const perPage = 2

func (m *model) list(w http.ResponseWriter, r *http.Request) {
	page, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil {
		page = 1
	}
	keys := slices.Sorted(maps.Keys(m.Vars))
	rest := keys[min((page-1)*perPage, len(keys)):]
	if len(rest) > perPage {
		rest = rest[:perPage]
		w.Header().Set("Link", fmt.Sprintf(`<https://elsewhere.example%s?page=%d&per_page=%d>; rel="next"`, r.URL.Path, page+1, perPage))
	}
	out := []map[string]any{}
	for _, k := range rest {
		out = append(out, m.shown(k))
	}
	_ = json.NewEncoder(w).Encode(out)
}

// maskable is what GitLab can mask. Source: "Mask a CI/CD variable".
var maskable = regexp.MustCompile(`^\S{8,}$`)

func (m *model) create(w http.ResponseWriter, body []byte) {
	var in struct {
		Key             string `json:"key"`
		Value           string `json:"value"`
		Description     string `json:"description"`
		Scope           string `json:"environment_scope"`
		Type            string `json:"variable_type"`
		Masked          bool   `json:"masked"`
		MaskedAndHidden bool   `json:"masked_and_hidden"`
		Protected       bool   `json:"protected"`
		Raw             bool   `json:"raw"`
	}
	if !m.decode(w, body, &in) {
		return
	}
	f := flags{Scope: in.Scope, Type: in.Type, Masked: in.Masked || in.MaskedAndHidden, Hidden: in.MaskedAndHidden, Protected: in.Protected, Raw: in.Raw}
	if f.Type == "" {
		f.Type = "env_var"
	}
	if f.Scope == "" {
		f.Scope = all
	}
	key := m.key(in.Key, in.Scope)
	_, taken := m.Vars[key]
	switch {
	case taken:
		refuse(w, 400, fmt.Sprintf(`{"message":{"key":["(%s) has already been taken"]}}`, in.Key))
	case f.Masked && !maskable.MatchString(in.Value):
		refuse(w, 400, fmt.Sprintf(`{"message":{"value":["is invalid"]},"was":%q}`, in.Value))
	default:
		m.Put(key, varstest.Var{Value: in.Value, Note: in.Description, Data: f})
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(m.shown(key))
	}
}

// decode is strict: what the model does not know is a mistake of the sink.
func (m *model) decode(w http.ResponseWriter, body []byte, in any) bool {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if d.Decode(in) != nil {
		refuse(w, 400, `{"error":"`+string(bytes.ReplaceAll(body, []byte(`"`), nil))+` is not known"}`)
		return false
	}
	return true
}

// one serves a variable by its name.
func (m *model) one(w http.ResponseWriter, r *http.Request, body []byte) {
	name, filter := m.named(r), r.URL.Query().Get("filter[environment_scope]")
	var found []string
	for key := range m.Vars {
		if n, _, _ := strings.Cut(key, "@"); n == name && (filter == "" || key == m.key(name, filter)) {
			found = append(found, key)
		}
	}
	switch {
	case len(found) == 0:
		refuse(w, 404, `{"message":"404 Variable Not Found"}`)
	case len(found) > 1:
		refuse(w, 409, `{"message":"There are multiple variables with provided parameters. Please use 'filter[environment_scope]'"}`)
	case r.Method == http.MethodDelete:
		m.Remove(found[0])
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPut:
		m.update(w, found[0], body)
	}
}

func (m *model) update(w http.ResponseWriter, key string, body []byte) {
	v := m.Vars[key]
	f := m.flagsOf(key, v)
	in := struct {
		Value       string `json:"value"`
		Description string `json:"description"`
	}{v.Value, v.Note}
	if !m.decode(w, body, &in) {
		return
	}
	if f.Masked && !maskable.MatchString(in.Value) {
		refuse(w, 400, fmt.Sprintf(`{"message":{"value":["is invalid"]},"was":%q}`, in.Value))
		return
	}
	m.Put(key, varstest.Var{Value: in.Value, Note: in.Description, Data: f})
	_ = json.NewEncoder(w).Encode(m.shown(key))
}

// pipeline serves the project acme/canary.
func (m *model) pipeline(w http.ResponseWriter, r *http.Request, path string, body []byte) {
	if path == "" && r.Method == http.MethodPost {
		var in struct{ Ref string }
		if _ = json.Unmarshal(body, &in); in.Ref != "main" {
			refuse(w, 400, `{"message":{"base":["Reference not found"]}}`)
			return
		}
		m.started = append(m.started, string(body))
		run := strconv.Itoa(70 + len(m.started))
		m.pipelines[run] = "created"
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"id":%s,"status":"created"}`, run)
		return
	}
	status, ok := m.pipelines[strings.TrimPrefix(path, "s/")]
	if !ok {
		refuse(w, 404, `{"message":"404 Not found"}`)
		return
	}
	fmt.Fprintf(w, `{"status":%q}`, status)
}
