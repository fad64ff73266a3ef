//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"keyturn/internal/e2e/servers"
)

// api is a server that speaks JSON, as somebody sees it.
type api struct {
	*world
	client *http.Client
	base   string
	header string // Authorization
}

// call fails unless it succeeds. answer may be nil.
func (a api) call(method, path string, body, answer any) {
	a.Helper()
	b, err := json.Marshal(body)
	a.must(err)
	req, err := http.NewRequestWithContext(a.Context(), method, a.base+path, bytes.NewReader(b))
	a.must(err)
	req.Header.Set("Authorization", a.header)
	req.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		req.Header.Set("Content-Type", "application/merge-patch+json")
	}
	resp, err := a.client.Do(req)
	a.must(err)
	defer resp.Body.Close()
	b, err = io.ReadAll(resp.Body)
	a.must(err)
	if resp.StatusCode >= 300 {
		a.Fatalf("%s %s: %s: %s", method, path, resp.Status, b)
	}
	if answer != nil {
		a.must(json.Unmarshal(b, answer))
	}
}

// cluster is a Kubernetes with the namespace ci, in it the Secret aws-ci-bot, and a service account that has rights on that one alone.
type cluster struct {
	api
	kubeconfig, token string // of the service account
}

const (
	core = "/api/v1/namespaces/ci"
	rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/ci"
)

func (w *world) newCluster(k *servers.Kube) *cluster {
	w.Helper()
	c := &cluster{api: api{w, k.Client, k.URL, "Bearer " + k.Token}, kubeconfig: w.path("kubeconfig")}
	named := func(name string) map[string]string { return map[string]string{"name": name} }
	c.call("POST", "/api/v1/namespaces", map[string]any{"metadata": named("ci")}, nil)
	c.call("POST", core+"/secrets", map[string]any{"metadata": named("aws-ci-bot"), "stringData": map[string]string{"REGION": "eu-west-1"}}, nil)
	c.call("POST", core+"/serviceaccounts", map[string]any{"metadata": named("keyturn")}, nil)
	c.call("POST", rbac+"/roles", map[string]any{"metadata": named("keyturn")}, nil)
	c.call("POST", rbac+"/rolebindings", map[string]any{
		"metadata": named("keyturn"),
		"roleRef":  map[string]string{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "keyturn"},
		"subjects": []any{map[string]string{"kind": "ServiceAccount", "name": "keyturn", "namespace": "ci"}},
	}, nil)
	c.allow("get", "patch")
	var made struct{ Status struct{ Token string } }
	c.call("POST", core+"/serviceaccounts/keyturn/token", map[string]any{}, &made)
	c.token = made.Status.Token
	w.must(os.WriteFile(c.kubeconfig, fmt.Appendf(nil, "clusters: [{name: c, cluster: {server: %q, certificate-authority: %q}}]\n"+
		"users: [{name: u, user: {token: %q}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n",
		k.URL, k.Authority, c.token), 0o600))
	return c
}

// allow gives the service account these rights on the Secret and no others, and returns when they hold.
func (c *cluster) allow(verbs ...string) {
	c.Helper()
	c.call("PATCH", rbac+"/roles/keyturn", map[string]any{"rules": []any{map[string]any{
		"apiGroups": []string{""}, "resources": []string{"secrets"}, "resourceNames": []string{"aws-ci-bot"}, "verbs": verbs,
	}}}, nil)
	for deadline := time.Now().Add(10 * time.Second); c.may("patch") != slices.Contains(verbs, "patch"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.Fatalf("RBAC does not follow")
		}
	}
}

func (c *cluster) may(verb string) bool {
	c.Helper()
	var review struct{ Status struct{ Allowed bool } }
	c.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", map[string]any{"spec": map[string]any{
		"user":               "system:serviceaccount:ci:keyturn",
		"resourceAttributes": map[string]string{"namespace": "ci", "verb": verb, "resource": "secrets", "name": "aws-ci-bot"},
	}}, &review)
	return review.Status.Allowed
}

// serves is the pair in the Secret.
func (c *cluster) serves() pair {
	c.Helper()
	var o struct{ Data map[string][]byte }
	c.call("GET", core+"/secrets/aws-ci-bot", nil, &o)
	if string(o.Data["REGION"]) != "eu-west-1" {
		c.Errorf("the neighbour of the pair is %q", o.Data["REGION"])
	}
	return pair{string(o.Data["AWS_ACCESS_KEY_ID"]), string(o.Data["AWS_SECRET_ACCESS_KEY"])}
}
