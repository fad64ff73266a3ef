package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"keyturn/internal/secret"
	"keyturn/sinks"
)

// object is a JSON file. It is edited by the offsets of its tokens: order, indentation and
// the spelling of numbers and strings that are not ours stay.
type object struct {
	path  []string // names that lead from the outermost object to the one that holds the pair
	names sinks.Variables
}

func (o object) read(text []byte) (held, error) {
	if isEmpty(text) {
		return held{}, nil
	}
	n, missing, err := o.find(text)
	if err != nil || len(missing) > 0 {
		return held{}, err
	}
	id, err := n.text(text, o.names.AccessKeyID)
	if err != nil {
		return held{}, err
	}
	value, err := n.text(text, o.names.SecretAccessKey)
	if err != nil {
		return held{}, err
	}
	return held{id: id, secret: secret.FromString(value), session: n.get(o.names.SessionToken) >= 0}, nil
}

// edit takes one step after the other, and each finds its way anew: the offsets are always
// those of the text at hand.
func (o object) edit(text []byte, p pair) ([]byte, error) {
	if isEmpty(text) {
		text = []byte("{\n}\n")
	}
	out, err := o.remove(text, o.names.SessionToken)
	if err != nil {
		return nil, err
	}
	if out, err = o.set(out, o.names.AccessKeyID, p.id); err != nil {
		return nil, err
	}
	p.secret.Use(func(value []byte) {
		out, err = o.set(out, o.names.SecretAccessKey, string(value))
	})
	return out, err
}

func isEmpty(text []byte) bool { return len(bytes.TrimSpace(text)) == 0 }

// set makes value the string that name has.
func (o object) set(text []byte, name, value string) ([]byte, error) {
	n, missing, err := o.find(text)
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		return n.add(text, missing[0], nested(missing[1:], name, value)), nil
	}
	if _, err := n.text(text, name); err != nil {
		return nil, err
	}
	if i := n.get(name); i >= 0 {
		return splice(text, n.members[i].start, n.members[i].end, quoted(value)), nil
	}
	return n.add(text, name, quoted(value)), nil
}

// nested is an object that holds name at the end of path.
func nested(path []string, name, value string) []byte {
	if len(path) > 0 {
		return slices.Concat([]byte("{"), quoted(path[0]), []byte(": "), nested(path[1:], name, value), []byte("}"))
	}
	return slices.Concat([]byte("{"), quoted(name), []byte(": "), quoted(value), []byte("}"))
}

// quoted is s as a JSON string.
func quoted(s string) []byte {
	b, _ := json.Marshal(s) // a string always marshals
	return b
}

// remove takes name away, and one comma.
func (o object) remove(text []byte, name string) ([]byte, error) {
	n, missing, err := o.find(text)
	if err != nil {
		return nil, err
	}
	i := n.get(name)
	if len(missing) > 0 || i < 0 {
		return text, nil
	}
	if _, err := n.text(text, name); err != nil {
		return nil, err
	}
	start, end := n.members[i].key, n.members[i].end
	switch {
	case i > 0:
		start = n.members[i-1].end
	case len(n.members) > 1:
		end = n.members[1].key
	}
	return splice(text, start, end, nil), nil
}

// find goes to the object that holds the pair; missing is the part of the path that is not there.
func (o object) find(text []byte) (n node, missing []string, err error) {
	var all json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		// The text of a syntax error quotes a character of the file.
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return n, nil, fmt.Errorf("is not valid JSON from byte %d on", syntax.Offset)
		}
		return n, nil, errors.New("is not valid JSON")
	}
	at := len(text) - len(bytes.TrimLeft(text, jsonBlanks))
	if text[at] != '{' {
		return n, nil, errors.New("does not hold a JSON object")
	}
	for depth := 0; ; depth++ {
		if n, err = nodeAt(text, at); err != nil {
			return n, nil, err
		}
		if depth == len(o.path) {
			break
		}
		name := o.path[depth]
		if err := n.once(name); err != nil {
			return n, nil, err
		}
		i := n.get(name)
		if i < 0 {
			return n, o.path[depth:], nil
		}
		if at = n.members[i].start; text[at] != '{' {
			return n, nil, fmt.Errorf("%q is not an object", name)
		}
	}
	return n, nil, n.once(o.names.AccessKeyID, o.names.SecretAccessKey, o.names.SessionToken)
}

