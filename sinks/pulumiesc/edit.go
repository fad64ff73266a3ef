package pulumiesc

import (
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"keyturn/sinks"
)

var errForm = errors.New("the YAML around the pair cannot be edited in place")

// edited is text with cred at path and no session token beside it. It changes nothing else, or fails.
func edited(text string, path []string, v sinks.Variables, cred sinks.Credential) (out string, err error) {
	defer func() {
		if recover() != nil { // of odd texts the parser tells positions that do not exist
			out, err = "", errForm
		}
	}()
	if _, err := parse(text); err != nil {
		return "", err
	}
	out, err = set(text, path, v.AccessKeyID, string(cred.KeyID), false)
	if err == nil {
		out, err = set(out, path, v.SecretAccessKey, cred.Secret.Reveal(), true)
	}
	if err == nil {
		out, err = remove(out, path, v.SessionToken)
	}
	if errors.Is(err, errNoYAML) {
		return "", errForm // it was, before it was edited
	}
	if err != nil {
		return "", err
	}
	if !holds(out, path, v, cred) || !sameElse(text, out, path, v) {
		return "", errForm
	}
	return out, nil
}

// set gives the value name at path a new text. One that is hidden is never left unencrypted.
func set(text string, path []string, name, to string, hidden bool) (string, error) {
	d, err := parse(text)
	if err != nil {
		return "", err
	}
	p, err := d.place(path)
	if err != nil {
		return "", err
	}
	if len(p.rest) > 0 || entry(p.object, name) == nil {
		return d.insert(p, name, to)
	}
	e := entry(p.object, name)
	now := read(e)
	switch {
	case now.err != nil:
		return "", now.err
	case now.encrypted:
		return d.replace(e.Value.(*ast.MappingNode).Values[0], strconv.Quote(to))
	case hidden:
		return d.replace(e, "{fn::secret: "+strconv.Quote(to)+"}")
	}
	return d.replace(e, strconv.Quote(to))
}

// replace puts the YAML to in place of the value of e. A comment between them stays.
func (d document) replace(e *ast.MappingValueNode, to string) (string, error) {
	from := d.offset(e.GetToken().Position) + 1 // the colon
	start, end := from, from
	if null, ok := e.Value.(*ast.NullNode); !ok || null.GetToken().Origin != " null" {
		start = d.start(e.Value)
		var ok bool
		if end, ok = d.end(e.Value); !ok {
			return "", errForm
		}
	}
	if start < from || end < start {
		return "", errForm
	}
	gap := d.text[from:start]
	if !strings.Contains(gap, "#") {
		gap = " "
	}
	return d.text[:from] + gap + to + d.text[end:], nil
}

// start is the offset of the first character of a node.
func (d document) start(n ast.Node) int {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle {
		return d.start(m.Values[0].Key)
	}
	return d.offset(n.GetToken().Position)
}

// insert adds a value, and the objects on the way to it that are missing.
func (d document) insert(p place, name, to string) (string, error) {
	switch {
	case p.object != nil && p.object.IsFlowStyle:
		return d.insertFlow(p, name, to)
	case p.object != nil:
		first, last := p.object.Values[0], p.object.Values[len(p.object.Values)-1]
		column := first.Key.GetToken().Position.Column - 1
		return d.insertLines(d.after(last), block(p.rest, name, to, column)), nil
	case p.holder != nil:
		at := p.holder.Key.GetToken().Position
		return d.insertLines(d.line(at)+1, block(p.rest, name, to, at.Column+1)), nil
	}
	return d.insertLines(len(d.lines), block(p.rest, name, to, 0)), nil
}

func (d document) insertFlow(p place, name, to string) (string, error) {
	at, comma := d.offset(p.object.Start.Position)+1, ""
	if n := len(p.object.Values); n > 0 {
		var ok bool
		if at, ok = d.end(p.object.Values[n-1].Value); !ok {
			return "", errForm
		}
		comma = ", "
	}
	object := name + ": {fn::secret: " + strconv.Quote(to) + "}"
	for _, key := range slices.Backward(p.rest) {
		object = key + ": {" + object + "}"
	}
	return d.text[:at] + comma + object + d.text[at:], nil
}

