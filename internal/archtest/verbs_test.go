package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// %+v and %#v print every field of a struct, also those that somebody adds later.
func TestNothingPrintsWholeStructs(t *testing.T) {
	for _, p := range list(t) {
		if strings.HasSuffix(p.ImportPath, "test") { // a suite's messages are about made-up values
			continue
		}
		files := token.NewFileSet()
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && (strings.Contains(lit.Value, "%+v") || strings.Contains(lit.Value, "%#v")) {
					t.Errorf("%s: %s prints whole structs: name the fields", files.Position(lit.Pos()), lit.Value)
				}
				return true
			})
		}
	}
}
