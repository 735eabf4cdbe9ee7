package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/gobtf/gobtf/btf"
)

func kindName(k btf.Kind) string {
	switch {
	case k == btf.Void:
		return "VOID"
	case k >= btf.NumKinds:
		return fmt.Sprintf("KIND%d", uint8(k))
	}
	return k.String()
}

type file struct {
	raw                                      []byte
	order                                    binary.ByteOrder
	hdrLen, typeOff, typeLen, strOff, strLen uint32
	types                                    []btfType
	strs                                     []byte
	base                                     *file
}

type btfType struct {
	id   int
	w    []uint32 // name, info, size or type
	rest []uint32
}

func (t btfType) kind() btf.Kind { return btf.InfoKind(t.w[1]) }
func (t btfType) vlen() int      { return btf.InfoVlen(t.w[1]) }
func (t btfType) flag() bool     { return btf.InfoKflag(t.w[1]) }

func read(name string, base *file) (*file, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	f := &file{raw: raw, base: base, order: binary.LittleEndian}
	if err := f.parse(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

func (f *file) parse() error {
	if len(f.raw) < 24 {
		return errors.New("shorter than a BTF header")
	}
	switch {
	case f.raw[0] == 0x9f && f.raw[1] == 0xeb:
	case f.raw[0] == 0xeb && f.raw[1] == 0x9f:
		f.order = binary.BigEndian
	default:
		return errors.New("no BTF magic")
	}
	u := func(off int) uint32 { return f.order.Uint32(f.raw[off:]) }
	f.hdrLen, f.typeOff, f.typeLen, f.strOff, f.strLen = u(4), u(8), u(12), u(16), u(20)
	types, err := f.part("types", f.typeOff, f.typeLen)
	if err != nil {
		return err
	}
	if f.strs, err = f.part("strings", f.strOff, f.strLen); err != nil {
		return err
	}
	words := make([]uint32, len(types)/4)
	for i := range words {
		words[i] = f.order.Uint32(types[4*i:])
	}
	id := 1
	if f.base != nil {
		id += len(f.base.types)
	}
	for len(words) >= 3 {
		t := btfType{id: id, w: words[:3]}
		if t.kind() >= btf.NumKinds {
			return fmt.Errorf("type %d: unknown kind %d", id, t.kind())
		}
		n := btf.RecordWords(t.w[1])
		if n > len(words) {
			return fmt.Errorf("type %d: %s does not fit in the type section", id, kindName(t.kind()))
		}
		t.rest, words = words[3:n], words[n:]
		f.types = append(f.types, t)
		id++
	}
	if len(words) != 0 || len(types)%4 != 0 {
		return errors.New("bytes are left after the last type")
	}
	return nil
}

func (f *file) part(what string, off, n uint32) ([]byte, error) {
	start, end := uint64(f.hdrLen)+uint64(off), uint64(f.hdrLen)+uint64(off)+uint64(n)
	if end > uint64(len(f.raw)) {
		return nil, fmt.Errorf("%s end at %d, the file at %d", what, end, len(f.raw))
	}
	return f.raw[start:end], nil
}

func (f *file) strBase() int {
	if f.base == nil {
		return 0
	}
	return len(f.base.strs)
}

func (f *file) str(off uint32) string {
	if f.base != nil && int64(off) < int64(f.strBase()) {
		return f.base.str(off)
	}
	i := int64(off) - int64(f.strBase())
	if i < 0 || i >= int64(len(f.strs)) {
		return fmt.Sprintf("<string %d out of range>", off)
	}
	s := f.strs[i:]
	for n, c := range s {
		if c == 0 {
			return string(s[:n])
		}
	}
	return string(s)
}

func (f *file) byID(id uint32) (btfType, bool) {
	first := uint32(1)
	if f.base != nil {
		if t, ok := f.base.byID(id); ok {
			return t, true
		}
		first += uint32(len(f.base.types))
	}
	if id < first || id-first >= uint32(len(f.types)) {
		return btfType{}, false
	}
	return f.types[id-first], true
}

func (f *file) counts() (n [btf.NumKinds]int) {
	for _, t := range f.types {
		n[t.kind()]++
	}
	return n
}

func (f *file) label(t btfType) string {
	if s := f.str(t.w[0]); s != "" {
		return kindName(t.kind()) + " " + s
	}
	return kindName(t.kind())
}

// ref names what an id leads to: through nameless kinds down to the first name, and with the id itself when ids count.
func (f *file) ref(id uint32, ids bool) string {
	s := ""
	if ids {
		s = fmt.Sprintf("[%d] ", id)
	}
	for range 8 {
		if id == 0 {
			return s + "void"
		}
		t, ok := f.byID(id)
		if !ok {
			return s + "<no such type>"
		}
		s += f.label(t)
		switch t.kind() {
		case btf.Ptr, btf.Volatile, btf.Const, btf.Restrict, btf.TypeTag:
			id = t.w[2]
		case btf.Array:
			s += fmt.Sprintf("[%d] of", t.rest[2])
			id = t.rest[0]
		default: // other kinds: they have a name, or stand for themselves
			return s
		}
		s += " "
	}
	return s + "..."
}

// render gives the type as lines, its members after the first.
func (f *file) render(t btfType, ids bool) []string {
	ref := func(id uint32) string { return f.ref(id, ids) }
	head := f.label(t)
	if t.flag() {
		head += " kflag"
	}
	lines := []string{head}
	each := func(n int, line func(m []uint32) string) {
		for i := 0; i+n <= len(t.rest); i += n {
			lines = append(lines, line(t.rest[i:i+n]))
		}
	}
	switch t.kind() {
	case btf.Int:
		head += fmt.Sprintf(" size %d, encoding %#x", t.w[2], t.rest[0])
	case btf.Float:
		head += fmt.Sprintf(" size %d", t.w[2])
	case btf.Array:
		head += fmt.Sprintf(" of %s, index %s, %d elements", ref(t.rest[0]), ref(t.rest[1]), t.rest[2])
	case btf.Struct, btf.Union:
		head += fmt.Sprintf(" size %d, %d members", t.w[2], t.vlen())
		each(3, func(m []uint32) string {
			if t.flag() {
				return fmt.Sprintf("%s: %s at bit %d, width %d", f.str(m[0]), ref(m[1]), m[2]&0xffffff, m[2]>>24)
			}
			return fmt.Sprintf("%s: %s at bit %d", f.str(m[0]), ref(m[1]), m[2])
		})
	case btf.Enum:
		head += fmt.Sprintf(" size %d, %d values", t.w[2], t.vlen())
		each(2, func(m []uint32) string { return fmt.Sprintf("%s = %d", f.str(m[0]), int32(m[1])) })
	case btf.Enum64:
		head += fmt.Sprintf(" size %d, %d values", t.w[2], t.vlen())
		each(3, func(m []uint32) string {
			return fmt.Sprintf("%s = %d", f.str(m[0]), int64(uint64(m[2])<<32|uint64(m[1])))
		})
	case btf.Fwd:
	case btf.Func:
		head += fmt.Sprintf(" linkage %d: %s", t.vlen(), ref(t.w[2]))
	case btf.FuncProto:
		head += fmt.Sprintf(" returns %s, %d parameters", ref(t.w[2]), t.vlen())
		each(2, func(m []uint32) string { return f.str(m[0]) + ": " + ref(m[1]) })
	case btf.Var:
		head += fmt.Sprintf(" linkage %d: %s", t.rest[0], ref(t.w[2]))
	case btf.Datasec:
		head += fmt.Sprintf(" size %d, %d variables", t.w[2], t.vlen())
		each(3, func(m []uint32) string { return fmt.Sprintf("%s at %d, size %d", ref(m[0]), m[1], m[2]) })
	case btf.DeclTag:
		head += fmt.Sprintf(" on %s, component %d", ref(t.w[2]), int32(t.rest[0]))
	case btf.Void, btf.Ptr, btf.Typedef, btf.Volatile, btf.Const, btf.Restrict, btf.TypeTag:
		head += ": " + ref(t.w[2])
	}
	lines[0] = head
	return lines
}
