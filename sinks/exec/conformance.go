package exec

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"keyturn/internal/secret"
	"keyturn/sinks"
	"keyturn/sinks/sinktest"
)

// Conformance tries a plugin as far as that can be done without knowing its destination,
// writes a line for each test to w, and counts. The destination must be one that nobody
// needs: made-up pairs are pushed, and the last one stays there. The plugin also gets a made-up
// secret called sinktest, to see whether it keeps it.
func Conformance(ctx context.Context, command []string, config map[string]string, w io.Writer) (passed, failed int) {
	cfg := Spec.New().(*Config)
	cfg.Command, cfg.Config = command, config
	if err := cfg.Validate(); err != nil {
		fmt.Fprintf(w, "FAIL  the plugin is named\n      %v\n", err)
		return 0, 1
	}
	token := sinktest.NewPair().Secret
	secrets := map[string]secret.Text{"sinktest": secret.FromString(token)}
	described := &sink{command: command, config: config, timeout: cfg.Timeout}
	if err := described.describe(ctx); err != nil {
		fmt.Fprintf(w, "FAIL  describe says what the plugin can do\n      %v\n", err)
		return 0, 1
	}
	described.secrets = secrets
	b := &bench{sink: described, ctx: ctx}
	for _, c := range protocolTests {
		b.faults = nil
		c.run(b)
		if len(b.faults) == 0 {
			fmt.Fprintf(w, "ok    %s\n", c.name)
			passed++
			continue
		}
		failed++
		fmt.Fprintf(w, "FAIL  %s\n", c.name)
		for _, f := range b.faults {
			fmt.Fprintf(w, "      %s\n", f)
		}
	}
	p, f := sinktest.Report(ctx, kindOf(cfg, described.best, secrets, token), w)
	return passed + p, failed + f
}

// kindOf is the plugin as a kind, for the suite that every sink runs.
func kindOf(cfg *Config, best sinks.Evidence, secrets map[string]secret.Text, token string) sinktest.Kind {
	spec := Spec
	spec.Open = func(ctx context.Context, c sinks.Config, _ sinks.Env) (sinks.Sink, error) {
		return openWith(ctx, c.(*Config), secrets)
	}
	k := sinktest.External(spec, cfg, sinks.Env{})
	k.Evidence = best
	open := k.New
	k.New = func(t sinktest.T) sinktest.Target {
		target := open(t)
		target.Secrets = []string{token}
		return target
	}
	return k
}

// protocolTests are what the suite cannot see, because it knows sinks and not processes.
var protocolTests = []struct {
	name string
	run  func(b *bench)
}{
	{"a newer version is refused", (*bench).newerVersion},
	{"an unknown operation is refused", (*bench).unknownOp},
	{"input that is not a request is refused", (*bench).garbage},
	{"unknown members of a request are ignored", (*bench).unknownMembers},
	{"an answer is one JSON object of version 1", (*bench).answers},
	{"secrets are neither on stdout nor on stderr", (*bench).secrecy},
	{"verify does not accept another secret beside the same id", (*bench).otherSecret},
	{"nothing runs on after the answer", (*bench).leavesNothing},
	{"a push that is killed can be repeated", (*bench).killed},
	{"serving is answered exactly if describe says so", (*bench).serving},
}

// bench runs the plugin without the sink's caution.
type bench struct {
	sink   *sink
	ctx    context.Context
	faults []string
}

func (b *bench) fault(format string, args ...any) {
	b.faults = append(b.faults, fmt.Sprintf(format, args...))
}

// raw runs the plugin with any input.
func (b *bench) raw(what string, stdin []byte) (result, bool) {
	ctx, cancel := context.WithTimeout(b.ctx, b.sink.timeout)
	defer cancel()
	res, err := run(ctx, b.sink.command, stdin)
	if err != nil {
		b.fault("%s: %v", what, err)
		return result{}, false
	}
	return res, true
}

// refused expects that the plugin ends with a permanent error.
func (b *bench) refused(what, stdin string) {
	if res, ok := b.raw(what, []byte(stdin)); ok && (res.exit == 0 || res.exit == exitTemporary) {
		b.fault("%s: exit status %d, want one that is neither 0 nor %d", what, res.exit, exitTemporary)
	}
}

// line is a request of the plugin's own configuration.
func (b *bench) line(op string, cred *sinks.Credential) []byte {
	req := request{Version: version, Op: op, Config: b.sink.config, Secrets: reveal(b.sink.secrets)}
	if cred != nil {
		req.Credential = credentialOf(*cred)
	}
	if op == opVerify {
		req.Receipt = &sinks.Receipt{}
	}
	line, err := req.encode()
	if err != nil {
		b.fault("%v", err)
	}
	return line
}

func (b *bench) newerVersion() {
	line := string(b.line(opDescribe, nil))
	b.refused("version 2", strings.Replace(line, `"version":1`, `"version":2`, 1))
}

