//go:build e2e

package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/vaultapi"
	"keyturn/sinks/sinktest"
)

// TestConformanceOfARealVault runs the suite against the Vault whose binary KEYTURN_VAULT_BIN names,
// with no more rights than the doc page gives. Faults come from a proxy in front of it.
func TestConformanceOfARealVault(t *testing.T) {
	bin := os.Getenv("KEYTURN_VAULT_BIN")
	if bin == "" {
		const how = "not run: KEYTURN_VAULT_BIN must be the path of a Vault binary"
		if os.Getenv("KEYTURN_E2E") == "required" {
			t.Fatal(how)
		}
		t.Log(how)
		return
	}
	v := startVault(t, bin)
	v.prepare(t)
	for name, config := range map[string]func(t sinktest.T) *Config{
		"KV version 2 by a token": func(t sinktest.T) *Config {
			cfg := newConfig()
			cfg.Token = file(t, v.token)
			return cfg
		},
		"KV version 2 by AppRole": func(t sinktest.T) *Config {
			cfg := newConfig()
			cfg.AppRole, cfg.KV = &vaultapi.AppRole{RoleID: v.roleID, SecretID: file(t, v.secretID)}, 2
			return cfg
		},
		"KV version 1": func(t sinktest.T) *Config {
			cfg := newConfig()
			cfg.Token, cfg.Mount = file(t, v.token), "kv1"
			return cfg
		},
	} {
		t.Run(name, func(t *testing.T) {
			sinktest.Run(t, sinktest.Kind{Spec: Spec, New: func(t sinktest.T) sinktest.Target { return v.target(t, config(t)) }})
		})
	}
	t.Run("a revoked AppRole token is replaced", v.revoked)
	t.Run("a sealed Vault says so", v.sealed)
}

// real is a running Vault in development mode.
type real struct {
	address, token, roleID, secretID string
	mu                               sync.Mutex
	paths                            int
}

const realRoot = "root"

func startVault(t *testing.T, bin string) *real {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, bin, "server", "-dev", "-dev-root-token-id="+realRoot, "-dev-listen-address="+address, "-dev-no-store-token")
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	v := &real{address: "http://" + address}
	for range 100 {
		if resp, err := http.Get(v.address + "/v1/secret/config"); err == nil {
			_ = resp.Body.Close()
			return v
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("Vault does not answer")
	return nil
}

// ask is a request of the administrator; a 404 is nil.
func (v *real) ask(t sinktest.T, method, path string, body any) (data map[string]any) {
	t.Helper()
	payload, _ := json.Marshal(body)
	req, _ := http.NewRequest(method, v.address+"/v1/"+path, bytes.NewReader(payload))
	req.Header.Set("X-Vault-Token", realRoot)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	raw, _ := io.ReadAll(resp.Body)
	if resp.StatusCode == 404 {
		return nil
	}
	if resp.StatusCode > 299 {
		t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, raw)
	}
	var answer struct{ Data, Auth map[string]any }
	_ = json.Unmarshal(raw, &answer)
	if answer.Auth != nil {
		return answer.Auth
	}
	return answer.Data
}

func (v *real) prepare(t *testing.T) {
	v.ask(t, "POST", "sys/mounts/kv1", map[string]any{"type": "kv", "options": map[string]string{"version": "1"}})
	v.ask(t, "POST", "secret/config", map[string]any{"cas_required": true})
	v.ask(t, "PUT", "sys/policies/acl/keyturn", map[string]any{"policy": `
		path "secret/data/ci/*" { capabilities = ["create", "update", "read"] }
		path "kv1/ci/*" { capabilities = ["create", "update", "read"] }
	`})
	v.token = v.ask(t, "POST", "auth/token/create", map[string]any{"policies": []string{"keyturn"}})["client_token"].(string)
	v.ask(t, "POST", "sys/auth/approle", map[string]any{"type": "approle"})
	v.ask(t, "POST", "auth/approle/role/keyturn", map[string]any{"token_policies": "keyturn", "token_ttl": "20m"})
	v.roleID = v.ask(t, "GET", "auth/approle/role/keyturn/role-id", nil)["role_id"].(string)
	v.secretID = v.ask(t, "POST", "auth/approle/role/keyturn/secret-id", map[string]any{})["secret_id"].(string)
}

