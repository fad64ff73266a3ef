package exec

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keyturn/sinks/sinktest"
)

const shellExample = "../../deploy/examples/sink-file.sh"

// The plugin in shell, seen from outside, behind a shim that has every fault.
func TestTheShellExampleConforms(t *testing.T) {
	t.Parallel()
	script, err := filepath.Abs(shellExample)
	if err != nil {
		t.Fatal(err)
	}
	sinktest.Run(t, sinktest.Kind{
		Spec:      Spec,
		NoSession: "the file of the example holds nothing but the pair",
		New: func(t sinktest.T) sinktest.Target {
			dir := filepath.Join(t.TempDir(), "dir")
			path, fault := filepath.Join(dir, "pair.env"), dir+".fault"
			must := func(err error) {
				if err != nil {
					t.Fatalf("%v", err)
				}
			}
			must(os.Mkdir(dir, 0o700))
			must(os.WriteFile(dir+"/neighbour", []byte("kept"), 0o600))
			const shim = `case $(cat "$1" 2>/dev/null) in
				unreachable|"fail before") exit 75 ;;
				denied) printf '{"version":1,"error":{"class":"denied","message":"no"}}'; exit 1 ;;
				"fail after") sh "$0"; exit 75 ;;
				hang) sleep 1000 & wait ;;
				*) exec sh "$0" ;;
			esac`
			return sinktest.Target{
				Config: &Config{
					Command: []string{"sh", "-c", shim, script, fault}, Config: map[string]string{"path": path}, Timeout: time.Minute,
				},
				Read: func(t sinktest.T) (p sinktest.Pair) {
					b, _ := os.ReadFile(path)
					for line := range strings.Lines(string(b)) {
						name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
						switch name {
						case "AWS_ACCESS_KEY_ID":
							p.ID = value
						case "AWS_SECRET_ACCESS_KEY":
							p.Secret = value
						}
					}
					return p
				},
				Write: func(t sinktest.T, p sinktest.Pair) {
					must(os.WriteFile(path, []byte("AWS_ACCESS_KEY_ID="+p.ID+"\nAWS_SECRET_ACCESS_KEY="+p.Secret+"\n"), 0o600))
				},
				Others: func(t sinktest.T) string { return list(dir) },
				Break: func(t sinktest.T, f sinktest.Fault) {
					must(os.WriteFile(fault, []byte(f), 0o600))
					if f == sinktest.Missing {
						must(os.Rename(dir, dir+"-gone"))
					}
				},
				Heal: func(t sinktest.T) {
					_ = os.Remove(fault)
					_ = os.Rename(dir+"-gone", dir)
				},
			}
		},
	})
}

// list is what lies in dir beside the pair, names and contents.
func list(dir string) string {
	var b strings.Builder
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if e.Name() != "pair.env" {
			content, _ := os.ReadFile(filepath.Join(dir, e.Name()))
			b.WriteString(e.Name() + ": " + string(content) + "\n")
		}
	}
	return b.String()
}

func TestTheShellExamplePassesTheConformanceTest(t *testing.T) {
	t.Parallel()
	passes(t, "sh", shellExample)
}

func passes(t *testing.T, command ...string) {
	t.Helper()
	var out bytes.Buffer
	passed, failed := Conformance(t.Context(), command, map[string]string{"path": filepath.Join(t.TempDir(), "pair")}, &out)
	if failed != 0 || passed < 20 {
		t.Errorf("%d passed, %d failed\n%s", passed, failed, &out)
	}
}

// Each bug of a plugin is caught, by the test that is there for it.
func TestBrokenPluginsFailTheConformanceTest(t *testing.T) {
	script, err := os.ReadFile(shellExample)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"it answers any version": {"case $request in\n", "request=$(printf '%s' \"$request\" | sed s/:2,/:1,/)\ncase $request in\n",
			"a newer version is refused"},
		"it answers any operation":           {"fail refused 'unknown operation' 1", `echo '{"version":1}'`, "an unknown operation is refused"},
		"it shows its input":                 {"fail refused 'not a request of version 1' 1", `echo "what is $request?" >&2; exit 1`, "secrets are neither on stdout nor on stderr"},
		"it traces itself":                   {"set -eu", "set -eux", "secrets are neither on stdout nor on stderr"},
		"it says too much":                   {`echo '{"version":1,"evidence"`, `echo "$secret" >&2; echo '{"version":1,"evidence"`, "secrets are neither on stdout nor on stderr"},
		"it answers in words":                {"check)\n\techo '{\"version\":1}'", "check)\n\techo ok", "an answer is one JSON object of version 1"},
		"it works in the background":         {"check)\n", "check)\n\tsleep 1000 >/dev/null 2>&1 &\n", "nothing runs on after the answer"},
		"it compares the id only":            {`&& [ "$(stored AWS_SECRET_ACCESS_KEY)" = "$secret" ] |`, "|", "verify does not accept another secret beside the same id"},
		"it believes":                        {"fail stale 'the file holds another pair' 1", ":", "Verify after the next push does not accept the former pair"},
		"it has no describe":                 {`"best_evidence":"exact",`, "", "describe says what the plugin can do"},
		"it cannot tell what it says it can": {"serving)\n", "serving)\n\texit 1\n", "serving is answered exactly if describe says so"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			broken := strings.Replace(string(script), c.old, c.new, 1)
			if broken == string(script) {
				t.Fatal("the bug does not fit into the example")
			}
			plugin := filepath.Join(dir, "plugin")
			if err := os.WriteFile(plugin, []byte(broken), 0o600); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			_, failed := Conformance(t.Context(), []string{"sh", plugin}, map[string]string{"path": filepath.Join(dir, "pair")}, &out)
			if failed == 0 || !strings.Contains(out.String(), "FAIL  "+c.want+"\n") {
				t.Errorf("%q should have failed; %d did:\n%s", c.want, failed, &out)
			}
		})
	}
}
