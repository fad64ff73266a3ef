package file

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"keyturn/sinks"
	"keyturn/sinks/sinktest"
)

// model is a file with neighbours, as somebody without keyturn sees it.
type model struct {
	cfg      Config
	template string                       // the file, with %PAIR% where the pair is
	render   func(p sinktest.Pair) string // what stands there
	read     func(t sinktest.T, path string) sinktest.Pair
}

func TestACredentialsFileConforms(t *testing.T) {
	sinktest.Run(t, model{
		cfg: Config{Format: formatCredentials, Profile: "ci", Variables: sinks.DefaultVariables},
		template: "# kept\n[default]\naws_access_key_id = NEIGHBOUR\naws_secret_access_key = NEIGHBOUR/+\n" +
			"aws_session_token = NEIGHBOUR\n\n[ci]\nregion = eu-west-1\n%PAIR%s3 =\n  addressing_style = path\n",
		render: func(p sinktest.Pair) string {
			text := "aws_access_key_id=" + p.ID + "\naws_secret_access_key=" + p.Secret + "\n"
			if p.SessionToken != "" {
				text += "aws_session_token=" + p.SessionToken + "\n"
			}
			return text
		},
		read: func(t sinktest.T, path string) sinktest.Pair {
			c := readProfile(t, path, "ci").Credentials
			return sinktest.Pair{ID: c.AccessKeyID, Secret: c.SecretAccessKey, SessionToken: c.SessionToken}
		},
	}.kind())
}

// readProfile reads as every program does that uses the SDK.
func readProfile(t sinktest.T, path, profile string) awsconfig.SharedConfig {
	c, err := readSDK(t, path, profile)
	if err != nil {
		t.Fatalf("the SDK cannot read the file: %v", err)
	}
	return c
}

func readSDK(t sinktest.T, path, profile string) (awsconfig.SharedConfig, error) {
	return awsconfig.LoadSharedConfigProfile(t.Context(), profile, func(o *awsconfig.LoadSharedConfigOptions) {
		o.CredentialsFiles, o.ConfigFiles = []string{path}, []string{}
	})
}

func TestADotenvFileConforms(t *testing.T) {
	sinktest.Run(t, model{
		cfg:      Config{Format: formatDotenv, Variables: sinks.DefaultVariables},
		template: "# kept\nexport A='1 2'\n%PAIR%B=\"x\ny\"\n",
		render: func(p sinktest.Pair) string {
			text := "AWS_ACCESS_KEY_ID=" + p.ID + "\nAWS_SECRET_ACCESS_KEY=\"" + p.Secret + "\"\n"
			if p.SessionToken != "" {
				text += "AWS_SESSION_TOKEN=" + p.SessionToken + "\n"
			}
			return text
		},
		read: func(t sinktest.T, path string) (p sinktest.Pair) {
			for line := range strings.Lines(mustRead(t, path)) {
				name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
				switch value = strings.Trim(value, `"`); name {
				case "AWS_ACCESS_KEY_ID":
					p.ID = value
				case "AWS_SECRET_ACCESS_KEY":
					p.Secret = value
				case "AWS_SESSION_TOKEN":
					p.SessionToken = value
				}
			}
			return p
		},
	}.kind())
}

func TestAJSONFileConforms(t *testing.T) {
	sinktest.Run(t, model{
		cfg:      Config{Format: formatJSON, Object: []string{"aws"}, Variables: sinks.DefaultVariables},
		template: "{\n  \"n\": 1.50,\n  \"aws\": {\n%PAIR%    \"region\": \"eu\"\n  }\n}\n",
		render: func(p sinktest.Pair) string {
			text := "    \"AWS_ACCESS_KEY_ID\": \"" + p.ID + "\",\n    \"AWS_SECRET_ACCESS_KEY\": \"" + p.Secret + "\",\n"
			if p.SessionToken != "" {
				text += "    \"AWS_SESSION_TOKEN\": \"" + p.SessionToken + "\",\n"
			}
			return text
		},
		read: func(t sinktest.T, path string) sinktest.Pair {
			var doc struct{ AWS map[string]string }
			if err := json.Unmarshal([]byte(mustRead(t, path)), &doc); err != nil {
				t.Fatalf("the file is no JSON: %v", err)
			}
			return sinktest.Pair{
				ID: doc.AWS["AWS_ACCESS_KEY_ID"], Secret: doc.AWS["AWS_SECRET_ACCESS_KEY"],
				SessionToken: doc.AWS["AWS_SESSION_TOKEN"],
			}
		},
	}.kind())
}

// kind is the model with its faults: the folder is gone, somebody holds the lock, the disk
// fails behind the rename.
func (m model) kind() sinktest.Kind {
	var diskFails atomic.Bool
	spec := Spec
	spec.Open = func(ctx context.Context, cfg sinks.Config, env sinks.Env) (sinks.Sink, error) {
		s, err := Spec.Open(ctx, cfg, env)
		if err == nil {
			s.(*sink).syncDir = func(path string) error {
				if diskFails.Load() {
					return syscall.EIO
				}
				return syncDir(path)
			}
		}
		return s, err
	}
	return sinktest.Kind{
		Spec: spec,
		Lacks: map[sinktest.Fault]string{
			sinktest.Unreachable: "a folder of this machine is there, or is missing",
			sinktest.Denied:      "tests may run as root, who is never denied",
			sinktest.Hang:        "files of this machine do not hang; waiting for the lock is tried as \"fail before\"",
		},
		New: func(t sinktest.T) sinktest.Target {
			dir := filepath.Join(t.TempDir(), "folder")
			cfg := m.cfg
			cfg.Path, cfg.Readers = filepath.Join(dir, "file"), readersOwner
			unlock := func() {}
			write := func(t sinktest.T, text string) {
				mustWrite(t, cfg.Path, strings.Replace(m.template, "%PAIR%", text, 1))
			}
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatalf("%v", err)
			}
			write(t, "")
			return sinktest.Target{
				Config: &cfg,
				Read:   func(t sinktest.T) sinktest.Pair { return m.read(t, cfg.Path) },
				Write:  func(t sinktest.T, p sinktest.Pair) { write(t, m.render(p)) },
				Others: func(t sinktest.T) string { return neighbours(mustRead(t, cfg.Path)) },
				Break: func(t sinktest.T, f sinktest.Fault) {
					switch f {
					case sinktest.Missing:
						must(t, os.Rename(dir, dir+"-gone"))
					case sinktest.FailBefore:
						release, err := lock(t.Context(), cfg.Path)
						must(t, err)
						unlock = release
					case sinktest.FailAfter:
						diskFails.Store(true)
					}
				},
				Heal: func(t sinktest.T) {
					diskFails.Store(false)
					unlock()
					_ = os.Rename(dir+"-gone", dir)
				},
			}
		},
	}
}

// neighbours is text without what is ours. The comma before what is ours comes and goes.
func neighbours(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		lower := strings.ToLower(line)
		ours := strings.Contains(lower, "aws_access_key_id") || strings.Contains(lower, "aws_secret_access_key") ||
			strings.Contains(lower, "aws_session_token")
		if !ours || strings.Contains(line, "NEIGHBOUR") {
			b.WriteString(strings.TrimRight(line, ",\r\n") + "\n")
		}
	}
	return b.String()
}

func must(t sinktest.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v", err)
	}
}

func mustRead(t sinktest.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return string(b)
}

func mustWrite(t sinktest.T, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o600))
}
