package vaultawsroot

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"keyturn/sinks"
	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

const token = "hvs.TheTokenOfTheModel"

// server is a small Vault with one AWS engine, and its traps.
type server struct {
	*varstest.Server
	root   map[string]any // nil: not configured
	secret string
	old    bool // a version before 1.21 resets every field that a write leaves out
	may    []string
	kind   string // of the mount
}

// defaults are what an engine shows that was given a pair alone.
func defaults() map[string]any {
	return map[string]any{
		"access_key": "", "region": "", "iam_endpoint": "", "sts_endpoint": "", "sts_region": "", "sts_fallback_endpoints": []any{},
		"max_retries": -1.0, "username_template": "{{ the default }}", "role_arn": "", "identity_token_audience": "", "identity_token_ttl": 0.0,
		"rotation_period": 0.0, "rotation_schedule": "", "rotation_window": 0.0, "disable_automated_rotation": false,
	}
}

func newServer(t sinktest.T) *server {
	s := &server{may: []string{"create", "read", "update"}, kind: "aws"}
	s.Server = varstest.New(t, varstest.Model{
		Authorized: func(r *http.Request) bool { return r.Header.Get("X-Vault-Token") == token },
		Denied:     func(w http.ResponseWriter) { fail(w, 403, "permission denied") },
		Missing: func(w http.ResponseWriter) {
			fail(w, 404, "no handler for route \"aws/config/root\". route entry not found.")
		},
		Written: func(r *http.Request, _ []byte) string {
			if r.Method == http.MethodPut && r.URL.Path == "/v1/aws/config/root" {
				return sinks.DefaultVariables.AccessKeyID // whatever it is called here: it makes the faults
			}
			return ""
		},
		Serve: s.serve,
	})
	return s
}

func fail(w http.ResponseWriter, status int, errs ...string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": append([]string{}, errs...)})
}

func reply(w http.ResponseWriter, data any) {
	_ = json.NewEncoder(w).Encode(map[string]any{"request_id": "1", "data": data})
}

func (s *server) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	switch r.Method + " " + r.URL.Path {
	case "GET /v1/auth/token/lookup-self":
		reply(w, map[string]any{"ttl": 0, "expire_time": nil})
	case "PUT /v1/sys/capabilities-self":
		reply(w, map[string]any{"capabilities": s.may})
	case "GET /v1/sys/internal/ui/mounts/aws":
		reply(w, map[string]any{"path": "aws/", "type": s.kind})
	case "GET /v1/aws/config/root":
		if s.root == nil {
			fail(w, 404)
			return
		}
		reply(w, s.root)
	case "PUT /v1/aws/config/root":
		s.write(w, body)
	default:
		fail(w, 404, "no handler for route")
	}
}

func (s *server) write(w http.ResponseWriter, body []byte) {
	var in map[string]any
	_ = json.Unmarshal(body, &in)
	need := "update"
	if s.root == nil {
		need = "create"
	}
	switch {
	case !slices.Contains(s.may, need):
		fail(w, 403, "permission denied")
		return
	case in["identity_token_audience"] != nil && in["identity_token_audience"] != "":
		fail(w, 400, "only one of 'access_key' or 'identity_token_audience' can be set")
		return
	}
	now := defaults()
	if s.root != nil && !s.old {
		now = maps.Clone(s.root)
		now["username_template"] = defaults()["username_template"]
	}
	s.secret, _ = in["secret_key"].(string)
	delete(in, "secret_key")
	maps.Copy(now, in)
	s.root = now
	w.WriteHeader(204)
}

// configured is an engine with everything in it.
func (s *server) configured() {
	s.root = defaults()
	maps.Copy(s.root, map[string]any{"region": "eu-central-1", "iam_endpoint": "https://iam.example", "max_retries": 7.0, "username_template": "{{ ours }}"})
}

func (s *server) config(t sinktest.T) *Config {
	cfg := Spec.New().(*Config)
	cfg.Address, cfg.Token = s.URL, varstest.File(t, token)
	return cfg
}

// target is the destination that the suite works on.
func (s *server) target(cfg *Config) sinktest.Target {
	t := s.Target(cfg, sinks.DefaultVariables, "", token)
	t.Order = nil // one request
	t.Read = func(sinktest.T) (p sinktest.Pair) {
		s.Change(func() {
			p.ID, _ = s.root["access_key"].(string)
			p.Secret = s.secret
		})
		return p
	}
	t.Write = func(_ sinktest.T, p sinktest.Pair) {
		s.Change(func() {
			if s.root == nil {
				s.root = defaults()
			}
			s.root["access_key"], s.secret = p.ID, p.Secret
		})
	}
	t.Others = func(sinktest.T) (text string) {
		s.Change(func() {
			rest := defaults()
			maps.Copy(rest, s.root)
			delete(rest, "access_key")
			text = fmt.Sprint(rest)
		})
		return text
	}
	return t
}
