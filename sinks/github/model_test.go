package github

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/nacl/box"

	"keyturn/sinks"
	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

const (
	token      = "ghp_TheTokenOfTheModel"
	writeScope = "/repos/acme/app/actions/secrets"
)

// model is a small GitHub: scopes with keys of their own, an organization's visibility, an App, a workflow. Every request and
// answer is held against GitHub's description. Vars are by path: writeScope + "/AWS_ACCESS_KEY_ID".
type model struct {
	*varstest.Server
	described *description
	keys      map[string]*sealKey // by the path of a scope
	places    map[string]bool     // scopes that exist
	repos     map[string]map[string]any
	tokens    map[string]string // that are good, with their X-OAuth-Scopes; "-": none
	expires   string
	fields    map[string]any // of the last write
	minted    []narrowing
	appKey    *rsa.PublicKey
	runs      []workflowRun
	inputs    map[string]any
	verdict   string
	short     int // pages have as many secrets; 0: as many as asked for
}

type sealKey struct {
	id              string
	public, private *[32]byte
}

func newSealKey(id string) *sealKey {
	public, private, err := box.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return &sealKey{id, public, private}
}

// about is what GitHub keeps of a secret besides its value.
type about struct {
	Visibility   string
	Repositories string // ids, as JSON
}

func newModel(t *testing.T, st sinktest.T, by string) *model {
	m := &model{
		described: describe(t, by), keys: map[string]*sealKey{}, verdict: "success", tokens: map[string]string{token: "repo, admin:org"},
		places: map[string]bool{writeScope: true},
		repos:  map[string]map[string]any{"acme/app": {"id": 11, "permissions": map[string]bool{"push": true}}, "acme/web": {"id": 12}, "acme/lib": {"id": 13}},
	}
	m.Server = varstest.New(st, varstest.Model{
		Authorized: func(r *http.Request) bool {
			_, ok := m.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
			return ok || strings.HasPrefix(r.URL.Path, "/app/")
		},
		Denied:  func(w http.ResponseWriter) { say(w, 401, "Bad credentials") },
		Missing: func(w http.ResponseWriter) { say(w, 404, "Not Found") },
		Place:   func(r *http.Request) bool { return !strings.HasPrefix(r.URL.Path, "/app/") },
		Written: func(r *http.Request, _ []byte) string {
			if r.Method == http.MethodPut || r.Method == http.MethodDelete {
				return r.URL.Path
			}
			return ""
		},
		Serve: func(w http.ResponseWriter, r *http.Request, body []byte) {
			m.described.around(w, r, body, func(w http.ResponseWriter) { m.route(w, r, body) })
		},
	})
	return m
}

func say(w http.ResponseWriter, status int, message string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func fieldsOf(body []byte) (fields map[string]any) {
	_ = json.Unmarshal(body, &fields)
	return fields
}

func (m *model) route(w http.ResponseWriter, r *http.Request, body []byte) {
	if scopes := m.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]; scopes != "-" && !strings.HasPrefix(r.URL.Path, "/app/") {
		w.Header().Set("X-OAuth-Scopes", scopes)
	}
	if m.expires != "" {
		w.Header().Set("GitHub-Authentication-Token-Expiration", m.expires)
	}
	place, rest, ok := strings.Cut(r.URL.Path, "/secrets")
	place += "/secrets"
	switch {
	case ok && !m.places[place]:
		say(w, 404, "Not Found")
	case ok && rest == "":
		m.list(w, r, place)
	case ok && rest == "/public-key":
		k := m.key(place)
		reply(w, 200, map[string]string{"key_id": k.id, "key": base64.StdEncoding.EncodeToString(k.public[:])})
	case ok && strings.HasSuffix(rest, "/repositories"):
		m.readers(w, r, strings.TrimSuffix(r.URL.Path, "/repositories"))
	case ok && r.Method == http.MethodPut:
		m.put(w, r.URL.Path, place, body)
	case ok && r.Method == http.MethodDelete:
		if _, there := m.Vars[r.URL.Path]; !there {
			say(w, 404, "Not Found")
			return
		}
		m.Remove(r.URL.Path)
		w.WriteHeader(204)
	default:
		m.other(w, r, body)
	}
}

