package rules

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// lookupCall finds what Go code reads; by other names than these it reads nothing.
	lookupCall = regexp.MustCompile(`(?:Getenv|LookupEnv|\blookup|\benv)\("([A-Z][A-Z_]+)"`)
	ownName    = regexp.MustCompile(`GOBTF_[A-Z_]+`)
	tableName  = regexp.MustCompile("`([A-Z][A-Z_]+)`")
)

// TestEnvironment: docs/environment.md lists what is read, and nothing else.
func TestEnvironment(t *testing.T) {
	page, err := os.ReadFile(root + "/docs/environment.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, line := range strings.Split(string(page), "\n") {
		if cells := strings.Split(line, "|"); len(cells) > 3 {
			for _, m := range tableName.FindAllStringSubmatch(cells[1], -1) {
				listed[m[1]] = true
			}
		}
	}
	if len(listed) < 15 {
		t.Fatalf("the page lists %d variables", len(listed))
	}
	elsewhere := map[string]bool{ // those of other programs, which tools hand on or look at
		"HOME": true, "PATH": true, "TEST_SEED": true, "FETCH_KERNEL_KNOWN": true, "VERBOSE": true, "CI": true,
	}
	read := map[string]bool{}
	goFiles(t, func(path string, _ *ast.File, text string) {
		for _, m := range lookupCall.FindAllStringSubmatch(text, -1) {
			read[m[1]] = true
			if !listed[m[1]] && !elsewhere[m[1]] {
				t.Errorf("%s reads %s, which docs/environment.md does not have", path, m[1])
			}
		}
		for _, n := range ownName.FindAllString(text, -1) {
			if !listed[n] {
				t.Errorf("%s names %s, which docs/environment.md does not have", path, n)
			}
		}
	})
	var scripts []string
	for _, where := range []string{"/scripts/*", "/scripts/*/*", "/packaging/*", "/Makefile"} {
		list, err := filepath.Glob(root + where)
		if err != nil || len(list) == 0 {
			t.Fatalf("%s: %d scripts, %v", where, len(list), err)
		}
		scripts = append(scripts, list...)
	}
	for _, s := range scripts {
		if b, err := os.ReadFile(s); err == nil {
			for n := range listed {
				read[n] = read[n] || strings.Contains(string(b), n)
			}
		}
	}
	for n := range listed {
		if !read[n] {
			t.Errorf("docs/environment.md has %s, which nothing reads", n)
		}
	}
}
