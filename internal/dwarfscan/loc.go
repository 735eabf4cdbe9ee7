package dwarfscan

import "encoding/binary"

// LocSections are the sections that location lists live in.
type LocSections struct {
	Loc      []byte // .debug_loc (DWARF 2 to 4)
	Loclists []byte // .debug_loclists (DWARF 5)
}

// Locations calls fn for every entry of the list at off, with the offset at which the
// entry begins and its expression; fn returns false to stop. An unreadable list ends where it cannot be read.
// Addresses are not looked at: the analysis of parameters needs none.
func (s *LocSections) Locations(f Format, off uint64, fn func(at uint64, expr []byte) bool) {
	if f.Version >= 5 {
		loclists(s.Loclists, f, off, fn)
		return
	}
	loc4(s.Loc, f, off, fn)
}

func loc4(sec []byte, f Format, off uint64, fn func(uint64, []byte) bool) {
	if off > uint64(len(sec)) {
		return
	}
	b, o, as := sec[off:], f.order(), int(f.AddrSize)
	for len(b) >= 2*as {
		at := uint64(len(sec) - len(b))
		begin, end := addr(b, as, o), addr(b[as:], as, o)
		b = b[2*as:]
		if begin == 0 && end == 0 {
			return
		}
		if begin == ^uint64(0)>>(64-8*as) {
			continue // base address selection
		}
		if len(b) < 2 {
			return
		}
		n := int(o.Uint16(b))
		if b = b[2:]; len(b) < n || !fn(at, b[:n]) {
			return
		}
		b = b[n:]
	}
}

func addr(b []byte, size int, o binary.ByteOrder) uint64 {
	switch size {
	case 8:
		return o.Uint64(b)
	case 4:
		return uint64(o.Uint32(b))
	}
	return uint64(o.Uint16(b))
}

// DW_LLE codes.
const (
	lleEnd         = 0
	lleBasex       = 1
	lleStartxEndx  = 2
	lleStartxLen   = 3
	lleOffsetPair  = 4
	lleDefault     = 5
	lleBase        = 6
	lleStartEnd    = 7
	lleStartLength = 8
	lleViewPair    = 9 // GNU
)

func loclists(sec []byte, f Format, off uint64, fn func(uint64, []byte) bool) {
	if off > uint64(len(sec)) {
		return
	}
	c := cursor{buf: sec, pos: int(off)}
	skip := func(n int) {
		if n > len(sec)-c.pos {
			c.bad = true
			return
		}
		c.pos += n
	}
	for !c.bad {
		at := uint64(c.pos)
		switch c.u8() {
		case lleEnd:
			return
		case lleBasex:
			c.uleb()
			continue
		case lleBase:
			skip(int(f.AddrSize))
			continue
		case lleViewPair:
			c.uleb()
			c.uleb()
			continue
		case lleStartxEndx, lleStartxLen, lleOffsetPair:
			c.uleb()
			c.uleb()
		case lleDefault:
		case lleStartEnd:
			skip(2 * int(f.AddrSize))
		case lleStartLength:
			skip(int(f.AddrSize))
			c.uleb()
		default:
			return
		}
		n := c.uleb()
		if c.bad || n > uint64(len(sec)-c.pos) || !fn(at, sec[c.pos:c.pos+int(n)]) {
			return
		}
		c.pos += int(n)
	}
}

// LoclistOffset returns where list number i of the unit whose table starts at
// base (DW_AT_loclists_base) begins in .debug_loclists.
func (s *LocSections) LoclistOffset(f Format, base, i uint64) (uint64, bool) {
	w := uint64(f.offsetSize())
	n := uint64(len(s.Loclists))
	if base > n || i > n || i*w > n-base || n-base-i*w < w {
		return 0, false
	}
	b := s.Loclists[base+i*w:]
	if w == 8 {
		return base + f.order().Uint64(b), true
	}
	return base + uint64(f.order().Uint32(b)), true
}
