//go:build e2e

package vaultawsroot

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
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"keyturn/sinks"
	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

// TestConformanceOfARealEngine runs the suite against the Vault whose binary KEYTURN_VAULT_BIN names, with the AWS
// engine beside it in vault-plugins, and no more rights than the doc page gives. Faults come from a proxy in front of it. Vault
// does not call AWS when it is configured, and shows the secret to nobody: that it was written is seen by the model alone.
func TestConformanceOfARealEngine(t *testing.T) {
	bin := os.Getenv("KEYTURN_VAULT_BIN")
	if bin == "" {
		const how = "not run: KEYTURN_VAULT_BIN must be the path of a Vault binary with vault-plugins beside it"
		if os.Getenv("KEYTURN_E2E") == "required" {
			t.Fatal(how)
		}
		t.Log(how)
		return
	}
	v := startVault(t, bin)
	for name, before := range map[string]map[string]any{
		"an engine that is configured": {
			"access_key": "", "secret_key": "", "region": "eu-central-1", "iam_endpoint": "https://iam.example", "sts_endpoint": "https://sts.example",
			"sts_region": "eu-central-1", "max_retries": 7, "username_template": `{{ printf "x-%s" (random 20) | truncate 64 }}`,
		},
		"an engine that is not configured": nil,
	} {
		t.Run(name, func(t *testing.T) {
			sinktest.Run(t, sinktest.Kind{Spec: Spec, NoSession: noSession, New: func(t sinktest.T) sinktest.Target { return v.target(t, before) }})
		})
	}
	t.Run("a mount of another sort", v.another)
}

// real is a running Vault in development mode.
type real struct {
	address string
	mu      sync.Mutex
	mounts  int
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
	cmd := exec.CommandContext(ctx, bin, "server", "-dev", "-dev-root-token-id="+realRoot, "-dev-listen-address="+address, "-dev-no-store-token",
		"-dev-plugin-dir="+filepath.Join(filepath.Dir(bin), "vault-plugins"))
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
func (v *real) ask(t sinktest.T, method, path string, body any) map[string]any {
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

// fresh is a mount of the given sort, and a token that may do with it what the doc page says.
func (v *real) fresh(t sinktest.T, sort, verbs string) (mount, token string) {
	t.Helper()
	v.mu.Lock()
	v.mounts++
	mount = fmt.Sprintf("aws%d", v.mounts)
	v.mu.Unlock()
	v.ask(t, "POST", "sys/mounts/"+mount, map[string]any{"type": sort})
	v.ask(t, "PUT", "sys/policies/acl/"+mount, map[string]any{"policy": `path "` + mount + `/config/root" { capabilities = [` + verbs + `] }`})
	token = v.ask(t, "POST", "auth/token/create", map[string]any{"policies": []string{mount}})["client_token"].(string)
	t.Cleanup(func() { // each mount is a process
		req, _ := http.NewRequest(http.MethodDelete, v.address+"/v1/sys/mounts/"+mount, nil)
		req.Header.Set("X-Vault-Token", realRoot)
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
		}
	})
	return mount, token
}

func (v *real) target(t sinktest.T, before map[string]any) sinktest.Target {
	verbs := `"read", "update"`
	if before == nil {
		verbs += `, "create"`
	}
	mount, token := v.fresh(t, "aws", verbs)
	root := mount + "/config/root"
	if before != nil {
		v.ask(t, "POST", root, before)
	}
	p := v.proxy(t, mount)
	cfg := Spec.New().(*Config)
	cfg.Address, cfg.Mount, cfg.Token = p.URL, mount, varstest.File(t, token)
	return sinktest.Target{
		Config: cfg,
		Read: func(t sinktest.T) sinktest.Pair {
			id, _ := v.ask(t, "GET", root, nil)["access_key"].(string)
			return sinktest.Pair{ID: id, Secret: p.written(id)}
		},
		Write: func(t sinktest.T, w sinktest.Pair) {
			p.note(w.ID, w.Secret)
			all := v.ask(t, "GET", root, nil)
			if all == nil {
				all = map[string]any{}
			}
			all["access_key"], all["secret_key"] = w.ID, w.Secret
			v.ask(t, "POST", root, all)
		},
		Others: func(t sinktest.T) string {
			all := v.ask(t, "GET", root, nil)
			if before == nil {
				return ""
			}
			delete(all, "access_key")
			return fmt.Sprint(all)
		},
		Secrets: []string{token},
		Break:   func(_ sinktest.T, f sinktest.Fault) { p.set(f) },
		Heal:    func(sinktest.T) { p.set("") },
	}
}

// faulty is a proxy that makes the faults, and remembers which secret came with which key.
type faulty struct {
	*httptest.Server
	mu      sync.Mutex
	fault   sinktest.Fault
	healed  chan struct{}
	secrets map[string]string
}

func (v *real) proxy(t sinktest.T, mount string) *faulty {
	u, _ := url.Parse(v.address)
	next := httputil.NewSingleHostReverseProxy(u)
	p := &faulty{secrets: map[string]string{}}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		fault, healed := p.fault, p.healed
		p.mu.Unlock()
		write := r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/config/root")
		switch {
		case fault == sinktest.Hang:
			<-healed
			panic(http.ErrAbortHandler)
		case fault == sinktest.Unreachable, fault == sinktest.FailBefore && write:
			panic(http.ErrAbortHandler)
		case fault == sinktest.Denied:
			r.Header.Set("X-Vault-Token", "hvs.wrong")
		case fault == sinktest.Missing:
			r.Header.Set("X-Vault-Token", realRoot)
			r.URL.Path = strings.Replace(r.URL.Path, "/"+mount, "/gone", 1)
		}
		if write {
			p.remember(r)
		}
		if fault == sinktest.FailAfter && write {
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *faulty) remember(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	var in struct {
		Key    string `json:"access_key"`
		Secret string `json:"secret_key"`
	}
	_ = json.Unmarshal(body, &in)
	p.note(in.Key, in.Secret)
}

func (p *faulty) note(id, secret string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.secrets[id] = secret
}

func (p *faulty) written(id string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.secrets[id]
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

func (v *real) refused(t *testing.T, mount, token, want string) {
	t.Helper()
	cfg := Spec.New().(*Config)
	cfg.Address, cfg.Mount, cfg.Token = v.address, mount, varstest.File(t, token)
	s, err := Spec.Open(t.Context(), cfg, sinks.Env{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = s.Push(t.Context(), pair); err == nil || err.Error() != want || sinks.ClassOf(err) != sinks.Refused {
		t.Errorf("%v, want %s", err, want)
	}
}

func (v *real) another(t *testing.T) {
	mount, token := v.fresh(t, "kv", `"read", "update", "create"`)
	v.refused(t, mount, token, "vault-aws-root: read "+mount+"/config/root: "+mount+" is not an AWS secrets engine")
}
