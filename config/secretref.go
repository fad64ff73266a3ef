package config

import (
	"regexp"
	"strings"

	"keyturn/internal/secret"
)

const howToRefer = "use {env: NAME}, {file: PATH} or {command: [..]}"

// ref reads a reference to a secret. Somebody may have put the secret itself here, as a text or as a key:
// no message shows either.
func (d decoder) ref(n *node, p path, v *secret.Ref) {
	switch n.shape {
	case nothing:
		d.fail(n.place(), p, "has no value; %s", howToRefer)
		return
	case text, number, boolean:
		d.fail(n.at, p, "a literal secret is refused; %s", howToRefer)
		return
	case list:
		d.fail(n.place(), p, "not a reference to a secret; %s", howToRefer)
		return
	}
	if len(n.entries) != 1 {
		d.fail(n.place(), p, "exactly one of env, file and command is needed; %s", howToRefer)
		return
	}
	var got secret.Ref // one over another replaces it as a whole
	e := n.entries[0]
	q := p.add(e.name)
	switch e.name {
	case "env":
		got.Env = d.refText(e.value, q)
		if got.Env != "" && !isVariable(got.Env) {
			d.fail(e.value.at, q, "not the name of a variable")
		}
	case "file":
		got.File = d.refText(e.value, q)
	case "command":
		got.Command = d.refCommand(e.value, q)
	default:
		d.fail(n.place(), p, "not a reference to a secret; %s", howToRefer)
	}
	*v = got
}

func (d decoder) refText(n *node, p path) string {
	if !d.expect(n, p, text) {
		return ""
	}
	if n.text == "" {
		d.fail(n.at, p, "must not be empty")
	}
	return n.text
}

func (d decoder) refCommand(n *node, p path) []string {
	if !d.expect(n, p, list) {
		return nil
	}
	if len(n.items) == 0 {
		d.fail(n.place(), p, "must not be empty")
	}
	var out []string
	for i, item := range n.items {
		if d.expect(item, p.item(i), text) {
			out = append(out, item.text)
		}
	}
	if len(out) > 0 && out[0] == "" {
		d.fail(n.items[0].at, p.item(0), "must not be empty")
	}
	return out
}

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// isVariable looks at a name whose placeholders are not expanded yet.
func isVariable(s string) bool {
	return variable.MatchString(strings.NewReplacer("${", "_", "}", "").Replace(s))
}
