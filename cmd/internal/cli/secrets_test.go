package cli

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"keyturn/internal/standin"
	"keyturn/rotator/rotatortest"
)

// TestCommandsShowNoSecret runs every command with the most talkative log, some while AWS and the sinks fail, and looks for
// every secret that AWS has given out in all that was printed and in all files that keyturn keeps. The file that a sink
// writes is what secrets are for.
func TestCommandsShowNoSecret(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	iam := rotatortest.NewIAM("111122223333")
	server, err := standin.Start(iam)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	role := iam.AddRole("keyturn", "")
	iam.AddUser("keyturn", "")
	iam.AddUser("ci-bot", "")
	own, secret, err := iam.AddKey("keyturn", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := iam.AddKey("ci-bot", time.Hour); err != nil {
		t.Fatal(err)
	}
	for k, v := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": string(own.ID), "AWS_SECRET_ACCESS_KEY": secret.Reveal(),
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_SESSION_TOKEN": "", "KEYTURN_CONFIG": "", "KEYTURN_SERVER": "",
		"AWS_REGION": "us-east-1",
	} {
		t.Setenv(k, v)
	}
	for _, d := range []string{"vault", "sinks"} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile("keyturn.yaml", []byte(fmt.Sprintf(everyConfig, role)), 0o600); err != nil {
		t.Fatal(err)
	}

	var said transcript
	ctx := t.Context()
	say := func(args ...string) int {
		args = append(args, "--allow-debug", "--log-level", "debug", "--log-format", []string{"text", "json"}[len(args)%2])
		return Main(ctx, args, &said, &said)
	}
	once := func(op string, f rotatortest.Fault) {
		iam.Change(func() {
			iam.Fault = func(c rotatortest.Call) rotatortest.Fault {
				if c.Op != op {
					return rotatortest.None
				}
				return f
			}
		})
	}
	must := func(want int, args ...string) {
		t.Helper()
		before := said.Len()
		if got := say(args...); got != want {
			t.Errorf("keyturn %s: exit code %d, want %d\n%s", strings.Join(args, " "), got, want, said.Bytes()[before:])
		}
	}
	must(0, "seal", "keygen", "seal.key")
	must(0, "init", "--config", "first.yaml")
	must(0, "check")
	must(0, "plan", "-o", "json")
	must(0, "rotate", "--now", "ci-bot")
	must(0, "restore", "ci-bot")
	must(0, "resolve", "ci-bot", "--retry", "--reason", "test")
	must(0, "rotate", "--retire-now", "ci-bot", "-o", "json")

	// Failures say the most.
	once("ListAccessKeys", rotatortest.Denied)
	must(1, "rotate", "--now", "ci-bot")
	must(1, "status")
	once("", rotatortest.None)
	if err := os.Rename("vault", "gone"); err != nil {
		t.Fatal(err)
	}
	must(1, "rotate", "--now", "ci-bot")
	must(1, "check", "-o", "json")
	if err := os.Rename("gone", "vault"); err != nil {
		t.Fatal(err)
	}
	once("GetCallerIdentity", rotatortest.FailBefore)
	must(3, "rotate", "--now", "ci-bot")
	must(3, "rotate", "ci-bot", "-o", "json")
	once("", rotatortest.None)
	must(0, "rotate", "ci-bot", "--retire-now")
	once("CreateAccessKey", rotatortest.Truncated)
	brief, cancel := context.WithTimeout(ctx, time.Second) // it would wait for the call's deadline before it looks for the key
	ctx = brief
	must(3, "rotate", "--now", "ci-bot")
	cancel()
	ctx = t.Context()
	once("", rotatortest.None)
	must(0, "journal", "backup", "copy.db")
	must(0, "seal", "keygen", "new.key")
	must(0, "seal", "reseal", "--old", "new.key")
	must(0, "status")
	must(0, "status", "-o", "json")
	must(0, "history")
	must(0, "history", "ci-bot", "-o", "json")
	must(0, "sinks", "file")
	must(0, "version")
	must(0, "docs")
	must(2, "leak", string(own.ID))

	if n := len(iam.Minted()); n < 5 {
		t.Fatalf("only %d secrets were given out: the test shows nothing", n)
	}
	search(t, iam, "what was printed", said.Bytes())
	files := 0
	err = filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == "sinks/env" || path == "vault/credentials" {
			return err
		}
		b, err := os.ReadFile(path)
		files++
		search(t, iam, path, b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 5 {
		t.Errorf("only %d files were searched", files)
	}
}

// transcript collects stdout and stderr, which are written side by side.
type transcript struct {
	mu sync.Mutex
	bytes.Buffer
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.Buffer.Write(p)
}

const everyConfig = `aws:
  settle: 1s
  probe: { spacing: 0s, deadline: 1s }
  accounts: { prod: { role_arn: %q } }
journal: { path: journal.db }
seal: { key: { file: seal.key } }
defaults: { grace: 0s, soak: 24h }
sinks:
  vault: { file: { path: vault/credentials } }
  env: { file: { path: sinks/env, format: dotenv } }
robots:
  ci-bot: { account: prod, sinks: [vault, env] }
`

// search looks for every secret, as it is and in the forms in which programs print bytes.
func search(t *testing.T, iam *rotatortest.IAM, where string, b []byte) {
	t.Helper()
	for _, m := range iam.Minted() {
		v := []byte(m.Reveal())
		for form, needle := range map[string]string{
			"as it is": string(v), "base64": base64.StdEncoding.EncodeToString(v), "raw base64": base64.RawURLEncoding.EncodeToString(v),
			"hex": hex.EncodeToString(v), "numbers": strings.Trim(fmt.Sprint(v), "[]"),
		} {
			if bytes.Contains(b, []byte(needle)) {
				t.Errorf("%s shows a secret (%s)", where, form)
			}
		}
	}
}
