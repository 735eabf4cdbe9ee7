package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

// tree is the module: its packages, and who imports whom.
type tree struct {
	root string
	pkgs map[string]*listed // by path from the root
}

type listed struct {
	ImportPath                         string
	GoFiles                            []string
	TestGoFiles, XTestGoFiles          []string
	Imports, TestImports, XTestImports []string
	Module                             struct{ Path, Dir string }

	path string
}

func readTree() (*tree, error) {
	out, err := exec.Command("go", "list", "-pgo=off", "-json=ImportPath,GoFiles,TestGoFiles,XTestGoFiles,Imports,TestImports,XTestImports,Module", "./...").Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	t := &tree{pkgs: map[string]*listed{}}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		p := &listed{}
		if err := d.Decode(p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		t.root = p.Module.Dir
		p.path = strings.TrimPrefix(p.ImportPath, p.Module.Path+"/")
		t.pkgs[p.path] = p
	}
	return t, nil
}

// measured tells whether a package's source is changed: tools are not, nor what only tests use.
func measured(path string) bool {
	return !strings.HasPrefix(path, "tools/") && !strings.HasPrefix(path, "scripts/") && path != "internal/layout" && path != "internal/dwarfgen" && !strings.HasPrefix(path, "internal/test")
}

// sites returns all places to change, in the order of their files.
func (t *tree) sites(pick *regexp.Regexp) (all []site, err error) {
	for _, path := range t.sorted() {
		if !measured(path) || !pick.MatchString(path) {
			continue
		}
		for _, f := range t.pkgs[path].GoFiles {
			s, err := sitesOf(t.root, path+"/"+f)
			if err != nil {
				return nil, err
			}
			all = append(all, s...)
		}
	}
	return all, nil
}

func (t *tree) sorted() (paths []string) {
	for p := range t.pkgs {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	return paths
}

// testers are the packages whose tests could notice a change in pkg: itself, then those that reach it by imports, nearest first; of
// equally near ones encoder comes first, whose fixtures notice most.
func (t *tree) testers(pkg string) (list []string) {
	module := strings.TrimSuffix(t.pkgs[pkg].ImportPath, pkg)
	dist := map[string]int{pkg: 0}
	for grown := true; grown; {
		grown = false
		for path, p := range t.pkgs {
			if !measured(path) {
				continue
			}
			for _, imp := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
				d, ok := dist[strings.TrimPrefix(imp, module)]
				if !ok || !strings.HasPrefix(imp, module) {
					continue
				}
				if had, ok := dist[path]; !ok || d+1 < had {
					dist[path], grown = d+1, true
				}
			}
		}
	}
	for path := range dist {
		if p := t.pkgs[path]; len(p.TestGoFiles)+len(p.XTestGoFiles) > 0 {
			list = append(list, path)
		}
	}
	rank := func(path string) int {
		r := dist[path] * 10
		if path != pkg && path != "encoder" {
			r += 5
		}
		return r
	}
	slices.SortFunc(list, func(a, b string) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return list
}
