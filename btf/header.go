package btf

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// The header's first words.
const (
	Magic   = 0xEB9F
	Version = 1
)

// Limits. Those of a record follow from its fields; a reader needs no others.
const (
	MaxVlen    = 1<<16 - 1 // members, values, parameters or variables of one type
	MaxID      = 1<<31 - 1 // what libbpf takes as a type id
	MaxNameOff = 1<<31 - 1 // what libbpf takes as a string offset
	MaxSection = 1<<32 - 1 // section offsets and lengths are 32 bits wide
	maxBitSize = 1<<8 - 1  // of a bitfield
	maxBitOff  = 1<<24 - 1 // of a member of a struct with bitfields
)

// What a kernel takes. Base and split part together must not exceed these.
const (
	KernelMaxID      = 1<<20 - 1
	KernelMaxNameOff = 1<<24 - 1
)

// HeaderForm is one of the header's forms.
type HeaderForm uint8

const (
	Header24     HeaderForm = iota // 24 bytes: every kernel takes it
	Header32                       // 32 bytes, without a layout section, as libbpf 1.8 writes
	HeaderLayout                   // 32 bytes, with a layout section: the size of every kind's record
)

// String returns the form as options name it.
func (f HeaderForm) String() string {
	switch f {
	case Header24:
		return "24"
	case Header32:
		return "32"
	case HeaderLayout:
		return "layout"
	}
	return fmt.Sprintf("HeaderForm(%d)", uint8(f))
}

func (f HeaderForm) size() int {
	if f == Header24 {
		return 24
	}
	return 32
}

// Header is the header of a BTF. Lengths and offsets are in bytes; offsets count from the end of the header.
type Header struct {
	Order                binary.ByteOrder
	Version, Flags       uint8
	Len                  uint32
	TypeOff, TypeLen     uint32
	StrOff, StrLen       uint32
	LayoutOff, LayoutLen uint32
}

// Form returns the header's form.
func (h Header) Form() HeaderForm {
	switch {
	case h.Len < 32:
		return Header24
	case h.LayoutLen == 0:
		return Header32
	}
	return HeaderLayout
}

// ParseHeader reads the header at the start of data, and checks that it and the
// sections it names lie inside data, without overlap.
func ParseHeader(data []byte) (Header, error) {
	var h Header
	fail := func(off int, err error) (Header, error) {
		return Header{}, &Error{Section: "header", Off: off, Err: err}
	}
	if len(data) < 2 {
		return fail(0, fmt.Errorf("%w: %d bytes of at least 24", ErrTruncated, len(data)))
	}
	switch {
	case binary.LittleEndian.Uint16(data) == Magic:
		h.Order = binary.LittleEndian
	case binary.BigEndian.Uint16(data) == Magic:
		h.Order = binary.BigEndian
	default:
		return fail(0, fmt.Errorf("%w: it starts with %#x", ErrNotBTF, data[:2]))
	}
	if len(data) < 24 {
		return fail(0, fmt.Errorf("%w: %d bytes of at least 24", ErrTruncated, len(data)))
	}
	h.Version, h.Flags = data[2], data[3]
	if h.Version != Version {
		return fail(2, fmt.Errorf("version %d is not known", h.Version))
	}
	u32 := func(off int) uint32 { return h.Order.Uint32(data[off:]) }
	h.Len, h.TypeOff, h.TypeLen, h.StrOff, h.StrLen = u32(4), u32(8), u32(12), u32(16), u32(20)
	if h.Len < 24 {
		return fail(4, fmt.Errorf("header length %d is less than 24", h.Len))
	}
	if uint64(h.Len) > uint64(len(data)) {
		return fail(4, fmt.Errorf("%w: header length %d, but there are %d bytes", ErrTruncated, h.Len, len(data)))
	}
	known := 24
	if h.Len >= 32 {
		h.LayoutOff, h.LayoutLen = u32(24), u32(28)
		known = 32
	}
	for i, c := range data[known:h.Len] {
		if c != 0 {
			return fail(known+i, fmt.Errorf("header of %d bytes has fields that are not known", h.Len))
		}
	}
	left := uint64(len(data)) - uint64(h.Len)
	for _, s := range []struct {
		name     string
		at       int
		off, len uint32
	}{{"type", 8, h.TypeOff, h.TypeLen}, {"string", 16, h.StrOff, h.StrLen}, {"layout", 24, h.LayoutOff, h.LayoutLen}} {
		if end := uint64(s.off) + uint64(s.len); end > left && s.len != 0 {
			return fail(s.at, fmt.Errorf("%w: %s section ends at %#x, but %#x bytes follow the header", ErrTruncated, s.name, end, left))
		}
	}
	switch {
	case h.TypeOff%4 != 0:
		return fail(8, fmt.Errorf("type section offset %#x is not a multiple of 4", h.TypeOff))
	case h.TypeLen%4 != 0:
		return fail(12, fmt.Errorf("type section length %#x is not a multiple of 4", h.TypeLen))
	case uint64(h.TypeOff)+uint64(h.TypeLen) > uint64(h.StrOff):
		return fail(16, fmt.Errorf("string section starts at %#x, inside or before the type section", h.StrOff))
	}
	return h, nil
}

// AppendFile appends a whole BTF: header, types, strings, and before the strings
// the layout section when form asks for it. Types must be in the given order
// already. No section may be longer than MaxSection. Nothing is checked: what need
// not be good, for a test, can be written too.
func AppendFile(dst []byte, form HeaderForm, types, strings []byte, order binary.ByteOrder) []byte {
	dst = appendHeader(dst, form, len(types), len(strings), order)
	return appendStrings(append(dst, types...), form, strings)
}

// appendHeader appends the header, and makes room for what follows it.
func appendHeader(dst []byte, form HeaderForm, types, strings int, order binary.ByteOrder) []byte {
	layout := 0
	if form == HeaderLayout {
		layout = 4 * len(forms)
	}
	dst = slices.Grow(dst, form.size()+types+layout+strings)
	u32 := func(v int) { dst = append(dst, 0, 0, 0, 0); order.PutUint32(dst[len(dst)-4:], uint32(v)) }
	dst = append(dst, 0, 0, Version, 0)
	order.PutUint16(dst[len(dst)-4:], Magic)
	u32(form.size())
	u32(0)
	u32(types)
	u32(types + layout)
	u32(strings)
	switch form {
	case Header32:
		u32(0)
		u32(0)
	case HeaderLayout:
		u32(types)
		u32(layout)
	}
	return dst
}

// appendStrings appends what follows the types.
func appendStrings(dst []byte, form HeaderForm, strings []byte) []byte {
	if form == HeaderLayout {
		dst = appendLayout(dst)
	}
	return append(dst, strings...)
}

// appendLayout appends the layout section: per kind from 0 on the bytes behind the
// common 12, the bytes of an element, and flags. It has no byte order.
func appendLayout(dst []byte) []byte {
	for _, f := range forms {
		dst = append(dst, byte(4*len(f.extra)), byte(4*len(f.elem)), 0, 0)
	}
	return dst
}
