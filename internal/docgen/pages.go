package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"keyturn/config"
	"keyturn/internal/app"
)

const mark = "<!-- Written by go run ./internal/docgen. Do not edit. -->\n"

// pages are the texts by file, from the module's root.
func pages(root string) (map[string]string, error) {
	out := map[string]string{"docs/config.md": configPage()}
	for _, s := range app.Kinds() {
		out["docs/sinks/"+s.Kind+".md"] = mark + "\n" + app.SinkPage(s)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		return nil, err
	}
	out["README.md"], err = between(string(readme), sinksTable())
	return out, err
}

func configPage() string {
	return "# Configuration\n\n" + mark + configHead + app.FieldTable(config.Reference()) + configTail
}

const configHead = `
One YAML file: ` + "`--config`" + `, else ` + "`KEYTURN_CONFIG`" + `, else ` + "`keyturn.yaml`" + `, else ` + "`/etc/keyturn/keyturn.yaml`" + `. It is strict: an unknown
key is an error with file, line, column and the nearest valid name, and all errors are shown at once.

- Durations are Go's, plus ` + "`d`" + `: ` + "`90d`, `1h30m`" + `.
- A secret is a reference and never a value: ` + "`{ env: NAME }`, `{ file: PATH }` or `{ command: [..] }`" + `. Those of a sink are resolved
  when the sink is opened: a missing token file fails that robot and no other.
- ` + "`${robot}`, `${user}`, `${account}` and `${rotation}`" + ` may stand in names and paths of sinks.
- Endpoints of AWS are the SDK's own: ` + "`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_IAM`, `AWS_ENDPOINT_URL_STS`" + `.

## Every key

`

const configTail = `
The keys of each kind of sink: [sinks](sinks/).

## The seal

A new secret is encrypted in the journal until every required sink serves it. ` + "`keyturn seal keygen FILE`" + ` makes a key. To
change it: make a new one, put it here, and run ` + "`keyturn seal reseal --old OLDFILE`" + `. Keep a copy of the key apart from the
journal's backups: whoever has both can read what is pending.

## Sinks of a robot

` + "`sinks: [vault, { sink: github, with: { .. }, required: false, min_evidence: accepted }]`" + `: a name, or a map that adds to or overrides
what the named sink says. The old key waits for every required sink. ` + "`min_evidence`" + ` is how well a sink must be shown to serve the new key,
weakest first: ` + "`accepted`" + ` (the store said yes), ` + "`stamped`" + ` (a version or update time moved with our write; the default), ` + "`partial`" + ` (a
fragment is shown and matches), ` + "`exact`" + ` (read back and equal).
`

const (
	tableBegin = "<!-- sinks: written by go run ./internal/docgen -->\n"
	tableEnd   = "<!-- end of sinks -->\n"
)

func sinksTable() string {
	var b strings.Builder
	b.WriteString("| kind | what it writes | best evidence | verified against |\n| --- | --- | --- | --- |\n")
	for _, s := range app.Kinds() {
		fmt.Fprintf(&b, "| [`%s`](docs/sinks/%s.md) | %s | `%s` | %s |\n", s.Kind, s.Kind, s.Summary, s.Best, s.Verified)
	}
	return b.String()
}

// between puts text between the marks.
func between(page, text string) (string, error) {
	before, rest, ok := strings.Cut(page, tableBegin)
	_, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		return "", fmt.Errorf("README.md: the marks of the table of sinks are missing")
	}
	return before + tableBegin + text + tableEnd + after, nil
}
