//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"time"

	"keyturn/internal/e2e/servers"
)

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
	c.makeSecret()
	c.call("POST", core+"/serviceaccounts", map[string]any{"metadata": named("keyturn")}, nil)
	c.call("POST", rbac+"/roles", map[string]any{"metadata": named("keyturn"), "rules": []any{map[string]any{
		"apiGroups": []string{""}, "resources": []string{"secrets"}, "resourceNames": []string{"aws-ci-bot"}, "verbs": []string{"get", "patch"},
	}}}, nil)
	c.call("POST", rbac+"/rolebindings", map[string]any{
		"metadata": named("keyturn"),
		"roleRef":  map[string]string{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "keyturn"},
		"subjects": []any{map[string]string{"kind": "ServiceAccount", "name": "keyturn", "namespace": "ci"}},
	}, nil)
	for deadline := time.Now().Add(10 * time.Second); !c.may("patch"); time.Sleep(20 * time.Millisecond) { // RBAC follows a little later
		if time.Now().After(deadline) {
			w.Fatal("the service account gets no rights")
		}
	}
	var made struct{ Status struct{ Token string } }
	c.call("POST", core+"/serviceaccounts/keyturn/token", map[string]any{}, &made)
	c.token = made.Status.Token
	w.must(os.WriteFile(c.kubeconfig, fmt.Appendf(nil, "clusters: [{name: c, cluster: {server: %q, certificate-authority: %q}}]\n"+
		"users: [{name: u, user: {token: %q}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n",
		k.URL, k.Authority, c.token), 0o600))
	return c
}

// makeSecret makes it with one field, which is not keyturn's.
func (c *cluster) makeSecret() {
	c.Helper()
	c.call("POST", core+"/secrets", map[string]any{
		"metadata": map[string]string{"name": "aws-ci-bot"}, "stringData": map[string]string{"REGION": "eu-west-1"},
	}, nil)
}

func (c *cluster) deleteSecret() {
	c.Helper()
	c.call("DELETE", core+"/secrets/aws-ci-bot", nil, nil)
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

// serves is the pair in the Secret, if it is there.
func (c *cluster) serves() pair {
	c.Helper()
	var list struct {
		Items []struct{ Data map[string][]byte }
	}
	c.call("GET", core+"/secrets", nil, &list)
	if len(list.Items) == 0 {
		return pair{}
	}
	data := list.Items[0].Data
	if string(data["REGION"]) != "eu-west-1" {
		c.Errorf("the field beside the pair is %q", data["REGION"])
	}
	return pair{string(data["AWS_ACCESS_KEY_ID"]), string(data["AWS_SECRET_ACCESS_KEY"])}
}
