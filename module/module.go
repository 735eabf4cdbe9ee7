// Package module is the open file: a vmlinux, a module or another object, opened once and handed from stage to stage.
//
// Before it: a path. After it: encoder, refit and btfids, which read what they need of the file and write into it. None of them opens
// the path again: a name may mean another file by then, and what is compressed would have to be decompressed once more.
package module

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/elfx"
)

// File is an open ELF file, decompressed if it was compressed as a whole (gzip, xz, zstd). Many goroutines may read it at once.
type File struct {
	elf *elfx.File

	vermagic func() (string, error)
}

// Open opens a file. A pipe, such as /dev/stdin, is read to its end; nothing can be written into one.
//
// Its errors, and those of all methods, begin with the path and name the section.
func Open(path string) (*File, error) {
	f, err := elfx.Open(path)
	if err != nil {
		return nil, err
	}
	return FromELF(f), nil
}

// OpenLink opens the file that a symbolic link leads to. What is written takes the place of the link, and the file behind it stays as it is.
func OpenLink(path string) (*File, error) {
	f, err := elfx.Open(path)
	if err != nil {
		return nil, err
	}
	if err := f.TakeLink(); err != nil {
		f.Close()
		return nil, err
	}
	return FromELF(f), nil
}

// OpenFile reads a file that is open already, and need not have a name any more; name is what messages call it. f must stay open until Close,
// which leaves it open. Nothing can be written into it.
func OpenFile(f *os.File, name string) (*File, error) {
	m, err := elfx.MapFile(f, name)
	if err != nil {
		return nil, err
	}
	e, err := elfx.FromMapping(name, m)
	if err != nil {
		m.Close()
		return nil, err
	}
	return FromELF(e), nil
}

