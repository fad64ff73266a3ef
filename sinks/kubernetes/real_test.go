//go:build e2e

package kubernetes

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
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
	"keyturn/sinks/sinktest"
)

// TestConformanceOfARealCluster runs the suite against the API server and etcd in the folder that KEYTURN_KUBE_BIN
// names, each time as a service account that may get and patch one named Secret. Faults come from a proxy in front of it.
func TestConformanceOfARealCluster(t *testing.T) {
	bin := os.Getenv("KEYTURN_KUBE_BIN")
	if bin == "" {
		const how = "not run: KEYTURN_KUBE_BIN must be the path of a folder with kube-apiserver and etcd"
		if os.Getenv("KEYTURN_E2E") == "required" {
			t.Fatal(how)
		}
		t.Log(how)
		return
	}
	k := startKube(t, bin)
	t.Run("the suite", func(t *testing.T) {
		sinktest.Run(t, sinktest.Kind{Spec: Spec, New: k.target})
	})
	t.Run("a Secret that is absent", k.absent)
	t.Run("an immutable Secret", k.immutable)
	t.Run("two pairs in one Secret", k.twoPairs)
	t.Run("a client certificate, another who applies, and what kubectl would show", k.managers)
}

// real is a running API server.
type real struct {
	address, ca string
	admin       *http.Client
	folder      string
	mu          sync.Mutex
	secrets     int
}

const adminToken = "the-administrator"

