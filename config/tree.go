package config

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds on a document. The YAML parser takes time in the square of the depth and of the number of keys.
const (
	MaxSize   = 1 << 20
	maxDepth  = 32
	maxTokens = 100_000
)

// parse turns a document into nodes. What makes YAML hard to read or to bound is refused: anchors, aliases,
// merge keys, tags, directives, keys that are not scalars, several documents.
func parse(r *report, data []byte) (root *node) {
	start := pos{1, 1}
	switch {
	case len(data) > MaxSize:
		r.fail(pos{}, nil, "larger than %d bytes", MaxSize)
		return nil
	case !utf8.Valid(data):
		r.fail(pos{}, nil, "not UTF-8 text")
		return nil
	}
	defer func() {
		if recover() != nil { // what the parser says may quote the document
			r.fail(start, nil, "not valid YAML")
			root = nil
		}
	}()
	tokens := lexer.Tokenize(string(bytes.TrimPrefix(data, []byte("\ufeff"))))
	if !admit(r, tokens) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		syntax(r, err)
		return nil
	}
	var body ast.Node
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case body != nil:
			r.fail(position(doc.Body), nil, "a second document: there must be only one")
			return nil
		default:
			body = doc.Body
		}
	}
	if body == nil {
		r.fail(start, nil, "the document is empty")
		return nil
	}
	t := tree{r}
	root = t.node(body, nil)
	if root.shape == nothing {
		r.fail(start, nil, "the document is empty")
		return nil
	}
	if root.shape != mapping {
		r.fail(root.at, nil, "must be a map of keys and values")
		return nil
	}
	return root
}

// admit refuses by token what the parser, or its reader, should not see.
func admit(r *report, tokens token.Tokens) bool {
	if len(tokens) > maxTokens {
		r.fail(pos{}, nil, "more than %d words and signs", maxTokens)
		return false
	}
	before := len(r.errs)
	flow, dashes, line := 0, 0, 0
	for _, tk := range tokens {
		at := pos{tk.Position.Line, tk.Position.Column}
		if at.line != line {
			line, dashes = at.line, 0
		}
		switch tk.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		case token.SequenceEntryType:
			dashes++
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			r.fail(at, nil, "anchors, aliases and merge keys are not supported; share with defaults: and named sinks, and put text that begins with & or * in quotes")
		case token.TagType:
			r.fail(at, nil, "tags are not supported; put text that begins with ! in quotes")
		case token.DirectiveType:
			r.fail(at, nil, "directives are not supported; put text that begins with %% in quotes")
		case token.MappingKeyType:
			r.fail(at, nil, "keys written with ? are not supported; put text that begins with ? in quotes")
		case token.InvalidType:
			r.fail(at, nil, "%s", explain(tk.Error))
			return false
		}
		if flow+dashes > maxDepth {
			r.fail(at, nil, "nested deeper than %d levels", maxDepth)
			return false
		}
	}
	return len(r.errs) == before
}

// syntax reports the parser's error without the line of source that its text quotes.
func syntax(r *report, err error) {
	var e yaml.Error
	if !errors.As(err, &e) || e.GetToken() == nil {
		r.fail(pos{1, 1}, nil, "not valid YAML")
		return
	}
	at := e.GetToken().Position
	r.fail(pos{at.Line, at.Column}, nil, "%s", explain(e.GetMessage()))
}

// explain is a message of the parser, of which those with a part of the document have it in quotes.
func explain(msg string) string {
	switch {
	case strings.HasSuffix(msg, "is a reserved character"):
		return "not valid YAML: text that begins with @ or ` must be in quotes"
	case msg == "" || strings.ContainsAny(msg, "\"\n"):
		return "not valid YAML"
	}
	return "not valid YAML: " + strings.ReplaceAll(msg, "\t", "tab")
}

// tree makes nodes of the parser's.
type tree struct{ r *report }

func (t tree) node(y ast.Node, p path) *node {
	n := &node{at: position(y)}
	if len(p) > maxDepth {
		t.r.fail(n.at, nil, "nested deeper than %d levels", maxDepth)
		return n
	}
	switch y := y.(type) {
	case *ast.NullNode:
	case *ast.StringNode:
		n.shape, n.text = text, y.Value
	case *ast.LiteralNode:
		n.shape, n.text = text, y.Value.Value
	case *ast.BoolNode:
		n.shape, n.text = boolean, y.Token.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		n.shape, n.text = number, y.GetToken().Value
	case *ast.MappingNode:
		n.shape = mapping
		for _, v := range y.Values {
			t.entry(n, v, p)
		}
	case *ast.MappingValueNode:
		n.shape = mapping
		t.entry(n, y, p)
	case *ast.SequenceNode:
		n.shape = list
		for i, v := range y.Values {
			n.items = append(n.items, t.node(v, p.item(i)))
		}
	default:
		t.r.fail(n.at, p, "not a text, a number, true or false, a map or a list")
	}
	return n
}

func (t tree) entry(n *node, v *ast.MappingValueNode, p path) {
	at := position(v.Key)
	name, ok := keyName(v.Key)
	if !ok {
		t.r.fail(at, p, "a key must be a name")
		return
	}
	if first := n.get(name); first != nil {
		t.r.fail(at, p.add(name), "duplicate key, first given on line %d", first.key.line)
		return
	}
	value := t.node(v.Value, p.add(name))
	value.key = at
	if value.shape == nothing {
		value.at = at // the parser makes up a place for what is not there
	}
	n.put(name, value)
}

// keyName takes numbers and true as they are written: a robot may be called 42.
func keyName(key ast.MapKeyNode) (string, bool) {
	switch k := key.(type) {
	case *ast.StringNode:
		return k.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return k.GetToken().Value, true
	}
	return "", false
}

// position is where a value begins. The parser's own token of a block map is the colon after its first key.
func position(y ast.Node) pos {
	switch n := y.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return position(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return position(n.Key)
	}
	tk := y.GetToken()
	if tk == nil || tk.Position == nil {
		return pos{1, 1}
	}
	return pos{tk.Position.Line, tk.Position.Column}
}
