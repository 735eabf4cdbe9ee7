package rules

import (
	"go/ast"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
)

// kindNames are the constants of package btf.
var kindNames = []string{
	"Void", "Int", "Ptr", "Array", "Struct", "Union", "Enum", "Fwd", "Typedef", "Volatile", "Const", "Restrict", "Func", "FuncProto", "Var", "Datasec",
	"Float", "DeclTag", "TypeTag", "Enum64",
}

// TestKindsAreCovered finds what a new kind would need beside its row in btf/kind.go: every switch over kinds, and every set of kinds. When
// a kind is added it names all of them; whoever has looked at each adds the kind's name above.
func TestKindsAreCovered(t *testing.T) {
	places := map[string]bool{}
	goFiles(t, func(path string, f *ast.File, _ string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		inBTF := filepath.Dir(path) == "btf"
		isKind := func(x ast.Expr) bool {
			switch x := x.(type) {
			case *ast.SelectorExpr:
				pkg, ok := x.X.(*ast.Ident)
				return ok && pkg.Name == "btf" && slices.Contains(kindNames, x.Sel.Name)
			case *ast.Ident:
				return inBTF && slices.Contains(kindNames, x.Name)
			}
			return false
		}
		for _, d := range f.Decls {
			where := path
			if fn, ok := d.(*ast.FuncDecl); ok {
				where += " " + receiver(fn) + fn.Name.Name
			}
			ast.Inspect(d, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CaseClause:
					if slices.ContainsFunc(n.List, isKind) {
						places[where] = true
					}
				case *ast.BinaryExpr: // 1<<btf.Int | ...
					if one, ok := n.X.(*ast.BasicLit); ok && one.Value == "1" && isKind(n.Y) {
						places[where] = true
					}
				}
				return true
			})
		}
	})
	if len(places) < 15 {
		t.Fatalf("only %d places deal with kinds", len(places))
	}
	if len(kindNames) == btf.NumKinds {
		return
	}
	for p := range places {
		t.Errorf("there are %d kinds and not %d: does %s need the new one?", btf.NumKinds, len(kindNames), p)
	}
}
