//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// config fills the file that keyturn reads. What is left out has the value of the tests' own default.
type config struct {
	aws      string // inside aws: { }
	defaults string // inside defaults: { }
	sinks    string // lines below sinks:
	robots   string // lines below robots:
}

const (
	quickAWS = "settle: 1s, orphan_wait: 1s, probe: { rounds: 2, spacing: 100ms, deadline: 20s }"
	noWaits  = "grace: 0s, quiet: 0s, soak: 0s"
	ciBot    = "  ci-bot: { sinks: [vault, file] }\n"
)

func (w *world) bothSinks() string {
	return `  vault: { vault: { address: "` + w.store.URL + `", token: { env: VAULT_TOKEN }, mount: secret, path: "ci/${robot}" } }
  file: { file: { path: "` + w.path("credentials") + `", format: credentials, profile: "${robot}" } }
`
}

// configure writes keyturn.yaml and what it needs beside it.
func (w *world) configure(c config) {
	w.Helper()
	w.writeConfig(c)
	w.keyturn("seal", "keygen", w.path("seal.key")).exits(0)
}

// writeConfig writes keyturn.yaml and returns its text.
func (w *world) writeConfig(c config) string {
	w.Helper()
	if c.sinks == "" {
		c.sinks = w.bothSinks()
	}
	doc := "aws: { region: us-east-1, " + or(c.aws, quickAWS) + " }\n" +
		"journal: { path: \"" + w.path("state/journal.db") + "\" }\n" +
		"seal: { key: { file: \"" + w.path("seal.key") + "\" } }\n" +
		"defaults: { " + or(c.defaults, noWaits) + " }\n" +
		"sinks:\n" + c.sinks +
		"robots:\n" + or(c.robots, ciBot)
	w.must(os.WriteFile(w.path("keyturn.yaml"), []byte(doc), 0o600))
	return doc
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// process is a keyturn that runs.
type process struct {
	w              *world
	cmd            *exec.Cmd
	stdout, stderr text
	killed         atomic.Bool
}

// text is what a process has written so far.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *text) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(b)
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

// start runs keyturn with the configuration of the world.
func (w *world) start(args ...string) *process {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 2*time.Minute)
	w.Cleanup(cancel)
	p := &process{w: w, cmd: exec.CommandContext(ctx, or(w.program, binary), args...)}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = w.dir, &p.stdout, &p.stderr
	for k, v := range w.env {
		p.cmd.Env = append(p.cmd.Env, k+"="+v)
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: w.as}
	p.cmd.Cancel = func() error { return syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }
	w.must(p.cmd.Start())
	return p
}

// kill ends it as a power failure would: nothing of it runs on.
func (p *process) kill() {
	p.killed.Store(true)
	_ = p.cmd.Cancel() // already gone is what is wanted
}

// wait is how it ended.
func (p *process) wait() result {
	p.w.Helper()
	_ = p.cmd.Wait() // the exit code says it
	r := result{w: p.w, args: p.cmd.Args[1:], code: p.cmd.ProcessState.ExitCode(), stdout: p.stdout.String(), stderr: p.stderr.String()}
	p.w.said = append(p.w.said, r.stdout, r.stderr)
	return r
}

// keyturn runs it to its end.
func (w *world) keyturn(args ...string) result {
	w.Helper()
	return w.start(args...).wait()
}

// finish runs it again as long as it says that it is unfinished.
func (w *world) finish(args ...string) result {
	w.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		r := w.keyturn(args...)
		if r.code != 3 || time.Now().After(deadline) {
			return r
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// result is a run that has ended.
type result struct {
	w              *world
	args           []string
	code           int
	stdout, stderr string
}

// exits fails unless that was the exit code.
func (r result) exits(code int) result {
	r.w.Helper()
	if r.code != code {
		r.w.Fatalf("keyturn %s: exit code %d, want %d\n%s%s", strings.Join(r.args, " "), r.code, code, r.stdout, r.stderr)
	}
	return r
}

// says fails unless the words are in what it wrote.
func (r result) says(words ...string) result {
	r.w.Helper()
	for _, s := range words {
		if !strings.Contains(r.stdout+r.stderr, s) {
			r.w.Errorf("keyturn %s does not say %q:\n%s%s", strings.Join(r.args, " "), s, r.stdout, r.stderr)
		}
	}
	return r
}

// rotation is one of what `rotate -o json` prints.
type rotation struct {
	ID       string `json:"id"`
	Robot    string `json:"robot"`
	User     string `json:"user"`
	Account  string `json:"account"`
	Trigger  string `json:"trigger"`
	Step     string `json:"step"`
	Reason   string `json:"reason"`
	OldKeyID string `json:"old_key_id"`
	NewKeyID string `json:"new_key_id"`
	Sinks    []struct {
		Name     string `json:"name"`
		Kind     string `json:"kind"`
		Required bool   `json:"required"`
		State    string `json:"state"`
		Evidence string `json:"evidence"`
		Error    string `json:"error"`
	} `json:"sinks"`
	Hold *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Resolve string `json:"resolve"`
	} `json:"hold"`
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at"`
	NextAt     time.Time `json:"next_at"`
}

// rotations are by robot. Anything that is not in the contract is an error.
func (r result) rotations() map[string]rotation {
	r.w.Helper()
	var doc struct {
		Rotations []rotation `json:"rotations"`
	}
	d := json.NewDecoder(strings.NewReader(r.stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil {
		r.w.Fatalf("not the document of the contract: %v\n%s", err, r.stdout)
	}
	out := map[string]rotation{}
	for _, ro := range doc.Rotations {
		out[ro.Robot] = ro
	}
	return out
}

// rotation is the one of ci-bot.
func (r result) rotation() rotation {
	r.w.Helper()
	ro, ok := r.rotations()["ci-bot"]
	if !ok {
		r.w.Fatalf("no rotation of ci-bot:\n%s", r.stdout)
	}
	return ro
}
