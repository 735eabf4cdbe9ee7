package encoder

import (
	"github.com/gobtf/gobtf/internal/elfx"
	"github.com/gobtf/gobtf/module"
)

// WriteDetached writes raw BTF to a file, whole or not at all. inputs are files that
// it must not be.
func WriteDetached(path string, data []byte, inputs []string) (note string, err error) {
	return elfx.WriteFileAtomic(path, data, inputs...)
}

// WriteInPlace puts a result into an ELF file as section .BTF (and .BTF.base, when
// there is one), in place of an older one. Where a loaded segment has no room for it, it goes to a
// place of its own in the file: it is the file that link-vmlinux.sh and all tools read it from.
func WriteInPlace(f *module.File, res *Result, opt Options) (note string, err error) {
	if err := f.Writable(); err != nil {
		return "", err
	}
	set := []elfx.NamedData{{Name: ".BTF", Data: res.BTF, Leave: true}}
	if res.BTFBase != nil {
		set = append(set, elfx.NamedData{Name: ".BTF.base", Data: res.BTFBase, Leave: true})
	}
	return f.ELF().SetSections(set, elfx.WriteOptions{StripSignature: opt.StripSignature})
}
