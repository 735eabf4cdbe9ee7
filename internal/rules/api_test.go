package rules

import (
	"flag"
	"fmt"
	"go/types"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

var updateAPI = flag.Bool("update_api", false, "write testdata/api.txt")

// TestAPI: what Go programs can use of gobtf is what testdata/api.txt lists, a line for each function, type, field, method, constant and
// variable. So a change of it is seen in the commit that makes it: a line that goes or changes breaks programs, and belongs into CHANGELOG.md.
func TestAPI(t *testing.T) {
	cfg := &packages.Config{Mode: packages.NeedName | packages.NeedTypes | packages.NeedImports | packages.NeedDeps, Dir: "../.."}
	list, err := packages.Load(cfg, "./...")
	if err != nil {
		t.Fatal(err)
	}
	const module = "github.com/gobtf/gobtf/"
	var lines []string
	for _, p := range list {
		for _, e := range p.Errors {
			t.Fatal(e)
		}
		path, own := strings.CutPrefix(p.PkgPath, module)
		if own && p.Name != "main" && !slices.ContainsFunc(strings.Split(path, "/"), func(s string) bool { return s == "internal" || s == "tools" }) {
			lines = append(lines, exported(path, p.Types)...)
		}
	}
	slices.Sort(lines)
	if len(lines) < 300 {
		t.Fatalf("only %d lines: the packages were not found", len(lines))
	}
	const file = "testdata/api.txt"
	now := strings.Join(lines, "\n") + "\n"
	if *updateAPI {
		if err := os.WriteFile(file, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	was := strings.Split(strings.TrimSpace(string(b)), "\n")
	for _, l := range was {
		if !slices.Contains(lines, l) {
			t.Errorf("gone or changed: %s", l)
		}
	}
	for _, l := range lines {
		if !slices.Contains(was, l) {
			t.Errorf("new: %s", l)
		}
	}
	if t.Failed() {
		t.Log("go test ./internal/rules -run API -update_api")
	}
}

// exported lists what a package exports.
func exported(path string, pkg *types.Package) (lines []string) {
	relative := types.RelativeTo(pkg)
	add := func(format string, args ...any) { lines = append(lines, path+": "+fmt.Sprintf(format, args...)) }
	for _, name := range pkg.Scope().Names() {
		obj := pkg.Scope().Lookup(name)
		if !obj.Exported() {
			continue
		}
		switch o := obj.(type) {
		case *types.Const:
			add("const %s %s = %s", name, types.TypeString(o.Type(), relative), o.Val())
		case *types.TypeName:
			described(add, o, relative)
		default:
			add("%s", types.ObjectString(obj, relative))
		}
	}
	return lines
}

// described adds the lines of a type: what it is, its fields and its methods.
func described(add func(string, ...any), o *types.TypeName, relative types.Qualifier) {
	if o.IsAlias() {
		add("%s", types.ObjectString(o, relative))
		return
	}
	switch u := o.Type().Underlying().(type) {
	case *types.Struct:
		add("type %s struct", o.Name())
		for i := range u.NumFields() {
			if f := u.Field(i); f.Exported() {
				add("field %s.%s %s", o.Name(), f.Name(), types.TypeString(f.Type(), relative))
			}
		}
	case *types.Interface:
		add("type %s interface", o.Name())
		for i := range u.NumMethods() {
			m := u.Method(i)
			add("method %s.%s%s", o.Name(), m.Name(), strings.TrimPrefix(types.TypeString(m.Type(), relative), "func"))
		}
	default:
		add("type %s %s", o.Name(), types.TypeString(u, relative))
	}
	if types.IsInterface(o.Type()) {
		return
	}
	methods := types.NewMethodSet(types.NewPointer(o.Type()))
	for i := range methods.Len() {
		if m := methods.At(i).Obj(); m.Exported() {
			add("method %s.%s%s", o.Name(), m.Name(), strings.TrimPrefix(types.TypeString(m.Type(), relative), "func"))
		}
	}
}
