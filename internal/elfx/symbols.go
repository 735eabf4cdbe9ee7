package elfx

import (
	"bytes"
	"debug/elf"
	"iter"
	"slices"
)

// Symbol is one entry of a symbol table.
type Symbol struct {
	Name  []byte // part of the mapped string table; empty when the table does not have it
	Value uint64
	Size  uint64
	Info  uint8
	Other uint8
	Shndx uint32 // section number, SHN_XINDEX already resolved
}

// Bind and SymType take Info apart.
func (s *Symbol) Bind() elf.SymBind    { return elf.ST_BIND(s.Info) }
func (s *Symbol) SymType() elf.SymType { return elf.ST_TYPE(s.Info) }

// Symbols iterates over the section named .symtab, entry 0 included. The error is ErrNoSymtab
// when there is none.
func (f *File) Symbols() (iter.Seq2[int, Symbol], error) {
	t, err := f.SymbolTable()
	if err != nil {
		return nil, err
	}
	return t.From(0, t.Len()), nil
}

// SymbolTable returns the section named .symtab, with errors as Symbols.
func (f *File) SymbolTable() (*SymbolTable, error) {
	s := f.Section(".symtab")
	if s == nil || s.Type == uint32(elf.SHT_NOBITS) {
		return nil, &Error{f.Path, "", ErrNoSymtab}
	}
	t, err := f.symtab(s)
	if err != nil {
		return nil, err
	}
	return &SymbolTable{t}, nil
}

// SymbolsOf iterates over one symbol table.
func (f *File) SymbolsOf(s *Section) (iter.Seq2[int, Symbol], error) {
	t, err := f.symtab(s)
	if err != nil {
		return nil, err
	}
	return (&SymbolTable{t}).From(0, t.n), nil
}

// SymbolTable is a symbol table of which parts can be read at the same time.
type SymbolTable struct{ t symtab }

// Len returns the number of entries, entry 0 included.
func (s *SymbolTable) Len() int { return s.t.n }

// From iterates over the entries lo to hi-1.
func (s *SymbolTable) From(lo, hi int) iter.Seq2[int, Symbol] {
	return func(yield func(int, Symbol) bool) {
		t := s.t // it has a memory of its own for long names
		for i := lo; i < hi; i++ {
			if !yield(i, t.at(i)) {
				return
			}
		}
	}
}

// symtab is a symbol table ready to be decoded.
type symtab struct {
	f           *File
	n, size     int
	b, str, ext []byte

	// For longName: where strings of str end, and the long name that was found last.
	ends             []int
	longFrom, longTo int
}

func (f *File) symtab(s *Section) (symtab, error) {
	t := symtab{f: f, size: pick(f.Class64, 24, 16)}
	place := "section " + s.label()
	if s.Entsize != uint64(t.size) {
		return t, f.fail(place, "entries of %d bytes, %d expected", s.Entsize, t.size)
	}
	var err error
	if t.b, err = f.Data(s); err != nil {
		return t, err
	}
	t.n = len(t.b) / t.size
	if uint64(s.Link) >= uint64(len(f.Sections)) {
		return t, f.fail(place, "names are in section %d of %d", s.Link, len(f.Sections))
	}
	if t.str, err = f.Data(&f.Sections[s.Link]); err != nil {
		return t, err
	}
	for i := range f.Sections {
		if x := &f.Sections[i]; x.Type == uint32(elf.SHT_SYMTAB_SHNDX) && uint64(x.Link) == uint64(s.Index) {
			if t.ext, err = f.Data(x); err != nil {
				return t, err
			}
			break
		}
	}
	return t, nil
}

func (t *symtab) at(i int) Symbol {
	f, b := t.f, t.b[i*t.size:(i+1)*t.size]
	s := Symbol{Name: t.name(f.u32(b))}
	if f.Class64 {
		_ = b[23]
		s.Info, s.Other, s.Shndx = b[4], b[5], uint32(f.u16(b[6:]))
		s.Value, s.Size = f.u64(b[8:]), f.u64(b[16:])
	} else {
		_ = b[15]
		s.Value, s.Size = uint64(f.u32(b[4:])), uint64(f.u32(b[8:]))
		s.Info, s.Other, s.Shndx = b[12], b[13], uint32(f.u16(b[14:]))
	}
	if s.Shndx == uint32(elf.SHN_XINDEX) && len(t.ext) >= 4*i+4 {
		s.Shndx = f.u32(t.ext[4*i:])
	}
	return s
}

func (t *symtab) name(off uint32) []byte {
	if uint64(off) >= uint64(len(t.str)) {
		return nil
	}
	b := t.str[off:]
	if end := bytes.IndexByte(b[:min(len(b), longName)], 0); end >= 0 {
		return b[:end:end]
	}
	return t.longName(int(off))
}

// longName is how far the end of a name is looked for. No name of a kernel has 300 bytes.
const longName = 4096

// longName returns a long name. Many symbols may have ends of the same string for names: its end is looked for once.
func (t *symtab) longName(off int) []byte {
	if off < t.longFrom || off > t.longTo || t.longTo == 0 {
		if t.ends == nil {
			for i, c := range t.str {
				if c == 0 {
					t.ends = append(t.ends, i)
				}
			}
			t.ends = append(t.ends, len(t.str))
		}
		i, _ := slices.BinarySearch(t.ends, off)
		t.longFrom, t.longTo = off, t.ends[i]
	}
	return t.str[off:t.longTo:t.longTo]
}
