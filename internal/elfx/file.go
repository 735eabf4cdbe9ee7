package elfx

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"github.com/gobtf/gobtf/internal/filekind"
	"strings"
	"sync"
)

// File is an open ELF file. Its methods may be called from several goroutines; after Close
// nothing that came from it may be used.
type File struct {
	Path        string
	Compression string // of the whole file: "", "gzip", "zstd", "xz"
	Class64     bool
	BigEndian   bool
	Type        uint16
	Machine     uint16
	Flags       uint32    // e_flags
	Sections    []Section // by section number; [0] is the null section

	m        *Mapping
	data     []byte // the whole file, decompressed
	hdr      header
	shstrtab []byte

	mu    sync.Mutex
	cells map[int]*cell      // contents that had to be made, by section
	syms  map[int]*symValues // symbol values for relocation, by symbol table

	ahead *ahead // see CopyAhead; nil: nobody asked
}

// Section is one section header.
type Section struct {
	Name  string
	Index int
	Type  uint32
	Flags uint64
	Addr  uint64
	Off   uint64
	Size  uint64
	Link  uint32
	Info  uint32
	Align uint64

	Entsize uint64
	// LayoutAddr is Addr, but in relocatable files the address at which elfutils would place an
	// allocated section: relocated debug information speaks of these.
	LayoutAddr uint64

	name uint32 // offset in .shstrtab
}

// header holds the fields of the ELF header that SetSections changes or relies on.
type header struct {
	phoff, shoff     uint64
	phnum, phentsize int
	shnum, shstrndx  int
}

// Open maps the file, and decompresses it first when it is compressed as a whole.
func Open(path string) (*File, error) {
	m, err := Map(path)
	if err != nil {
		return nil, err
	}
	f, err := newFile(path, m)
	if err != nil {
		m.Close()
		return nil, err
	}
	return f, nil
}

// TakeLink makes what is written take the place of the symbolic link at the file's path, by which it was opened. The file behind the link
// stays as it is; owner, mode and attributes are taken from it.
func (f *File) TakeLink() error {
	if f.m == nil || f.m.origin == nil {
		return f.fail("", "is not opened by a name")
	}
	if err := f.m.origin.takeLink(f.Path); err != nil {
		return f.fail("", "%w", err)
	}
	return nil
}

// FromBytes reads an ELF file that is in memory already. path is used in messages.
func FromBytes(path string, b []byte) (*File, error) {
	return newFile(path, &Mapping{Data: b})
}

// FromMapping reads an ELF file that is mapped already; Close closes the mapping.
func FromMapping(path string, m *Mapping) (*File, error) { return newFile(path, m) }

func newFile(path string, m *Mapping) (*File, error) {
	f := &File{Path: path, Compression: m.Compression, m: m, data: m.Data}
	if err := f.readHeader(); err != nil {
		return nil, err
	}
	if err := f.readSections(); err != nil {
		return nil, err
	}
	f.layOut()
	return f, nil
}

// Close unmaps the file.
func (f *File) Close() error {
	f.ahead.cancel()
	f.data, f.shstrtab, f.cells, f.syms = nil, nil, nil, nil
	return f.m.Close()
}