func (m *model) key(place string) *sealKey {
	if m.keys[place] == nil {
		m.keys[place] = newSealKey("key of " + place)
	}
	return m.keys[place]
}

func (m *model) list(w http.ResponseWriter, r *http.Request, place string) {
	names := []string{}
	for path := range m.Vars {
		if name, ok := strings.CutPrefix(path, place+"/"); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	total := len(names)
	size, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
	if m.short > 0 {
		size = m.short
	}
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	page = max(page, 1)
	names = names[min((page-1)*size, total):]
	if len(names) > size {
		names = names[:size]
		next := url.Values{"per_page": {r.URL.Query().Get("per_page")}, "page": {strconv.Itoa(page + 1)}}
		w.Header().Set("Link", `<https://elsewhere.invalid`+r.URL.Path+`?`+next.Encode()+`>; rel="next", <https://elsewhere.invalid/?page=9>; rel="last"`)
	}
	list := []map[string]any{}
	for _, name := range names {
		list = append(list, m.info(place, name))
	}
	reply(w, 200, map[string]any{"total_count": total, "secrets": list})
}

// info shows times of whole seconds, and of the organization's secrets who reads them.
func (m *model) info(place, name string) map[string]any {
	v := m.Vars[place+"/"+name]
	info := map[string]any{"name": name, "created_at": v.Created.Format(time.RFC3339), "updated_at": v.At.Format(time.RFC3339)}
	if strings.HasPrefix(place, "/orgs/") {
		a, ok := v.Data.(about)
		if !ok {
			a.Visibility = "private" // somebody else made it
		}
		info["visibility"] = a.Visibility
		if a.Visibility == selected {
			info["selected_repositories_url"] = "https://api.github.com" + place + "/" + name + "/repositories"
		}
	}
	return info
}

func (m *model) readers(w http.ResponseWriter, r *http.Request, path string) {
	a, _ := m.Vars[path].Data.(about)
	var ids []int64
	_ = json.Unmarshal([]byte(a.Repositories), &ids)
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	if page = max(page, 1); page < len(ids) { // one on each page
		w.Header().Set("Link", fmt.Sprintf(`<https://api.github.com%s?per_page=100&page=%d>; rel="next"`, r.URL.Path, page+1))
	}
	list := []map[string]any{}
	if page <= len(ids) {
		list = append(list, map[string]any{"id": ids[page-1]})
	}
	reply(w, 200, map[string]any{"total_count": len(ids), "repositories": list})
}

// put opens the value; one that was sealed for another key is refused.
func (m *model) put(w http.ResponseWriter, path, place string, body []byte) {
	var in struct {
		Value        string          `json:"encrypted_value"`
		KeyID        string          `json:"key_id"`
		Visibility   string          `json:"visibility"`
		Repositories json.RawMessage `json:"selected_repository_ids"`
	}
	_ = json.Unmarshal(body, &in)
	m.fields = fieldsOf(body)
	k := m.key(place)
	raw, _ := base64.StdEncoding.DecodeString(in.Value)
	value, ok := box.OpenAnonymous(nil, raw, k.public, k.private)
	if !ok || in.KeyID != k.id {
		say(w, 422, "Bad request - The key_id is not valid")
		return
	}
	v := varstest.Var{Value: string(value)}
	if strings.HasPrefix(place, "/orgs/") {
		v.Data = about{in.Visibility, string(in.Repositories)} // what is not sent again is lost
	}
	status := 201
	if _, there := m.Vars[path]; there {
		status = 204
	}
	m.Put(path, v)
	if status == 201 {
		reply(w, status, map[string]any{})
		return
	}
	w.WriteHeader(status)
}

func (m *model) other(w http.ResponseWriter, r *http.Request, body []byte) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case strings.HasPrefix(r.URL.Path, "/app/"):
		m.mint(w, r, body)
	case len(parts) == 3 && m.repos[parts[1]+"/"+parts[2]] != nil:
		reply(w, 200, m.repos[parts[1]+"/"+parts[2]])
	case strings.HasSuffix(r.URL.Path, "/environments"):
		list := []map[string]string{}
		for place := range m.places {
			if name, ok := strings.CutPrefix(strings.TrimSuffix(place, "/secrets"), r.URL.Path+"/"); ok {
				list = append(list, map[string]string{"name": name})
			}
		}
		reply(w, 200, map[string]any{"total_count": len(list), "environments": list})
	case strings.HasSuffix(r.URL.Path, "/actions/workflows/canary.yml/dispatches"):
		m.dispatch(w, r, body)
	case strings.HasSuffix(r.URL.Path, "/actions/workflows/canary.yml/runs"):
		reply(w, 200, map[string]any{"total_count": len(m.runs), "workflow_runs": m.runs})
	case strings.Contains(r.URL.Path, "/actions/runs/"):
		m.run(w, parts[len(parts)-1])
	default:
		say(w, 404, "Not Found")
	}
}

