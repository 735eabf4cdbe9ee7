package elfx

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"golang.org/x/sys/unix"
)

// NamedData is a section to write: Data becomes the contents of the first section with that name,
// or of a new one at the end of the section table. With Remove the section goes, if there is one.
type NamedData struct {
	Name   string
	Data   []byte
	Remove bool
	// Leave says that the contents are read from the file, so that they may leave a loaded segment that has no room for them.
	Leave bool
}

// WriteOptions belong to SetSections; the zero value is fine.
type WriteOptions struct {
	// StripSignature allows files with an appended module signature: the signature is cut off.
	StripSignature bool
	// Sign, when it is not nil, is given the new contents, and what it returns goes behind them. A signature that is there is cut off.
	Sign func(contents []byte) ([]byte, error)
}

// SetSections opens an ELF file, and writes sections into it as File.SetSections does.
func SetSections(path string, set []NamedData, opt WriteOptions) (note string, err error) {
	f, err := Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return f.SetSections(set, opt)
}

// SetSections writes sections into the file: a new file takes the place of the one that is open, which f goes on showing. It is an
// error, ErrChanged, when another has taken that place since. A file that is compressed as a whole stays so. On an error the file is
// untouched. note is one line about what else is worth knowing.
//
// Every section, segment and symbol keeps its number, and what does not have to move its place:
// new data, section names and section headers go to the end of the file, over what was there
// before if that was only their older selves. Only a section with Leave may get a new number: the
// old one then stays with the loaded bytes, under the name with ".image" behind it.
// Rule elf/in-place.
func (f *File) SetSections(set []NamedData, opt WriteOptions) (note string, err error) {
	o := f.m.origin
	if o == nil {
		return "", &Error{f.Path, "", fmt.Errorf("not a regular file: nothing can be added in place")}
	}
	// Replacing would succeed where writing is forbidden.
	if err := unix.Faccessat(o.dir, o.name, unix.W_OK, 0); err != nil {
		return "", &Error{f.Path, "", err}
	}
	p, err := f.plan(set, opt)
	if err != nil {
		return "", err
	}
	c := content{src: f.m.file, keep: int64(p.keep), patches: p.patches, tail: p.tail}
	if f.m.file == nil || opt.Sign != nil {
		b := p.bytes(f.data)
		if opt.Sign != nil {
			sig, err := opt.Sign(b)
			if err != nil {
				return "", &Error{f.Path, "", fmt.Errorf("it cannot be signed: %w", err)}
			}
			b = append(b, sig...)
		}
		b, err := compressWhole(f.Compression, b)
		if err != nil {
			return "", f.fail(f.Compression+" data", "%w", err)
		}
		c = content{tail: b}
	} else {
		c.begun, c.has = f.ahead.take(o)
	}
	n, err := prepare(o.entry, o, c)
	if err != nil {
		return "", wrap(f.Path, err)
	}
	defer n.drop()
	if err := n.replaceOld(); err != nil {
		return "", wrap(f.Path, err)
	}
	note = p.note
	for _, more := range n.notes {
		note = joinNotes(note, more)
	}
	return note, nil
}

func joinNotes(a, b string) string {
	if a != "" && b != "" {
		return a + "; " + b
	}
	return a + b
}

// AddSections is SetSections on bytes: it returns a changed copy of an ELF file.
func AddSections(path string, b []byte, set []NamedData, opt WriteOptions) ([]byte, error) {
	f, err := FromBytes(path, b)
	if err != nil {
		return nil, err
	}
	p, err := f.plan(set, opt)
	if err != nil {
		return nil, err
	}
	return p.bytes(b), nil
}

// compressWhole compresses as the kernel's modules_install does.
func compressWhole(kind string, b []byte) ([]byte, error) {
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	switch kind {
	case "":
		return b, nil // signed, or from a file that could be read but not mapped
	case "gzip":
		w, err = gzip.NewWriterLevel(&out, gzip.DefaultCompression)
	case "zstd":
		// EncodeAll, so that the frame tells its content size.
		enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBetterCompression))
		if err != nil {
			return nil, err
		}
		defer enc.Close()
		return enc.EncodeAll(b, nil), nil
	case "xz":
		if packed := xzProgram(b); packed != nil {
			return packed, nil
		}
		// The kernel knows CRC32 only, and 1 MiB is the dictionary of its own module_install.
		w, err = xz.WriterConfig{CheckSum: xz.CRC32, DictCap: 1 << 20}.NewWriter(&out)
	}
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// A patch is bytes that replace as many others.
type patch struct {
	off  uint64
	data []byte
}

