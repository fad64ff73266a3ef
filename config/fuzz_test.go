package config

import (
	"errors"
	"strings"
	"testing"
)

// mark stands in every value of the fuzzed documents, as a secret would.
const mark = "Zq7x"

// FuzzLoad: no document makes Load panic, and no error or warning shows a value of it other than names.
func FuzzLoad(f *testing.F) {
	f.Add(full)
	f.Add(seal + aBox + aRobot)
	for _, doc := range []string{
		"seal: { key: Zq7x }",
		"seal: { key: { file: Zq7x, env: Zq7x } }\naws: { region: Zq7x, settle: Zq7x, concurrency: Zq7x, quarantine: Zq7x, accounts: { a: { role_arn: Zq7x, external_id: \"Zq7x \", session_name: \"${Zq7x}\", duration: Zq7x } } }",
		"seal: { kms: { key_id: Zq7x, region: Zq7x, account: Zq7x } }\ndefaults: { grace: Zq7x, make_room: Zq7x, on_leak: Zq7x }",
		seal + "sinks: { a: { box: { address: Zq7x, token: Zq7x, path: \"${Zq7x\", slots: Zq7x, sealed: Zq7x, mode: Zq7x, tags: Zq7x, labels: Zq7x, extra: Zq7x } } }\nrobots: { r: { sinks: [a] } }",
		seal + "sinks: { a: { box: { address: Zq7x, token: { env: \"Zq7x/\" }, variables: { access_key_id: Zq7x, session_token: Zq7x }, login: { id: Zq7x } } } }\nrobots: { r: { sinks: [a, a, { sink: a, with: { path: Zq7x } }] } }",
		seal + "sinks: { a: { hole: { name: bad-Zq7x } } }\nrobots: { r: { user: \"/Zq7x\", account: Zq7x, schedule: \"Zq7x 0 * * *\", max_age: Zq7x, verify: { assume_role: Zq7x }, sinks: [{ sink: Zq7x }, Zq7x, { sink: a, min_evidence: Zq7x, required: Zq7x }] } }",
		seal + "robots: { r: { schedule: \"CRON_TZ=Zq7x 0 0 * * *\" }, s: { schedule: \"@Zq7x\" }, t: { schedule: \"@every Zq7x\" } }",
		"a: Zq7x: Zq7x\n", "a: \"Zq7x", "a: 'Zq7x", "a: [Zq7x", "a: {b: Zq7x", "a: *Zq7x", "a: &Zq7x x", "a: !Zq7x x", "%Zq7x", "a: @Zq7x", "a: |\n Zq7x\n  Zq7x\nZq7x", "a: \"Zq7x\\q\"", "a:\n\tZq7x", "- Zq7x\na: b",
		"seal: { key: { Zq7x } }", "seal: { key: [Zq7x] }", "a: Zq7x\n---\nb: Zq7x\n", "Zq7x",
	} {
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		if len(doc) > 1<<14 {
			return
		}
		cfg, err := Load("k.yaml", []byte(doc), specs)
		var said string
		switch {
		case err != nil:
			said = err.Error()
			var es Errors
			if !errors.As(err, &es) || len(es) == 0 || cfg != nil {
				t.Fatalf("%v, %T", cfg, err)
			}
			if got := strings.Count(said, "\n") + 1; got != len(es) {
				t.Errorf("%d errors on %d lines:\n%s", len(es), got, said)
			}
		default:
			said = strings.Join(cfg.Warnings, "\n")
		}
		if strings.Contains(said, mark) && !strings.Contains(named(doc), mark) {
			t.Errorf("shows a value:\n%s", said)
		}
	})
}

// named are the keys of doc.
func named(doc string) string {
	var b strings.Builder
	var walk func(n *node)
	walk = func(n *node) {
		for _, e := range n.entries {
			b.WriteString(e.name + "\n")
			walk(e.value)
		}
		for _, item := range n.items {
			walk(item)
		}
	}
	if root := parse(&report{}, []byte(doc)); root != nil {
		walk(root)
	}
	return b.String()
}
