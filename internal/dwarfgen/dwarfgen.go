// Package dwarfgen writes ELF files with DWARF that no compiler would write: for tests of what gobtf does with many, deep, shared and
// broken entries. It knows the encoding of DWARF 2 to 5 and nothing of what gobtf makes of it.
//
// It is used by tests and by tools/torture only.
package dwarfgen

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Attr is one attribute: its code (DW_AT), its form (DW_FORM), its value. Values are uint64 for numbers and offsets, string for
// DW_FORM_string, []byte for blocks and expressions, *DIE for references, nil for DW_FORM_flag_present.
type Attr struct {
	At, Form uint64
	Val      any
}

// DIE is an entry and what lies below it.
type DIE struct {
	Tag   uint64
	Attrs []Attr
	Kids  []*DIE
	Open  bool // it has children, although there are none

	off uint32 // from the unit's start
	abs uint32 // from the section's start
}

// Unit is a compile unit: its own DIE and what lies below it.
type Unit struct {
	Version int // 2 to 5; 0 is 4
	Root    *DIE
	Raw     []byte // bytes to put in place of the unit
	// AbbrevAt, when it is not 0, is the place of its abbreviation table in Object.Abbrev.
	AbbrevAt uint32
	// Signature and Type make it a type unit, which has a .debug_types section of its own.
	Signature uint64
	Type      *DIE
}

// Symbol is an entry of .symtab.
type Symbol struct {
	Name    string
	Value   uint64
	Size    uint64
	Info    byte // binding and type
	Section uint16
}

// Section is a section beside those that Object makes itself.
type Section struct {
	Name  string
	Type  uint32
	Flags uint64
	Addr  uint64
	Data  []byte
	Size  uint64 // of SHT_NOBITS
}

// Object is an ELF64 file for x86-64, little-endian, without relocations.
type Object struct {
	Type     uint16 // ET; 0 is ET_EXEC
	Units    []*Unit
	Abbrev   []byte // in place of the table that is made of the units' DIEs
	Str      []byte // .debug_str
	StrTab   []byte // in place of the names of Symbols: then their Value's name starts at 1 + their number
	Symbols  []Symbol
	Sections []Section // their numbers begin with 1
}

// The codes that tests name.
const (
	TagArray, TagClass, TagEnum, TagParameter, TagMember = 0x01, 0x02, 0x04, 0x05, 0x0d
	TagPointer, TagCompileUnit, TagStruct, TagSubroutine = 0x0f, 0x11, 0x13, 0x15
	TagTypedef, TagUnion, TagSubrange, TagBase, TagConst = 0x16, 0x17, 0x21, 0x24, 0x26
	TagEnumerator, TagSubprogram, TagVariable            = 0x28, 0x2e, 0x34
	TagVolatile, TagImportedUnit, TagPartialUnit         = 0x35, 0x3d, 0x3c
	TagLexicalBlock, TagInlined                          = 0x0b, 0x1d
	TagGNUAnnotation, TagLLVMAnnotation                  = 0x6001, 0x6000

	AtSibling, AtLocation, AtName, AtByteSize, AtBitSize = 0x01, 0x02, 0x03, 0x0b, 0x0d
	AtLowPC, AtHighPC, AtLanguage, AtImport, AtConst     = 0x11, 0x12, 0x13, 0x18, 0x1c
	AtPrototyped, AtUpperBound, AtOrigin, AtMemberLoc    = 0x27, 0x2f, 0x31, 0x38
	AtDeclaration, AtEncoding, AtExternal, AtSpec, AtTyp = 0x3c, 0x3e, 0x3f, 0x47, 0x49
	AtDataBitOffset                                      = 0x6b

	FormAddr, FormData2, FormData4, FormData8, FormString = 0x01, 0x05, 0x06, 0x07, 0x08
	FormBlock1, FormData1, FormSdata, FormStrp, FormUdata = 0x0a, 0x0b, 0x0d, 0x0e, 0x0f
	FormRefAddr, FormRef4, FormSecOffset, FormExprloc     = 0x10, 0x13, 0x17, 0x18
	FormFlagPresent, FormRefSig8                          = 0x19, 0x20
)

// ULEB appends an unsigned LEB128 number.
func ULEB(b []byte, v uint64) []byte { return binary.AppendUvarint(b, v) }

