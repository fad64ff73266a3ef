//go:build e2e

package drone

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"strings"
	"sync/atomic"
	"testing"

	_ "modernc.org/sqlite" // Drone's database

	"keyturn/internal/e2e/servers"
	"keyturn/sinks"
	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

// TestARealDrone runs the suite against the Drone and the Gitea of the folders that KEYTURN_DRONE and KEYTURN_GITEA
// name. Values are read out of its database. Faults come from a proxy in front of it.
func TestARealDrone(t *testing.T) {
	files, giteas := folder(t, "KEYTURN_DRONE"), folder(t, "KEYTURN_GITEA")
	if files == "" || giteas == "" {
		return
	}
	g, err := servers.StartGitea(giteas, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Stop)
	d, err := servers.StartDrone(files, t.TempDir(), g)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Stop)
	v := &real{Drone: d, gitea: g}
	if v.user, err = d.Login(g.Admin, g.Password); err != nil {
		log, _ := os.ReadFile(d.Log)
		t.Fatalf("%v\n%s", err, log)
	}
	if v.db, err = sql.Open("sqlite", "file:"+d.Database+"?mode=ro&_pragma=busy_timeout(5000)"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.db.Close() })
	for name, lacks := range map[string]map[sinktest.Fault]string{
		"a repository":    nil,
		"an organization": {sinktest.Missing: "any name is an organization's"},
	} {
		t.Run(name, func(t *testing.T) {
			sinktest.Run(t, sinktest.Kind{Spec: Spec, Lacks: lacks, New: func(t sinktest.T) sinktest.Target { return v.target(t, name) }})
		})
	}
	t.Run("a repository that runs builds is not warned of, one that does not is", v.active)
	t.Run("a repository's own secret shadows its organization's", v.shadows)
	t.Run("what pull requests may stays, and two secrets can differ only in case", v.facts)
	t.Run("somebody who may not write is told", v.denied)
}

// folder is what a variable of the environment names. A test that needs it says that it did not run.
func folder(t *testing.T, variable string) string {
	dir := os.Getenv(variable)
	if dir == "" {
		how := "not run: " + variable + " must be a folder that a where.sh below internal/e2e/servers names"
		if os.Getenv("KEYTURN_E2E") == "required" {
			t.Fatal(how)
		}
		t.Log(how)
	}
	return dir
}

// real is a running Drone. Its user owns repositories and administers nothing.
type real struct {
	*servers.Drone
	gitea *servers.Gitea
	db    *sql.DB
	user  string
	count atomic.Int32
}

func (v *real) ask(t sinktest.T, token, method, at string, body any) (status int) {
	return request(t, method, v.URL+"/api"+at, "Bearer "+token, body)
}

func request(t sinktest.T, method, address, auth string, body any) (status int) {
	t.Helper()
	payload, _ := json.Marshal(body)
	req, _ := http.NewRequestWithContext(context.Background(), method, address, bytes.NewReader(payload))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", auth)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, address, err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// must is a request that succeeds.
func must(t sinktest.T, what string, status int) {
	t.Helper()
	if status > 299 {
		t.Fatalf("%s: %d", what, status)
	}
}

// repository makes one in Gitea and lets Drone find it.
func (v *real) repository(t sinktest.T) string {
	t.Helper()
	name := fmt.Sprintf("app%d", v.count.Add(1))
	must(t, "make a repository", request(t, http.MethodPost, v.gitea.URL+"/api/v1/user/repos", "token "+v.gitea.Token, map[string]any{"name": name}))
	must(t, "let Drone find it", v.ask(t, v.user, http.MethodPost, "/user/repos?async=false", nil))
	return v.gitea.Admin + "/" + name
}

func (v *real) config(t sinktest.T, place string) *Config {
	cfg := Spec.New().(*Config)
	cfg.URL = v.URL
	if place == "a repository" {
		cfg.Repository, cfg.Token = v.repository(t), varstest.File(t, v.user)
		return cfg
	}
	cfg.Organization, cfg.Token = fmt.Sprintf("org%d", v.count.Add(1)), varstest.File(t, v.Token)
	return cfg
}

func (v *real) create(t sinktest.T, cfg *Config, name, value string, pulls bool) {
	t.Helper()
	must(t, "create "+name, v.ask(t, v.Token, http.MethodPost, cfg.path(), map[string]any{"name": name, "data": value, "pull_request": pulls}))
}

// put creates or changes a secret.
func (v *real) put(t sinktest.T, cfg *Config, name, value string) {
	t.Helper()
	if v.ask(t, v.Token, http.MethodPatch, cfg.path()+"/"+name, map[string]any{"data": value}) == http.StatusNotFound {
		v.create(t, cfg, name, value, false)
	}
}

// row is a secret in the database.
type row struct {
	value string
	pulls bool
}

func (v *real) rows(t sinktest.T, cfg *Config) map[string]row {
	t.Helper()
	query, arg := "SELECT secret_name, secret_data, secret_pull_request FROM orgsecrets WHERE secret_namespace = ?", cfg.Organization
	if cfg.Repository != "" {
		query = "SELECT secret_name, secret_data, secret_pull_request FROM secrets JOIN repos ON repo_id = secret_repo_id WHERE repo_slug = ?"
		arg = cfg.Repository
	}
	rows, err := v.db.QueryContext(context.Background(), query, arg)
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer rows.Close()
	all := map[string]row{}
	for rows.Next() {
		var name string
		var data []byte
		var pulls bool
		if err := rows.Scan(&name, &data, &pulls); err != nil {
			t.Fatalf("%v", err)
		}
		all[name] = row{string(data), pulls}
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%v", err)
	}
	return all
}

func (v *real) target(t sinktest.T, at string) sinktest.Target {
	cfg := v.config(t, at)
	v.create(t, cfg, "region", "eu-central-1", true)
	names := cfg.Variables
	proxy := varstest.NewProxy(t, varstest.Front{
		Address: v.URL, Last: names.AccessKeyID,
		Written: func(r *http.Request, body []byte) string {
			switch r.Method {
			case http.MethodPost:
				var in struct{ Name string }
				_ = json.Unmarshal(body, &in)
				return in.Name
			case http.MethodPatch, http.MethodDelete:
				return path.Base(r.URL.Path)
			}
			return ""
		},
		Spoil: func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+strings.Repeat("0", 32)) },
		Lose:  func(r *http.Request) { r.URL.Path = strings.Replace(r.URL.Path, cfg.Repository, "nobody/none", 1) },
	})
	cfg.URL = proxy.URL
	return sinktest.Target{
		Config: cfg,
		Read: func(t sinktest.T) sinktest.Pair {
			all := v.rows(t, cfg)
			return sinktest.Pair{ID: all[names.AccessKeyID].value, Secret: all[names.SecretAccessKey].value, SessionToken: all[names.SessionToken].value}
		},
		Write: func(t sinktest.T, w sinktest.Pair) {
			v.put(t, cfg, names.SecretAccessKey, w.Secret)
			v.put(t, cfg, names.AccessKeyID, w.ID)
			v.ask(t, v.Token, http.MethodDelete, cfg.path()+"/"+names.SessionToken, nil)
			if w.SessionToken != "" {
				v.put(t, cfg, names.SessionToken, w.SessionToken)
			}
		},
		Others: func(t sinktest.T) string {
			all := v.rows(t, cfg)
			for _, n := range []string{names.AccessKeyID, names.SecretAccessKey, names.SessionToken} {
				delete(all, n)
			}
			return fmt.Sprint(all)
		},
		Order:   func(sinktest.T) []string { return proxy.Order(names) },
		Secrets: []string{v.user, v.Token},
		Break:   proxy.Break,
		Heal:    proxy.Heal,
	}
}

