//go:build e2e

package e2e

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"golang.org/x/sync/errgroup"

	"keyturn/internal/e2e/servers"
)

// eight is a world whose robot has eight sinks of different kinds, each called like its kind.
type eight struct {
	*world
	cluster *cluster
	forge   *forge
	folder  string // where the plugin writes

	serves   map[string]func() pair // what readers of each store get
	evidence map[string]string      // the best that each can give
}

// newEight starts it, or says why not.
func newEight(t *testing.T) (w *eight, ok bool) {
	t.Helper()
	files, ok := filesOf(t, "kube", "gitea", "drone")
	if !ok {
		return nil, false
	}
	w = &eight{world: newWorld(t)}
	w.startRest(files)
	w.folder = w.path("legacy")
	w.must(os.Mkdir(w.folder, 0o700))
	w.startAWSStores()
	w.limitVault()
	w.secrets = append(w.secrets, w.env["VAULT_TOKEN"], w.cluster.token, w.forge.giteaToken, w.forge.droneToken)
	w.env["GITEA_TOKEN"], w.env["DRONE_TOKEN"] = w.forge.giteaToken, w.forge.droneToken
	w.configure(config{
		sinks: w.bothSinks() + `  exec: { exec: { command: ["` + w.plugin() + `"], config: { path: "` + w.folder + `/${robot}.env" } } }
  secretsmanager: { secretsmanager: { secret_id: "ci/${robot}" } }
  ssm: { ssm: { name: "/ci/${robot}" } }
  kubernetes: { kubernetes: { kubeconfig: "` + w.cluster.kubeconfig + `", namespace: ci, secret: "aws-${robot}" } }
  gitea: { gitea: { url: "` + w.forge.gitea.URL + `", token: { env: GITEA_TOKEN }, repository: ` + w.forge.repository + ` } }
  drone: { drone: { url: "` + w.forge.drone.URL + `", token: { env: DRONE_TOKEN }, repository: ` + w.forge.repository + ` } }
`,
		robots: `  ci-bot:
    sinks: [vault, file, exec, secretsmanager, ssm, kubernetes, gitea, { sink: drone, min_evidence: accepted }]
`,
	})
	w.serves = map[string]func() pair{
		"vault":          func() pair { return w.inVault("ci/ci-bot") },
		"file":           func() pair { return w.inFile("ci-bot") },
		"exec":           w.inPlugin,
		"secretsmanager": w.inSecretsManager,
		"ssm":            w.inParameterStore,
		"kubernetes":     w.cluster.serves,
		"gitea":          w.forge.inGitea,
		"drone":          w.forge.inDrone,
	}
	w.evidence = map[string]string{
		"vault": "exact", "file": "exact", "exec": "exact", "secretsmanager": "exact", "ssm": "exact", "kubernetes": "exact",
		"gitea": "stamped", "drone": "accepted",
	}
	return w, true
}

// filesOf finds servers that few tests need. Such a test says that it was not run, or fails with KEYTURN_E2E=required.
func filesOf(t *testing.T, names ...string) (files map[string]string, ok bool) {
	t.Helper()
	files = map[string]string{}
	for _, name := range names {
		dir, err := servers.Find("servers/" + name)
		switch {
		case err == nil:
			files[name] = dir
		case os.Getenv("KEYTURN_E2E") == "required":
			t.Fatal(err)
		default:
			t.Logf("%s was NOT run: %v. Set KEYTURN_E2E=required to make that a failure.", t.Name(), err)
			return nil, false
		}
	}
	return files, true
}

