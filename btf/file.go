package btf

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gobtf/gobtf/internal/filekind"
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
	c, err := readFile(path, reading{})
	if err != nil {
		return nil, err
	}
	return c.types(path, base)
}

// ReadBase reads what others are to continue, as ReadFile does, and what an ELF file says besides: for which machine it is, and
// in the banner of a vmlinux the kernel's release. decompress is given the contents of a file that is compressed, or an image to
// boot from (vmlinuz), and returns the ELF file, the BTF or the kernel's memory in it; nil refuses such files, except gzip's.
//
// cache, which may be nil, knows bases that were read before.
func ReadBase(path string, decompress func([]byte) ([]byte, error), cache BaseCache) (*Base, error) {
	c, err := readFile(path, reading{decompress, cache})
	if err != nil {
		return nil, err
	}
	b := c.ready
	if b == nil {
		t, err := c.types(path, nil)
		if err != nil {
			return nil, err
		}
		b = NewBase(t)
	}
	b.Release, b.Machine = c.release, uint16(c.machine)
	return b, nil
}

// BaseCache knows bases that were read before.
type BaseCache interface {
	// Find returns the base of the BTF that is the first size bytes of r, nil when it does not know it.
	Find(r io.ReaderAt, size int64) *Base
}

// reading is how a file is read: what unpacks it, and what may know its BTF. Each may be nil.
type reading struct {
	decompress func([]byte) ([]byte, error)
	cache      BaseCache
}

// plain reads all of a file, and unpacks it.
func (rd reading) plain(f io.Reader) ([]byte, error) {
	data, err := readAll(f)
	if err != nil {
		return nil, err
	}
	return rd.decompress(data)
}

func (rd reading) known(r io.ReaderAt, size int64) *Base {
	if rd.cache == nil {
		return nil
	}
	return rd.cache.Find(r, size)
}

// ReadSections reads a file like ReadFile, and returns the bytes of .BTF and of
// .BTF.base, nil if there is none.
func ReadSections(path string) (btf, base []byte, err error) {
	c, err := readFile(path, reading{})
	return c.btf, c.base, err
}

// contents is what of a file matters here.
type contents struct {
	btf, base []byte // base: .BTF.base, nil when there is none
	ready     *Base  // instead of btf: the cache knows it
	machine   elf.Machine
	release   string
}

func (c contents) types(path string, base *Types) (*Types, error) {
	if c.base != nil {
		if base != nil {
			return nil, &Error{Name: path, Section: ".BTF.base", Err: errors.New("has its own base: relocate it to the other one")}
		}
		var err error
		if base, err = Parse(c.base, nil); err != nil {
			return nil, inFile(path, ".BTF.base", err)
		}
	}
	t, err := Parse(c.btf, base)
	if err != nil {
		return nil, inFile(path, "", err)
	}
	return t, nil
}

func readFile(path string, rd reading) (contents, error) {
	f, err := os.Open(path)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return contents{}, &Error{Name: path, Err: err}
	}
	defer f.Close()
	in, err := seekable(f)
	if err != nil {
		return contents{}, inFile(path, "", err)
	}
	c, err := readContents(in, rd)
	if err != nil {
		return contents{}, inFile(path, "", err)
	}
	return c, nil
}

// input is read from the beginning or anywhere.
type input interface {
	io.Reader
	io.ReaderAt
	io.Seeker
}

// seekable reads a pipe, such as the shell's <(...), into memory. Devices have no end and are refused.
func seekable(f *os.File) (input, error) {
	st, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case st.Mode()&os.ModeDevice != 0:
		return nil, errors.New("is a device")
	case st.Mode().IsRegular() || st.IsDir(): // reading says what is wrong with a folder
		return f, nil
	}
	data, err := readAll(f)
	return bytes.NewReader(data), err
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
}{{"xz", "\xfd7zXZ\x00"}, {"zstd", "\x28\xb5\x2f\xfd"}, {"bzip2", "BZh"}, {"lz4", "\x04\x22\x4d\x18"}, {"lzop", "\x89LZO"}, {"gzip", "\x1f\x8b"}}