const jsonBlanks = " \t\r\n"

// node is a JSON object, by offsets in the text.
type node struct {
	open, close int // of its braces
	members     []member
}

type member struct {
	name       string
	key, colon int // the start of the name, and its end
	start, end int // of the value
}

// nodeAt takes the object apart that starts at offset at of a valid text.
func nodeAt(text []byte, at int) (node, error) {
	dec := json.NewDecoder(bytes.NewReader(text[at:]))
	here := func() int { return at + int(dec.InputOffset()) }
	n := node{open: at}
	if _, err := dec.Token(); err != nil {
		return n, errors.New("is not valid JSON")
	}
	for dec.More() {
		gap := text[here():]
		m := member{key: here() + len(gap) - len(bytes.TrimLeft(gap, jsonBlanks+","))}
		name, err := dec.Token()
		if err != nil {
			return n, errors.New("is not valid JSON")
		}
		m.name, _ = name.(string)
		m.colon = here()
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return n, errors.New("is not valid JSON")
		}
		m.end = here()
		m.start = m.end - len(value)
		n.members = append(n.members, m)
	}
	if _, err := dec.Token(); err != nil {
		return n, errors.New("is not valid JSON")
	}
	n.close = here() - 1
	return n, nil
}

// get is the number of the member called name; -1 if there is none.
func (n node) get(name string) int {
	return slices.IndexFunc(n.members, func(m member) bool { return m.name == name })
}

// once says whether no name is there twice: which one counts differs from reader to reader.
func (n node) once(names ...string) error {
	for _, name := range names {
		count := 0
		for _, m := range n.members {
			if m.name == name {
				count++
			}
		}
		if count > 1 {
			return fmt.Errorf("%q is there %d times", name, count)
		}
	}
	return nil
}

// text is the string that name has; "" if it is null or not there.
func (n node) text(text []byte, name string) (string, error) {
	i := n.get(name)
	if i < 0 {
		return "", nil
	}
	var s *string
	if err := json.Unmarshal(text[n.members[i].start:n.members[i].end], &s); err != nil {
		return "", fmt.Errorf("%q is not a string", name)
	}
	if s == nil {
		return "", nil
	}
	return *s, nil
}

// add puts a member behind the last one, laid out as its neighbours are.
func (n node) add(text []byte, name string, value []byte) []byte {
	if len(n.members) == 0 {
		inner := text[n.open+1 : n.close]
		before, after := []byte(nil), []byte(nil)
		if i := bytes.LastIndexByte(inner, '\n'); i >= 0 {
			after = inner[lineStart(inner, i):]
			before = slices.Concat(after, []byte("  "))
		}
		return splice(text, n.open+1, n.close, slices.Concat(before, quoted(name), []byte(": "), value, after))
	}
	last := n.members[len(n.members)-1]
	colon := text[last.colon:last.start]
	comma := slices.Concat([]byte(","), text[n.open+1:n.members[0].key])
	switch {
	case len(n.members) > 1:
		comma = text[n.members[len(n.members)-2].end:last.key]
	case len(comma) == 1 && len(colon) > 1:
		comma = []byte(", ")
	}
	return splice(text, last.end, last.end, slices.Concat(comma, quoted(name), colon, value))
}

// lineStart is the offset of the line end at i, with its carriage return.
func lineStart(b []byte, i int) int {
	if i > 0 && b[i-1] == '\r' {
		return i - 1
	}
	return i
}