// block is a value, below the objects of path, as lines.
func block(path []string, name, to string, indent int) string {
	var b strings.Builder
	line := func(s string) {
		b.WriteString(strings.Repeat(" ", indent) + s + "\n")
		indent += 2
	}
	for _, key := range path {
		line(key + ":")
	}
	line(name + ":")
	line("fn::secret: " + strconv.Quote(to))
	return b.String()
}

// insertLines puts lines before the line number n.
func (d document) insertLines(n int, lines string) string {
	if n < len(d.lines) {
		return d.text[:d.lines[n]] + lines + d.text[d.lines[n]:]
	}
	if d.text != "" && !strings.HasSuffix(d.text, "\n") {
		return d.text + "\n" + lines
	}
	return d.text + lines
}

// after is the number of the line that follows an entry in block style: its own lines are indented deeper than it is.
func (d document) after(e *ast.MappingValueNode) int {
	at := e.Key.GetToken().Position
	last := d.line(at)
	for n := last + 1; n < len(d.lines); n++ {
		line := d.text[d.lines[n]:]
		line, _, _ = strings.Cut(line, "\n")
		body := strings.TrimLeft(line, " ")
		depth := len(line) - len(body)
		switch {
		case strings.TrimSpace(body) == "":
		case depth >= at.Column, depth == at.Column-1 && strings.HasPrefix(body, "- "):
			last = n
		case !strings.HasPrefix(body, "#"):
			return last + 1
		}
	}
	return last + 1
}

// remove takes the value name at path out, with its lines.
func remove(text string, path []string, name string) (string, error) {
	d, err := parse(text)
	if err != nil {
		return "", err
	}
	p, err := d.place(path)
	if err != nil {
		return "", err
	}
	e := entry(p.object, name)
	if len(p.rest) > 0 || e == nil {
		return text, nil
	}
	if !p.object.IsFlowStyle {
		from, to := d.line(e.Key.GetToken().Position), d.after(e)
		if to >= len(d.lines) {
			return d.text[:d.lines[from]], nil
		}
		return d.text[:d.lines[from]] + d.text[d.lines[to]:], nil
	}
	end, ok := d.end(e.Value)
	if !ok {
		return "", errForm
	}
	before, after := d.text[:d.start(e.Key)], d.text[end:]
	if rest, comma := strings.CutPrefix(strings.TrimLeft(after, " "), ","); comma {
		return before + strings.TrimLeft(rest, " "), nil
	}
	return strings.TrimSuffix(strings.TrimRight(before, " "), ",") + after, nil
}

// holds says whether text has cred in it and no session token beside it.
func holds(text string, path []string, v sinks.Variables, cred sinks.Credential) bool {
	d, err := parse(text)
	if err != nil {
		return false
	}
	id, err1 := d.at(path, v.AccessKeyID)
	value, err2 := d.at(path, v.SecretAccessKey)
	session, err3 := d.at(path, v.SessionToken)
	return err1 == nil && err2 == nil && err3 == nil && session == nil &&
		read(id).text == string(cred.KeyID) && cred.Secret.EqualString(read(value).text)
}

// sameElse says whether two definitions are the same but for the pair: names, values and their order.
func sameElse(before, after string, path []string, v sinks.Variables) bool {
	own := []string{v.AccessKeyID, v.SecretAccessKey, v.SessionToken}
	var was, is any
	for text, out := range map[string]*any{before: &was, after: &is} {
		if yaml.UnmarshalWithOptions([]byte(masked(text)), out, yaml.UseOrderedMap()) != nil {
			return false
		}
	}
	return before == after || reflect.DeepEqual(without(was, path, own), without(is, path, own))
}

// without is a definition with the entries names at path taken out, and what is empty then.
func without(v any, path, names []string) any {
	m, ok := v.(yaml.MapSlice)
	if !ok {
		return v
	}
	var rest yaml.MapSlice
	for _, item := range m {
		name, _ := item.Key.(string)
		switch {
		case len(path) == 0 && slices.Contains(names, name):
			continue
		case len(path) > 0 && name == path[0]:
			item.Value = without(item.Value, path[1:], names)
			if item.Value == nil {
				continue
			}
		}
		rest = append(rest, item)
	}
	if len(rest) == 0 {
		return nil
	}
	return rest
}