// plan is a changed file: the first keep bytes of the old one, patched, and a new tail. It holds
// no memory of the mapped file.
type plan struct {
	keep    uint64
	patches []patch
	tail    []byte
	note    string
}

func (p *plan) bytes(old []byte) []byte {
	b := make([]byte, 0, p.keep+uint64(len(p.tail)))
	b = append(append(b, old[:p.keep]...), p.tail...)
	for _, pt := range p.patches {
		copy(b[pt.off:], pt.data)
	}
	return b
}

// planner works out a plan for one file.
type planner struct {
	f    *File
	end  uint64 // of the file, without a signature
	sec  []Section
	segs []extent
	// free says of a section that its bytes in the file are not needed any more, move that it
	// gets new ones: moved[i].
	free  map[int]bool
	moved map[int][]byte
	order []int // of moved
	names []byte
	p     *plan
}

type extent struct{ off, end uint64 }

// plan applies rule elf/signature.
func (f *File) plan(set []NamedData, opt WriteOptions) (*plan, error) {
	w := &planner{f: f, end: uint64(len(f.data)), free: map[int]bool{}, moved: map[int][]byte{}, p: &plan{}}
	if n := signatureSize(f.data); n > 0 {
		if !opt.StripSignature && opt.Sign == nil {
			return nil, &Error{f.Path, "", ErrSigned}
		}
		w.end -= n
	}
	w.sec = append(make([]Section, 0, len(f.Sections)+len(set)+2), f.Sections...)
	if err := w.readSegments(); err != nil {
		return nil, err
	}
	w.ensureNames()
	for _, d := range set {
		if err := w.set(d); err != nil {
			return nil, err
		}
		w.noteImage(d)
	}
	if err := w.dropLast(); err != nil {
		return nil, err
	}
	w.nameNew()
	if err := w.place(); err != nil {
		return nil, err
	}
	return w.p, nil
}

// SignatureMark ends a signed module (MODULE_SIG_STRING of the kernel).
const SignatureMark = "~Module signature appended~\n"

// signatureSize returns how many bytes at the end of b are a module signature: the signature,
// 12 bytes that describe it, the magic string.
func signatureSize(b []byte) uint64 {
	head, ok := bytes.CutSuffix(b, []byte(SignatureMark))
	if !ok {
		return 0
	}
	n := uint64(len(SignatureMark))
	if len(head) < 12 {
		return n
	}
	d := head[len(head)-12:]
	// The lengths of signer and key id were used before Linux 4.3.
	sig := uint64(d[8])<<24 | uint64(d[9])<<16 | uint64(d[10])<<8 | uint64(d[11])
	if all := 12 + sig + uint64(d[3]) + uint64(d[4]); all <= uint64(len(head)) {
		n += all
	}
	return n
}

func (w *planner) readSegments() error {
	f, h := w.f, &w.f.hdr
	if h.phnum == 0 || h.phoff == 0 {
		return nil
	}
	size := uint64(f.phSize())
	if h.phentsize != f.phSize() {
		return f.fail("ELF header", "program headers of %d bytes, %d expected", h.phentsize, size)
	}
	if h.phoff > w.end || uint64(h.phnum) > (w.end-h.phoff)/size {
		return f.outside("program headers", h.phoff, uint64(h.phnum)*size)
	}
	w.segs = append(w.segs, extent{h.phoff, h.phoff + uint64(h.phnum)*size})
	for i := range uint64(h.phnum) {
		b := f.data[h.phoff+i*size:]
		var off, n uint64
		if f.Class64 {
			off, n = f.u64(b[8:]), f.u64(b[32:])
		} else {
			off, n = uint64(f.u32(b[4:])), uint64(f.u32(b[16:]))
		}
		// Debug files keep segments of which they have no bytes.
		if off < w.end && n > 0 {
			w.segs = append(w.segs, extent{off, off + min(n, w.end-off)})
		}
	}
	return nil
}

// ensureNames makes sure that there is a section table with a name section.
func (w *planner) ensureNames() {
	h := &w.f.hdr
	if len(w.sec) == 0 {
		w.sec = append(w.sec, Section{})
	}
	w.names = w.f.shstrtab
	if h.shstrndx == 0 {
		h.shstrndx = len(w.sec)
		w.names = []byte{0}
		w.sec = append(w.sec, Section{Name: ".shstrtab", Index: len(w.sec), Type: uint32(elf.SHT_STRTAB), Align: 1, name: noName})
		w.move(h.shstrndx, w.names)
	}
}