func (v *real) active(t *testing.T) {
	cfg := v.config(t, "a repository")
	sink := opened(t, cfg)
	got, err := sink.Check(t.Context())
	if want := "[drone: repository " + cfg.Repository + " is not active: it runs no builds]"; err != nil || fmt.Sprint(got) != want {
		t.Errorf("%v, %v, want %s", got, err, want)
	}
	must(t, "make it active", v.ask(t, v.user, http.MethodPost, "/repos/"+cfg.Repository, nil))
	if got, err = sink.Check(t.Context()); err != nil || len(got) > 0 {
		t.Errorf("%v, %v", got, err)
	}
}

func (v *real) shadows(t *testing.T) {
	token := "token " + v.gitea.Token
	must(t, "make an organization", request(t, http.MethodPost, v.gitea.URL+"/api/v1/orgs", token, map[string]any{"username": "acme"}))
	for _, name := range []string{"a", "b"} {
		must(t, "make a repository", request(t, http.MethodPost, v.gitea.URL+"/api/v1/orgs/acme/repos", token, map[string]any{"name": name}))
	}
	must(t, "let Drone find them", v.ask(t, v.user, http.MethodPost, "/user/repos?async=false", nil))
	v.create(t, &Config{Repository: "acme/b"}, "aws_access_key_id", "x", false)
	// Drone does not know who administers an organization of Gitea, so that it takes an administrator of the server.
	administer := func(yes bool) {
		must(t, "administer", v.ask(t, v.Token, http.MethodPatch, "/users/"+v.gitea.Admin, map[string]any{"admin": yes}))
	}
	administer(true)
	defer administer(false)
	cfg := v.config(t, "an organization")
	cfg.Organization, cfg.Token = "acme", varstest.File(t, v.user)
	got, err := opened(t, cfg).Check(t.Context())
	want := "[drone: AWS_ACCESS_KEY_ID has a value of its own in repository acme/b: what is written here is not what is read there]"
	if err != nil || fmt.Sprint(got) != want {
		t.Errorf("%v, %v, want %s", got, err, want)
	}
}

func (v *real) facts(t *testing.T) {
	cfg := v.config(t, "a repository")
	v.create(t, cfg, "aws_access_key_id", "old", true)
	sink := opened(t, cfg)
	if _, err := sink.Push(t.Context(), pair); err != nil {
		t.Fatal(err)
	}
	if got, want := v.rows(t, cfg)["aws_access_key_id"], (row{string(pair.KeyID), true}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if status := v.ask(t, v.user, http.MethodPost, cfg.path(), map[string]any{"name": "aws_access_key_id", "data": "x"}); status != http.StatusInternalServerError {
		t.Errorf("a name that is taken: %d", status)
	}
	v.create(t, cfg, "AWS_ACCESS_KEY_ID", "another", false)
	if _, err := sink.Check(t.Context()); sinks.ClassOf(err) != sinks.Refused {
		t.Errorf("two of one name: %v", err)
	}
}

func (v *real) denied(t *testing.T) {
	organization := v.config(t, "an organization")
	organization.Token = varstest.File(t, v.user)
	_, err := opened(t, organization).Check(t.Context())
	if sinks.ClassOf(err) != sinks.Denied {
		t.Errorf("an organization of others: %v", err)
	}
	repository := v.config(t, "a repository")
	repository.Repository += "-none"
	if _, err = opened(t, repository).Check(t.Context()); sinks.ClassOf(err) != sinks.Missing {
		t.Errorf("a repository that is not there: %v", err)
	}
}
