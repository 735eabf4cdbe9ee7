package btf

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gobtf/gobtf/internal/mem"
)

// maxFile bounds what is read into memory of a file that is not ELF, and what a
// compressed file may become: no BTF comes near it.
const maxFile = 1 << 30

// ReadFile reads the BTF of a file: BTF as such, an ELF file with a .BTF section,
// or either of them compressed with gzip. base is what it continues if it is split.
//
// When the file brings its own small base (.BTF.base) and base is nil, that is the
// result's base; when base is not nil it is an error, since such types have to be
// relocated first.
func ReadFile(path string, base *Types) (*Types, error) {
	data, own, machine, err := readFile(path)
	if err != nil {
		return nil, err
	}
	if own != nil {
		if base != nil {
			return nil, &Error{Name: path, Section: ".BTF.base", Err: errors.New("has its own base: relocate it to the other one")}
		}
		if base, err = Parse(own, nil); err != nil {
			return nil, inFile(path, ".BTF.base", err)
		}
	}
	t, err := Parse(data, base)
	if err != nil {
		return nil, inFile(path, "", err)
	}
	t.machine = uint16(machine)
	return t, nil
}

// Machine returns the machine of the ELF file that ReadFile took the BTF from, EM_NONE when it was none: BTF does not name it.
func (t *Types) Machine() elf.Machine { return elf.Machine(t.machine) }

// ReadSections reads a file like ReadFile, and returns the bytes of .BTF and of
// .BTF.base, nil if there is none.
func ReadSections(path string) (btf, base []byte, err error) {
	btf, base, _, err = readFile(path)
	return btf, base, err
}

// readFile is ReadSections, and tells the machine of an ELF file.
func readFile(path string) (btf, base []byte, machine elf.Machine, err error) {
	f, err := os.Open(path)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, nil, 0, &Error{Name: path, Err: err}
	}
	defer f.Close()
	if btf, base, machine, err = readSections(f); err != nil {
		return nil, nil, 0, inFile(path, "", err)
	}
	return btf, base, machine, nil
}

// inFile says in which file, and if it is not known yet in which section, an error is.
func inFile(path, section string, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return &Error{Name: path, Section: section, Err: err}
	}
	named := *e
	named.Name = path
	if section != "" {
		named.Name += ": " + section
	}
	return &named
}

var packed = []struct {
	name, magic string
}{{"xz", "\xfd7zXZ\x00"}, {"zstd", "\x28\xb5\x2f\xfd"}, {"bzip2", "BZh"}, {"lz4", "\x04\x22\x4d\x18"}, {"lzop", "\x89LZO"}}

func readSections(f *os.File) (btf, base []byte, machine elf.Machine, err error) {
	magic := make([]byte, 6)
	n, err := f.ReadAt(magic, 0)
	if err != nil && err != io.EOF {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, nil, 0, err
	}
	magic = magic[:n]
	for _, p := range packed {
		if bytes.HasPrefix(magic, []byte(p.magic)) {
			return nil, nil, 0, fmt.Errorf("compressed with %s: decompress it first", p.name)
		}
	}
	switch {
	case bytes.HasPrefix(magic, []byte(elf.ELFMAG)):
		return elfSections(f)
	case bytes.HasPrefix(magic, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, nil, 0, fmt.Errorf("gzip: %w", err)
		}
		data, err := readAll(z)
		if err != nil {
			return nil, nil, 0, fmt.Errorf("gzip: %w", err)
		}
		if bytes.HasPrefix(data, []byte(elf.ELFMAG)) {
			return elfSections(bytes.NewReader(data))
		}
		return data, nil, 0, nil
	}
	if _, err := ParseHeader(magic); !errors.Is(err, ErrTruncated) || n < 2 {
		return nil, nil, 0, err // before a large file that is something else is read
	}
	btf, err = readAll(f)
	return btf, nil, 0, err
}

func readAll(r io.Reader) ([]byte, error) {
	var b bytes.Buffer
	if f, ok := r.(*os.File); ok {
		if st, err := f.Stat(); err == nil && st.Size() <= maxFile {
			b.Grow(int(st.Size()) + bytes.MinRead)
			mem.Populate(b.AvailableBuffer()[:b.Available()])
		}
	}
	if n, err := b.ReadFrom(io.LimitReader(r, maxFile+1)); err != nil {
		return nil, err
	} else if n > maxFile {
		return nil, fmt.Errorf("more than %d bytes", maxFile)
	}
	return b.Bytes(), nil
}

// elfSections reads the two sections of an ELF file. debug/elf has panicked on
// broken files before, so a panic in it becomes an error.
func elfSections(r io.ReaderAt) (btf, base []byte, machine elf.Machine, err error) {
	defer func() {
		if p := recover(); p != nil {
			btf, base, machine, err = nil, nil, 0, fmt.Errorf("broken ELF: %v", p)
		}
	}()
	f, err := elf.NewFile(r)
	if err != nil {
		var fe *elf.FormatError
		if errors.As(err, &fe) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("broken ELF: %w", err)
		}
		return nil, nil, 0, err
	}
	if btf, err = elfSection(f, ".BTF"); err != nil {
		return nil, nil, 0, err
	}
	if btf == nil {
		return nil, nil, 0, ErrNoBTF
	}
	base, err = elfSection(f, ".BTF.base")
	return btf, base, f.Machine, err
}

// maxPlain is the size up to which a section's claim is believed before it is read.
// Larger ones are read piece by piece. A vmlinux has 5 MB of BTF.
const maxPlain = 32 << 20

func elfSection(f *elf.File, name string) ([]byte, error) {
	s := f.Section(name)
	if s == nil {
		return nil, nil
	}
	if s.Type == elf.SHT_NOBITS {
		return nil, &Error{Section: name, Err: errors.New("section has no content in this file")}
	}
	if s.Size > maxFile {
		return nil, &Error{Section: name, Err: fmt.Errorf("%d bytes are more than %d", s.Size, maxFile)}
	}
	var data []byte
	var err error
	if s.Flags&elf.SHF_COMPRESSED == 0 && s.Size <= maxPlain {
		data = make([]byte, s.Size)
		mem.Populate(data)
		_, err = io.ReadFull(s.Open(), data)
	} else {
		data, err = s.Data()
	}
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("%w: section of %d bytes goes beyond the end of the file", ErrTruncated, s.Size)
		}
		return nil, &Error{Section: name, Err: err}
	}
	return data, nil
}
