package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// rule is one entry of docs/rules.
type rule struct {
	file       string
	code, seen []string
}

var (
	heading  = regexp.MustCompile(`^## ([a-z]+/[a-z0-9-]+)$`)
	codeSpan = regexp.MustCompile("`([^`]+)`")
	// A citation is "rule area/name", or several: "rules area/name, area/name".
	citation = regexp.MustCompile(`\b[Rr]ules? ((?:[a-z]+/[a-z0-9-]+)(?:(?:, | and )[a-z]+/[a-z0-9-]+)*)`)
	column   = regexp.MustCompile(`(?m)^\t\{"[^"]+", "([a-z]+/[a-z0-9-]+)", "|^\| [^|]+ \| ([a-z]+/[a-z0-9-]+) \|`)
	name     = regexp.MustCompile(`[a-z]+/[a-z0-9-]+`)
)

// readRules reads all pages of docs/rules.
func readRules(t *testing.T) map[string]*rule {
	t.Helper()
	pages, err := filepath.Glob(root + "/docs/rules/*.md")
	if err != nil || len(pages) < 5 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	rules := map[string]*rule{}
	for _, page := range pages {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		area := strings.TrimSuffix(filepath.Base(page), ".md")
		var r *rule
		for _, line := range strings.Split(string(b), "\n") {
			if m := heading.FindStringSubmatch(line); m != nil {
				if rules[m[1]] != nil {
					t.Errorf("%s: there are two rules %s", page, m[1])
				}
				if !strings.HasPrefix(m[1], area+"/") {
					t.Errorf("%s: rule %s belongs to another page", page, m[1])
				}
				r = &rule{file: page}
				rules[m[1]] = r
			}
			if rest, ok := strings.CutPrefix(line, "**Code:** "); ok && r != nil {
				for _, m := range codeSpan.FindAllStringSubmatch(rest, -1) {
					r.code = append(r.code, m[1])
				}
			}
			if rest, ok := strings.CutPrefix(line, "**Seen in:** "); ok && r != nil {
				r.seen = strings.Split(rest, ", ")
			}
		}
	}
	return rules
}

// functions lists all functions that are not tests, as package.name or package.type.name, with the package's path from the root.
func functions(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	goFiles(t, func(path string, f *ast.File, _ string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				found[filepath.Dir(path)+"."+receiver(fn)+fn.Name.Name] = true
			}
		}
	})
	return found
}

func receiver(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return ""
	}
	x := fn.Recv.List[0].Type
	if s, ok := x.(*ast.StarExpr); ok {
		x = s.X
	}
	if i, ok := x.(*ast.IndexExpr); ok {
		x = i.X
	}
	return x.(*ast.Ident).Name + "."
}

// goFiles calls f for every Go file of the repository.
func goFiles(t *testing.T, f func(path string, file *ast.File, text string)) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, path)
		switch {
		case err != nil:
			return err
		case d.IsDir() && (rel == "build" || rel == ".git" || rel == "testdata" || rel == "internal/rules"):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go"):
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, b, parser.ParseComments)
		if err != nil {
			return err
		}
		n++
		f(rel, file, string(b))
		return nil
	})
	if err != nil || n < 50 {
		t.Fatalf("%d Go files, %v", n, err)
	}
}

// unfold puts a comment of several lines on one.
var unfold = regexp.MustCompile(`\n\s*// ?`)

func cited(text string) (names []string) {
	for _, m := range citation.FindAllStringSubmatch(unfold.ReplaceAllString(text, " "), -1) {
		names = append(names, name.FindAllString(m[1], -1)...)
	}
	return names
}

// TestRules: what cites a rule cites one that there is, and each rule is cited by code that is not a test.
func TestRules(t *testing.T) {
	rules := readRules(t)
	uses := map[string]int{}
	check := func(path, text string, counts bool) {
		for _, n := range cited(text) {
			if rules[n] == nil {
				t.Errorf("%s cites rule %s, which docs/rules does not have", path, n)
			}
			if counts {
				uses[n]++
			}
		}
	}
	goFiles(t, func(path string, _ *ast.File, text string) {
		check(path, text, !strings.HasSuffix(path, "_test.go") && !strings.HasPrefix(path, "tools/"))
		for _, word := range []string{"spec/dwarf2btf", "spec/convert", "spec/dedup", "spec/kbuild", "(design:"} {
			if strings.Contains(text, word) {
				t.Errorf("%s cites %q, which no reader of the repository has", path, word)
			}
		}
	})
	// tools/rules breaks rules one by one, and docs/fixtures.md has what it printed: both have their names in a column.
	for _, page := range []string{"tools/rules/main.go", "docs/fixtures.md"} {
		b, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		list := column.FindAllStringSubmatch(string(b), -1)
		if len(list) < 20 {
			t.Errorf("%s names %d rules in its table", page, len(list))
		}
		for _, m := range list {
			if n := m[1] + m[2]; rules[n] == nil {
				t.Errorf("%s names rule %s, which docs/rules does not have", page, n)
			}
		}
	}
	for _, page := range []string{"testdata/README.md", "docs/fixtures.md", "docs/quirks.md", "docs/parity.md", "CONTRIBUTING.md", "docs/architecture.md"} {
		if b, err := os.ReadFile(filepath.Join(root, page)); err == nil {
			check(page, string(b), false)
		}
	}
	for n, r := range rules {
		if uses[n] == 0 {
			t.Errorf("%s: no code cites rule %s", r.file, n)
		}
	}
}

// TestCode: the functions that a rule names exist, and cite it in their comments, so that each leads to the other.
func TestCode(t *testing.T) {
	rules := readRules(t)
	exist := functions(t)
	comments := map[string][]string{}
	goFiles(t, func(path string, f *ast.File, _ string) {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Doc != nil {
				comments[filepath.Dir(path)+"."+receiver(fn)+fn.Name.Name] = cited(fn.Doc.Text())
			}
		}
	})
	for n, r := range rules {
		if len(r.code) == 0 {
			t.Errorf("%s: rule %s names no function", r.file, n)
		}
		for _, fn := range r.code {
			switch {
			case !exist[fn]:
				t.Errorf("%s: rule %s names %s, which does not exist", r.file, n, fn)
			case !slices.Contains(comments[fn], n):
				t.Errorf("%s does not say that it applies rule %s", fn, n)
			}
		}
	}
}

// TestSeen: the fixtures that a rule names exist.
func TestSeen(t *testing.T) {
	goldens, err := filepath.Glob(root + "/testdata/golden/*")
	if err != nil || len(goldens) < 100 {
		t.Fatalf("%d goldens, %v", len(goldens), err)
	}
	fixtures := map[string]bool{}
	for _, g := range goldens {
		base, _, _ := strings.Cut(filepath.Base(g), ".")
		fixtures[base] = true
	}
	for n, r := range readRules(t) {
		for i, f := range r.seen {
			if !fixtures[f] {
				t.Errorf("%s: rule %s is seen in %q, which is no fixture", r.file, n, f)
			}
			if slices.Contains(r.seen[:i], f) {
				t.Errorf("%s: rule %s names %s twice", r.file, n, f)
			}
		}
	}
}
