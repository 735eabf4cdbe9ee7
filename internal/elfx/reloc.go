package elfx

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
)

const shtCREL = 0x40000014 // LLVM's compact relocations

// relocations returns the relocation sections that apply to s and that a reader of debug
// information must see applied. The compiler emits none that matter elsewhere: the strings and
// abbreviations hold no addresses, and what the kernel relocates is not ours to touch.
func (f *File) relocations(s *Section) []*Section {
	if f.Type != uint16(elf.ET_REL) {
		return nil
	}
	name, ok := strings.CutPrefix(s.Name, ".debug_")
	if !ok {
		name, ok = strings.CutPrefix(s.Name, ".zdebug_")
	}
	if !ok || name == "str" || name == "line_str" || name == "abbrev" {
		return nil
	}
	var out []*Section
	for i := range f.Sections {
		r := &f.Sections[i]
		if uint64(r.Info) != uint64(s.Index) || r.Size == 0 {
			continue
		}
		switch r.Type {
		case uint32(elf.SHT_REL), uint32(elf.SHT_RELA), shtCREL:
			out = append(out, r)
		}
	}
	return out
}

// symValues are the values of one symbol table as relocations use them.
type symValues struct {
	once  sync.Once
	value []uint64
	// unknown: undefined symbols and those of sections that are not there. elfutils leaves
	// the field alone then, and so do we.
	unknown []bool
	err     error
}

// values returns the symbol values of the table with that section number, computed once.
func (f *File) values(link uint32) (*symValues, error) {
	if link == 0 || uint64(link) >= uint64(len(f.Sections)) {
		return &symValues{}, nil // only symbol 0 may be used then
	}
	f.mu.Lock()
	v := f.syms[int(link)]
	if v == nil {
		v = &symValues{}
		if f.syms == nil {
			f.syms = map[int]*symValues{}
		}
		f.syms[int(link)] = v
	}
	f.mu.Unlock()
	v.once.Do(func() { v.err = v.fill(f, &f.Sections[link]) })
	return v, v.err
}

func (v *symValues) fill(f *File, s *Section) error {
	t, err := f.symtab(s)
	if err != nil {
		return err
	}
	t.str = nil // names are not needed
	v.value, v.unknown = make([]uint64, t.n), make([]bool, t.n)
	for i := 1; i < t.n; i++ {
		sym := t.at(i)
		switch shndx := sym.Shndx; {
		case shndx == uint32(elf.SHN_ABS):
			v.value[i] = sym.Value
		case shndx == uint32(elf.SHN_COMMON):
			// The value of a common symbol is its alignment: no use.
		case shndx == 0 || uint64(shndx) >= uint64(len(f.Sections)):
			v.unknown[i] = true
		default:
			v.value[i] = sym.Value
			if p := &f.Sections[shndx]; p.Flags&uint64(elf.SHF_ALLOC) != 0 {
				v.value[i] += p.LayoutAddr
			}
		}
	}
	return nil
}

// relocate applies the relocations of section r to b, the contents of section s.
// Rule elf/relocations.
func (f *File) relocate(s *Section, b []byte, r *Section) error {
	a, err := f.relocation(s, r)
	if err != nil {
		return err
	}
	a.b = b
	buf := make([]byte, min(r.Size, uint64(a.size)*4096))
	for off := uint64(0); off < r.Size; off += uint64(len(buf)) {
		buf = buf[:min(uint64(len(buf)), r.Size-off)]
		if err := f.read(buf, r.Off+off); err != nil {
			return err
		}
		if err := a.apply(buf); err != nil {
			return f.fail("section "+r.label(), "%w", err)
		}
	}
	return nil
}

// relocation is what applying section r to b, the contents of section s from a place on, needs.
type relocation struct {
	f    *File
	s, r *Section
	b    []byte
	from uint64
	ops  *relocTable
	syms *symValues
	size int
	rela bool
}

// relocation checks the relocation section r of s and prepares its use.
func (f *File) relocation(s, r *Section) (*relocation, error) {
	place := "section " + r.label()
	if !f.has(r.Off, r.Size) {
		return nil, f.outside(place, r.Off, r.Size)
	}
	rela := r.Type == uint32(elf.SHT_RELA)
	size := pick(f.Class64, 16, 8)
	if rela {
		size += pick(f.Class64, 8, 4)
	}
	if r.Type == shtCREL {
		return nil, f.fail(place, "compact relocations (SHT_CREL) are not supported")
	}
	if r.Entsize != 0 && r.Entsize != uint64(size) {
		return nil, f.fail(place, "entries of %d bytes, %d expected", r.Entsize, size)
	}
	syms, err := f.values(r.Link)
	if err != nil {
		return nil, err
	}
	ops := relocOps(elf.Machine(f.Machine))
	if ops == nil {
		return nil, f.fail(place, "relocations of machine %s are not known", elf.Machine(f.Machine))
	}
	return &relocation{f: f, s: s, r: r, ops: ops, syms: syms, size: size, rela: rela}, nil
}

// place returns where in the section an entry applies.
func (a *relocation) place(rec []byte) uint64 {
	if a.f.Class64 {
		return a.f.u64(rec)
	}
	return uint64(a.f.u32(rec))
}

