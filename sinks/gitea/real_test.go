//go:build e2e

package gitea

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite" // Gitea's database

	"keyturn/internal/e2e/servers"
	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/internal/varstest"
	"keyturn/sinks/sinktest"
)

// TestARealGitea runs the suite against the Gitea of the folder that KEYTURN_GITEA names, with tokens that have no more
// scope than the doc page gives. Values are read out of its database. Faults come from a proxy in front of it. With
// KEYTURN_GITEA_RUNNER and KEYTURN_MOTO, folders too, a real job uses the pair.
func TestARealGitea(t *testing.T) {
	files := folder(t, "KEYTURN_GITEA")
	if files == "" {
		return
	}
	g, err := servers.StartGitea(files, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Stop)
	db, err := sql.Open("sqlite", "file:"+g.Database+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	v := &real{Gitea: g, db: db}
	for name, c := range map[string]struct {
		scope    string
		evidence sinks.Evidence
		lacks    map[sinktest.Fault]string
	}{
		"a repository":    {"repository", sinks.Stamped, nil},
		"an organization": {"organization", sinks.Stamped, nil},
		"a user":          {"user", sinks.Accepted, map[sinktest.Fault]string{sinktest.Missing: "who has a token exists"}},
	} {
		t.Run(name, func(t *testing.T) {
			sinktest.Run(t, sinktest.Kind{Spec: Spec, Evidence: c.evidence, Lacks: c.lacks, New: func(t sinktest.T) sinktest.Target {
				return v.target(t, c.scope)
			}})
		})
	}
	t.Run("a token that may only read is refused before anything is written", v.readOnly)
	t.Run("a repository's own secret shadows its owner's", v.shadows)
	t.Run("a name that is reserved is one that Gitea refuses", v.reserved)
	t.Run("a new value moves no time, and clears a description that is left out", v.facts)
	t.Run("a real job uses the pair", v.job)
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

// real is a running Gitea.
type real struct {
	*servers.Gitea
	db    *sql.DB
	count atomic.Int32
}

// ask is a request of somebody: a token, or user and password.
func (v *real) ask(t sinktest.T, auth, method, at string, body, out any) {
	t.Helper()
	payload, _ := json.Marshal(body)
	req, _ := http.NewRequestWithContext(context.Background(), method, v.URL+"/api/v1"+at, bytes.NewReader(payload))
	req.Header.Set("Content-Type", "application/json")
	if user, password, basic := strings.Cut(auth, ":"); basic {
		req.SetBasicAuth(user, password)
	} else {
		req.Header.Set("Authorization", "token "+auth)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, at, err)
	}
	defer resp.Body.Close()
	raw, _ := io.ReadAll(resp.Body)
	if resp.StatusCode > 299 && (method != http.MethodDelete || resp.StatusCode != http.StatusNotFound) {
		t.Fatalf("%s %s: %d %s", method, at, resp.StatusCode, raw)
	}
	if out != nil {
		_ = json.Unmarshal(raw, out)
	}
}

// place is a fresh scope with an owner of its own.
type place struct {
	*Config
	owner, path   string // path of the scope in the API
	all           string // a token of the owner that may do everything
	ownerID, repo int64  // as the database has them
}

// user makes a user and gives its tokens: one for all, and one with the given scopes.
func (v *real) user(t sinktest.T, scopes ...string) (name, all, narrow string) {
	t.Helper()
	name = fmt.Sprintf("bot%d", v.count.Add(1))
	v.ask(t, v.Token, http.MethodPost, "/admin/users", map[string]any{
		"username": name, "email": name + "@example.com", "password": v.Password, "must_change_password": false,
	}, nil)
	make := func(what string, scopes []string) string {
		var made struct {
			SHA1 string `json:"sha1"`
		}
		v.ask(t, name+":"+v.Password, http.MethodPost, "/users/"+name+"/tokens", map[string]any{"name": what, "scopes": scopes}, &made)
		return made.SHA1
	}
	return name, make("all", []string{"all"}), make("narrow", scopes)
}

func (v *real) place(t sinktest.T, scope string) place {
	t.Helper()
	name, all, narrow := v.user(t, "write:"+scope)
	p := place{Config: Spec.New().(*Config), owner: name, all: all}
	p.URL, p.Token = v.URL, varstest.File(t, narrow)
	var made struct {
		ID int64 `json:"id"`
	}
	switch scope {
	case "repository":
		p.Repository, p.path = name+"/app", "/repos/"+name+"/app"
		v.ask(t, all, http.MethodPost, "/user/repos", map[string]any{"name": "app", "auto_init": true, "default_branch": "main"}, &made)
		p.repo = made.ID
	case "organization":
		p.Organization, p.path = name+"-org", "/orgs/"+name+"-org"
		v.ask(t, all, http.MethodPost, "/orgs", map[string]any{"username": p.Organization}, &made)
		p.ownerID = made.ID
	default:
		p.User, p.path = name, "/user"
		v.ask(t, all, http.MethodGet, "/user", nil, &made)
		p.ownerID = made.ID
	}
	for _, n := range []string{"REGION", "AWS_REGION", "ZONE"} {
		v.put(t, p, n, "eu-central-1", "where it runs")
	}
	return p
}

func (v *real) put(t sinktest.T, p place, name, value, note string) {
	v.ask(t, p.all, http.MethodPut, p.path+"/actions/secrets/"+name, map[string]string{"data": value, "description": note}, nil)
}

// secrets are all of a place, decrypted as Gitea does it: AES in CFB mode over base64, under the hash of its key.
func (v *real) secrets(t sinktest.T, p place) map[string]varstest.Var {
	t.Helper()
	rows, err := v.db.QueryContext(context.Background(), "SELECT name, data, coalesce(description, ''), created_unix FROM secret WHERE owner_id = ? AND repo_id = ?", p.ownerID, p.repo)
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer rows.Close()
	key := sha256.Sum256([]byte(v.SecretKey))
	block, _ := aes.NewCipher(key[:])
	all := map[string]varstest.Var{}
	for rows.Next() {
		var name, data, note string
		var created int64
		if err := rows.Scan(&name, &data, &note, &created); err != nil {
			t.Fatalf("%v", err)
		}
		raw, err := hex.DecodeString(data)
		if err != nil {
			t.Fatalf("%v", err)
		}
		text := raw[aes.BlockSize:]
		cipher.NewCFBDecrypter(block, raw[:aes.BlockSize]).XORKeyStream(text, text) //nolint:staticcheck // it is what Gitea uses
		value, err := base64.StdEncoding.DecodeString(string(text))
		if err != nil {
			t.Fatalf("%v", err)
		}
		all[name] = varstest.Var{Value: string(value), Note: note, Created: time.Unix(created, 0).UTC()}
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%v", err)
	}
	return all
}

func (v *real) target(t sinktest.T, scope string) sinktest.Target {
	p := v.place(t, scope)
	names := p.Variables
	proxy := varstest.NewProxy(t, varstest.Front{
		Address: v.URL, Last: names.AccessKeyID,
		Written: func(r *http.Request, _ []byte) string {
			if name := path.Base(r.URL.Path); (r.Method == http.MethodPut || r.Method == http.MethodDelete) && name != impossible {
				return name
			}
			return ""
		},
		Spoil: func(r *http.Request) { r.Header.Set("Authorization", "token "+strings.Repeat("0", 40)) },
		Lose: func(r *http.Request) {
			r.Header.Set("Authorization", "token "+v.Token)
			r.URL.Path = strings.Replace(r.URL.Path, p.path, p.path+"-gone", 1)
		},
	})
	p.URL = proxy.URL
	narrow, _ := os.ReadFile(p.Token.File)
	return sinktest.Target{
		Config: p.Config,
		Read: func(t sinktest.T) sinktest.Pair {
			all := v.secrets(t, p)
			return sinktest.Pair{ID: all[names.AccessKeyID].Value, Secret: all[names.SecretAccessKey].Value, SessionToken: all[names.SessionToken].Value}
		},
		Write: func(t sinktest.T, w sinktest.Pair) {
			v.put(t, p, names.SecretAccessKey, w.Secret, "")
			v.put(t, p, names.AccessKeyID, w.ID, "")
			v.ask(t, p.all, http.MethodDelete, p.path+"/actions/secrets/"+names.SessionToken, nil, nil)
			if w.SessionToken != "" {
				v.put(t, p, names.SessionToken, w.SessionToken, "")
			}
		},
		Others: func(t sinktest.T) string {
			all := v.secrets(t, p)
			for _, n := range []string{names.AccessKeyID, names.SecretAccessKey, names.SessionToken} {
				delete(all, n)
			}
			return fmt.Sprint(all)
		},
		Order:   func(sinktest.T) []string { return proxy.Order(names) },
		Secrets: []string{strings.TrimSpace(string(narrow))},
		Break:   proxy.Break,
		Heal:    proxy.Heal,
	}
}

func (v *real) readOnly(t *testing.T) {
	for scope, want := range map[string]string{
		"repository":   "write:repository and must be of an owner of the repository",
		"organization": "write:organization and must be of an owner of the organization",
		"user":         "write:user and must be of that user",
	} {
		p := v.place(t, scope)
		var made struct {
			SHA1 string `json:"sha1"`
		}
		v.ask(t, p.owner+":"+v.Password, http.MethodPost, "/users/"+p.owner+"/tokens", map[string]any{"name": "reads", "scopes": []string{"read:" + scope}}, &made)
		p.Token = varstest.File(t, made.SHA1)
		_, err := opened(t, p.Config, sinks.Env{}).Check(t.Context())
		if want := "gitea: ask whether secrets may be written: 403 Forbidden: the token needs the scope " + want; err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func (v *real) shadows(t *testing.T) {
	p := v.place(t, "user")
	p.Token = varstest.File(t, p.all)
	for _, name := range []string{"a", "b", "c"} {
		v.ask(t, p.all, http.MethodPost, "/user/repos", map[string]any{"name": name}, nil)
	}
	v.put(t, place{all: p.all, path: "/repos/" + p.owner + "/c"}, "AWS_ACCESS_KEY_ID", "x", "")
	got, err := opened(t, p.Config, sinks.Env{}).Check(t.Context())
	want := "[gitea: AWS_ACCESS_KEY_ID has a value of its own in repository " + p.owner + "/c: what is written here is not what is read there]"
	if err != nil || fmt.Sprint(got) != want {
		t.Errorf("%v, %v, want %s", got, err, want)
	}
}

func (v *real) reserved(t *testing.T) {
	p := v.place(t, "repository")
	for _, name := range []string{impossible, "GITEA_X", "github_x", "CI", "A-B"} {
		s := &store{in: scopeOf(p.Config)}
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPut, v.URL+"/api/v1"+s.path(url.PathEscape(name)), strings.NewReader(`{"data":"x"}`))
		req.Header.Set("Authorization", "token "+p.all)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
	}
}

func (v *real) facts(t *testing.T) {
	p := v.place(t, "repository")
	before := v.secrets(t, p)["REGION"]
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // a clock of whole seconds
	defer cancel()
	<-ctx.Done()
	v.ask(t, p.all, http.MethodPut, p.path+"/actions/secrets/region", map[string]string{"data": "eu-west-1"}, nil)
	after := v.secrets(t, p)["REGION"]
	if after.Value != "eu-west-1" || !after.Created.Equal(before.Created) || before.Note == "" || after.Note != "" {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

// workflow is the one of the doc page, with curl in place of the AWS command.
const workflow = `on:
  workflow_dispatch:
    inputs: { access_key_id: { type: string } }
jobs:
  canary:
    runs-on: ubuntu-latest
    env:
      AWS_ACCESS_KEY_ID: ${{ secrets.AWS_ACCESS_KEY_ID }}
      AWS_SECRET_ACCESS_KEY: ${{ secrets.AWS_SECRET_ACCESS_KEY }}
      EXPECTED: ${{ inputs.access_key_id }}
    steps:
      - run: |
          test "$AWS_ACCESS_KEY_ID" = "$EXPECTED"
          curl -fsS --noproxy '*' --aws-sigv4 aws:amz:us-east-1:sts --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
            -H 'Accept: application/xml' -d 'Action=GetCallerIdentity&Version=2011-06-15' MOTO | grep -q '<Arn>.*user/ci-bot</Arn>'
`

// job rotates a pair into a repository, whose workflow signs GetCallerIdentity with it.
func (v *real) job(t *testing.T) {
	runner, files := folder(t, "KEYTURN_GITEA_RUNNER"), folder(t, "KEYTURN_MOTO")
	if runner == "" || files == "" {
		return
	}
	moto, err := servers.StartMoto(files, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(moto.Stop)
	good := bot(t, moto.URL)
	r, err := v.StartRunner(runner, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Stop)

	p := v.place(t, "repository")
	v.ask(t, p.all, http.MethodPost, p.path+"/contents/.gitea/workflows/canary.yml", map[string]string{
		"content": base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(workflow, "MOTO", moto.URL))), "message": "canary", "branch": "main",
	}, nil)
	sink := opened(t, p.Config, sinks.Env{Canary: &sinks.CanaryConfig{Workflow: "canary.yml"}})
	for name, c := range map[string]struct {
		serve, expect sinks.Credential
		want          string
	}{
		"the pair":             {good, good, ""},
		"another secret":       {sinks.Credential{KeyID: good.KeyID, Secret: pair.Secret}, good, "it ended as failure"},
		"the pair from before": {good, sinks.Credential{KeyID: "AKIAIOSFODNN7EXAMPLE"}, "it ended as failure"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := sink.Push(t.Context(), c.serve); err != nil {
				t.Fatal(err)
			}
			run, err := sink.(sinks.Canary).StartCanary(t.Context(), c.expect)
			if err != nil {
				t.Fatal(err)
			}
			if err := verdict(t, sink.(sinks.Canary), run); (err == nil) != (c.want == "") || err != nil && !strings.HasSuffix(err.Error(), c.want) {
				log, _ := os.ReadFile(r.Log)
				t.Errorf("%v, want %q\n%s", err, c.want, log)
			}
		})
	}
}

func verdict(t *testing.T, c sinks.Canary, run string) error {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		done, err := c.CanaryResult(ctx, run)
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			t.Fatalf("run %s does not end", run)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// bot makes the user ci-bot in moto, with a key: the calls that moto answers before it asks who is calling.
func bot(t *testing.T, address string) sinks.Credential {
	call := func(form string) string {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form+"&Version=2010-05-08&UserName=ci-bot"))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x/20261103/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=x")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		raw, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s", form, resp.StatusCode, raw)
		}
		return string(raw)
	}
	call("Action=CreateUser")
	call("Action=PutUserPolicy&PolicyName=p&PolicyDocument=" + url.QueryEscape(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}`))
	made := call("Action=CreateAccessKey")
	between := func(tag string) string {
		_, rest, _ := strings.Cut(made, "<"+tag+">")
		text, _, _ := strings.Cut(rest, "</"+tag+">")
		return text
	}
	return sinks.Credential{KeyID: sinks.KeyID(between("AccessKeyId")), Secret: secret.FromString(between("SecretAccessKey"))}
}
