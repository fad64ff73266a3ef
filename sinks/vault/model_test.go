package vault

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"keyturn/sinks/sinktest"
)

// server is a small Vault: two key-value stores, tokens, AppRole, and its traps.
type server struct {
	*httptest.Server
	mu        sync.Mutex
	namespace string
	tokens    map[string]*tokenInfo
	secretID  string
	v1        map[string]fields
	v2        map[string][]version
	fault     sinktest.Fault
	healed    chan struct{}
	requests  []string // method and path of each
	before    func(method, path string)
	answer    func(w http.ResponseWriter, r *http.Request) bool // takes over a request
	lag       int                                               // reads that show the version before the newest
	upgrading int                                               // requests that find the store upgrading
	logins    int
}

type fields map[string]json.RawMessage

type version struct {
	fields  fields
	deleted bool
	at      time.Time
}

type tokenInfo struct {
	ttl     int
	deny    []string // paths
	blind   bool     // no default policy
	created time.Time
}

const (
	rootToken = "hvs.TheRootTokenOfTheModel"
	secretID  = "the-secret-id-of-the-model"
)

func newServer(t sinktest.T) *server {
	s := &server{
		tokens: map[string]*tokenInfo{rootToken: {}}, secretID: secretID,
		v1: map[string]fields{}, v2: map[string][]version{},
	}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	s.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	return s
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	s.mu.Lock()
	before, answer, fault, healed := s.before, s.answer, s.fault, s.healed
	s.requests = append(s.requests, r.Method+" "+path)
	s.mu.Unlock()
	if before != nil {
		before(r.Method, path)
	}
	if answer != nil && answer(w, r) {
		return
	}
	isWrite := r.Method == http.MethodPut && !strings.HasPrefix(path, "sys/") && !strings.HasPrefix(path, "auth/")
	switch {
	case fault == sinktest.Hang:
		select {
		case <-r.Context().Done():
		case <-healed:
		}
		panic(http.ErrAbortHandler)
	case fault == sinktest.Unreachable:
		panic(http.ErrAbortHandler)
	case fault == sinktest.FailBefore && isWrite:
		fail(w, 500, "internal error")
	case fault == sinktest.FailAfter && isWrite:
		s.handle(httptest.NewRecorder(), r, path, body)
		panic(http.ErrAbortHandler)
	default:
		s.handle(w, r, path, body)
	}
}

func fail(w http.ResponseWriter, status int, errs ...string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": append([]string{}, errs...)})
}

func reply(w http.ResponseWriter, data any) {
	_ = json.NewEncoder(w).Encode(map[string]any{"request_id": "1", "data": data, "warnings": nil})
}

func (s *server) handle(w http.ResponseWriter, r *http.Request, path string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("X-Vault-Namespace") != s.namespace || r.Header.Get("X-Vault-Request") != "true" {
		fail(w, 404, "no handler for route \""+path+"\". route entry not found.")
		return
	}
	if mount, ok := strings.CutSuffix(strings.TrimPrefix(path, "auth/"), "/login"); ok {
		s.login(w, mount, body)
		return
	}
	info := s.tokens[r.Header.Get("X-Vault-Token")]
	if info == nil || s.fault == sinktest.Denied || info.ttl > 0 && time.Since(info.created) > time.Duration(info.ttl)*time.Second {
		fail(w, 403, "permission denied", "invalid token")
		return
	}
	s.route(w, r, info, path, body)
}

// accepted is what each method of the model takes.
func (s *server) accepted(mount string) map[string]string {
	return map[string]map[string]string{
		"approle":    {"role_id": "role", "secret_id": s.secretID},
		"kubernetes": {"role": "keyturn", "jwt": "the-pod"},
		"gitlab":     {"role": "keyturn", "jwt": "the-job"},
	}[mount]
}

