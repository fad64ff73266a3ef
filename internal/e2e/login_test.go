//go:build e2e

package e2e

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// appRole makes an AppRole that may do what a KV sink needs below one path.
func (w *world) appRole(path string) {
	w.Helper()
	w.vaultCall("POST", "sys/auth/approle", map[string]any{"type": "approle"})
	policy := fmt.Sprintf(`path "%s" { capabilities = ["create", "read", "update", "patch"] }`, path)
	w.vaultCall("PUT", "sys/policies/acl/keyturn", map[string]any{"policy": policy})
	w.vaultCall("POST", "auth/approle/role/keyturn", map[string]any{"token_policies": "keyturn", "token_ttl": "5m"})
	secretID, _ := w.vaultCall("POST", "auth/approle/role/keyturn/secret-id", map[string]any{})["secret_id"].(string)
	w.secrets = append(w.secrets, secretID)
	w.env["SECRET_ID"] = secretID
}

func (w *world) appRoleSink(rest string) string {
	roleID, _ := w.vaultCall("GET", "auth/approle/role/keyturn/role-id", nil)["role_id"].(string)
	return `  vault: { vault: { address: "` + w.store.URL + `", approle: { role_id: "` + roleID + `", secret_id: { env: SECRET_ID } }, ` + rest + ` } }
`
}

func TestVaultByAppRole(t *testing.T) {
	w := newWorld(t)
	w.robot("ci-bot")
	w.appRole("secret/data/ci/*")
	w.configure(config{sinks: w.appRoleSink(`mount: secret, path: "ci/${robot}"`), robots: "  ci-bot: { sinks: [vault] }\n"})
	w.keyturn("rotate", "--now", "ci-bot").exits(0)
	w.hasKeys("ci-bot", keys{w.inVault("ci/ci-bot").ID: "Active"})
}

func TestAVaultPolicyWithoutThePathIsFoundBeforeAnythingExists(t *testing.T) {
	w := newWorld(t)
	old := w.robot("ci-bot")
	w.appRole("secret/data/elsewhere/*")
	w.configure(config{sinks: w.appRoleSink(`mount: secret, path: "ci/${robot}"`), robots: "  ci-bot: { sinks: [vault] }\n"})
	w.keyturn("rotate", "--now", "ci-bot").exits(1).says("vault")
	w.hasKeys("ci-bot", keys{old.ID: "Active"})
	w.keyturn("check", "ci-bot").exits(1).says("vault")
}

func TestVaultKV1(t *testing.T) {
	w := newWorld(t)
	w.robot("ci-bot")
	w.vaultCall("POST", "sys/mounts/kv1", map[string]any{"type": "kv", "options": map[string]string{"version": "1"}})
	w.vaultCall("PUT", "kv1/ci/ci-bot", map[string]any{"REGION": "eu-west-1", "AWS_SESSION_TOKEN": "stale"})
	w.appRole("kv1/ci/*")
	w.configure(config{sinks: w.appRoleSink(`mount: kv1, kv: 1, path: "ci/${robot}"`), robots: "  ci-bot: { sinks: [vault] }\n"})
	w.keyturn("rotate", "--now", "ci-bot").exits(0)
	data := w.vaultCall("GET", "kv1/ci/ci-bot", nil)
	w.hasKeys("ci-bot", keys{pairOf(data).ID: "Active"})
	w.signsAs("ci-bot", pairOf(data))
	if data["REGION"] != "eu-west-1" || data["AWS_SESSION_TOKEN"] != nil {
		t.Errorf("the neighbours: %v", data["REGION"])
	}
}

func TestARoleInTheAccountRotates(t *testing.T) {
	w := newWorld(t)
	w.robot("ci-bot")
	w.assumableRole("keyturn", w.shippedPolicy("rotator.json"))
	hub := w.admin.user("keyturn-hub", "/", w.shippedPolicy("hub.json"))
	w.env["AWS_ACCESS_KEY_ID"], w.env["AWS_SECRET_ACCESS_KEY"] = hub.ID, hub.Secret
	w.secrets = append(w.secrets, hub.Secret)
	w.configure(config{
		aws:    quickAWS + `, accounts: { prod: { role_arn: "arn:aws:iam::123456789012:role/keyturn", external_id: keyturn-e2e } }`,
		robots: "  ci-bot: { account: prod, sinks: [vault, file] }\n",
	})
	w.keyturn("rotate", "--now", "ci-bot").exits(0)
	w.hasKeys("ci-bot", keys{w.inVault("ci/ci-bot").ID: "Active"})
	for _, c := range w.iam.Calls("CreateAccessKey") {
		if c.Signer == hub.ID {
			t.Error("the key was created without the role")
		}
	}
}

func (w *world) assumableRole(name, policy string) {
	w.Helper()
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`
	_, err := w.admin.iam.CreateRole(w.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
	w.must(err)
	_, err = w.admin.iam.PutRolePolicy(w.Context(), &iam.PutRolePolicyInput{RoleName: &name, PolicyName: &name, PolicyDocument: &policy})
	w.must(err)
}

func TestARotatorWithoutThePolicyIsRefused(t *testing.T) {
	w := newWorld(t)
	old := w.robot("ci-bot")
	nobody := w.admin.user("nobody", "/", "")
	w.env["AWS_ACCESS_KEY_ID"], w.env["AWS_SECRET_ACCESS_KEY"] = nobody.ID, nobody.Secret
	w.configure(config{})
	w.keyturn("check", "ci-bot").exits(1)
	w.keyturn("rotate", "--now", "ci-bot").exits(1)
	w.hasKeys("ci-bot", keys{old.ID: "Active"})
}