func (m *model) dispatch(w http.ResponseWriter, _ *http.Request, body []byte) {
	in := fieldsOf(body)
	m.inputs, _ = in["inputs"].(map[string]any)
	if in["ref"] != "main" {
		say(w, 422, "No ref found for: "+fmt.Sprint(in["ref"]))
		return
	}
	run := workflowRun{ID: int64(500 + len(m.runs)), Title: fmt.Sprintf("canary %v", m.inputs["nonce"]), Status: "queued"}
	m.runs = append(m.runs, run)
	if in["return_run_details"] == true {
		reply(w, 200, map[string]any{"workflow_run_id": run.ID, "run_url": "https://api.github.com/r", "html_url": "https://github.com/r"})
		return
	}
	w.WriteHeader(204)
}

func (m *model) run(w http.ResponseWriter, number string) {
	for _, run := range m.runs {
		if strconv.FormatInt(run.ID, 10) == number {
			reply(w, 200, run)
			return
		}
	}
	say(w, 404, "Not Found")
}

// finish is a runner that did its work.
func (m *model) finish(conclusion string) {
	m.Change(func() {
		for i := range m.runs {
			m.runs[i].Status, m.runs[i].Conclusion = "completed", conclusion
		}
	})
}

// as is a sink's configuration for the scope at path.
func (m *model) as(t sinktest.T, change func(*Config)) *Config {
	t.Helper()
	cfg := Spec.New().(*Config)
	cfg.URL, cfg.Token, cfg.Repository = m.URL, varstest.File(t, token), "acme/app"
	if change != nil {
		change(cfg)
	}
	path := scopeOf(cfg).path
	m.Change(func() { m.places[unescaped(path)] = true })
	return cfg
}

func unescaped(path string) string {
	out, err := url.PathUnescape(path)
	if err != nil {
		panic(err)
	}
	return out
}

// target is the scope of cfg, with a neighbour.
func (m *model) target(cfg *Config) sinktest.Target {
	place := unescaped(scopeOf(cfg).path) + "/"
	m.Change(func() {
		v := varstest.Var{Value: "kept"}
		if cfg.Organization != "" {
			v.Data = about{selected, "[12,13]"}
		}
		m.Put(place+"NPM_TOKEN", v)
	})
	bundle := ""
	if cfg.Bundle != "" {
		bundle = place + cfg.Bundle
	}
	v := cfg.Variables
	t := m.Target(cfg, sinks.Variables{
		AccessKeyID: place + v.AccessKeyID, SecretAccessKey: place + v.SecretAccessKey, SessionToken: place + v.SessionToken,
	}, bundle, token)
	return t
}

// appKeys are made once: that takes a moment.
var appKeys = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func pemOf(k *rsa.PrivateKey) string {
	return strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(k)})))
}

func seeded(a about) varstest.Var { return varstest.Var{Value: "seeded", Data: a} }

// folded is a path as GitHub keeps it: the name of a secret in upper case.
func folded(path string) string {
	i := strings.LastIndex(path, "/")
	if !strings.HasSuffix(path[:i], "/secrets") || path[i:] == "/public-key" {
		return path
	}
	return path[:i] + strings.ToUpper(path[i:])
}
