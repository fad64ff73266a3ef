package pulumiesc

import (
	"errors"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// document is the text of a definition and where its nodes stand in it. Editing works on the text, so that what is
// not edited stays as it is; the tree only says where.
type document struct {
	text  string
	lines []int    // offset of each line
	body  ast.Node // nil: nothing but comments
}

// fnSecret is the key of an encrypted value, as masked leaves it.
const fnSecret = "fn__secret"

var errNoYAML = errors.New("the definition is not one YAML document that can be read")

func parse(text string) (d document, err error) {
	defer func() {
		if recover() != nil { // the parser is not proof against every text
			d, err = document{}, errNoYAML
		}
	}()
	f, err := parser.ParseBytes([]byte(masked(text)), parser.ParseComments)
	if err != nil || len(f.Docs) != 1 { // the parser's own text quotes the definition
		return document{}, errNoYAML
	}
	d = document{text: text, lines: []int{0}, body: f.Docs[0].Body}
	for i := range len(text) {
		if text[i] == '\n' {
			d.lines = append(d.lines, i+1)
		}
	}
	return d, nil
}

// masked is text with another character for each colon inside a word: the parser takes it for the end of a key between
// braces ({fn::secret: x}), where YAML does not. Nothing moves by that, and no value that matters here has a colon.
func masked(text string) string {
	b := []byte(text)
	for i, c := range b {
		if c != ':' || i+1 == len(b) || strings.IndexByte(" \t\r\n,]}", text[i+1]) >= 0 {
			continue
		}
		if i > 0 && strings.IndexByte(`"'`, text[i-1]) < 0 {
			b[i] = '_'
		}
	}
	return string(b)
}

// offset is where a token starts.
func (d document) offset(p *token.Position) int {
	if p == nil || p.Line < 1 || p.Line > len(d.lines) {
		return len(d.text)
	}
	at := d.lines[p.Line-1]
	column := 1
	for i := range d.text[at:] {
		if column == p.Column {
			return at + i
		}
		column++
	}
	return len(d.text)
}

// line is the number of the line, from 0, in which a token starts.
func (d document) line(p *token.Position) int { return min(p.Line, len(d.lines)) - 1 }

// key is the name of an entry.
func key(e *ast.MappingValueNode) string { return e.Key.GetToken().Value }

// entry is that of an object with the name; nil if there is none.
func entry(m *ast.MappingNode, name string) *ast.MappingValueNode {
	if m == nil {
		return nil
	}
	for _, e := range m.Values {
		if key(e) == name {
			return e
		}
	}
	return nil
}

// place is the object at a path, or as much of the way to it as there is.
type place struct {
	object *ast.MappingNode      // nil: what is there is empty
	holder *ast.MappingValueNode // whose value it is; nil: it is the document
	rest   []string              // what is missing below it
}

// errNotObject is made with the path that does not lead to an object.
type errNotObject string

func (e errNotObject) Error() string { return string(e) + " is not an object that can be edited" }

func (d document) place(path []string) (place, error) {
	p, node := place{rest: path}, d.body
	for {
		switch n := node.(type) {
		case nil, *ast.NullNode, *ast.CommentGroupNode:
			return p, nil
		case *ast.MappingNode:
			p.object = n
		default:
			return place{}, errNotObject(strings.Join(path[:len(path)-len(p.rest)], "."))
		}
		if len(p.rest) == 0 {
			return p, nil
		}
		e := entry(p.object, p.rest[0])
		if e == nil {
			return p, nil
		}
		p, node = place{holder: e, rest: p.rest[1:]}, e.Value
	}
}

// at is the entry name of the object at path; nil if there is none.
func (d document) at(path []string, name string) (*ast.MappingValueNode, error) {
	p, err := d.place(path)
	if err != nil || len(p.rest) > 0 {
		return nil, err
	}
	return entry(p.object, name), nil
}

// end is the offset after a node. It is false for forms whose end the tree does not tell.
func (d document) end(n ast.Node) (int, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		if n.IsFlowStyle {
			return d.offset(n.End.Position) + 1, true
		}
		return d.end(n.Values[len(n.Values)-1].Value)
	case *ast.LiteralNode, *ast.SequenceNode, *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return 0, false
	}
	t := n.GetToken()
	from := d.offset(t.Position)
	if t.Type == token.DoubleQuoteType || t.Type == token.SingleQuoteType {
		return closing(d.text, from)
	}
	word := strings.TrimSpace(t.Origin)
	return from + len(word), strings.HasPrefix(masked(d.text)[from:], word)
}

// closing is the offset after the quoted text that starts at from.
func closing(text string, from int) (int, bool) {
	for i := from + 1; i < len(text); i++ {
		switch {
		case text[from] == '"' && text[i] == '\\':
			i++
		case text[i] != text[from]:
		case text[from] == '\'' && i+1 < len(text) && text[i+1] == '\'':
			i++
		default:
			return i + 1, true
		}
	}
	return 0, false
}
