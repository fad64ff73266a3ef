package kubernetes

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keyturn/sinks"
)

// replaced changes a file and returns its path.
func replaced(path, old, now string) string {
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, []byte(strings.ReplaceAll(string(text), old, now)), 0o600)
	}
	if err != nil {
		panic(err)
	}
	return path
}

// commonName is whom a client certificate names.
const commonName = "robot"

// identity is a certificate that signs itself, and its key, in PEM.
func identity(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: commonName}, NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, about, about, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
}

// secure is the model behind TLS, and its authority in PEM.
func secure(t *testing.T) (*server, string, string) {
	t.Helper()
	s := newServer(t)
	l := httptest.NewUnstartedServer(s.Config.Handler)
	l.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	l.StartTLS()
	t.Cleanup(l.Close)
	return s, l.URL, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: l.Certificate().Raw}))
}

func TestEachWayIntoAClusterIsUnderstood(t *testing.T) {
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	cert, key := identity(t)
	_, address, ca := secure(t)
	folder := t.TempDir()
	for name, text := range map[string]string{"ca.pem": ca, "token": token + "\n", "cert.pem": cert, "key.pem": key} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const form = `{"kind":"Config","clusters":[{"name":"c","cluster":{"server":"%s",%s}}],"users":[{"name":"u","user":{%s}}],"contexts":[{"name":"here","context":{"cluster":"c","user":"u"}},{"name":"there","context":{"cluster":"x","user":"u"}}],"current-context":"there"}`
	for name, c := range map[string]struct{ cluster, user string }{
		"token and authority inside":      {`"certificate-authority-data":"` + b64(ca) + `"`, `"token":"` + token + `"`},
		"files beside the kubeconfig":     {`"certificate-authority":"ca.pem"`, `"tokenFile":"token"`},
		"a token file before a token":     {`"certificate-authority":"ca.pem"`, `"token":"old","tokenFile":"` + folder + `/token"`},
		"a client certificate in files":   {`"certificate-authority":"ca.pem"`, `"client-certificate":"cert.pem","client-key":"key.pem"`},
		"a client certificate inside":     {`"certificate-authority":"ca.pem"`, `"client-certificate-data":"` + b64(cert) + `","client-key-data":"` + b64(key) + `"`},
		"another name in the certificate": {`"certificate-authority":"ca.pem","tls-server-name":"example.com"`, `"tokenFile":"token"`},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(folder, "kubeconfig")
			if err := os.WriteFile(path, fmt.Appendf(nil, form, address, c.cluster, c.user), 0o600); err != nil {
				t.Fatal(err)
			}
			cfg := &Config{Kubeconfig: path, Context: "here", Namespace: namespace, Secret: "bot", Variables: sinks.DefaultVariables}
			sink, err := Spec.Open(t.Context(), cfg, sinks.Env{})
			if err != nil {
				t.Fatal(err)
			}
			if w, err := sink.Check(within(t)); len(w) > 0 || err != nil {
				t.Errorf("%q, %v", w, err)
			}
		})
	}
}

