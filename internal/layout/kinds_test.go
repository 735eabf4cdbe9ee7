package layout

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
)

// TestKindSwitches: who adds a kind is told of every switch that has to know it. A switch over kinds names them all, or it has a
// default whose line says why the others, those of the future among them, are treated alike:
//
//	default: // other kinds: REASON
func TestKindSwitches(t *testing.T) {
	kinds := kindConstants(t)
	root := filepath.Join("..", "..")
	files, switches := 0, 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "build"):
			return fs.SkipDir
		case !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		files++
		found, bad := kindSwitches(t, path, nil, kinds)
		switches += found
		for _, b := range bad {
			t.Error(b)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 100 || switches < 10 {
		t.Errorf("%d switches in %d files were looked at", switches, files)
	}
}

// kindConstants returns the names of the kinds, by their number.
func kindConstants(t *testing.T) (names []string) {
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "btf", "kind.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			if id, ok := v.Type.(*ast.Ident); ok && id.Name == "Kind" {
				names = append(names, v.Names[0].Name)
			}
		}
		return true
	})
	if len(names) != btf.NumKinds {
		t.Fatalf("btf/kind.go names %d kinds, and there are %d", len(names), btf.NumKinds)
	}
	return names
}

// kindSwitches returns how many switches over kinds a file has, and what is wrong with them.
func kindSwitches(t *testing.T, path string, src any, kinds []string) (found int, bad []string) {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, src, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[int]bool{} // lines
	for _, g := range f.Comments {
		for _, c := range g.List {
			if why, ok := strings.CutPrefix(c.Text, "// other kinds: "); ok && len(why) > 8 {
				reasons[set.Position(c.Pos()).Line] = true
			}
		}
	}
	kindOf := func(e ast.Expr) string {
		switch e := e.(type) {
		case *ast.SelectorExpr:
			if pkg, ok := e.X.(*ast.Ident); ok && pkg.Name == "btf" {
				return e.Sel.Name
			}
		case *ast.Ident:
			if f.Name.Name == "btf" {
				return e.Name
			}
		}
		return ""
	}
	ast.Inspect(f, func(n ast.Node) bool {
		sw, ok := n.(*ast.SwitchStmt)
		if !ok || sw.Tag == nil {
			return true
		}
		named := map[string]bool{}
		reason := false
		for _, s := range sw.Body.List {
			c := s.(*ast.CaseClause)
			if c.List == nil {
				reason = reasons[set.Position(c.Pos()).Line]
			}
			for _, e := range c.List {
				named[kindOf(e)] = true
			}
		}
		var missing []string
		for _, k := range kinds {
			if !named[k] {
				missing = append(missing, k)
			}
		}
		if len(missing) == len(kinds) {
			return true // it is about something else
		}
		found++
		if len(missing) > 0 && !reason {
			bad = append(bad, fmt.Sprintf("%s: a switch over kinds does not name %s, and has no \"default: // other kinds: REASON\"", set.Position(sw.Pos()), strings.Join(missing, ", ")))
		}
		return true
	})
	return found, bad
}

// TestKindSwitchesBites shows that the rule finds what it is there for.
func TestKindSwitchesBites(t *testing.T) {
	kinds := []string{"Void", "Int", "Ptr"}
	for _, c := range []struct {
		body       string
		found, bad int
	}{
		{"switch k { case btf.Void, btf.Int: case btf.Ptr: }", 1, 0},
		{"switch k { case btf.Void, btf.Int: }", 1, 1},
		{"switch k {\ncase btf.Int:\ndefault:\n}", 1, 1},
		{"switch k {\ncase btf.Int:\ndefault: // other kinds: no\n}", 1, 1},
		{"switch k {\ncase btf.Int:\ndefault: // other kinds: they have no numbers\n}", 1, 0},
		{"switch k { case elf.Int: }", 0, 0},
		{"switch { case k == btf.Int: }", 0, 0},
	} {
		src := "package p\nfunc f() {\n" + c.body + "\n}\n"
		if found, bad := kindSwitches(t, "p.go", src, kinds); found != c.found || len(bad) != c.bad {
			t.Errorf("%s: %d switches, %q", c.body, found, bad)
		}
	}
}
