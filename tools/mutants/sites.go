package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
)

// site is one place where the source can be changed: bytes start to end of file become text.
type site struct {
	file       string // from the repository's root
	start, end int
	line       int
	function   string // that it is in, "" for none
	old, text  string
	number     int // among those of the function with the same old and text, from 1
}

// key names a mutant without line numbers, so that it stays the same while the code around it changes.
func (s *site) key() string {
	k := fmt.Sprintf("%s %s: %s -> %s", s.file, s.function, flat(s.old), flat(s.text))
	if s.number > 1 {
		k += fmt.Sprintf(" (%d)", s.number)
	}
	return k
}

// flat puts source text on one line.
func flat(s string) string {
	if s = strings.Join(strings.Fields(s), " "); s == "" {
		return "nothing"
	}
	return s
}

// swaps are the operators that take each other's place.
var swaps = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR, token.EQL: token.NEQ, token.NEQ: token.EQL,
	token.LAND: token.LOR, token.LOR: token.LAND, token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.QUO, token.QUO: token.MUL,
	token.AND: token.OR, token.OR: token.AND, token.SHL: token.SHR, token.SHR: token.SHL, token.REM: token.MUL, token.AND_NOT: token.AND,
}

// sitesOf finds all sites of a file, in the order of their places.
func sitesOf(root, file string) ([]site, error) {
	src, err := os.ReadFile(root + "/" + file)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, src, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	w := finder{file: file, src: src, fset: fset, seen: map[string]int{}}
	for _, d := range f.Decls {
		w.function = ""
		if fn, ok := d.(*ast.FuncDecl); ok {
			w.function = nameOf(fn)
		}
		ast.Inspect(d, w.visit)
	}
	return w.sites, nil
}

func nameOf(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return fn.Name.Name
	}
	t := fn.Recv.List[0].Type
	if s, ok := t.(*ast.StarExpr); ok {
		t = s.X
	}
	if i, ok := t.(*ast.IndexExpr); ok {
		t = i.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name + "." + fn.Name.Name
	}
	return fn.Name.Name
}

type finder struct {
	file, function string
	src            []byte
	fset           *token.FileSet
	sites          []site
	seen           map[string]int
}

func (w *finder) add(from, to token.Pos, text string) {
	s := site{file: w.file, start: w.fset.Position(from).Offset, end: w.fset.Position(to).Offset, line: w.fset.Position(from).Line, function: w.function, text: text}
	s.old = string(w.src[s.start:s.end])
	w.seen[s.key()]++
	s.number = w.seen[s.key()]
	w.sites = append(w.sites, s)
}

func (w *finder) text(n ast.Node) string {
	return string(w.src[w.fset.Position(n.Pos()).Offset:w.fset.Position(n.End()).Offset])
}

func (w *finder) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GenDecl:
		return n.Tok != token.IMPORT
	case *ast.StructType, *ast.InterfaceType:
		return false
	case *ast.IfStmt:
		w.add(n.Cond.Pos(), n.Cond.End(), "!("+w.text(n.Cond)+")")
	case *ast.ForStmt:
		if n.Cond != nil {
			w.add(n.Cond.Pos(), n.Cond.End(), "false && ("+w.text(n.Cond)+")")
		}
	case *ast.BinaryExpr:
		if to, ok := swaps[n.Op]; ok {
			// The whole expression, so that its text says what is changed.
			w.add(n.Pos(), n.End(), w.text(n.X)+" "+to.String()+" "+w.text(n.Y))
		}
	case *ast.BasicLit:
		if n.Kind == token.INT {
			if v, err := strconv.ParseUint(n.Value, 0, 64); err == nil && v < 1<<62 {
				w.add(n.Pos(), n.End(), fmt.Sprint(v+1))
				if v > 0 {
					w.add(n.Pos(), n.End(), fmt.Sprint(v-1))
				}
			}
		}
	case *ast.Ident:
		if n.Name == "true" || n.Name == "false" {
			w.add(n.Pos(), n.End(), strconv.FormatBool(n.Name == "false"))
		}
	case *ast.CallExpr:
		for i := 1; i < len(n.Args); i++ {
			a, b := w.text(n.Args[i-1]), w.text(n.Args[i])
			if a != b && !n.Ellipsis.IsValid() {
				w.add(n.Args[i-1].Pos(), n.Args[i].End(), b+", "+a)
			}
		}
	case *ast.BlockStmt:
		w.statements(n.List)
	case *ast.CaseClause:
		w.statements(n.Body)
	}
	return true
}

// statements finds those that can be left out.
func (w *finder) statements(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.ExprStmt, *ast.IncDecStmt, *ast.BranchStmt:
			w.add(s.Pos(), s.End(), "")
		case *ast.AssignStmt:
			if s.Tok != token.DEFINE {
				w.add(s.Pos(), s.End(), "")
			}
		case *ast.ReturnStmt:
			if len(s.Results) == 0 {
				w.add(s.Pos(), s.End(), "")
			}
		}
	}
}
