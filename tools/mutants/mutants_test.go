package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSites(t *testing.T) {
	dir := t.TempDir()
	src := `package p

import "fmt"

type s struct{ a [4]int }

const seven = 7

func (s *s) m(x, y int) bool {
	if x < y && y != 0 {
		x = y
		fmt.Println(x, y)
	}
	for x > 1 {
		x--
		continue
	}
	if x < y && y != 0 {
		return true
	}
	return false
}
`
	if err := os.WriteFile(filepath.Join(dir, "p.go"), []byte(src), 0o644); err != nil {
		t.Fatal(err)
	}
	sites, err := sitesOf(dir, "p.go")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range sites {
		got = append(got, strings.TrimPrefix(s.key(), "p.go "))
	}
	for _, want := range []string{
		": 7 -> 8", ": 7 -> 6", "s.m: x < y && y != 0 -> !(x < y && y != 0)", "s.m: x < y && y != 0 -> x < y || y != 0", "s.m: x < y -> x <= y",
		"s.m: y != 0 -> y == 0", "s.m: 0 -> 1", "s.m: x = y -> nothing", "s.m: fmt.Println(x, y) -> nothing", "s.m: x, y -> y, x", "s.m: x > 1 -> false && (x > 1)",
		"s.m: x-- -> nothing", "s.m: continue -> nothing", "s.m: true -> false", "s.m: x < y -> x <= y (2)", "s.m: false -> true",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is not among\n%s", want, strings.Join(got, "\n"))
		}
	}
	for _, s := range got {
		if strings.Contains(s, "4 ->") || strings.Contains(s, `"fmt"`) {
			t.Errorf("%q changes a type or an import", s)
		}
	}
}

// TestRun measures a module of two packages: what one test guards is killed, what none does survives.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":                       "module example.com/m\n\ngo 1.24\n",
		"a/a.go":                       "package a\n\n// Add is guarded by the test of package b.\nfunc Add(x, y int) int { return x + y }\n\n// Free is not.\nfunc Free() int { return 3 }\n",
		"b/b.go":                       "package b\n\nimport \"example.com/m/a\"\n\nfunc Twice(x int) int { return a.Add(x, x) }\n",
		"b/b_test.go":                  "package b\n\nimport \"testing\"\n\nfunc TestTwice(t *testing.T) {\n\tif Twice(2) != 4 {\n\t\tt.Fatal()\n\t}\n}\n",
		"tools/mutants/equivalent.txt": "# none\na/a.go Free: 3 -> 2 # for the test\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	var out bytes.Buffer
	err := run(t.Context(), []string{"-n", "9", "-packages", "^a$", "-min", "60", "-timeout", time.Minute.String()}, &out)
	for _, want := range []string{"SURVIVED a/a.go:7: a/a.go Free: 3 -> 4", "| a | 1 | 1 | 1 | 0 |", "1 of 2 killed, 50.0 %; 1 equivalent"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, &out)
		}
	}
	if err == nil || !strings.Contains(err.Error(), "fewer than 60 % are killed") {
		t.Errorf("error %v", err)
	}
	if b, _ := os.ReadFile("a/a.go"); !strings.Contains(string(b), "return x + y") {
		t.Error("the source was changed")
	}
}

func TestEquivalentNeedsReason(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.txt")
	if err := os.WriteFile(path, []byte("a/a.go F: 1 -> 2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readEquivalent(path); err == nil || !strings.Contains(err.Error(), "e.txt:1: no reason") {
		t.Errorf("error %v", err)
	}
}