// Abbrev appends the declaration of an abbreviation; pairs are attributes and forms in turn.
func Abbrev(b []byte, code, tag uint64, children bool, pairs ...uint64) []byte {
	b = ULEB(ULEB(b, code), tag)
	if children {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	for _, v := range pairs {
		b = ULEB(b, v)
	}
	return append(b, 0, 0)
}

// A writer lays out the units.
type writer struct {
	info   []byte
	abbrev []byte
	codes  map[string]uint64
	key    []byte
	fixes  []fix
	start  int
}

// fix is a reference to fill in once its target's place is known.
type fix struct {
	at  int
	abs bool
	to  *DIE
}

func (w *writer) code(d *DIE) uint64 {
	w.key = ULEB(w.key[:0], d.Tag)
	if len(d.Kids) > 0 || d.Open {
		w.key = append(w.key, 1)
	} else {
		w.key = append(w.key, 0)
	}
	for _, a := range d.Attrs {
		w.key = ULEB(ULEB(w.key, a.At), a.Form)
	}
	if c, ok := w.codes[string(w.key)]; ok {
		return c
	}
	c := uint64(len(w.codes) + 1)
	w.codes[string(w.key)] = c
	w.abbrev = append(append(ULEB(w.abbrev, c), w.key...), 0, 0)
	return c
}

func (w *writer) die(d *DIE) error {
	d.abs, d.off = uint32(len(w.info)), uint32(len(w.info)-w.start)
	w.info = ULEB(w.info, w.code(d))
	for _, a := range d.Attrs {
		if err := w.value(a); err != nil {
			return err
		}
	}
	for _, k := range d.Kids {
		if err := w.die(k); err != nil {
			return err
		}
	}
	if len(d.Kids) > 0 || d.Open {
		w.info = append(w.info, 0)
	}
	return nil
}

func (w *writer) value(a Attr) error {
	if to, ok := a.Val.(*DIE); ok {
		w.fixes = append(w.fixes, fix{len(w.info), a.Form == FormRefAddr, to})
		w.info = append(w.info, 0, 0, 0, 0)
		return nil
	}
	le := binary.LittleEndian
	n, _ := a.Val.(uint64)
	switch a.Form {
	case FormString:
		w.info = append(append(w.info, a.Val.(string)...), 0)
	case FormData1:
		w.info = append(w.info, byte(n))
	case FormData2:
		w.info = le.AppendUint16(w.info, uint16(n))
	case FormData4, FormRef4, FormStrp, FormSecOffset, FormRefAddr:
		w.info = le.AppendUint32(w.info, uint32(n))
	case FormAddr, FormData8, FormRefSig8:
		w.info = le.AppendUint64(w.info, n)
	case FormUdata:
		w.info = ULEB(w.info, n)
	case FormBlock1:
		b := a.Val.([]byte)
		w.info = append(append(w.info, byte(len(b))), b...)
	case FormExprloc:
		b := a.Val.([]byte)
		w.info = append(ULEB(w.info, uint64(len(b))), b...)
	case FormFlagPresent:
	default:
		return fmt.Errorf("dwarfgen: form %#x is not written", a.Form)
	}
	return nil
}

func (w *writer) unit(u *Unit) error {
	if u.Raw != nil {
		w.info = append(w.info, u.Raw...)
		return nil
	}
	le := binary.LittleEndian
	version := u.Version
	if version == 0 {
		version = 4
	}
	w.start = len(w.info)
	w.info = append(w.info, 0, 0, 0, 0)
	w.info = le.AppendUint16(w.info, uint16(version))
	if version >= 5 {
		w.info = append(w.info, 1, 8)
		w.info = le.AppendUint32(w.info, u.AbbrevAt)
	} else {
		w.info = append(le.AppendUint32(w.info, u.AbbrevAt), 8)
	}
	if u.Type != nil {
		w.info = le.AppendUint64(w.info, u.Signature)
		w.fixes = append(w.fixes, fix{len(w.info), false, u.Type})
		w.info = append(w.info, 0, 0, 0, 0)
	}
	if u.Root != nil {
		if err := w.die(u.Root); err != nil {
			return err
		}
	}
	le.PutUint32(w.info[w.start:], uint32(len(w.info)-w.start-4))
	return nil
}

// fix fills in the references.
func (w *writer) fix() {
	for _, f := range w.fixes {
		v := f.to.off
		if f.abs {
			v = f.to.abs
		}
		binary.LittleEndian.PutUint32(w.info[f.at:], v)
	}
	w.fixes = w.fixes[:0]
}

// Bytes returns the file. A type unit must come before the units that it does not belong to: it is taken out of .debug_info again.
func (o *Object) Bytes() ([]byte, error) {
	w := &writer{codes: make(map[string]uint64)}
	var types []Section
	for _, u := range o.Units {
		if err := w.unit(u); err != nil {
			return nil, err
		}
		if u.Type != nil {
			w.fix()
			types = append(types, Section{Name: ".debug_types", Type: 1, Data: bytes.Clone(w.info[w.start:])})
			w.info = w.info[:w.start]
		}
	}
	w.fix()
	abbrev := append(w.abbrev, 0)
	if o.Abbrev != nil {
		abbrev = o.Abbrev
	}
	secs := append([]Section{{}}, o.Sections...)
	secs = append(secs, types...)
	secs = append(secs, Section{Name: ".debug_info", Type: 1, Data: w.info}, Section{Name: ".debug_abbrev", Type: 1, Data: abbrev})
	if o.Str != nil {
		secs = append(secs, Section{Name: ".debug_str", Type: 1, Flags: 0x30, Data: o.Str})
	}
	le, symtab := binary.LittleEndian, 0
	if len(o.Symbols) > 0 {
		names, table := []byte{0}, make([]byte, 24)
		for i, s := range o.Symbols {
			at := len(names)
			if o.StrTab != nil {
				at = 1 + i
			} else {
				names = append(append(names, s.Name...), 0)
			}
			table = le.AppendUint32(table, uint32(at))
			table = append(table, s.Info, 0)
			table = le.AppendUint16(table, s.Section)
			table = le.AppendUint64(le.AppendUint64(table, s.Value), s.Size)
		}
		if o.StrTab != nil {
			names = o.StrTab
		}
		symtab = len(secs)
		secs = append(secs, Section{Name: ".symtab", Type: 2, Data: table}, Section{Name: ".strtab", Type: 3, Data: names})
	}
	return layout(o.Type, secs, symtab), nil
}

// layout writes header, contents and section headers.
func layout(typ uint16, secs []Section, symtab int) []byte {
	le := binary.LittleEndian
	if typ == 0 {
		typ = 2
	}
	names := []byte{0}
	nameAt := make([]uint32, len(secs)+1)
	for i, s := range secs {
		if i > 0 {
			nameAt[i] = uint32(len(names))
			names = append(append(names, s.Name...), 0)
		}
	}
	nameAt[len(secs)] = uint32(len(names))
	names = append(names, ".shstrtab\x00"...)
	secs = append(secs, Section{Name: ".shstrtab", Type: 3, Data: names})
	body, headers := make([]byte, 64), []byte(nil)
	for i, s := range secs {
		for len(body)%8 != 0 {
			body = append(body, 0)
		}
		off, size, link, info, entry := uint64(len(body)), uint64(len(s.Data)), uint32(0), uint32(0), uint64(0)
		if s.Type == 8 {
			size = s.Size
		} else {
			body = append(body, s.Data...)
		}
		if i == 0 {
			off = 0
		}
		if i == symtab && i > 0 {
			link, info, entry = uint32(i+1), 1, 24
		}
		headers = le.AppendUint32(le.AppendUint32(headers, nameAt[i]), s.Type)
		headers = le.AppendUint64(le.AppendUint64(headers, s.Flags), s.Addr)
		headers = le.AppendUint64(le.AppendUint64(headers, off), size)
		headers = le.AppendUint32(le.AppendUint32(headers, link), info)
		headers = le.AppendUint64(le.AppendUint64(headers, 1), entry)
	}
	for len(body)%8 != 0 {
		body = append(body, 0)
	}
	copy(body, "\x7fELF\x02\x01\x01")
	le.PutUint16(body[16:], typ)
	le.PutUint16(body[18:], 62)
	le.PutUint32(body[20:], 1)
	le.PutUint64(body[40:], uint64(len(body)))
	le.PutUint16(body[52:], 64)
	le.PutUint16(body[58:], 64)
	le.PutUint16(body[60:], uint16(len(secs)))
	le.PutUint16(body[62:], uint16(len(secs)-1))
	return bytes.Join([][]byte{body, headers}, nil)
}
