package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/dedup"
	"github.com/gobtf/gobtf/distill"
	"github.com/gobtf/gobtf/internal/filekind"
	"github.com/gobtf/gobtf/module"
)

// inputs reads the BTF of files, and a base that several of them continue once.
type inputs struct {
	bases map[string]*btf.Types
}

// input is the BTF of one file.
type input struct {
	types *btf.Types
	raw   []byte
}

func newInputs() *inputs { return &inputs{bases: map[string]*btf.Types{}} }

func (in *inputs) base(path string) (*btf.Types, error) {
	key, err := filepath.Abs(path)
	if err != nil {
		key = path
	}
	if t := in.bases[key]; t != nil {
		return t, nil
	}
	b, err := module.ReadBase(path)
	if err != nil {
		return nil, at(err, path)
	}
	in.bases[key] = b.Types
	return b.Types, nil
}

// baseOf returns the first vmlinux with BTF among those that a module may continue, and its path; nil when there is none.
func (in *inputs) baseOf(m *module.File) (string, *btf.Types) {
	release, _ := m.Release() // a module without one is looked for by its path
	return in.firstBase(module.Bases(m.Path(), release))
}

// firstBase returns the first of some files that has BTF, and its path; nil when there is none.
func (in *inputs) firstBase(paths []string) (string, *btf.Types) {
	for _, p := range paths {
		if b, err := in.base(p); err == nil {
			return p, b
		}
	}
	return "", nil
}

// read reads a file. basePath is what its split BTF continues, "" to find that; option is how a user says it.
func (in *inputs) read(path, basePath, option string) (*input, error) {
	b, err := module.ReadBTF(path)
	if err != nil {
		return nil, at(err, path)
	}
	if basePath != "" {
		return in.onBase(b, basePath)
	}
	if b.Base != nil {
		t, err := b.Parse(nil)
		return &input{t, b.Own}, err
	}
	var alone error
	if !b.Split() {
		t, err := b.Parse(nil)
		if err == nil {
			return &input{t, b.Own}, nil
		}
		alone = err
	}
	for _, p := range b.Bases() {
		base, err := in.base(p)
		if err != nil {
			continue // a vmlinux without BTF, or something else of that name
		}
		if t, err := b.Parse(base); err == nil {
			return &input{t, b.Own}, nil
		}
	}
	if alone != nil {
		return nil, alone
	}
	return nil, fmt.Errorf("%s: is split BTF, and no base was found for it: give %s", path, option)
}

// together reads a kernel's BTF and that of modules on it, and makes one BTF of them, split on the kernel's, in which equal types of
// several modules are one. basePath is the kernel's if it is not the first of paths.
func (in *inputs) together(paths []string, basePath string) (*btf.Types, error) {
	if basePath == "" {
		basePath, paths = paths[0], paths[1:]
	}
	base, err := in.base(basePath)
	if err != nil {
		return nil, err
	}
	var list []*btf.Types
	for _, path := range paths {
		b, err := module.ReadBTF(path)
		if err != nil {
			return nil, at(err, path)
		}
		if b.Base == nil && !b.Split() {
			if t, err := b.Parse(nil); err == nil { // it may be split all the same, and then it does not
				list = append(list, t)
				continue
			}
		}
		x, err := in.onBase(b, basePath)
		if err != nil {
			return nil, err
		}
		list = append(list, x.types)
	}
	return dedup.Merge(list, btf.NewBase(base), dedup.Options{UsedStrings: true})
}

func (in *inputs) onBase(b *module.BTF, path string) (*input, error) {
	base, err := in.base(path)
	if err != nil {
		return nil, err
	}
	if b.Base == nil {
		t, err := b.Parse(base)
		return &input{t, b.Own}, err
	}
	t, err := b.Parse(nil)
	if err != nil {
		return nil, err
	}
	onto, _, err := distill.Relocate(t, base)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Path, err)
	}
	return &input{onto, b.Own}, nil
}

// filePair is two files of one path below two folders. One of them is "" when there is no such file.
type filePair struct{ path, a, b string }

// pairFolders lists the files with BTF below two folders. How a file is compressed is no part of its path.
func pairFolders(a, b string) ([]filePair, error) {
	inA, err := btfFiles(a)
	if err != nil {
		return nil, err
	}
	inB, err := btfFiles(b)
	if err != nil {
		return nil, err
	}
	if len(inA) == 0 && len(inB) == 0 {
		return nil, fmt.Errorf("%s and %s: no file with BTF below them", a, b)
	}
	all := map[string]bool{}
	for p := range inA {
		all[p] = true
	}
	for p := range inB {
		all[p] = true
	}
	var pairs []filePair
	for _, p := range slices.Sorted(maps.Keys(all)) {
		pairs = append(pairs, filePair{p, inA[p], inB[p]})
	}
	return pairs, nil
}

// packings are the endings of compressed files.
var packings = []string{".xz", ".zst", ".gz"}

// btfFiles finds the files with BTF below a folder, by their paths there without the ending of a compressed file.
func btfFiles(dir string) (map[string]string, error) {
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.Type().IsRegular() || !mayHaveBTF(path) {
			return nil
		}
		if _, err := module.ReadBTF(path); errors.Is(err, module.ErrNoBTF) {
			return nil // others are reported when they are compared
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		for _, p := range packings {
			rel = strings.TrimSuffix(rel, p)
		}
		files[rel] = path
		return nil
	})
	return files, err
}

// mayHaveBTF looks at a file's first bytes: ELF, BTF, or something compressed that is called like a module, an object or BTF.
func mayHaveBTF(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return true // it is reported when it is read
	}
	defer f.Close()
	b := make([]byte, 6)
	n, _ := f.Read(b)
	b = b[:n]
	if bytes.HasPrefix(b, []byte("\x7fELF")) || filekind.IsBTF(b) {
		return true
	}
	for _, p := range packings {
		if name, ok := strings.CutSuffix(path, p); ok {
			switch filepath.Ext(name) {
			case ".ko", ".o", ".btf":
				return true
			}
		}
	}
	return false
}