func (a *relocation) apply(recs []byte) error {
	f, b, size, rela := a.f, a.b, a.size, a.rela
	values := a.syms.value
	mips64 := f.Class64 && elf.Machine(f.Machine) == elf.EM_MIPS
	sparc64 := f.Class64 && elf.Machine(f.Machine) == elf.EM_SPARCV9
	for i := 0; i+size <= len(recs); i += size {
		rec := recs[i : i+size : i+size]
		var off, addend uint64
		var typ, sym uint32
		if f.Class64 {
			off = f.u64(rec)
			info := f.u64(rec[8:])
			typ, sym = uint32(info), uint32(info>>32)
			if rela {
				addend = f.u64(rec[16:])
			}
			if mips64 {
				// Four fields of their own, three of them types of a chain, in one order of bytes.
				sym, typ = f.u32(rec[8:]), binary.BigEndian.Uint32(rec[12:])
			} else if sparc64 {
				typ &= 0xff // the upper bits are data of the type
			}
		} else {
			off = uint64(f.u32(rec))
			info := f.u32(rec[4:])
			typ, sym = info&0xff, info>>8
			if rela {
				addend = uint64(int64(int32(f.u32(rec[8:]))))
			}
		}
		op := opUnknown
		if typ < maxRelocType {
			op = a.ops[typ]
		}
		if op == opNone {
			continue
		}
		if op == opUnknown {
			return fmt.Errorf("unknown relocation type %d of machine %s for %s+%#x", typ, elf.Machine(f.Machine), a.s.label(), off)
		}
		var value uint64
		if sym != 0 {
			if uint64(sym) >= uint64(len(values)) {
				return fmt.Errorf("relocation for %s+%#x uses symbol %d of %d", a.s.label(), off, sym, len(values))
			}
			if a.syms.unknown[sym] {
				continue
			}
			value = values[sym]
		}
		n := uint64(op & sizeMask)
		at := off - a.from
		if at > uint64(len(b)) || n > uint64(len(b))-at {
			return fmt.Errorf("relocation for %s+%#x lies outside the section, which has %#x bytes", a.s.label(), off, a.from+uint64(len(b)))
		}
		value += addend
		field := b[at:]
		switch op {
		case opSet | 4:
			if !rela {
				value += uint64(f.u32(field))
			}
			f.put32(field, uint32(value))
		case opSet | 8:
			if !rela {
				value += f.u64(field)
			}
			f.put64(field, value)
		default:
			if !rela && op&^sizeMask != opSet {
				return fmt.Errorf("relocation type %d for %s+%#x without an addend", typ, a.s.label(), off)
			}
			if err := f.applyRare(field, op, value, rela); err != nil {
				return fmt.Errorf("relocation for %s+%#x: %w", a.s.label(), off, err)
			}
		}
	}
	return nil
}

func (f *File) put32(b []byte, v uint32) {
	if f.BigEndian {
		binary.BigEndian.PutUint32(b, v)
	} else {
		binary.LittleEndian.PutUint32(b, v)
	}
}

func (f *File) put64(b []byte, v uint64) {
	if f.BigEndian {
		binary.BigEndian.PutUint64(b, v)
	} else {
		binary.LittleEndian.PutUint64(b, v)
	}
}

// applyRare does what linker relaxation brings: differences of two symbols, one relocation adding
// (or setting) the one and the next subtracting the other. All arithmetic is modulo the width of
// the field, so what is between the two need not fit.
func (f *File) applyRare(b []byte, op relocOp, value uint64, rela bool) error {
	n := int(op & sizeMask)
	combine := func(old uint64) uint64 {
		switch op &^ sizeMask {
		case opAdd, opAdd6, opAddULEB:
			return old + value
		case opSub, opSub6, opSubULEB:
			return old - value
		}
		if !rela {
			return old + value
		}
		return value
	}
	switch op &^ sizeMask {
	case opSet6, opAdd6, opSub6: // the lower 6 bits of a byte
		b[0] = b[0]&0xc0 | byte(combine(uint64(b[0]))&0x3f)
	case opSetULEB, opAddULEB, opSubULEB: // keeps its length
		var old uint64
		end := 0
		for ; ; end++ {
			if end >= len(b) || end >= 10 {
				return fmt.Errorf("unterminated LEB128 number")
			}
			old |= uint64(b[end]&0x7f) << (7 * end)
			if b[end]&0x80 == 0 {
				break
			}
		}
		v := combine(old)
		for i := 0; i <= end; i++ {
			b[i] = b[i]&0x80 | byte(v&0x7f)
			v >>= 7
		}
	default:
		var old uint64
		for i := range n {
			old |= uint64(b[f.place(i, n)]) << (8 * i)
		}
		v := combine(old)
		for i := range n {
			b[f.place(i, n)] = byte(v >> (8 * i))
		}
	}
	return nil
}

// place returns where byte i (0 is the lowest) of a field of n bytes is.
func (f *File) place(i, n int) int {
	if f.BigEndian {
		return n - 1 - i
	}
	return i
}
