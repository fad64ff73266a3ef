package hoop

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/sinktest"
)

const (
	token   = "hpk_of-an-administrator-0123456789"
	auditor = "hpk_of-somebody-who-may-only-read"
	apiKey  = "xapi-0123456789"
)

// server is a small gateway with one connection, and its traps.
type server struct {
	*httptest.Server
	mu        sync.Mutex
	envs      map[string]string // in base64, as the database has them
	resource  map[string]string // of the resource above the connection
	updated   time.Time
	managedBy string
	hides     bool
	requests  []string
	lag       int // reads that show the state before the last write
	past      string
	now       time.Time
	fault     sinktest.Fault
	healed    chan struct{}
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func newServer(t sinktest.T) *server {
	s := &server{
		envs:     map[string]string{"envvar:REGION": b64("eu-central-1"), "filesystem:KUBECONFIG": b64("clusters: []"), "envvar:DB": b64("_aws:db:name")},
		resource: map[string]string{"envvar:AWS_SESSION_TOKEN": b64("of the resource")},
		now:      time.Date(2026, 11, 3, 10, 0, 0, 123456789, time.UTC),
	}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	fault, healed := s.fault, s.healed
	s.mu.Unlock()
	if fault == sinktest.Hang {
		select {
		case <-r.Context().Done():
		case <-healed:
		}
		panic(http.ErrAbortHandler)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(time.Second)
	w.Header().Set("Date", s.now.Format(http.TimeFormat))
	s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	patch := r.Method == http.MethodPatch
	switch {
	case fault == sinktest.Unreachable:
		panic(http.ErrAbortHandler)
	case fault == sinktest.FailBefore && patch:
		fail(w, http.StatusInternalServerError)
	case fault == sinktest.FailAfter && patch:
		s.route(httptest.NewRecorder(), r, body)
		panic(http.ErrAbortHandler)
	default:
		s.route(w, r, body)
	}
}

func fail(w http.ResponseWriter, status int) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": http.StatusText(status)})
}

func (s *server) route(w http.ResponseWriter, r *http.Request, body []byte) {
	bearer, key := r.Header.Get("Authorization"), r.Header.Get("Api-Key")
	admin := bearer == "Bearer "+token || key == apiKey
	switch {
	case s.fault == sinktest.Denied || !admin && bearer != "Bearer "+auditor:
		fail(w, http.StatusUnauthorized)
	case r.URL.Path == "/api/userinfo":
		_ = json.NewEncoder(w).Encode(map[string]any{"is_admin": admin})
	case s.fault == sinktest.Missing || r.URL.Path != "/api/connections/aws":
		fail(w, http.StatusNotFound)
	case r.Method == http.MethodGet:
		s.get(w, admin)
	case !admin:
		fail(w, http.StatusForbidden)
	default:
		s.patch(w, body)
	}
}

// shown is a connection as the gateway shows it: nothing to those who administer nothing, and only references if it hides.
func (s *server) shown(envs map[string]string, updated time.Time, admin bool) string {
	secret := map[string]any{}
	for name, v := range envs {
		plain, _ := base64.StdEncoding.DecodeString(v)
		switch {
		case !admin:
		case s.hides && !strings.HasPrefix(string(plain), "_aws:"):
			secret[name] = nil
		default:
			secret[name] = v
		}
	}
	out := map[string]any{"name": "aws", "secret": secret, "managed_by": nil}
	if s.managedBy != "" {
		out["managed_by"] = s.managedBy
	}
	if !updated.IsZero() {
		out["secrets_updated_at"] = updated
	}
	text, _ := json.Marshal(out)
	return string(text)
}

func (s *server) get(w http.ResponseWriter, admin bool) {
	if s.lag > 0 {
		s.lag--
		_, _ = io.WriteString(w, s.past)
		return
	}
	_, _ = io.WriteString(w, s.shown(s.envs, s.updated.Truncate(time.Microsecond), admin)) // as the database keeps it
}

// patch replaces all values; null keeps one only where they are hidden, and is a text elsewhere.
func (s *server) patch(w http.ResponseWriter, body []byte) {
	if s.managedBy != "" {
		fail(w, http.StatusBadRequest)
		return
	}
	var in map[string]map[string]any
	if json.Unmarshal(body, &in) != nil || len(in) != 1 || in["secret"] == nil {
		fail(w, http.StatusBadRequest)
		return
	}
	next := map[string]string{}
	for name, v := range in["secret"] {
		text, is := v.(string)
		switch {
		case is:
			next[name] = text
		case s.hides:
			next[name] = s.envs[name]
		default:
			next[name] = "<nil>"
		}
	}
	s.past = s.shown(s.envs, s.updated.Truncate(time.Microsecond), true)
	s.envs, s.updated = next, s.now
	merged := maps.Clone(s.resource)
	maps.Copy(merged, next)
	_, _ = io.WriteString(w, s.shown(merged, s.updated, true))
}

func (s *server) text(name string) string {
	plain, _ := base64.StdEncoding.DecodeString(s.envs[name])
	return string(plain)
}

// change is somebody else at work.
func (s *server) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(time.Second)
	s.updated = s.now
	f()
}

func (s *server) set(f sinktest.Fault) {
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

func (s *server) target(cfg *Config) sinktest.Target {
	v := cfg.Variables
	return sinktest.Target{
		Config: cfg,
		Read: func(sinktest.T) sinktest.Pair {
			s.mu.Lock()
			defer s.mu.Unlock()
			return sinktest.Pair{ID: s.text(key(v.AccessKeyID)), Secret: s.text(key(v.SecretAccessKey)), SessionToken: s.text(key(v.SessionToken))}
		},
		Write: func(_ sinktest.T, p sinktest.Pair) {
			s.change(func() {
				s.envs[key(v.AccessKeyID)], s.envs[key(v.SecretAccessKey)] = b64(p.ID), b64(p.Secret)
				delete(s.envs, key(v.SessionToken))
				if p.SessionToken != "" {
					s.envs[key(v.SessionToken)] = b64(p.SessionToken)
				}
			})
		},
		Others: func(sinktest.T) string {
			s.mu.Lock()
			defer s.mu.Unlock()
			rest := maps.Clone(s.envs)
			for _, n := range []string{v.AccessKeyID, v.SecretAccessKey, v.SessionToken} {
				delete(rest, key(n))
			}
			text, _ := json.Marshal(rest)
			return string(text)
		},
		Secrets: []string{token, apiKey},
		Break:   func(_ sinktest.T, f sinktest.Fault) { s.set(f) },
		Heal:    func(sinktest.T) { s.set("") },
	}
}

var _ sinks.Reader = (*sink)(nil)
