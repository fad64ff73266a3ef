package file

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"keyturn/internal/secret"
	"keyturn/sinks"
)

// dotenv is a file of KEY=value lines, as docker, systemd, shells and dotenv libraries
// read it. They differ in quoting and line continuation: a file is refused where that
// would matter for a line that is ours.
type dotenv struct{ names sinks.Variables }

func (d dotenv) read(text []byte) (held, error) {
	vars, err := d.variables(splitLines(text), text)
	if err != nil {
		return held{}, err
	}
	h := held{}
	if v, ok := vars[d.names.AccessKeyID]; ok {
		h.id = string(v.value)
	}
	if v, ok := vars[d.names.SecretAccessKey]; ok {
		h.secret = secret.New(v.value)
	}
	_, h.session = vars[d.names.SessionToken]
	return h, nil
}

func (d dotenv) edit(text []byte, p pair) ([]byte, error) {
	lines := splitLines(text)
	vars, err := d.variables(lines, text)
	if err != nil {
		return nil, err
	}
	ch := newChanges()
	if v, ok := vars[d.names.SessionToken]; ok {
		ch.removed[v.line] = true
	}
	at, before, quote := d.place(lines, vars)
	p.secret.Use(func(value []byte) {
		for _, w := range []struct {
			name  string
			value []byte
		}{{d.names.AccessKeyID, []byte(p.id)}, {d.names.SecretAccessKey, value}} {
			if v, ok := vars[w.name]; ok {
				ch.replaced[v.line] = splice(lines[v.line].body, v.start, v.end, w.value)
				continue
			}
			ch.after[at] = append(ch.after[at], slices.Concat(before, []byte(w.name+"="), quote, w.value, quote))
		}
	})
	return joinLines(ch.apply(lines), terminated(text)), nil
}

// place is the line behind which a missing variable goes, what stands before its name, and
// its quotes: as beside the other one; at the end, with export if every variable has it.
func (d dotenv) place(lines []line, vars map[string]variable) (at int, before, quote []byte) {
	for _, name := range []string{d.names.AccessKeyID, d.names.SecretAccessKey} {
		if v, ok := vars[name]; ok {
			return v.line, v.before, v.quote
		}
	}
	var exported, bare int
	for _, l := range lines {
		switch m := assignment.FindSubmatch(l.body); {
		case m == nil:
		case bytes.HasPrefix(trimBlanks(m[1]), []byte("export")):
			exported++
		default:
			bare++
		}
	}
	if exported > 0 && bare == 0 {
		before = []byte("export ")
	}
	return len(lines) - 1, before, nil
}

// variable is an assignment that is ours.
type variable struct {
	line       int
	start, end int    // of the value in the line, without quotes
	before     []byte // what stands before the name
	quote      []byte // around the value
	value      []byte
}

// assignment: what stands before the name; the name; = and blanks; the rest.
var assignment = regexp.MustCompile(`^([ \t]*(?:export[ \t]+)?)([A-Za-z_][A-Za-z0-9_.-]*)([ \t]*[=:][ \t]*)(.*)$`)

// variables finds what is ours.
func (d dotenv) variables(lines []line, text []byte) (map[string]variable, error) {
	if err := plain(text); err != nil {
		return nil, err
	}
	vars := map[string]variable{}
	quote, opened := byte(0), 0 // a quoted value of several lines
	continued := false          // the line before ends with a backslash
	for i, l := range lines {
		m := assignment.FindSubmatchIndex(l.body)
		name := ""
		if m != nil {
			name = string(l.body[m[4]:m[5]])
		}
		ours := name == d.names.AccessKeyID || name == d.names.SecretAccessKey || name == d.names.SessionToken
		switch {
		case ours && quote != 0:
			return nil, fmt.Errorf("line %d: %s stands in a quoted value that starts in line %d", i+1, name, opened)
		case ours && continued:
			return nil, fmt.Errorf("line %d: %s stands behind a line that ends with a backslash", i+1, name)
		case quote != 0:
			if closing(l.body, quote) >= 0 {
				quote = 0
			}
		case ours:
			if first, ok := vars[name]; ok {
				return nil, fmt.Errorf("line %d: %s is set a second time; it is set in line %d already", i+1, name, first.line+1)
			}
			v, err := variableOf(i, l.body, m)
			if err != nil {
				return nil, fmt.Errorf("line %d: %s %w", i+1, name, err)
			}
			vars[name] = v
		case m != nil && m[8] < len(l.body) && isQuote(l.body[m[8]]) && closing(l.body[m[8]+1:], l.body[m[8]]) < 0:
			quote, opened = l.body[m[8]], i+1
		}
		continued = bytes.HasSuffix(l.body, []byte(`\`))
	}
	switch {
	case quote != 0:
		return nil, fmt.Errorf("line %d: a quoted value is not closed", opened)
	case continued:
		return nil, errors.New("the last line ends with a backslash")
	}
	return vars, nil
}

// variableOf takes a line apart. It refuses what is more than one plain value, because a
// shell, docker and a dotenv library would each read it differently.
func variableOf(i int, body []byte, m []int) (variable, error) {
	v := variable{line: i, start: m[8], before: body[m[2]:m[3]]}
	if bytes.IndexByte(body[m[6]:m[7]], ':') >= 0 {
		return v, errors.New("is set with a colon")
	}
	rest := body[m[8]:]
	if len(rest) > 0 && (rest[0] == '"' || rest[0] == '\'') {
		n := closing(rest[1:], rest[0])
		if n < 0 {
			return v, errors.New("has a quoted value of several lines")
		}
		v.quote = rest[:1]
		v.start++
		v.end = v.start + n
		if tail := rest[n+2:]; !isTail(tail) {
			return v, errors.New("has more behind its quoted value")
		}
	} else {
		value := rest
		if at := commentIn(body, m[8]); at >= 0 {
			value = body[m[8]:at]
		}
		value = bytes.TrimRight(value, " \t")
		if bytes.ContainsAny(value, " \t\"'`\\$;&|()<>") {
			return v, errors.New("is not one plain value")
		}
		v.end = v.start + len(value)
	}
	v.value = body[v.start:v.end]
	return v, nil
}

// commentIn is where a comment behind an unquoted value starts: a # with a blank before it.
func commentIn(body []byte, from int) int {
	for i := from; i < len(body); i++ {
		if body[i] == '#' && i > 0 && isBlank(body[i-1]) {
			return i
		}
	}
	return -1
}

// isTail says whether nothing but a comment follows a quoted value.
func isTail(b []byte) bool {
	t := trimBlanks(b)
	return len(t) == 0 || t[0] == '#' && len(b) > 0 && isBlank(b[0])
}

func isQuote(c byte) bool { return c == '"' || c == '\'' || c == '`' }

// closing is where quote ends in b; -1 if it does not. A backslash hides a double quote.
func closing(b []byte, quote byte) int {
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '\\' && quote == '"':
			i++
		case b[i] == quote:
			return i
		}
	}
	return -1
}
