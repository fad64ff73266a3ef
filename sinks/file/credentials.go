package file

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"keyturn/internal/secret"
)

// The names are fixed by the AWS SDKs. aws_security_token is the older name of
// aws_session_token, which botocore still prefers.
const (
	iniKeyID    = "aws_access_key_id"
	iniSecret   = "aws_secret_access_key"
	iniSession  = "aws_session_token"
	iniSecurity = "aws_security_token"
)

// credentials is the AWS shared credentials file.
type credentials struct{ profile string }

func (c credentials) read(text []byte) (held, error) {
	s, err := c.section(splitLines(text), text)
	if err != nil {
		return held{}, err
	}
	h := held{session: s.has(iniSession) || s.has(iniSecurity)}
	if f, ok := s.fields[iniKeyID]; ok {
		h.id = string(f.value)
	}
	if f, ok := s.fields[iniSecret]; ok {
		h.secret = secret.New(f.value)
	}
	return h, nil
}

func (c credentials) edit(text []byte, p pair) ([]byte, error) {
	lines := splitLines(text)
	s, err := c.section(lines, text)
	if err != nil {
		return nil, err
	}
	ch := newChanges()
	for _, name := range []string{iniSession, iniSecurity} {
		if f, ok := s.fields[name]; ok {
			ch.removed[f.line] = true
		}
	}
	at, indent := s.place(len(lines) - 1)
	p.secret.Use(func(value []byte) {
		var added [][]byte
		if s.header < 0 {
			added = c.newHeader(lines)
		}
		for _, w := range []struct {
			name  string
			value []byte
		}{{iniKeyID, []byte(p.id)}, {iniSecret, value}} {
			if f, ok := s.fields[w.name]; ok {
				ch.replaced[f.line] = splice(lines[f.line].body, f.start, f.end, w.value)
				continue
			}
			added = append(added, slices.Concat(indent, []byte(w.name+" = "), w.value))
		}
		ch.after[at] = added
	})
	return joinLines(ch.apply(lines), terminated(text)), nil
}

// newHeader is what comes before a profile that is added at the end.
func (c credentials) newHeader(lines []line) [][]byte {
	header := []byte("[" + c.profile + "]")
	if len(lines) == 0 || len(trimBlanks(lines[len(lines)-1].body)) == 0 {
		return [][]byte{header}
	}
	return [][]byte{nil, header}
}

// section is the profile's part of a file.
type section struct {
	header int    // its line; -1 if there is none
	indent []byte // of its first setting
	fields map[string]field
}

// field is a setting that is ours.
type field struct {
	line       int
	start, end int // of the value in the line
	indent     []byte
	value      []byte
}

func (s section) has(name string) bool { _, ok := s.fields[name]; return ok }

// place is the line behind which a missing setting goes, and its indentation: beside the
// other one, below the header, or at the end.
func (s section) place(last int) (int, []byte) {
	for _, name := range []string{iniKeyID, iniSecret} {
		if f, ok := s.fields[name]; ok {
			return f.line, f.indent
		}
	}
	if s.header < 0 {
		return last, nil
	}
	return s.header, s.indent
}

// section finds the profile. The two families of readers, Python's configparser (AWS CLI,
// boto3) and the SDKs' own grammar, differ about indented lines and odd headers. Both
// are followed, and a file is refused where they disagree about a line that is ours.
func (c credentials) section(lines []line, text []byte) (section, error) {
	s := section{header: -1, fields: map[string]field{}}
	if err := plain(text); err != nil {
		return s, err
	}
	py, sdk := pythonReader{profile: c.profile}, sdkReader{profile: c.profile}
	afterOurs, afterHeader := false, false
	for i, l := range lines {
		if b := trimBlanks(l.body); len(b) == 0 || b[0] == '#' || b[0] == ';' {
			continue
		}
		p, q := py.read(l.body), sdk.read(l.body)
		if p.header != q.header {
			return s, fmt.Errorf("line %d: readers disagree on whether the profile starts here", i+1)
		}
		if afterOurs && (p.kind == more || q.kind == more) {
			return s, fmt.Errorf("line %d: continues the value of a setting that is to be changed", i+1)
		}
		if afterHeader && p.kind == option {
			s.indent = indentOf(l.body)
		}
		afterOurs, afterHeader = false, p.header
		switch {
		case p.header && s.header >= 0:
			return s, fmt.Errorf("line %d: the profile starts a second time; it starts in line %d already", i+1, s.header+1)
		case p.header:
			s.header = i
		case p.ours != q.ours:
			return s, fmt.Errorf("line %d: readers disagree on whether this belongs to the profile", i+1)
		case p.ours == "":
		case s.has(p.ours):
			return s, fmt.Errorf("line %d: %s is set a second time; it is set in line %d already", i+1, p.ours, s.fields[p.ours].line+1)
		default:
			afterOurs = true
			s.fields[p.ours] = fieldOf(i, l.body)
		}
	}
	return s, nil
}