func (s *server) login(w http.ResponseWriter, mount string, body []byte) {
	var in map[string]string
	_ = json.Unmarshal(body, &in)
	s.logins++
	want := s.accepted(mount)
	switch {
	case want == nil:
		fail(w, 403, "permission denied")
		return
	case s.fault == sinktest.Denied || !maps.Equal(in, want):
		fail(w, 400, "invalid role or secret ID")
		return
	}
	token := fmt.Sprintf("hvs.login%d", s.logins)
	s.tokens[token] = &tokenInfo{created: time.Now()}
	_ = json.NewEncoder(w).Encode(map[string]any{"auth": map[string]any{"client_token": token, "lease_duration": 3600}})
}

func (s *server) route(w http.ResponseWriter, r *http.Request, info *tokenInfo, path string, body []byte) {
	mount, rest, _ := strings.Cut(path, "/")
	switch {
	case path == "auth/token/lookup-self" && !info.blind:
		data := map[string]any{"ttl": info.ttl, "expire_time": nil}
		if info.ttl > 0 {
			data["expire_time"] = "2026-11-03T10:00:00Z"
		}
		reply(w, data)
	case path == "sys/capabilities-self" && !info.blind:
		var in struct{ Paths []string }
		_ = json.Unmarshal(body, &in)
		reply(w, map[string]any{"capabilities": info.capabilities(in.Paths[0]), in.Paths[0]: info.capabilities(in.Paths[0])})
	case strings.HasPrefix(path, "sys/internal/ui/mounts/"):
		s.mounts(w, strings.TrimPrefix(path, "sys/internal/ui/mounts/"))
	case strings.HasPrefix(path, "sys/") || strings.HasPrefix(path, "auth/") || info.denies(path):
		fail(w, 403, "permission denied")
	case s.fault == sinktest.Missing || mount != "secret" && mount != "kv1":
		fail(w, 404, "no handler for route \""+path+"\". route entry not found.")
	case mount == "kv1":
		s.store1(w, r, rest, body)
	case s.upgrading > 0:
		s.upgrading--
		fail(w, 400, "Upgrading from non-versioned to versioned data. This backend will be unavailable for a brief period and will resume service shortly.")
	default:
		s.store2(w, r, strings.TrimPrefix(rest, "data/"), body)
	}
}

func (i *tokenInfo) denies(path string) bool {
	for _, p := range i.deny {
		if p == path {
			return true
		}
	}
	return false
}

func (i *tokenInfo) capabilities(path string) []string {
	for _, p := range i.deny {
		if p == "write "+path {
			return []string{"read"}
		}
	}
	return []string{"create", "read", "update"}
}

func (s *server) mounts(w http.ResponseWriter, mount string) {
	switch {
	case s.fault == sinktest.Missing:
		fail(w, 403, "preflight capability check returned 403, please ensure client's policies grant access to path \""+mount+"/\"")
	case mount == "secret":
		reply(w, map[string]any{"path": "secret/", "type": "kv", "options": map[string]string{"version": "2"}})
	case mount == "kv1":
		reply(w, map[string]any{"path": "kv1/", "type": "kv", "options": nil})
	case mount == "pki":
		reply(w, map[string]any{"path": "pki/", "type": "pki", "options": nil})
	default:
		fail(w, 403, "preflight capability check returned 403")
	}
}

func (s *server) store1(w http.ResponseWriter, r *http.Request, path string, body []byte) {
	if r.Method == http.MethodPut {
		var f fields
		_ = json.Unmarshal(body, &f)
		s.v1[path] = f
		w.WriteHeader(204)
		return
	}
	if s.v1[path] == nil {
		fail(w, 404)
		return
	}
	reply(w, s.v1[path])
}