// maxFileAlign bounds what a section's alignment does to its place in the file, where nothing
// asks for more than a page.
const maxFileAlign = 4096

const noName = math.MaxUint32 // of a section whose name is not in the name section yet

func (w *planner) move(i int, data []byte) {
	if _, ok := w.moved[i]; !ok {
		w.order = append(w.order, i)
	}
	w.moved[i], w.free[i] = data, true
}

// inSegment reports whether bytes of section s are loaded as part of a segment.
func (w *planner) inSegment(s *Section) bool {
	if s.Type == uint32(elf.SHT_NOBITS) {
		return s.Flags&uint64(elf.SHF_ALLOC) != 0 && len(w.segs) > 0
	}
	for _, g := range w.segs {
		if s.Off < g.end && s.Off+max(s.Size, 1) > g.off {
			return true
		}
	}
	// An empty section at the end of a segment, or between two, has an address all the same.
	return s.Size == 0 && s.Flags&uint64(elf.SHF_ALLOC) != 0 && len(w.segs) > 0
}

func (w *planner) set(d NamedData) error {
	f, i := w.f, w.find(d.Name)
	place := "section " + d.Name
	if !f.Class64 && uint64(len(d.Data)) > math.MaxUint32 {
		return f.fail(place, "%d bytes are too many for a 32-bit file", len(d.Data))
	}
	if i < 0 {
		if !d.Remove {
			w.add(d)
		}
		return nil
	}
	s := &w.sec[i]
	if i == f.hdr.shstrndx {
		return f.fail(place, "holds the section names")
	}
	if i < len(f.Sections) && s.Type != uint32(elf.SHT_NOBITS) && (s.Off > w.end || s.Size > w.end-s.Off) {
		return f.outside(place, s.Off, s.Size)
	}
	if i < len(f.Sections) && w.inSegment(s) {
		err := w.setInSegment(s, d)
		if err != nil && d.Leave && !d.Remove {
			w.leave(i, d)
			return nil
		}
		return err
	}
	if i < len(f.Sections) {
		w.dropRelocations(i)
	}
	if d.Remove {
		delete(w.moved, i)
		w.free[i] = true
		*s = Section{Index: i}
		return nil
	}
	// What the old contents were (compressed, strings) does not hold for the new.
	s.Type, s.Entsize = uint32(elf.SHT_PROGBITS), 0
	s.Flags &^= uint64(elf.SHF_COMPRESSED | elf.SHF_MERGE | elf.SHF_STRINGS)
	s.Align = max(s.Align, 1)
	w.move(i, d.Data)
	return nil
}

func (w *planner) find(name string) int {
	for i := 1; i < len(w.sec); i++ {
		if w.sec[i].Name == name && w.sec[i].Type != uint32(elf.SHT_NULL) {
			return i
		}
	}
	return -1
}

// setInSegment replaces contents that have an address: there they can neither move nor grow.
func (w *planner) setInSegment(s *Section, d NamedData) error {
	if d.Remove {
		return w.f.fail("section "+s.Name, "is part of a loaded segment and cannot be removed")
	}
	if s.Type == uint32(elf.SHT_NOBITS) || uint64(len(d.Data)) > s.Size {
		return w.f.fail("section "+s.Name, "%d bytes: %w of %d bytes", len(d.Data), ErrNoRoom, s.Size)
	}
	if w.shared(extent{s.Off, s.Off + s.Size}, s.Index) {
		return w.f.fail("section "+s.Name, "shares its place with another section")
	}
	b := make([]byte, s.Size)
	n := copy(b, d.Data)
	w.p.patches = append(w.p.patches, patch{s.Off, b})
	if uint64(n) < s.Size {
		w.p.note = joinNotes(w.p.note, fmt.Sprintf("section %s is loaded and keeps its place: %d bytes after its new end are zero", s.Name, s.Size-uint64(n)))
	}
	s.Size = uint64(n)
	return nil
}

// shared reports whether bytes of x belong to a section other than self that stays.
func (w *planner) shared(x extent, self int) bool {
	for i := range w.f.Sections {
		s := &w.f.Sections[i]
		if i != self && !w.free[i] && s.Type != uint32(elf.SHT_NOBITS) && s.Type != uint32(elf.SHT_NULL) && s.Off < x.end && s.Off+s.Size > x.off {
			return true
		}
	}
	return false
}

