package pulumiesc

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// value is what an entry holds.
type value struct {
	there     bool
	encrypted bool // below fn::secret
	text      string
	err       error // it is no text of its own
}

// read looks at an entry of a definition, which is decrypted if the text is to be the value.
func read(e *ast.MappingValueNode) value {
	if e == nil {
		return value{}
	}
	v := value{there: true}
	node := e.Value
	if m, ok := node.(*ast.MappingNode); ok {
		inner := entry(m, fnSecret)
		if inner == nil || len(m.Values) != 1 {
			v.err = fmt.Errorf("%s holds something else than a text or fn::secret", key(e))
			return v
		}
		v.encrypted, node = true, inner.Value
	}
	switch n := node.(type) {
	case *ast.NullNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
	case *ast.StringNode:
		v.text = n.Value
	case *ast.LiteralNode:
		v.text = n.Value.Value
	case *ast.MappingNode:
		if !v.encrypted { // else it is a ciphertext
			v.err = fmt.Errorf("%s holds something else than a text or fn::secret", key(e))
		}
	default:
		v.err = fmt.Errorf("%s holds something else than a text or fn::secret", key(e))
	}
	if !v.encrypted && strings.Contains(v.text, "${") {
		v.err = fmt.Errorf("%s refers to another value: set path and variables to where that one is", key(e))
	}
	return v
}