func (s *server) store2(w http.ResponseWriter, r *http.Request, path string, body []byte) {
	all := s.v2[path]
	if r.Method == http.MethodPut {
		var in struct {
			Data    fields
			Options struct{ CAS *int }
		}
		_ = json.Unmarshal(body, &in)
		switch {
		case in.Options.CAS == nil:
			fail(w, 400, "check-and-set parameter required for this call")
		case *in.Options.CAS != len(all):
			fail(w, 400, "check-and-set parameter did not match the current version")
		default:
			s.v2[path] = append(all, version{fields: in.Data, at: time.Now()})
			reply(w, meta(len(all)+1, s.v2[path][len(all)]))
		}
		return
	}
	n := len(all)
	if s.lag > 0 && n > 1 {
		s.lag--
		n--
	}
	switch {
	case n == 0:
		fail(w, 404)
	case all[n-1].deleted:
		w.WriteHeader(404)
		reply(w, map[string]any{"data": nil, "metadata": meta(n, all[n-1])})
	default:
		reply(w, map[string]any{"data": all[n-1].fields, "metadata": meta(n, all[n-1])})
	}
}

func meta(n int, v version) map[string]any {
	m := map[string]any{"version": n, "created_time": v.at.Format(time.RFC3339Nano), "deletion_time": ""}
	if v.deleted {
		m["deletion_time"] = v.at.Format(time.RFC3339Nano)
	}
	return m
}

// put is somebody else who writes fields over those that are there.
func (s *server) put(mount, path string, change map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := fields{}
	for k, v := range s.newest(mount, path) {
		now[k] = v
	}
	for k, v := range change {
		if v == "" {
			delete(now, k)
			continue
		}
		now[k], _ = json.Marshal(v)
	}
	if mount == "kv1" {
		s.v1[path] = now
		return
	}
	s.v2[path] = append(s.v2[path], version{fields: now, at: time.Now()})
}

func (s *server) newest(mount, path string) fields {
	if mount == "kv1" {
		return s.v1[path]
	}
	if n := len(s.v2[path]); n > 0 && !s.v2[path][n-1].deleted {
		return s.v2[path][n-1].fields
	}
	return nil
}

func (s *server) look(mount, path string) fields {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newest(mount, path)
}

func (f fields) text(name string) string {
	var v string
	_ = json.Unmarshal(f[name], &v)
	return v
}

func (s *server) breaks(f sinktest.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.healed != nil {
		close(s.healed)
		s.healed = nil
	}
	if s.fault = f; f == sinktest.Hang {
		s.healed = make(chan struct{})
	}
}

// target is the destination that the suite works on.
func (s *server) target(cfg *Config) sinktest.Target {
	const path = "ci/bot"
	cfg.Address, cfg.Path = s.URL, path
	v := cfg.Variables
	s.put(cfg.Mount, path, map[string]string{"region": "eu-central-1", "note": "<a & b>"})
	return sinktest.Target{
		Config: cfg,
		Read: func(sinktest.T) sinktest.Pair {
			f := s.look(cfg.Mount, path)
			return sinktest.Pair{ID: f.text(v.AccessKeyID), Secret: f.text(v.SecretAccessKey), SessionToken: f.text(v.SessionToken)}
		},
		Write: func(_ sinktest.T, p sinktest.Pair) {
			s.put(cfg.Mount, path, map[string]string{v.AccessKeyID: p.ID, v.SecretAccessKey: p.Secret, v.SessionToken: p.SessionToken})
		},
		Others: func(sinktest.T) string {
			rest := fields{}
			for k, val := range s.look(cfg.Mount, path) {
				if k != v.AccessKeyID && k != v.SecretAccessKey && k != v.SessionToken {
					rest[k] = val
				}
			}
			text, _ := json.Marshal(rest)
			return string(text)
		},
		Secrets: []string{rootToken, secretID},
		Break:   func(_ sinktest.T, f sinktest.Fault) { s.breaks(f) },
		Heal:    func(sinktest.T) { s.breaks("") },
	}
}

// made counts requests that begin so.
func (s *server) made(prefix string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		if strings.HasPrefix(r, prefix) {
			n++
		}
	}
	return n
}

var _ sinktest.T = (*testing.T)(nil)