// dropRelocations removes relocations of contents that are replaced: they would be applied to the
// new ones by the next ld -r.
func (w *planner) dropRelocations(target int) {
	if w.f.Type != uint16(elf.ET_REL) {
		return
	}
	for i := range w.f.Sections {
		s := &w.sec[i]
		if uint64(s.Info) == uint64(target) && (s.Type == uint32(elf.SHT_REL) || s.Type == uint32(elf.SHT_RELA)) {
			w.free[i] = true
			*s = Section{Index: i}
		}
	}
}

// dropLast shortens the table by sections that were removed from its end. One further up leaves an
// empty entry, so that all numbers hold; so does one that something still refers to.
func (w *planner) dropLast() error {
	n := len(w.sec)
	for n > 1 && w.free[n-1] && w.sec[n-1].Type == uint32(elf.SHT_NULL) {
		n--
	}
	if n == len(w.sec) {
		return nil
	}
	for i := range w.f.Sections {
		s := &w.f.Sections[i]
		if i < n {
			if uint64(s.Link) >= uint64(n) && i > 0 || s.Type == uint32(elf.SHT_GROUP) {
				return nil
			}
		}
		if s.Type != uint32(elf.SHT_SYMTAB) {
			continue
		}
		syms, err := w.f.SymbolsOf(s)
		if err != nil {
			return err
		}
		for _, sym := range syms {
			if sym.Shndx >= uint32(n) && sym.Shndx < uint32(len(w.sec)) {
				return nil
			}
		}
	}
	w.sec = w.sec[:n]
	return nil
}

// nameNew finds names for new sections; only when the name section lacks one does it move.
func (w *planner) nameNew() {
	names, grown := w.names, false
	for i := range w.sec {
		s := &w.sec[i]
		if s.name != noName || s.Name == "" {
			continue
		}
		z := append([]byte(s.Name), 0)
		at := bytes.Index(names, z)
		if at < 0 {
			if !grown {
				names, grown = append(make([]byte, 0, len(names)+64), names...), true
				if len(names) == 0 || names[len(names)-1] != 0 {
					names = append(names, 0)
				}
			}
			at = len(names)
			names = append(names, z...)
		}
		s.name = uint32(at)
	}
	if grown {
		for i := range w.sec { // names outside the old section stay empty
			if s := &w.sec[i]; s.name != 0 && uint64(s.name) >= uint64(len(w.names)) && i < len(w.f.Sections) && s.Name == "" {
				s.name = uint32(len(names) - 1)
			}
		}
		w.moveNames(names)
	}
}

// moveNames gives the name section new contents. It goes last, next to the headers, as ld has it.
func (w *planner) moveNames(names []byte) {
	i := w.f.hdr.shstrndx
	w.sec[i].Type = uint32(elf.SHT_STRTAB)
	w.move(i, names)
	at := slices.Index(w.order, i)
	w.order = append(slices.Delete(w.order, at, at+1), i)
}