// Order returns the byte order of the file.
func (f *File) Order() binary.ByteOrder {
	if f.BigEndian {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// Bytes returns the whole file, decompressed.
func (f *File) Bytes() []byte { return f.data }

func (f *File) u16(b []byte) uint16 {
	if f.BigEndian {
		return binary.BigEndian.Uint16(b)
	}
	return binary.LittleEndian.Uint16(b)
}

func (f *File) u32(b []byte) uint32 {
	if f.BigEndian {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

func (f *File) u64(b []byte) uint64 {
	if f.BigEndian {
		return binary.BigEndian.Uint64(b)
	}
	return binary.LittleEndian.Uint64(b)
}

// Size is how many bytes the file has, decompressed if it was compressed as a whole.
func (f *File) Size() uint64 { return uint64(len(f.data)) }

// Sizes of the structures, by class.
func (f *File) ehSize() int { return pick(f.Class64, 64, 52) }
func (f *File) shSize() int { return pick(f.Class64, 64, 40) }
func (f *File) phSize() int { return pick(f.Class64, 56, 32) }

func pick(class64 bool, a, b int) int {
	if class64 {
		return a
	}
	return b
}

// has reports whether n bytes at off are in the file.
func (f *File) has(off, n uint64) bool {
	return off <= uint64(len(f.data)) && n <= uint64(len(f.data))-off
}

func (f *File) readHeader() error {
	b := f.data
	if len(b) == 0 {
		return f.fail("", "the file is empty: %w", ErrNotELF)
	}
	if !bytes.HasPrefix(b, []byte(elf.ELFMAG)) {
		if len(b) < 4 && strings.HasPrefix(elf.ELFMAG, string(b)) {
			return f.outside("ELF header", 0, 52)
		}
		if what := filekind.What(f.data); what != "" {
			return f.fail("", "%w: %s", ErrNotELF, what)
		}
		return f.fail("", "%w", ErrNotELF)
	}
	if len(b) < elf.EI_NIDENT {
		return f.outside("ELF header", 0, 52)
	}
	switch class := elf.Class(b[elf.EI_CLASS]); class {
	case elf.ELFCLASS64:
		f.Class64 = true
	case elf.ELFCLASS32:
	default:
		return f.fail("ELF header", "unknown class %d", class)
	}
	switch data := elf.Data(b[elf.EI_DATA]); data {
	case elf.ELFDATA2MSB:
		f.BigEndian = true
	case elf.ELFDATA2LSB:
	default:
		return f.fail("ELF header", "unknown byte order %d", data)
	}
	if v := b[elf.EI_VERSION]; v != byte(elf.EV_CURRENT) {
		return f.fail("ELF header", "unknown version %d", v)
	}
	if len(b) < f.ehSize() {
		return f.outside("ELF header", 0, uint64(f.ehSize()))
	}
	f.Type, f.Machine = f.u16(b[16:]), f.u16(b[18:])
	h := &f.hdr
	if f.Class64 {
		h.phoff, h.shoff = f.u64(b[32:]), f.u64(b[40:])
		f.Flags, b = f.u32(b[48:]), b[54:]
	} else {
		h.phoff, h.shoff = uint64(f.u32(b[28:])), uint64(f.u32(b[32:]))
		f.Flags, b = f.u32(b[36:]), b[42:]
	}
	h.phentsize, h.phnum = int(f.u16(b)), int(f.u16(b[2:]))
	shentsize := int(f.u16(b[4:]))
	h.shnum, h.shstrndx = int(f.u16(b[6:])), int(f.u16(b[8:]))
	if h.shoff != 0 && shentsize != f.shSize() {
		return f.fail("ELF header", "section headers of %d bytes, %d expected", shentsize, f.shSize())
	}
	return nil
}

func (f *File) readSections() error {
	h := &f.hdr
	if h.shoff == 0 {
		h.shnum, h.shstrndx = 0, 0
		return nil
	}
	size := uint64(f.shSize())
	if !f.has(h.shoff, size) {
		return f.outside("section header table", h.shoff, max(uint64(h.shnum), 1)*size)
	}
	// With 65,280 sections and more the numbers do not fit the ELF header: section 0 has them.
	first := f.header(f.data[h.shoff:])
	n := uint64(h.shnum)
	if n == 0 {
		n = first.Size
	}
	if h.shstrndx == int(elf.SHN_XINDEX) {
		h.shstrndx = int(first.Link)
	}
	if h.phnum == 0xffff { // PN_XNUM
		h.phnum = int(first.Info)
	}
	if n > (uint64(len(f.data))-h.shoff)/size {
		return f.outside(fmt.Sprintf("section header table of %d sections", n), h.shoff, n*size)
	}
	h.shnum = int(n)
	f.Sections = make([]Section, n)
	for i := range f.Sections {
		f.Sections[i] = f.header(f.data[h.shoff+uint64(i)*size:])
		f.Sections[i].Index = i
	}
	if h.shstrndx == 0 || n == 0 {
		return nil
	}
	if uint64(h.shstrndx) >= n {
		return f.fail("ELF header", "section names are in section %d of %d", h.shstrndx, n)
	}
	b, err := f.Raw(&f.Sections[h.shstrndx])
	if err != nil {
		return f.fail("", "section names: %w", err.(*Error).Err)
	}
	f.shstrtab = b
	names := string(b) // one copy: names stay valid after Close
	for i := range f.Sections {
		off := uint64(f.Sections[i].name)
		if off >= uint64(len(names)) {
			continue // as good as unnamed
		}
		name := names[off:]
		if end := strings.IndexByte(name, 0); end >= 0 {
			name = name[:end]
		}
		f.Sections[i].Name = name
	}
	return nil
}

// header decodes one section header.
func (f *File) header(b []byte) Section {
	s := Section{name: f.u32(b), Type: f.u32(b[4:])}
	if f.Class64 {
		s.Flags, s.Addr, s.Off, s.Size = f.u64(b[8:]), f.u64(b[16:]), f.u64(b[24:]), f.u64(b[32:])
		s.Link, s.Info, s.Align, s.Entsize = f.u32(b[40:]), f.u32(b[44:]), f.u64(b[48:]), f.u64(b[56:])
	} else {
		s.Flags, s.Addr, s.Off, s.Size = uint64(f.u32(b[8:])), uint64(f.u32(b[12:])), uint64(f.u32(b[16:])), uint64(f.u32(b[20:]))
		s.Link, s.Info, s.Align, s.Entsize = f.u32(b[24:]), f.u32(b[28:]), uint64(f.u32(b[32:])), uint64(f.u32(b[36:]))
	}
	s.LayoutAddr = s.Addr
	return s
}

// Section returns the first section of that name, nil when there is none. For ".debug_x" it also
// finds ".zdebug_x", the older GNU form of a compressed section.
func (f *File) Section(name string) *Section {
	for i := 1; i < len(f.Sections); i++ {
		if f.Sections[i].Name == name {
			return &f.Sections[i]
		}
	}
	if rest, ok := strings.CutPrefix(name, ".debug_"); ok {
		return f.Section(".zdebug_" + rest)
	}
	return nil
}

// LastOfType returns the last section of a type, nil when there is none.
func (f *File) LastOfType(typ uint32) *Section {
	for i := len(f.Sections) - 1; i > 0; i-- {
		if f.Sections[i].Type == typ {
			return &f.Sections[i]
		}
	}
	return nil
}

// redZone is where elfutils starts to lay out relocatable files.
const redZone = 0x10000

// layOut gives the allocated sections of a relocatable file the addresses that elfutils gives
// them: one after the other in header order, each aligned. When a section asks for more alignment
// than the first one happened to get, everything so far is laid out again from a better start.
// Rule elf/layout.
func (f *File) layOut() {
	if f.Type != uint16(elf.ET_REL) {
		return
	}
	base := uint64(redZone)
	end := base
	for i := 1; i < len(f.Sections); i++ {
		s := &f.Sections[i]
		if s.Flags&uint64(elf.SHF_ALLOC) == 0 {
			continue
		}
		next := alignUp(end, s.Align)
		switch {
		case end == base:
			base = next
		case alignUp(base, s.Align) != base:
			base = alignUp(base, s.Align)
			end = base
			for j := 1; j <= i; j++ {
				if p := &f.Sections[j]; p.Flags&uint64(elf.SHF_ALLOC) != 0 {
					p.LayoutAddr = alignUp(end, p.Align)
					end = p.LayoutAddr + p.Size
				}
			}
			continue
		}
		s.LayoutAddr = next
		end = next + s.Size
	}
}

// alignUp rounds up to a power of two; anything else counts as no alignment.
func alignUp(v, align uint64) uint64 {
	if align == 0 || align&(align-1) != 0 {
		return v
	}
	return (v + align - 1) &^ (align - 1)
}
