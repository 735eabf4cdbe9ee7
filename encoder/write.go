package encoder

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/gobtf/gobtf/internal/elfx"
	"github.com/gobtf/gobtf/module"
)

// WriteDetached writes raw BTF to a file, whole or not at all. inputs are files that
// it must not be.
func WriteDetached(path string, data []byte, inputs []string) (note string, err error) {
	return elfx.WriteFileAtomic(path, data, inputs...)
}

// CopyAhead begins what WriteInPlace needs of a large file, beside the encoding, where a second processor may do it. It is never an error.
func CopyAhead(f *module.File, opt Options) {
	if opt.Jobs != 1 && opt.Signer == nil && runtime.GOMAXPROCS(0) > 1 {
		f.ELF().CopyAhead()
	}
}

// WriteInPlace puts a result into an ELF file as section .BTF (and .BTF.base, when
// there is one), in place of an older one. Where a loaded segment has no room for it, it goes to a
// place of its own in the file: it is the file that link-vmlinux.sh and all tools read it from.
func WriteInPlace(f *module.File, res *Result, opt Options) (note string, err error) {
	if err := f.Writable(); err != nil {
		return "", err
	}
	if opt.Signer != nil {
		if release, err := f.Release(); err != nil || release == "" {
			return "", fmt.Errorf("%s: has no vermagic: only modules are signed", f.Path())
		}
	}
	set := []elfx.NamedData{{Name: ".BTF", Data: res.BTF, Leave: true}}
	if res.BTFBase != nil {
		set = append(set, elfx.NamedData{Name: ".BTF.base", Data: res.BTFBase, Leave: true})
	}
	stale, dropped := Stale(f, res.BTFBase != nil)
	note, err = f.ELF().SetSections(append(set, stale...), elfx.WriteOptions{StripSignature: opt.StripSignature, Sign: opt.Signer.Func()})
	if err == nil && dropped != "" {
		note = strings.TrimPrefix(note+"; "+dropped, "; ")
	}
	return note, err
}

// Stale returns the sections that belong to the BTF which new BTF takes the place of, and would give it another meaning: .BTF.base, unless
// there is a new one, and .BTF.ext, whose lines and relocations are of types by their old numbers. Relocations for all of them go with
// them. note says which.
func Stale(f *module.File, newBase bool) (set []elfx.NamedData, note string) {
	for _, name := range []string{".BTF.base", ".BTF.ext"} {
		if (name == ".BTF.base" && newBase) || f.ELF().Section(name) == nil {
			continue
		}
		set = append(set, elfx.NamedData{Name: name, Remove: true})
		note += "; " + name + " belonged to the BTF that was there, and is dropped"
	}
	return set, strings.TrimPrefix(note, "; ")
}