// place decides where everything goes, and writes tail and patches.
// Rule elf/in-place.
func (w *planner) place() error {
	f, p := w.f, w.p
	shsize := uint64(f.shSize())
	oldTable := extent{f.hdr.shoff, f.hdr.shoff + uint64(len(f.Sections))*shsize}
	keep, known := uint64(f.ehSize()), uint64(f.ehSize())
	for _, g := range w.segs {
		keep = max(keep, g.end)
	}
	for i := range f.Sections {
		s := &f.Sections[i]
		if i == 0 || s.Type == uint32(elf.SHT_NOBITS) || s.Type == uint32(elf.SHT_NULL) || s.Size == 0 {
			continue
		}
		if s.Off > w.end || s.Size > w.end-s.Off {
			return f.outside("section "+s.label(), s.Off, s.Size)
		}
		known = max(known, s.Off+s.Size)
		if !w.free[i] && i != f.hdr.shstrndx {
			keep = max(keep, s.Off+s.Size)
		}
	}
	if i := f.hdr.shstrndx; i < len(f.Sections) && !w.free[i] {
		// Names behind all that stays make way, or a section that grows again and again would
		// leave a hole each time.
		s := &f.Sections[i]
		if s.Off >= keep && len(w.order) > 0 {
			w.moveNames(w.names)
		} else if len(f.shstrtab) > 0 {
			keep = max(keep, s.Off+s.Size)
		}
	}
	if f.hdr.shoff != 0 {
		if oldTable.end > w.end {
			return f.outside("section header table", oldTable.off, oldTable.end-oldTable.off)
		}
		known = max(known, oldTable.end)
	}
	if known = max(known, keep); known < w.end {
		keep = w.end // something that no header speaks of is appended
	}
	p.keep = keep
	for _, i := range w.order {
		data, ok := w.moved[i]
		if !ok || i >= len(w.sec) {
			continue
		}
		s := &w.sec[i]
		if i < len(f.Sections) {
			// In the middle of the file: into the old place when that is large enough.
			old := &f.Sections[i]
			fits := old.Type != uint32(elf.SHT_NOBITS) && old.Size > 0 && uint64(len(data)) <= old.Size
			if fits && old.Off+old.Size <= keep && !w.shared(extent{old.Off, old.Off + old.Size}, i) {
				b := make([]byte, old.Size)
				copy(b, data)
				p.patches = append(p.patches, patch{old.Off, b})
				s.Off, s.Size = old.Off, uint64(len(data))
				continue
			}
		}
		align := uint64(8) // whatever its alignment says: readers may map it
		if i == f.hdr.shstrndx {
			align = 1
		}
		s.Off, s.Size = w.append(data, min(max(align, s.Align), maxFileAlign)), uint64(len(data))
	}
	shoff := oldTable.off
	if f.hdr.shoff != 0 && oldTable.end <= keep && len(w.sec) <= len(f.Sections) && !w.shared(oldTable, -1) {
		p.patches = append(p.patches, patch{shoff, w.table()})
	} else {
		shoff = w.append(nil, 8)
		p.tail = append(p.tail, w.table()...)
	}
	if !f.Class64 && p.keep+uint64(len(p.tail)) > math.MaxUint32 {
		return f.fail("", "the result is too large for a 32-bit file")
	}
	p.patches = append(p.patches, patch{0, w.elfHeader(shoff)})
	return nil
}

// append adds b to the tail and returns where that is in the file.
func (w *planner) append(b []byte, align uint64) uint64 {
	pos := w.p.keep + uint64(len(w.p.tail))
	off := alignUp(pos, align)
	w.p.tail = append(append(w.p.tail, make([]byte, off-pos)...), b...)
	return off
}

// large reports whether the numbers of sections do not fit the ELF header.
func large(n int) bool { return n >= int(elf.SHN_LORESERVE) }

func (w *planner) table() []byte {
	f, n := w.f, len(w.sec)
	size := f.shSize()
	b := make([]byte, n*size)
	if h := f.hdr.shoff; h != 0 {
		copy(b, f.data[h:h+uint64(len(f.Sections)*size)])
	}
	// The null section holds what the ELF header cannot.
	w.sec[0].Size, w.sec[0].Link = 0, 0
	if large(n) {
		w.sec[0].Size = uint64(n)
	}
	if large(f.hdr.shstrndx) {
		w.sec[0].Link = uint32(f.hdr.shstrndx)
	}
	for i := range w.sec {
		if i < len(f.Sections) && w.sec[i] == f.Sections[i] {
			continue
		}
		w.putHeader(b[i*size:], &w.sec[i])
	}
	return b
}

func (w *planner) putHeader(b []byte, s *Section) {
	f := w.f
	f.put32(b, s.name)
	f.put32(b[4:], s.Type)
	if f.Class64 {
		for i, v := range [...]uint64{s.Flags, s.Addr, s.Off, s.Size} {
			f.put64(b[8+8*i:], v)
		}
		f.put32(b[40:], s.Link)
		f.put32(b[44:], s.Info)
		f.put64(b[48:], s.Align)
		f.put64(b[56:], s.Entsize)
		return
	}
	for i, v := range [...]uint64{s.Flags, s.Addr, s.Off, s.Size, uint64(s.Link), uint64(s.Info), s.Align, s.Entsize} {
		f.put32(b[8+4*i:], uint32(v))
	}
}

func (w *planner) elfHeader(shoff uint64) []byte {
	f := w.f
	b := append([]byte(nil), f.data[:f.ehSize()]...)
	n, strndx := uint16(len(w.sec)), uint16(f.hdr.shstrndx)
	if large(len(w.sec)) {
		n = 0
	}
	if large(f.hdr.shstrndx) {
		strndx = uint16(elf.SHN_XINDEX)
	}
	if f.Class64 {
		f.put64(b[40:], shoff)
	} else {
		f.put32(b[32:], uint32(shoff))
	}
	counts := b[pick(f.Class64, 58, 46):]
	order := f.Order()
	order.PutUint16(counts, uint16(f.shSize()))
	order.PutUint16(counts[2:], n)
	order.PutUint16(counts[4:], strndx)
	return b
}
