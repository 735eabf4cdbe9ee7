package elfx

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"testing"
)

// testELF describes a file to build; section 0 and .shstrtab are added. Sections are numbered
// from 1 in the order given, .shstrtab is the last.
type testELF struct {
	class64, big bool
	typ          elf.Type
	machine      elf.Machine
	sections     []testSection
	extra        int   // empty sections after these, before .shstrtab
	segment      []int // sections that one PT_LOAD covers, first and last
}

type testSection struct {
	name       string
	typ        elf.SectionType
	flags      elf.SectionFlag
	addr       uint64
	data       []byte
	size       uint64 // of SHT_NOBITS
	link, info uint32
	align, ent uint64
}

func (e testELF) order() binary.ByteOrder {
	if e.big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// words appends numbers: uint8, uint16, uint32, uint64, and uint as an address-sized word.
func (e testELF) words(b []byte, vs ...any) []byte {
	order := e.order().(binary.AppendByteOrder)
	for _, v := range vs {
		switch v := v.(type) {
		case []byte:
			b = append(b, v...)
		case uint8:
			b = append(b, v)
		case uint16:
			b = order.AppendUint16(b, v)
		case uint32:
			b = order.AppendUint32(b, v)
		case int32:
			b = order.AppendUint32(b, uint32(v))
		case uint64:
			b = order.AppendUint64(b, v)
		case int64:
			b = order.AppendUint64(b, uint64(v))
		case uint:
			if e.class64 {
				b = order.AppendUint64(b, uint64(v))
			} else {
				b = order.AppendUint32(b, uint32(v))
			}
		default:
			panic(fmt.Sprintf("words of %T", v))
		}
	}
	return b
}

func (e testELF) sym(name uint32, info uint8, shndx uint16, value, size uint) []byte {
	if e.class64 {
		return e.words(nil, name, info, uint8(0), shndx, value, size)
	}
	return e.words(nil, name, value, size, info, uint8(0), shndx)
}

func (e testELF) rela(off uint, sym, typ uint32, addend int64) []byte {
	if e.class64 {
		return e.words(nil, off, uint64(sym)<<32|uint64(typ), addend)
	}
	return e.words(nil, off, sym<<8|typ, int32(addend))
}

func (e testELF) rel(off uint, sym, typ uint32) []byte {
	if e.class64 {
		return e.words(nil, off, uint64(sym)<<32|uint64(typ))
	}
	return e.words(nil, off, sym<<8|typ)
}

func (e testELF) build() []byte {
	eh, sh, ph := 52, 40, 32
	if e.class64 {
		eh, sh, ph = 64, 64, 56
	}
	phnum, phoff := 0, uint(0)
	body := make([]byte, eh)
	if e.segment != nil {
		phnum, phoff = 1, uint(eh)
		body = make([]byte, eh+ph)
	}
	secs := append([]testSection(nil), e.sections...)
	for range e.extra {
		secs = append(secs, testSection{name: ".text", typ: elf.SHT_PROGBITS})
	}
	secs = append(secs, testSection{name: ".shstrtab", typ: elf.SHT_STRTAB})
	names, at := []byte{0}, map[string]uint32{"": 0}
	for _, s := range secs {
		if _, ok := at[s.name]; !ok {
			at[s.name] = uint32(len(names))
			names = append(append(names, s.name...), 0)
		}
	}
	secs[len(secs)-1].data = names
	n := len(secs) + 1
	strndx := n - 1
	var first [2]uint
	e_shnum, e_strndx := uint16(n), uint16(strndx)
	if n >= 0xff00 {
		e_shnum, first[0] = 0, uint(n)
	}
	if strndx >= 0xff00 {
		e_strndx, first[1] = 0xffff, uint(strndx)
	}
	table := e.words(nil, uint32(0), uint32(0), uint(0), uint(0), uint(0), first[0], uint32(first[1]), uint32(0), uint(0), uint(0))
	offs := []uint{0}
	for _, s := range secs {
		for a := int(s.align); a > 1 && len(body)%a != 0; {
			body = append(body, 0)
		}
		size := uint(len(s.data))
		if s.typ == elf.SHT_NOBITS {
			size = uint(s.size)
		}
		off := uint(len(body))
		offs = append(offs, off)
		table = e.words(table, at[s.name], uint32(s.typ), uint(s.flags), uint(s.addr), off, size, s.link, s.info, uint(s.align), uint(s.ent))
		body = append(body, s.data...)
	}
	for len(body)%8 != 0 {
		body = append(body, 0)
	}
	shoff := uint(len(body))
	class, data := elf.ELFCLASS32, elf.ELFDATA2LSB
	if e.class64 {
		class = elf.ELFCLASS64
	}
	if e.big {
		data = elf.ELFDATA2MSB
	}
	head := append([]byte(elf.ELFMAG), byte(class), byte(data), 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	head = e.words(head, uint16(e.typ), uint16(e.machine), uint32(1), uint(0), phoff, shoff, uint32(0),
		uint16(eh), uint16(ph), uint16(phnum), uint16(sh), e_shnum, e_strndx)
	if e.segment != nil {
		from, to := offs[e.segment[0]], offs[e.segment[1]]+uint(len(secs[e.segment[1]-1].data))
		if e.class64 {
			head = e.words(head, uint32(1), uint32(5), from, from, from, to-from, to-from, uint(1))
		} else {
			head = e.words(head, uint32(1), from, from, from, to-from, to-from, uint32(5), uint(1))
		}
	}
	copy(body, head)
	return append(body, table...)
}

// forEachForm runs fn for both classes and byte orders.
func forEachForm(t *testing.T, fn func(t *testing.T, e testELF)) {
	for _, class64 := range []bool{true, false} {
		for _, big := range []bool{false, true} {
			t.Run(fmt.Sprintf("64=%v,big=%v", class64, big), func(t *testing.T) {
				fn(t, testELF{class64: class64, big: big, typ: elf.ET_REL, machine: elf.EM_X86_64})
			})
		}
	}
}

// symtab builds a symbol table of the sections given in link order: strings are its link.
func (e testELF) symtabSections(strIndex uint32, syms [][]byte, names []byte) []testSection {
	var b []byte
	for _, s := range syms {
		b = append(b, s...)
	}
	ent := uint64(16)
	if e.class64 {
		ent = 24
	}
	return []testSection{
		{name: ".symtab", typ: elf.SHT_SYMTAB, data: b, link: strIndex, info: 1, align: 8, ent: ent},
		{name: ".strtab", typ: elf.SHT_STRTAB, data: names},
	}
}