func (b *bench) unknownOp() { b.refused(`operation "sinktest"`, string(b.line("sinktest", nil))) }

func (b *bench) garbage() {
	cred := sinktest.NewPair().Credential()
	whole := string(b.line(opPush, &cred))
	b.refused("no input", "")
	b.refused("words", "hello\n")
	b.refused("an empty object", "{}\n")
	b.refused("half a request", whole[:len(whole)/2])
	b.refused("a request without its end", whole[:len(whole)-12])
}

func (b *bench) unknownMembers() {
	line := string(b.line(opDescribe, nil))
	line = strings.TrimSuffix(line, "}\n") + `,"later":{"list":[1,null,"x"]}}` + "\n"
	if res, ok := b.raw("describe", []byte(line)); ok && res.exit != 0 {
		b.fault("describe with a member that does not exist yet: exit status %d", res.exit)
	}
}

func (b *bench) answers() {
	cred := sinktest.NewPair().Credential()
	for _, op := range []string{opDescribe, opCheck, opPush, opVerify} {
		res, ok := b.raw(op, b.line(op, &cred))
		if !ok {
			continue
		}
		if _, err := decode(res.stdout); err != nil {
			b.fault("%s: %v", op, err)
		}
		if res.exit != 0 {
			b.fault("%s: exit status %d", op, res.exit)
		}
	}
}

// secrecy looks at every stream of every operation, and of those that fail half way.
func (b *bench) secrecy() {
	cred, former := sinktest.NewPair().Credential(), sinktest.NewPair().Credential()
	look := newScrubber(cred.Secret, former.Secret, b.sink.secrets["sinktest"])
	push := b.line(opPush, &cred)
	for _, c := range []struct {
		what  string
		stdin []byte
	}{
		{"describe", b.line(opDescribe, &cred)},
		{"check", b.line(opCheck, &cred)},
		{"push of another pair", b.line(opPush, &former)},
		{"push", push},
		{"verify", b.line(opVerify, &cred)},
		{"verify of the former pair", b.line(opVerify, &former)},
		{"serving", b.line(opServing, &cred)},
		{"an unknown operation", b.line("sinktest", &cred)},
		{"half a push", push[:len(push)-10]},
		{"a push of another version", bytes.Replace(push, []byte(`"version":1`), []byte(`"version":2`), 1)},
	} {
		res, ok := b.raw(c.what, c.stdin)
		if !ok {
			continue
		}
		if look.inAnswer(res.stdout) {
			b.fault("%s: stdout holds a secret", c.what)
		}
		if look.in(res.stderr) {
			b.fault("%s: stderr holds a secret", c.what)
		}
	}
}

func (b *bench) otherSecret() {
	if b.sink.best != sinks.Exact {
		return // nothing less can see it
	}
	cred, other := sinktest.NewPair().Credential(), sinktest.NewPair().Credential()
	r, err := b.sink.Push(b.ctx, cred)
	if err != nil {
		b.fault("%v", err)
		return
	}
	other.KeyID = cred.KeyID
	if _, err := b.sink.Verify(b.ctx, other, "", r); sinks.ClassOf(err) != sinks.Stale {
		b.fault("verify of another secret: %v, want an error of class stale", err)
	}
}

func (b *bench) leavesNothing() {
	cred := sinktest.NewPair().Credential()
	for _, op := range []string{opDescribe, opCheck, opPush, opVerify} {
		if res, ok := b.raw(op, b.line(op, &cred)); ok && res.left {
			b.fault("%s: a process that the plugin started was still there when it ended", op)
		}
	}
}

// killed ends pushes at different moments and expects that the next one heals.
func (b *bench) killed() {
	for _, after := range []time.Duration{time.Millisecond, 3 * time.Millisecond, 10 * time.Millisecond, 30 * time.Millisecond} {
		lost, cred := sinktest.NewPair().Credential(), sinktest.NewPair().Credential()
		ctx, cancel := context.WithTimeout(b.ctx, after)
		started := time.Now()
		_, err := run(ctx, b.sink.command, b.line(opPush, &lost))
		cancel()
		if took := time.Since(started); took > after+margin+2*leave {
			b.fault("killed after %s, it was over only after %s: %v", after, took.Round(time.Millisecond), err)
		}
		r, err := b.sink.Push(b.ctx, cred)
		if err != nil {
			b.fault("push after one that was killed after %s: %v", after, err)
			continue
		}
		if e, err := b.sink.Verify(b.ctx, cred, lost.KeyID, r); err != nil || e != b.sink.best {
			b.fault("verify after a push that was killed: %s, %v, want %s", e, err, b.sink.best)
		}
	}
}

func (b *bench) serving() {
	if !b.sink.readable {
		b.refused("serving, which describe says it cannot", string(b.line(opServing, nil)))
		return
	}
	if _, err := (reader{b.sink}).Serving(b.ctx); err != nil {
		b.fault("%v", err)
	}
}
