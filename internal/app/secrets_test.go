package app

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keyturn/config"
	"keyturn/internal/secret"
	"keyturn/internal/standin"
	"keyturn/rotator"
	"keyturn/rotator/rotatortest"
	"keyturn/sinks/builtin"
)

// TestStateShowsNoSecret formats everything that a process holds, with every verb that follows pointers, in the middle
// of a rotation, and looks for every secret that AWS has given out, and for the seal key.
func TestStateShowsNoSecret(t *testing.T) {
	dir := t.TempDir()
	iam := rotatortest.NewIAM("111122223333")
	server, err := standin.Start(iam)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	iam.AddUser("keyturn", "")
	iam.AddUser("ci-bot", "")
	own, ownSecret, err := iam.AddKey("keyturn", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := iam.AddKey("ci-bot", time.Hour); err != nil {
		t.Fatal(err)
	}
	for k, v := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": string(own.ID), "AWS_SECRET_ACCESS_KEY": ownSecret.Reveal(),
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_SESSION_TOKEN": "", "AWS_REGION": "us-east-1", "KEYTURN_CONFIG": "",
	} {
		t.Setenv(k, v)
	}
	if _, err := Keygen(filepath.Join(dir, "seal.key")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "keyturn.yaml")
	if err := os.WriteFile(file, []byte(fmt.Sprintf(secretsConfig, dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	a, err := Open(ctx, Options{Config: file, Access: Write})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()

	cfg, err := config.LoadFile(file, builtin.All)
	if err != nil {
		t.Fatal(err)
	}
	look := newSearch(t, iam, filepath.Join(dir, "seal.key"))
	look.at("config", cfg)
	look.at("app", a)
	look.at("rotator", a.rotator)
	look.at("journal", a.rotator.Journal)
	look.at("sealer", a.rotator.Sealer)
	look.at("accounts", a.accounts)

	// In the middle: the secret is pending.
	res := a.Rotate(ctx, RotateOptions{Now: true}, func(_ string, e rotator.Event) {
		look.at("event "+e.Body.Type(), e)
		look.at("app", a)
		look.at("state", stateOf(ctx, t, a))
	}, nil)
	if res[0].Rotation.Step != rotator.StepQuiet {
		t.Fatalf("%+v: the rotation is not in its middle: the test shows nothing", res[0])
	}
	look.at("result", res)
	look.at("rotation", res[0].Rotation)
	look.at("error", a.Resolve(ctx, "ci-bot", rotator.Resolved{Action: rotator.ResolveKeep, Key: "AKIAIOSFODNN7EXAMPLE", Reason: "no"}, nil))
	look.at("reports", a.Status(ctx, nil))
	look.at("reports", a.Check(ctx, nil))
	for _, r := range a.robots {
		look.at("robot", r)
		for _, s := range r.Sinks {
			sink, err := s.Open(ctx, "20261120-abcdefgh")
			look.at("sink", sink)
			look.at("sink error", err)
		}
	}
	issuer, err := a.rotator.Issuer(ctx, a.robots[0], "20261120-abcdefgh")
	if err != nil {
		t.Fatal(err)
	}
	look.at("issuer", issuer)
	if look.n < 40 {
		t.Errorf("only %d values were looked at", look.n)
	}
}

const secretsConfig = `aws: { settle: 1s, probe: { spacing: 0s } }
journal: { path: "%[1]s/journal.db" }
seal: { key: { file: "%[1]s/seal.key" } }
sinks:
  works: { file: { path: "%[1]s/credentials" } }
  fails: { file: { path: "%[1]s/missing/credentials" } }
robots:
  ci-bot: { sinks: [works, { sink: fails, required: false }] }
`

func stateOf(ctx context.Context, t *testing.T, a *App) rotator.State {
	t.Helper()
	l, err := a.rotator.Journal.Events(ctx, rotator.UserRef{Account: "111122223333", User: "ci-bot"}.Stream())
	if err != nil {
		t.Fatal(err)
	}
	return rotator.Fold(a.rotator.Journal.ID(), l)
}

// search looks for secrets in formatted values.
type search struct {
	t     *testing.T
	iam   *rotatortest.IAM
	fixed []secret.Text
	n     int
}

func newSearch(t *testing.T, iam *rotatortest.IAM, sealKey string) *search {
	t.Helper()
	b, err := os.ReadFile(sealKey)
	if err != nil {
		t.Fatal(err)
	}
	_, key, _ := strings.Cut(strings.TrimSpace(string(b)), ":")
	return &search{t: t, iam: iam, fixed: []secret.Text{secret.FromString(key)}}
}

func (s *search) at(where string, v any) {
	s.n++
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		text := fmt.Sprintf(verb, v)
		for _, m := range append(s.iam.Minted(), s.fixed...) {
			for form, needle := range forms(m.Reveal()) {
				if strings.Contains(text, needle) {
					s.t.Errorf("%s: %s shows a secret (%s)", where, verb, form)
				}
			}
		}
	}
}

// forms are the ways in which fmt and encoders write bytes.
func forms(v string) map[string]string {
	return map[string]string{
		"as it is": v,
		"base64":   base64.StdEncoding.EncodeToString([]byte(v)),
		"hex":      hex.EncodeToString([]byte(v)),
		"numbers":  strings.Trim(fmt.Sprint([]byte(v)), "[]"),
		"go bytes": strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", []byte(v)), "[]byte{"), "}"),
	}
}