func startKube(t *testing.T, bin string) *real {
	t.Helper()
	dir := t.TempDir()
	k := &real{folder: dir, ca: filepath.Join(dir, "certs", "apiserver.crt")}
	cert, certKey := identity(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	k.file(t, "sa.key", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw})))
	k.file(t, "client.pem", cert) // its own authority
	k.file(t, "client.key", certKey)
	k.file(t, "tokens.csv", adminToken+`,admin,admin,"system:masters"`)

	client, peer, port := "http://"+freeAddress(t), "http://"+freeAddress(t), freeAddress(t)
	k.address = "https://" + port
	run(t, dir, filepath.Join(bin, "etcd"), "--data-dir", filepath.Join(dir, "etcd"), "--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer)
	_, number, _ := net.SplitHostPort(port)
	run(t, dir, filepath.Join(bin, "kube-apiserver"), "--etcd-servers", client, "--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1",
		"--secure-port", number, "--cert-dir", filepath.Join(dir, "certs"), "--client-ca-file", filepath.Join(dir, "client.pem"),
		"--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", filepath.Join(dir, "sa.key"),
		"--service-account-signing-key-file", filepath.Join(dir, "sa.key"), "--authorization-mode", "RBAC",
		"--token-auth-file", filepath.Join(dir, "tokens.csv"), "--service-cluster-ip-range", "10.0.0.0/24", "--endpoint-reconciler-type", "none")
	for range 600 {
		if text, err := os.ReadFile(k.ca); err == nil {
			roots := x509.NewCertPool()
			roots.AppendCertsFromPEM(text)
			k.admin = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
			if code, _ := k.try("GET", "/readyz", "", nil); code == 200 {
				k.ask(t, "POST", "/api/v1/namespaces", manifest("v1", "Namespace", namespace, nil))
				return k
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("the API server does not get ready")
	return nil
}

func run(t *testing.T, dir, program string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (k *real) file(t sinktest.T, name, text string) string {
	t.Helper()
	path := filepath.Join(k.folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatalf("%v", err)
	}
	return path
}

func manifest(version, kind, name string, more map[string]any) map[string]any {
	o := map[string]any{"apiVersion": version, "kind": kind, "metadata": map[string]any{"name": name}}
	for k, v := range more {
		o[k] = v
	}
	return o
}

// try is a request of the administrator.
func (k *real) try(method, path, contentType string, body any) (int, map[string]any) {
	payload, _ := json.Marshal(body)
	req, _ := http.NewRequest(method, k.address+path, bytes.NewReader(payload))
	req.Header.Set("Authorization", "Bearer "+adminToken)
	req.Header.Set("Content-Type", contentType)
	resp, err := k.admin.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	raw, _ := io.ReadAll(resp.Body)
	var answer map[string]any
	_ = json.Unmarshal(raw, &answer)
	return resp.StatusCode, answer
}

func (k *real) ask(t sinktest.T, method, path string, body any) map[string]any {
	t.Helper()
	kind := "application/json"
	if method == "PATCH" {
		kind = "application/merge-patch+json"
	}
	code, answer := k.try(method, path, kind, body)
	if code < 200 || code > 299 {
		t.Fatalf("%s %s: %d %v", method, path, code, answer["message"])
	}
	return answer
}

// account is a fresh service account that may do verbs with the Secret name, and its token.
func (k *real) account(t sinktest.T, name string, verbs ...string) string {
	t.Helper()
	const core, rbac = "/api/v1/namespaces/" + namespace, "/apis/rbac.authorization.k8s.io/v1/namespaces/" + namespace
	k.ask(t, "POST", core+"/serviceaccounts", manifest("v1", "ServiceAccount", name, nil))
	k.ask(t, "POST", rbac+"/roles", manifest("rbac.authorization.k8s.io/v1", "Role", name, map[string]any{"rules": []any{
		map[string]any{"apiGroups": []string{""}, "resources": []string{"secrets"}, "resourceNames": []string{name}, "verbs": verbs},
	}}))
	k.ask(t, "POST", rbac+"/rolebindings", manifest("rbac.authorization.k8s.io/v1", "RoleBinding", name, map[string]any{
		"roleRef":  map[string]string{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
		"subjects": []any{map[string]string{"kind": "ServiceAccount", "name": name, "namespace": namespace}},
	}))
	answer := k.ask(t, "POST", core+"/serviceaccounts/"+name+"/token", manifest("authentication.k8s.io/v1", "TokenRequest", "", nil))
	return answer["status"].(map[string]any)["token"].(string)
}

// fresh is a configuration for a Secret of its own, whose account has the rights that the doc page gives.
func (k *real) fresh(t sinktest.T) (cfg *Config, path, token string) {
	t.Helper()
	k.mu.Lock()
	k.secrets++
	name := fmt.Sprintf("bot%d", k.secrets)
	k.mu.Unlock()
	token = k.account(t, name, "get", "patch")
	cfg = Spec.New().(*Config)
	cfg.Namespace, cfg.Secret = namespace, name
	cfg.Kubeconfig = k.kubeconfig(t, k.address, "token: "+token)
	path = "/api/v1/namespaces/" + namespace + "/secrets/" + name
	k.settle(t, cfg)
	return cfg, path, token
}

// settle waits until RBAC knows the account.
func (k *real) settle(t sinktest.T, cfg *Config) {
	t.Helper()
	for range 100 {
		s, err := Spec.Open(t.Context(), cfg, sinks.Env{})
		if err != nil {
			t.Fatalf("%v", err)
		}
		if _, err = s.(sinks.Reader).Serving(t.Context()); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("the account gets no rights")
}

func (k *real) kubeconfig(t sinktest.T, address, user string) string {
	ca := ", certificate-authority: " + k.ca
	if strings.HasPrefix(address, "http:") {
		ca = ""
	}
	return kubeconfigOf(t, fmt.Sprintf("clusters: [{name: c, cluster: {server: %q%s}}]\nusers: [{name: u, user: {%s}}]\n"+
		"contexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n", address, ca, user))
}

func (k *real) target(t sinktest.T) sinktest.Target {
	cfg, path, token := k.fresh(t)
	k.ask(t, "POST", filepath.Dir(path), manifest("v1", "Secret", cfg.Secret, map[string]any{
		"stringData": map[string]string{"region": "eu-central-1", "note": "<a & b>\n"},
		"metadata":   map[string]any{"name": cfg.Secret, "labels": map[string]string{"team": "platform"}},
	}))
	p := k.proxy(t)
	cfg.Kubeconfig = k.kubeconfig(t, p.URL, "token: "+token)
	v := cfg.Variables
	own := []string{v.AccessKeyID, v.SecretAccessKey, v.SessionToken}
	return sinktest.Target{
		Config: cfg,
		Read: func(t sinktest.T) sinktest.Pair {
			data := k.data(t, path)
			return sinktest.Pair{ID: data[own[0]], Secret: data[own[1]], SessionToken: data[own[2]]}
		},
		Write: func(t sinktest.T, w sinktest.Pair) {
			data := map[string]any{own[0]: []byte(w.ID), own[1]: []byte(w.Secret), own[2]: nil}
			if w.SessionToken != "" {
				data[own[2]] = []byte(w.SessionToken)
			}
			k.ask(t, "PATCH", path, map[string]any{"data": data})
		},
		Others: func(t sinktest.T) string {
			data := k.data(t, path)
			for _, key := range own {
				delete(data, key)
			}
			o := k.ask(t, "GET", path, nil)
			return fmt.Sprint(data, o["type"], o["metadata"].(map[string]any)["labels"])
		},
		Secrets: []string{token},
		Break:   func(_ sinktest.T, f sinktest.Fault) { p.set(f) },
		Heal:    func(sinktest.T) { p.set("") },
	}
}

func (k *real) data(t sinktest.T, path string) map[string]string {
	t.Helper()
	raw, _ := json.Marshal(k.ask(t, "GET", path, nil)["data"])
	var data map[string][]byte
	if err := json.Unmarshal(raw, &data); err != nil {
		t.Fatalf("%v", err)
	}
	out := map[string]string{}
	for key, value := range data {
		out[key] = string(value)
	}
	return out
}

// faulty is a proxy that makes the faults.
type faulty struct {
	*httptest.Server
	mu     sync.Mutex
	fault  sinktest.Fault
	healed chan struct{}
}

func (k *real) proxy(t sinktest.T) *faulty {
	u, _ := url.Parse(k.address)
	next := httputil.NewSingleHostReverseProxy(u)
	next.Transport = k.admin.Transport
	p := &faulty{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		fault, healed := p.fault, p.healed
		p.mu.Unlock()
		write := r.Method == http.MethodPatch && !r.URL.Query().Has("dryRun")
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
			r.Header.Set("Authorization", "Bearer wrong")
		case fault == sinktest.Missing:
			elsewhere(r)
		}
		next.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

// elsewhere turns a request to a namespace that does not exist, by somebody who may write everywhere.
func elsewhere(r *http.Request) {
	r.Header.Set("Authorization", "Bearer "+adminToken)
	r.URL.Path = strings.Replace(r.URL.Path, "/"+namespace+"/", "/gone/", 1)
	body, _ := io.ReadAll(r.Body)
	var in map[string]any
	if json.Unmarshal(body, &in) == nil {
		meta := in["metadata"].(map[string]any)
		meta["namespace"] = "gone"
		delete(meta, "resourceVersion")
		body, _ = json.Marshal(in)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
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

func (k *real) open(t *testing.T, cfg *Config) sinks.Sink {
	t.Helper()
	s, err := Spec.Open(t.Context(), cfg, sinks.Env{UserAgent: "keyturn/test"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func wants(t *testing.T, err error, class sinks.Class, text string) {
	t.Helper()
	if err == nil || err.Error() != text || sinks.ClassOf(err) != class {
		t.Errorf("%v: %v, want %v: %s", sinks.ClassOf(err), err, class, text)
	}
}

// The rights of the doc page do not make a Secret; create does.
func (k *real) absent(t *testing.T) {
	cfg, path, _ := k.fresh(t)
	s := k.open(t, cfg)
	_, err := s.Check(within(t))
	wants(t, err, sinks.Missing, "kubernetes: check ci/"+cfg.Secret+": the Secret does not exist, and the account may not create it")
	_, err = s.Push(within(t), pair)
	wants(t, err, sinks.Missing, "kubernetes: write ci/"+cfg.Secret+": the Secret does not exist, and the account may not create it")
	other := *cfg
	other.Secret = "somebody-elses"
	_, err = k.open(t, &other).Check(within(t))
	wants(t, err, sinks.Denied, "kubernetes: read ci/somebody-elses: RBAC, a quota or an admission policy does not allow to get the Secret")

	cfg.Kubeconfig = k.kubeconfig(t, k.address, "token: "+adminToken)
	s = k.open(t, cfg)
	if w, err := s.Check(within(t)); len(w) != 0 || err != nil {
		t.Errorf("%q, %v", w, err)
	}
	if code, _ := k.try("GET", path, "", nil); code != 404 {
		t.Errorf("a check made the Secret: %d", code)
	}
	if r, err := s.Push(within(t), pair); err != nil || r.Stamp == "" {
		t.Errorf("%+v, %v", r, err)
	}
	if got := k.ask(t, "GET", path, nil)["type"]; got != "Opaque" {
		t.Errorf("type %v", got)
	}
}

func (k *real) immutable(t *testing.T) {
	cfg, path, _ := k.fresh(t)
	k.ask(t, "POST", filepath.Dir(path), manifest("v1", "Secret", cfg.Secret, map[string]any{"immutable": true}))
	s := k.open(t, cfg)
	_, err := s.Check(within(t))
	wants(t, err, sinks.Refused, "kubernetes: check ci/"+cfg.Secret+": the Secret is immutable: it can only be replaced by a new one")
	_, err = s.Push(within(t), pair)
	wants(t, err, sinks.Refused, "kubernetes: write ci/"+cfg.Secret+": the Secret is immutable: it can only be replaced by a new one")
	// The same when it was made immutable after it was read.
	now, err := s.(*sink).get(within(t))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.(*sink).write(within(t), now, pair)
	wants(t, err, sinks.Refused, "kubernetes: write ci/"+cfg.Secret+": the Secret is immutable: it can only be replaced by a new one")
	now.Metadata.ResourceVersion = "1"
	_, err = s.(*sink).write(within(t), now, pair)
	wants(t, err, sinks.Conflict, "kubernetes: write ci/"+cfg.Secret+": somebody else wrote at the same time")
}

func (k *real) twoPairs(t *testing.T) {
	cfg, path, _ := k.fresh(t)
	k.ask(t, "POST", filepath.Dir(path), manifest("v1", "Secret", cfg.Secret, nil))
	other := *cfg
	other.Variables = sinks.Variables{AccessKeyID: "DEPLOY_ID", SecretAccessKey: "DEPLOY_SECRET", SessionToken: "DEPLOY_TOKEN"}
	both := []sinks.Sink{k.open(t, cfg), k.open(t, &other)}
	old := sinks.Credential{KeyID: "AKIAOLD", Secret: pair.Secret}
	for _, cred := range []sinks.Credential{old, pair} {
		for _, s := range both {
			if _, err := s.Push(within(t), cred); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, s := range both {
		if e, err := s.Verify(within(t), pair, "", sinks.Receipt{}); e != sinks.Exact || err != nil {
			t.Errorf("%v, %v", e, err)
		}
	}
}

func (k *real) managers(t *testing.T) {
	cfg, path, _ := k.fresh(t)
	apply := func() (int, map[string]any) {
		return k.try("PATCH", path+"?fieldManager=flux", "application/apply-patch+yaml", manifest("v1", "Secret", cfg.Secret, map[string]any{
			"data": map[string][]byte{"AWS_ACCESS_KEY_ID": []byte("AKIAFLUX"), "region": []byte("x")},
		}))
	}
	if code, _ := apply(); code != 201 {
		t.Fatalf("%d", code)
	}
	cfg.Kubeconfig = k.kubeconfig(t, k.address, "client-certificate: "+filepath.Join(k.folder, "client.pem")+", client-key: "+filepath.Join(k.folder, "client.key"))
	s := k.open(t, cfg)
	if _, err := s.Check(within(t)); sinks.ClassOf(err) != sinks.Denied || !strings.Contains(err.Error(), "does not allow to get") {
		t.Errorf("a certificate of somebody without rights: %v", err)
	}
	k.ask(t, "POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/"+namespace+"/rolebindings",
		manifest("rbac.authorization.k8s.io/v1", "RoleBinding", "certificate", map[string]any{
			"roleRef":  map[string]string{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": cfg.Secret},
			"subjects": []any{map[string]string{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": commonName}},
		}))
	k.settle(t, cfg)
	w, err := s.Check(within(t))
	want := "kubernetes: the field manager flux applies the same keys: its next apply conflicts, or puts its own pair back"
	if len(w) != 1 || string(w[0]) != want || err != nil {
		t.Errorf("%q, %v", w, err)
	}
	if _, err := s.Push(within(t), pair); err != nil {
		t.Fatal(err)
	}
	if code, answer := apply(); code != 409 || !strings.Contains(fmt.Sprint(answer["message"]), `conflict with "keyturn"`) {
		t.Errorf("%d %v", code, answer["message"])
	}
	if data := k.data(t, path); data["region"] != "x" || data["AWS_ACCESS_KEY_ID"] != "AKIANEW" {
		t.Error("the neighbour, or the pair, is gone")
	}
}
