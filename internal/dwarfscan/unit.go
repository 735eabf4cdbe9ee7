// Package dwarfscan reads DWARF 2 to 5 units: headers, abbreviations compiled to
// small programs, DIEs, location lists. It allocates nothing per DIE, trusts no
// number from the file, and knows nothing of ELF, files or types.
//
// Before it: internal/elfx, which gives the section's bytes. After it: dwarf2btf.
package dwarfscan

import (
	"fmt"
	"io"
)

// Unit kinds of DWARF 5 headers (DW_UT).
const (
	UnitCompile  = 1
	UnitType     = 2
	UnitPartial  = 3
	UnitSkeleton = 4
	UnitSplit    = 5
	UnitSplitTyp = 6
)

// Unit is a unit header.
type Unit struct {
	Off       uint64 // of the header in its section
	Size      uint64 // of the whole unit, its header included
	AbbrevOff uint64
	Signature uint64
	TypeOff   uint64
	Format
	Kind  uint8 // DW_UT; UnitCompile before DWARF 5
	First uint8 // of the first DIE, from Off
}

// Units reads the headers of all units of a section of size bytes. types tells
// that it is DWARF 4's .debug_types.
func Units(sec io.ReaderAt, size uint64, bigEndian, types bool) ([]Unit, error) {
	count := 0 // first, since there may be as many as every eleven bytes one
	err := each(sec, size, bigEndian, types, func(Unit) { count++ })
	if err != nil || count == 0 {
		return nil, err
	}
	units := make([]Unit, 0, count)
	err = each(sec, size, bigEndian, types, func(u Unit) {
		if len(units) < count { // the file may have been written to meanwhile
			units = append(units, u)
		}
	})
	return units, err
}

// each calls fn for every unit header.
func each(sec io.ReaderAt, size uint64, bigEndian, types bool, fn func(Unit)) error {
	var b [40]byte
	for off := uint64(0); off < size; {
		n := min(uint64(len(b)), size-off)
		if m, err := sec.ReadAt(b[:n], int64(off)); m < int(n) {
			return fmt.Errorf("+%#x: unit header: %w", off, err)
		}
		u, err := parseHeader(b[:n], bigEndian, types)
		if err != nil {
			return fmt.Errorf("+%#x: %w", off, err)
		}
		u.Off = off
		if u.Size > size-off {
			return fmt.Errorf("+%#x: unit of %#x bytes ends behind its section (%#x bytes): truncated", off, u.Size, size)
		}
		if uint64(u.First) > u.Size {
			return fmt.Errorf("+%#x: unit of %#x bytes is smaller than its header", off, u.Size)
		}
		fn(u)
		off += u.Size
	}
	return nil
}

func parseHeader(b []byte, bigEndian, types bool) (u Unit, err error) {
	u.BigEndian = bigEndian
	o := u.order()
	need := func(n int) bool {
		if len(b) < n {
			err = fmt.Errorf("unit header is cut off: %d bytes left", len(b))
		}
		return err == nil
	}
	if !need(4) {
		return
	}
	p := 4
	size := uint64(o.Uint32(b))
	if size == 0xffffffff {
		if !need(12) {
			return
		}
		u.Offset64 = true
		size = o.Uint64(b[4:])
		p = 12
	} else if size >= 0xfffffff0 {
		return u, fmt.Errorf("unit length %#x is reserved", size)
	}
	if size > 1<<62 {
		return u, fmt.Errorf("unit length %#x is impossible", size)
	}
	u.Size = size + uint64(p)
	if !need(p + 2) {
		return
	}
	u.Version = o.Uint16(b[p:])
	p += 2
	offset := func() (v uint64) {
		if u.Offset64 {
			if need(p + 8) {
				v = o.Uint64(b[p:])
			}
			p += 8
		} else {
			if need(p + 4) {
				v = uint64(o.Uint32(b[p:]))
			}
			p += 4
		}
		return
	}
	u8 := func() (v uint8) {
		if need(p + 1) {
			v = b[p]
		}
		p++
		return
	}
	u.Kind = UnitCompile
	switch u.Version {
	case 2, 3, 4:
		u.AbbrevOff = offset()
		u.AddrSize = u8()
		if types {
			u.Kind = UnitType
		}
	case 5:
		u.Kind = u8()
		u.AddrSize = u8()
		u.AbbrevOff = offset()
	default:
		return u, fmt.Errorf("DWARF version %d is not known (2 to 5 are)", u.Version)
	}
	if u.Kind == UnitType || u.Kind == UnitSplitTyp || u.Kind == UnitSkeleton || u.Kind == UnitSplit {
		if need(p + 8) {
			u.Signature = o.Uint64(b[p:])
		}
		p += 8
		if u.Kind == UnitType || u.Kind == UnitSplitTyp {
			u.TypeOff = offset()
		}
	}
	if err != nil {
		return u, err
	}
	if u.AddrSize != 4 && u.AddrSize != 8 && u.AddrSize != 2 {
		return u, fmt.Errorf("address size %d is not known", u.AddrSize)
	}
	u.First = uint8(p)
	return u, nil
}
