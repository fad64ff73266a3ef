package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// What runs before main, and what one part of a program can change under another, cannot be seen where it matters.
func TestNothingHappensBeforeMainAndNoMapIsShared(t *testing.T) {
	for _, p := range list(t) {
		files := token.NewFileSet()
		var parsed []*ast.File
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			parsed = append(parsed, f)
		}
		shared := packageMaps(parsed)
		for _, f := range parsed {
			for _, fault := range faults(f, shared) {
				t.Errorf("%s: %s", files.Position(fault.pos), fault.what)
			}
		}
	}
}

type fault struct {
	pos  token.Pos
	what string
}

// packageMaps are the names of the package-level variables that hold a map.
func packageMaps(files []*ast.File) map[string]bool {
	names := map[string]bool{}
	for _, f := range files {
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, s := range g.Specs {
				v := s.(*ast.ValueSpec)
				for i, name := range v.Names {
					if isMap(v.Type) || i < len(v.Values) && isMap(v.Values[i]) {
						names[name.Name] = true
					}
				}
			}
		}
	}
	return names
}

func isMap(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.MapType:
		return true
	case *ast.CompositeLit:
		return isMap(e.Type)
	case *ast.CallExpr:
		return len(e.Args) > 0 && isMap(e.Args[0]) // make(map[K]V)
	}
	return false
}

func faults(f *ast.File, shared map[string]bool) []fault {
	var found []fault
	isShared := func(e ast.Expr) bool {
		id, ok := e.(*ast.Ident)
		return ok && shared[id.Name]
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Name.Name == "init" && n.Recv == nil {
				found = append(found, fault{n.Pos(), "init runs before main: call it from there"})
			}
		case *ast.AssignStmt:
			for _, left := range n.Lhs {
				if ix, ok := left.(*ast.IndexExpr); ok && isShared(ix.X) {
					found = append(found, fault{n.Pos(), "a map of the whole package is changed: keep it in a value"})
				}
			}
		case *ast.CallExpr:
			if fn, ok := n.Fun.(*ast.Ident); ok && (fn.Name == "delete" || fn.Name == "clear") && len(n.Args) > 0 && isShared(n.Args[0]) {
				found = append(found, fault{n.Pos(), "a map of the whole package is changed: keep it in a value"})
			}
		}
		return true
	})
	return found
}

func TestFaultsAreFound(t *testing.T) {
	src := `package x
var table = map[string]int{}
var later map[string]int
func init() {}
type T struct{}
func (T) init() {}
func f() { table["a"] = 1; delete(later, "b"); _ = table["a"] }
`
	f, err := parser.ParseFile(token.NewFileSet(), "x.go", src, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, fault := range faults(f, packageMaps([]*ast.File{f})) {
		got = append(got, strings.Fields(fault.what)[0])
	}
	if strings.Join(got, " ") != "init a a" {
		t.Errorf("found %v", got)
	}
}