func TestAServerThatTheAuthorityDoesNotKnowGetsNothing(t *testing.T) {
	s, address, _ := secure(t)
	other, _ := identity(t)
	cfg := s.config(t)
	replaced(cfg.Kubeconfig, `{server: "`+s.URL+`"}`, `{server: "`+address+`", certificate-authority-data: `+base64.StdEncoding.EncodeToString([]byte(other))+`}`)
	sink, err := Spec.Open(t.Context(), cfg, sinks.Env{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Push(briefly(t), pair); sinks.ClassOf(err) != sinks.Temporary || !strings.Contains(err.Error(), "kubernetes: read ci/bot: tls: failed to verify certificate") {
		t.Error(err)
	}
	if s.Made("") != 0 {
		t.Error("it got a request")
	}
}

func TestAPodReachesItsCluster(t *testing.T) {
	s, address, ca := secure(t)
	host, port, err := net.SplitHostPort(strings.TrimPrefix(address, "https://"))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, text := range map[string]string{"ca.crt": ca, "token": "ran out"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("KUBERNETES_SERVICE_HOST", host)
	t.Setenv("KUBERNETES_SERVICE_PORT", port)
	a, err := podAccess(folder)
	if err != nil {
		t.Fatal(err)
	}
	cfg := s.config(t)
	sink, err := newSink(t.Context(), cfg, a, sinks.Env{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Check(within(t)); sinks.ClassOf(err) != sinks.Denied {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "token"), []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Push(within(t), pair); err != nil {
		t.Errorf("a token that was projected anew: %v", err)
	}
}

func TestATokenInTheKubeconfigIsReadAgain(t *testing.T) {
	var path string
	_, sink := opened(t, func(_ *server, c *Config) {
		path = replaced(c.Kubeconfig, token, "ran-out")
	})
	if _, err := sink.Check(within(t)); sinks.ClassOf(err) != sinks.Denied {
		t.Error(err)
	}
	replaced(path, "ran-out", token)
	if _, err := sink.Check(within(t)); err != nil {
		t.Error(err)
	}
}

func TestWhatAKubeconfigMustNotHoldIsNamed(t *testing.T) {
	const rest = "\ncontexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n"
	const instead = "give token, tokenFile or a client certificate"
	kube := func(cluster, user string) string {
		return "clusters: [{name: c, cluster: {server: https://h" + cluster + "}}]\nusers: [{name: u, user: {" + user + "}}]" + rest
	}
	for name, c := range map[string]struct{ text, want string }{
		"nothing":              {"", "PATH is not a kubeconfig"},
		"a text":               {"just a text", "PATH is not a kubeconfig"},
		"broken YAML":          {"clusters: [{name: c\nusers: {token: hunter2", "PATH is not a kubeconfig"},
		"another shape":        {"clusters: hunter2", "PATH is not a kubeconfig"},
		"no current context":   {strings.ReplaceAll(kube("", "token: t"), "current-context: x", ""), `PATH has no context ""`},
		"another context":      {strings.ReplaceAll(kube("", "token: t"), "current-context: x", "current-context: y"), `PATH has no context "y"`},
		"no such cluster":      {strings.ReplaceAll(kube("", "token: t"), "cluster: c,", "cluster: d,"), `PATH has no cluster "d"`},
		"no such user":         {strings.ReplaceAll(kube("", "token: t"), "user: u}", "user: v}"), `PATH has no user "v"`},
		"an exec plugin":       {kube("", "exec: {command: aws}"), `user "u": exec plugins are not run: ` + instead},
		"an auth provider":     {kube("", "auth-provider: {name: gcp}"), `user "u": auth providers are not supported: ` + instead},
		"a password":           {kube("", "username: u, password: hunter2"), `user "u": passwords are not supported: ` + instead},
		"impersonation":        {kube("", "token: t, as: root"), `user "u": impersonation is not supported`},
		"no certificate check": {kube(", insecure-skip-tls-verify: true", "token: t"), `cluster "c": insecure-skip-tls-verify would send the pair to whoever answers: give certificate-authority`},
		"a proxy":              {kube(", proxy-url: http://p", "token: t"), `cluster "c": proxy-url is not supported: set HTTPS_PROXY`},
		"no login":             {kube("", ""), "the user has neither token, tokenFile nor client certificate"},
		"a CA that is missing": {kube(", certificate-authority: /nonexistent/ca", "token: t"), "read /nonexistent/ca: no such file or directory"},
		"a CA that is none":    {kube(", certificate-authority-data: aHVudGVyMg==", "token: t"), "the authority of the cluster is no certificate in PEM"},
		"a CA not in base64":   {kube(", certificate-authority-data: hunter2!", "token: t"), "a certificate or key is not in base64"},
		"half a certificate":   {kube("", "client-certificate-data: aHVudGVyMg=="), "the client certificate and its key are no pair in PEM"},
	} {
		t.Run(name, func(t *testing.T) {
			path := kubeconfigOf(t, c.text)
			cfg := &Config{Kubeconfig: path, Namespace: namespace, Secret: "bot", Variables: sinks.DefaultVariables}
			_, err := Spec.Open(t.Context(), cfg, sinks.Env{})
			want := "kubernetes: kubeconfig: " + strings.ReplaceAll(c.want, "PATH", path)
			if err == nil || err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
		})
	}
}

func TestWhatIsMissingIsNamedWhenTheSinkIsOpened(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	for want, cfg := range map[string]*Config{
		"kubernetes: kubeconfig: read /nonexistent/k: no such file or directory":                                  {Kubeconfig: "/nonexistent/k"},
		"kubernetes: in_cluster: this is no pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set": {InCluster: true},
		"kubernetes: server of the cluster: must be an address that starts with https:// or http://":              {Kubeconfig: kubeconfigOf(t, fmt.Sprintf(simple, "ftp://h", token))},
		"kubernetes: token: secret from file /nonexistent/t: no such file or directory":                           {Kubeconfig: kubeconfigOf(t, strings.Replace(fmt.Sprintf(simple, "https://h", "x"), "token:", "tokenFile: /nonexistent/t, token:", 1))},
	} {
		if _, err := Spec.Open(t.Context(), cfg, sinks.Env{}); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