// target is a fresh path, reached through a proxy of its own.
func (v *real) target(t sinktest.T, cfg *Config) sinktest.Target {
	v.mu.Lock()
	v.paths++
	cfg.Path = fmt.Sprintf("ci/bot%d", v.paths)
	v.mu.Unlock()
	p := v.proxy(t)
	cfg.Address = p.URL
	v.put(t, cfg, map[string]any{"region": "eu-central-1", "count": 7})
	vars := cfg.Variables
	text := func(f map[string]any, k string) string { s, _ := f[k].(string); return s }
	return sinktest.Target{
		Config: cfg,
		Read: func(t sinktest.T) sinktest.Pair {
			f := v.get(t, cfg)
			return sinktest.Pair{ID: text(f, vars.AccessKeyID), Secret: text(f, vars.SecretAccessKey), SessionToken: text(f, vars.SessionToken)}
		},
		Write: func(t sinktest.T, w sinktest.Pair) {
			f := v.get(t, cfg)
			f[vars.AccessKeyID], f[vars.SecretAccessKey] = w.ID, w.Secret
			delete(f, vars.SessionToken)
			if w.SessionToken != "" {
				f[vars.SessionToken] = w.SessionToken
			}
			v.put(t, cfg, f)
		},
		Others: func(t sinktest.T) string {
			f := v.get(t, cfg)
			delete(f, vars.AccessKeyID)
			delete(f, vars.SecretAccessKey)
			delete(f, vars.SessionToken)
			return fmt.Sprint(f)
		},
		Secrets: []string{v.token, v.secretID},
		Break:   func(_ sinktest.T, f sinktest.Fault) { p.set(f) },
		Heal:    func(sinktest.T) { p.set("") },
	}
}

func (v *real) get(t sinktest.T, cfg *Config) map[string]any {
	if cfg.Mount == "kv1" {
		return v.ask(t, "GET", "kv1/"+cfg.Path, nil)
	}
	f, _ := v.ask(t, "GET", "secret/data/"+cfg.Path, nil)["data"].(map[string]any)
	return f
}

func (v *real) put(t sinktest.T, cfg *Config, f map[string]any) {
	if cfg.Mount == "kv1" {
		v.ask(t, "PUT", "kv1/"+cfg.Path, f)
		return
	}
	now, _ := v.ask(t, "GET", "secret/data/"+cfg.Path, nil)["metadata"].(map[string]any)
	v.ask(t, "PUT", "secret/data/"+cfg.Path, map[string]any{"data": f, "options": map[string]any{"cas": now["version"]}})
}

// faulty is a proxy that makes the faults.
type faulty struct {
	*httptest.Server
	mu     sync.Mutex
	fault  sinktest.Fault
	healed chan struct{}
}

func (v *real) proxy(t sinktest.T) *faulty {
	u, _ := url.Parse(v.address)
	next := httputil.NewSingleHostReverseProxy(u)
	p := &faulty{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		fault, healed := p.fault, p.healed
		p.mu.Unlock()
		write := r.Method == http.MethodPut && !strings.HasPrefix(r.URL.Path, "/v1/sys/") && !strings.HasPrefix(r.URL.Path, "/v1/auth/")
		switch {
		case fault == sinktest.Hang:
			<-healed
			panic(http.ErrAbortHandler)
		case fault == sinktest.Unreachable, fault == sinktest.FailBefore && write:
			panic(http.ErrAbortHandler)
		case fault == sinktest.FailAfter && write:
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		case fault == sinktest.Denied:
			r.Header.Set("X-Vault-Token", "hvs.wrong")
		case fault == sinktest.Missing:
			r.Header.Set("X-Vault-Token", realRoot)
			r.URL.Path = strings.NewReplacer("secret/", "gone/", "kv1/", "gone/", "mounts/secret", "mounts/gone", "mounts/kv1", "mounts/gone").Replace(r.URL.Path)
		}
		next.ServeHTTP(w, r)
	}))
	p.Config.ErrorLog = nil
	t.Cleanup(p.Close)
	return p
}

func (p *faulty) set(f sinktest.Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.healed != nil {
		close(p.healed)
		p.healed = nil
	}
	if p.fault = f; f == sinktest.Hang {
		p.healed = make(chan struct{})
	}
}

func (v *real) revoked(t *testing.T) {
	cfg := newConfig()
	cfg.AppRole = &vaultapi.AppRole{RoleID: v.roleID, SecretID: file(t, v.secretID)}
	v.target(t, cfg)
	s, err := Spec.Open(t.Context(), cfg, sinks.Env{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Push(t.Context(), pair)
	if err != nil {
		t.Fatal(err)
	}
	v.ask(t, "PUT", "sys/leases/revoke-prefix/auth/approle/login", nil)
	if e, err := s.Verify(t.Context(), pair, "", r); e != sinks.Exact || err != nil {
		t.Errorf("%v, %v", e, err)
	}
	cfg.AppRole.SecretID = file(t, "wrong")
	if s, err = Spec.Open(t.Context(), cfg, sinks.Env{}); err != nil {
		t.Fatal(err)
	}
	_, err = s.Check(t.Context())
	if want := "vault: log in at auth/approle: the role or its secret is not accepted"; err == nil || err.Error() != want || sinks.ClassOf(err) != sinks.Denied {
		t.Errorf("%v, want %s", err, want)
	}
}

func (v *real) sealed(t *testing.T) {
	cfg := newConfig()
	cfg.Token = file(t, v.token)
	v.target(t, cfg)
	s, err := Spec.Open(t.Context(), cfg, sinks.Env{})
	if err != nil {
		t.Fatal(err)
	}
	v.ask(t, "PUT", "sys/seal", nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = s.Check(ctx)
	if want := "vault: check " + cfg.Mount + "/" + cfg.Path + ": the Vault is sealed"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