// OpenAll opens several files, or none.
func OpenAll(paths []string) (files []*File, err error) {
	for _, p := range paths {
		f, err := Open(p)
		if err != nil {
			CloseAll(files)
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// CloseAll closes several files.
func CloseAll(files []*File) {
	for _, f := range files {
		f.Close()
	}
}

// FromELF makes a File of one that gobtf's own packages have opened; Close closes it.
func FromELF(f *elfx.File) *File {
	m := &File{elf: f}
	m.vermagic = sync.OnceValues(m.readVermagic)
	return m
}

// ELF returns the file as gobtf's own packages read it.
func (f *File) ELF() *elfx.File { return f.elf }

// Close closes the file. Nothing that came from it may be used any more.
func (f *File) Close() error { return f.elf.Close() }

// Path returns the path as it was given.
func (f *File) Path() string { return f.elf.Path }

// Size returns how many bytes the file has, decompressed if it was compressed as a whole.
func (f *File) Size() uint64 { return f.elf.Size() }

// BigEndian tells the byte order.
func (f *File) BigEndian() bool { return f.elf.BigEndian }

// Machine returns the machine that the file is for.
func (f *File) Machine() elf.Machine { return elf.Machine(f.elf.Machine) }

// PointerSize returns the bytes of an address: 4 or 8.
func (f *File) PointerSize() int {
	if f.elf.Class64 {
		return 8
	}
	return 4
}

// Relocatable tells whether this is an object or a module, and not linked to its end as vmlinux is.
func (f *File) Relocatable() bool { return elf.Type(f.elf.Type) == elf.ET_REL }

// Section returns the contents of the first section of a name, nil when there is none. They must not be changed, and are gone with Close.
func (f *File) Section(name string) ([]byte, error) {
	s := f.elf.Section(name)
	if s == nil {
		return nil, nil
	}
	b, err := f.elf.Data(s)
	if err == nil && b == nil {
		b = []byte{} // it is there, and has nothing in it
	}
	return b, err
}

// BTF returns .BTF, and .BTF.base, which has the few types of a kernel that a distilled .BTF refers to; nil for what there is not.
// A file that has the section without its content is an error: it is what debug files are made of.
func (f *File) BTF() (own, base []byte, err error) {
	if err := f.noContent(false); err != nil {
		return nil, nil, err
	}
	if own, err = f.Section(".BTF"); err != nil {
		return nil, nil, err
	}
	base, err = f.Section(".BTF.base")
	return own, base, err
}

// Writable returns an error where BTF has no place: in a debug file (objcopy --only-keep-debug) of something whose BTF is loaded with it.
func (f *File) Writable() error { return f.noContent(true) }

// noContent looks for BTF that is only said to be there. Linkers leave such sections in files of their own, too: with strict the code
// must have gone as well.
func (f *File) noContent(strict bool) error {
	code := false // is there
	for i := range f.elf.Sections {
		s := &f.elf.Sections[i]
		code = code || s.Flags&uint64(elf.SHF_EXECINSTR) != 0 && s.Type != uint32(elf.SHT_NOBITS) && s.Size > 0
	}
	for _, name := range []string{".BTF", ".BTF.base"} {
		if s := f.elf.Section(name); s != nil && s.Type == uint32(elf.SHT_NOBITS) && s.Size > 0 && !(strict && code) {
			return fmt.Errorf("%s: section %s has no content in this file, which is a debug file", f.Path(), name)
		}
	}
	return nil
}

// Release returns the release of the kernel that a module was built for, as uname -r prints it: the first word of its vermagic. It is
// empty where there is none.
func (f *File) Release() (string, error) {
	magic, err := f.Vermagic()
	release, _, _ := strings.Cut(magic, " ")
	return release, err
}

// Vermagic returns what a module's .modinfo says of the kernel that it was built for: its release, and words on how that was built.
// The kernel that loads it compares them with its own. It is empty where there is none.
func (f *File) Vermagic() (string, error) { return f.vermagic() }

// BuildID returns the build id, nil when there is none.
func (f *File) BuildID() []byte { return f.elf.BuildID() }

func (f *File) readVermagic() (string, error) {
	data, err := f.Section(".modinfo")
	if err != nil {
		return "", err
	}
	for line := range bytes.SplitSeq(data, []byte{0}) {
		if v, ok := bytes.CutPrefix(line, []byte("vermagic=")); ok {
			return strings.TrimSpace(string(v)), nil
		}
	}
	return "", nil
}

// KernelVermagic returns the vermagic of a kernel of this release, as its own modules have it: a vmlinux has it among its strings, and
// else a module that is installed for it says it. path is the vmlinux, or another file of that kernel. It is empty where nothing says it.
func KernelVermagic(path, release string) string {
	if release == "" {
		return ""
	}
	if f, err := Open(path); err == nil {
		defer f.Close()
		if data, err := f.Section(".rodata"); err == nil {
			start := []byte("\x00" + release + " ")
			for rest := data; ; {
				i := bytes.Index(rest, start)
				if i < 0 {
					break
				}
				rest = rest[i+1:]
				if magic, _, ok := bytes.Cut(rest, []byte{0}); ok && len(magic) < 256 && bytes.Contains(magic, []byte("mod_unload")) {
					return strings.TrimSpace(string(magic))
				}
			}
		}
	}
	return installedVermagic("/lib/modules/"+release, release)
}

// installedVermagic returns the vermagic of the first module below a folder that says one of this release.
func installedVermagic(dir, release string) (magic string) {
	tries := 0
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || tries > 8 {
			return filepath.SkipAll
		}
		if name := d.Name(); !d.Type().IsRegular() || !strings.HasSuffix(name, ".ko") && !strings.Contains(name, ".ko.") {
			return nil
		}
		tries++
		f, err := Open(path)
		if err != nil {
			return nil
		}
		defer f.Close()
		if m, err := f.Vermagic(); err == nil && strings.HasPrefix(m, release+" ") {
			magic = m
			return filepath.SkipAll
		}
		return nil
	})
	return magic
}

// ReadBase reads the BTF of a kernel, which modules are to continue: BTF as such, or an ELF file with .BTF, either of them compressed
// or not (gzip, xz, zstd), or an image to boot from (vmlinuz). The file is opened once, and closed again.
func ReadBase(path string) (*btf.Base, error) { return ReadBaseCached(path, nil) }

// ReadBaseCached is ReadBase with a cache, which may be nil and knows bases that were read before.
func ReadBaseCached(path string, cache btf.BaseCache) (*btf.Base, error) {
	return btf.ReadBase(path, elfx.Decompress, cache)
}