func readContents(f input, rd reading) (contents, error) {
	start := make([]byte, 1<<10)
	n, err := f.ReadAt(start, 0)
	if err != nil && err != io.EOF {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return contents{}, err
	}
	start = start[:n]
	for _, p := range packed {
		if !bytes.HasPrefix(start, []byte(p.magic)) || p.name == "gzip" && rd.decompress == nil { // gzip is in the standard library
			continue
		}
		if rd.decompress == nil {
			return contents{}, fmt.Errorf("compressed with %s: decompress it first", p.name)
		}
		data, err := rd.plain(f)
		if err != nil {
			return contents{}, fmt.Errorf("compressed with %s: %w", p.name, err)
		}
		return unpacked(data, rd)
	}
	switch {
	case bytes.HasPrefix(start, []byte(elf.ELFMAG)):
		return elfContents(f, rd)
	case filekind.IsBootImage(start) && rd.decompress != nil:
		data, err := rd.plain(f)
		if err != nil {
			return contents{}, err
		}
		return unpacked(data, rd)
	case bytes.HasPrefix(start, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(f)
		if err != nil {
			return contents{}, fmt.Errorf("gzip: %w", err)
		}
		data, err := readAll(z)
		if err != nil {
			return contents{}, fmt.Errorf("gzip: %w", err)
		}
		return unpacked(data, rd)
	}
	if n >= 2 && !filekind.IsBTF(start) {
		return contents{}, filekind.Neither(start, ErrNotBTF) // before a large file that is something else is read
	}
	if size, err := f.Seek(0, io.SeekEnd); err == nil {
		if b := rd.known(f, size); b != nil {
			return contents{ready: b}, nil
		}
		if _, err = f.Seek(0, io.SeekStart); err != nil {
			return contents{}, err
		}
	}
	data, err := readAll(f)
	return contents{btf: data}, err
}

func unpacked(data []byte, rd reading) (contents, error) {
	switch {
	case bytes.HasPrefix(data, []byte(elf.ELFMAG)):
		return elfContents(bytes.NewReader(data), rd)
	case filekind.IsBootImage(data): // a kernel as it stands in memory
		own := filekind.BTFIn(data)
		if own == nil {
			return contents{}, ErrNoBTF
		}
		return contents{btf: own, release: banner(bytes.NewReader(data))}, nil
	}
	return contents{btf: data}, nil
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

// elfContents reads an ELF file. debug/elf has panicked on
// broken files before, so a panic in it becomes an error.
func elfContents(r io.ReaderAt, rd reading) (c contents, err error) {
	defer func() {
		if p := recover(); p != nil {
			c, err = contents{}, fmt.Errorf("broken ELF: %v", p)
		}
	}()
	f, err := elf.NewFile(r)
	if err != nil {
		var fe *elf.FormatError
		if errors.As(err, &fe) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("broken ELF: %w", err)
		}
		return contents{}, err
	}
	c.machine = f.Machine
	if sec := f.Section(".BTF"); sec != nil && sec.Type != elf.SHT_NOBITS && sec.Flags&elf.SHF_COMPRESSED == 0 && f.Section(".BTF.base") == nil {
		if c.ready = rd.known(sec, int64(sec.Size)); c.ready != nil {
			c.release = release(f)
			return c, nil
		}
	}
	if c.btf, err = elfSection(f, ".BTF"); err != nil {
		return contents{}, err
	}
	if c.btf == nil {
		return contents{}, ErrNoBTF
	}
	if c.base, err = elfSection(f, ".BTF.base"); err != nil {
		return contents{}, err
	}
	c.release = release(f)
	return c, nil
}

// release returns what the banner of a vmlinux says ("Linux version 6.12.1 (..."), "" when there is none. It is in one of the
// first files that are linked, so the first piece of .rodata has it, unless the compiler has put all in another order.
func release(f *elf.File) string {
	s := f.Section(".rodata")
	if s == nil || s.Type == elf.SHT_NOBITS || s.Flags&elf.SHF_COMPRESSED != 0 {
		return ""
	}
	return banner(s)
}

func banner(r io.ReaderAt) string {
	const words, longest = "Linux version ", 160
	piece := make([]byte, 64<<10)
	for off := int64(0); ; off += int64(len(piece) - longest) {
		n, err := r.ReadAt(piece, off)
		if i := bytes.Index(piece[:n], []byte(words)); i >= 0 && (i+longest <= n || err != nil) {
			name, _, ok := bytes.Cut(piece[i+len(words):min(i+longest, n)], []byte(" "))
			if !ok || bytes.ContainsAny(name, "%\x00") {
				return ""
			}
			return string(name)
		}
		if err != nil {
			return ""
		}
	}
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