// startRest starts what a world does not have, side by side.
func (w *eight) startRest(files map[string]string) {
	w.Helper()
	for name := range files {
		w.must(os.Mkdir(w.path(name), 0o700))
	}
	var (
		g errgroup.Group
		k *servers.Kube
		f *servers.Gitea
		d *servers.Drone
	)
	g.Go(func() (err error) {
		if k, err = servers.StartKube(files["kube"], w.path("kube")); err == nil {
			w.Cleanup(k.Stop)
		}
		return err
	})
	g.Go(func() (err error) {
		if f, err = servers.StartGitea(files["gitea"], w.path("gitea")); err != nil {
			return err
		}
		w.Cleanup(f.Stop)
		if d, err = servers.StartDrone(files["drone"], w.path("drone"), f); err == nil {
			w.Cleanup(d.Stop)
		}
		return err
	})
	w.must(g.Wait())
	w.cluster, w.forge = w.newCluster(k), w.newForge(f, d)
}

// limitVault gives keyturn a token that has no right but those of the doc page.
func (w *eight) limitVault() {
	w.Helper()
	w.allowVault("read", "create", "update")
	token := "robot-" + rand.Text()
	w.vaultCall("POST", "auth/token/create", map[string]any{"id": token, "policies": []string{"keyturn"}})
	w.env["VAULT_TOKEN"] = token
}

// allowVault is what keyturn may do with the secret from now on.
func (w *eight) allowVault(capabilities ...string) {
	w.Helper()
	w.vaultCall("PUT", "sys/policies/acl/keyturn", map[string]any{
		"policy": fmt.Sprintf(`path "secret/data/ci/ci-bot" { capabilities = ["%s"] }`, strings.Join(capabilities, `", "`)),
	})
}

// startAWSStores makes the secret, and lets the parameter be made by keyturn.
func (w *eight) startAWSStores() {
	w.Helper()
	w.admin.grant("keyturn-rotator", "secretsmanager.json")
	w.admin.grant("keyturn-rotator", "ssm.json")
	_, err := secretsmanager.NewFromConfig(w.admin.config).CreateSecret(w.Context(), &secretsmanager.CreateSecretInput{
		Name: aws.String("ci/ci-bot"), SecretString: aws.String(`{"REGION":"eu-west-1"}`),
	})
	w.must(err)
}

func (w *eight) inSecretsManager() pair {
	w.Helper()
	out, err := secretsmanager.NewFromConfig(w.admin.config).GetSecretValue(w.Context(), &secretsmanager.GetSecretValueInput{
		SecretId: aws.String("ci/ci-bot"), VersionStage: aws.String("AWSCURRENT"), // moto overlooks without it that the label was moved
	})
	w.must(err)
	return w.inObject(*out.SecretString)
}

func (w *eight) inParameterStore() pair {
	w.Helper()
	out, err := ssm.NewFromConfig(w.admin.config).GetParameter(w.Context(), &ssm.GetParameterInput{
		Name: aws.String("/ci/ci-bot"), WithDecryption: aws.Bool(true),
	})
	w.must(err)
	return w.inObject(*out.Parameter.Value)
}

func (w *eight) inObject(text string) pair {
	w.Helper()
	var data map[string]any
	w.must(json.Unmarshal([]byte(text), &data))
	return pairOf(data)
}

// plugin is the example in shell, behind a line that leaves it no room while there is a file full.
func (w *eight) plugin() (command string) {
	w.Helper()
	example, err := filepath.Abs("../../deploy/examples/sink-file.sh")
	w.must(err)
	command = w.path("plugin.sh")
	w.must(os.WriteFile(command, []byte("#!/bin/sh\n"+
		"[ ! -e '"+w.path("full")+"' ] || { trap '' XFSZ; ulimit -f 0; }\n"+
		"exec '"+example+"'\n"), 0o700))
	return command
}

// fillDisk leaves the plugin no room, or room again.
func (w *eight) fillDisk(full bool) {
	w.Helper()
	if full {
		w.must(os.WriteFile(w.path("full"), nil, 0o600))
		return
	}
	w.must(os.Remove(w.path("full")))
}

func (w *eight) inPlugin() pair {
	w.Helper()
	b, err := os.ReadFile(filepath.Join(w.folder, "ci-bot.env"))
	if os.IsNotExist(err) {
		return pair{}
	}
	w.must(err)
	data := map[string]any{}
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		data[name] = value
	}
	return pairOf(data)
}