// fieldOf finds the value in a line that is known to be a setting.
func fieldOf(i int, body []byte) field {
	limit := commentStart(body)
	start := bytes.IndexAny(body, "=:") + 1
	for start < limit && isBlank(body[start]) {
		start++
	}
	limit = max(start, limit)
	end := start + len(bytes.TrimRight(body[start:limit], " \t"))
	return field{line: i, start: start, end: end, indent: indentOf(body), value: body[start:end]}
}

// commentStart is where a comment behind a value starts, with the blank before it.
func commentStart(body []byte) int {
	for i := 0; i+1 < len(body); i++ {
		if isBlank(body[i]) && (body[i+1] == '#' || body[i+1] == ';') {
			return i
		}
	}
	return len(body)
}

// What a reader takes a line for.
const (
	nothing = iota
	heading
	option
	more // of the value before
)

// meaning is what one reader makes of a line.
type meaning struct {
	kind   int
	header bool   // the profile starts here
	ours   string // the setting of the profile that this is, if it is one of ours
}

func ourName(key []byte) string {
	switch name := strings.ToLower(string(trimBlanks(key))); name {
	case iniKeyID, iniSecret, iniSession, iniSecurity:
		return name
	}
	return ""
}

// pythonReader is configparser.RawConfigParser as botocore uses it: an indented line
// continues the setting before it, whatever it looks like.
type pythonReader struct {
	profile string
	inside  bool
	open    bool // a setting can be continued
	indent  int
}

func (r *pythonReader) read(body []byte) meaning {
	indent := len(indentOf(body))
	if r.open && indent > r.indent {
		return meaning{kind: more}
	}
	r.indent = indent
	text := trimBlanks(body)
	if last := bytes.LastIndexByte(text, ']'); text[0] == '[' && last > 1 {
		r.inside, r.open = string(text[1:last]) == r.profile, false
		return meaning{kind: heading, header: r.inside}
	}
	at := bytes.IndexAny(text, "=:")
	if at <= 0 {
		return meaning{}
	}
	r.open = true
	m := meaning{kind: option}
	if r.inside {
		m.ours = ourName(text[:at])
	}
	return m
}

// sdkReader is the grammar of the AWS SDKs for Go, Java and others: a header is a header
// however it is indented, and an indented setting is nested only below an empty one.
type sdkReader struct {
	profile string
	inside  bool
	open    bool // there is a setting before
	empty   bool // and it has no value
}

func (r *sdkReader) read(body []byte) meaning {
	text := body
	if at := bytes.IndexAny(text, "#;"); at >= 0 {
		text = text[:at]
	}
	if text = trimBlanks(text); len(text) > 1 && text[0] == '[' && text[len(text)-1] == ']' {
		r.inside, r.open = string(trimBlanks(text[1:len(text)-1])) == r.profile, false
		return meaning{kind: heading, header: r.inside}
	}
	indented := isBlank(body[0])
	line := body
	if !indented {
		line = body[:commentStart(body)]
	}
	at := bytes.IndexAny(line, "=:")
	switch {
	case indented && r.open && (at < 0 || r.empty):
		return meaning{kind: more}
	case at < 0:
		return meaning{}
	}
	value := string(fieldOf(0, body).value)
	r.open, r.empty = true, value == "" || value == `""` || value == "''"
	m := meaning{kind: option}
	if r.inside {
		m.ours = ourName(line[:at])
	}
	return m
}
