package convert

import (
	"bytes"
	"strings"
	"sync/atomic"

	"github.com/gobtf/gobtf/internal/dwarfscan"
	"github.com/gobtf/gobtf/internal/graph"
)

// A rawName is a name before anybody looked at its bytes. 0: there is none.
//
//	0xxxxxxx...  offset in .debug_str, plus 1
//	10......     up to three bytes, the first lowest
//	11......     a StrID
type rawName = uint32

const (
	rawInline = 2 << 30
	rawStrID  = 3 << 30
	rawMask   = 3 << 30
)

// name returns the raw name of a DIE.
func (w *walker) name(d *dwarfscan.DIE) rawName {
	if !d.Has(dwarfscan.Name) {
		return 0
	}
	v := d.Val[dwarfscan.Name]
	if w.main {
		switch d.Form[dwarfscan.Name] {
		case dwarfscan.FormStrp:
			if v < 1<<31-1 && v < uint64(len(w.c.sec.Str)) {
				if w.c.scattered {
					return rawStrID | rawName(w.seen.str(w.c, uint32(v)))
				}
				return rawName(v) + 1
			}
		case dwarfscan.FormString:
			p, n := int(uint32(v)), int(v>>32)
			if n <= 3 {
				r := rawName(rawInline)
				for i := 0; i < n; i++ {
					r |= rawName(w.buf[p+i]) << (8 * i)
				}
				return r
			}
		}
	}
	if d.Form[dwarfscan.Name] == formInterned {
		return rawStrID | rawName(v)
	}
	return rawStrID | rawName(w.c.strs.Intern(w.stringValue(d, dwarfscan.Name)))
}

// seenStrings remembers the names that a unit used, by their offset in .debug_str: each is used a few times.
type seenStrings struct {
	slot []uint64 // offset<<32 | StrID+1
	// Units include the same headers, and so their names come in the same order: next has what came after a name the last time, by StrID.
	// It is a guess, and looked at.
	next []uint32 // StrID+1
	last graph.StrID
}

const (
	seenBits = 14
	nextBits = 18
)

func (s *seenStrings) str(c *Converter, off uint32) graph.StrID {
	if s.slot == nil {
		s.slot, s.next = make([]uint64, 1<<seenBits), make([]uint32, 1<<nextBits)
	}
	at := &s.slot[off*0x9e3779b1>>(32-seenBits)]
	if *at != 0 && uint32(*at>>32) == off {
		s.last = graph.StrID(uint32(*at) - 1)
		return s.last
	}
	next := &s.next[s.last&(1<<nextBits-1)]
	id := graph.StrID(*next - 1)
	if *next == 0 || !c.isAt(id, off) {
		id = c.strAt(off)
		*next = uint32(id) + 1
	}
	*at = uint64(off)<<32 | uint64(id+1)
	s.last = id
	return id
}

// isAt tells whether string id stands at an offset of .debug_str.
func (c *Converter) isAt(id graph.StrID, off uint32) bool {
	b, s := c.sec.Str[off:], c.strs.Bytes(id)
	return len(b) > len(s) && b[len(s)] == 0 && string(b[:len(s)]) == string(s)
}

// str returns the string that a raw name stands for.
func (c *Converter) str(r rawName) graph.StrID {
	switch {
	case r == 0:
		return 0
	case r&(1<<31) == 0:
		return c.strAt(r - 1)
	case r&rawMask == rawStrID:
		return graph.StrID(r &^ rawMask)
	}
	var b [3]byte
	n := 0
	for ; n < 3 && r>>(8*n)&0xff != 0; n++ {
		b[n] = byte(r >> (8 * n))
	}
	return c.strs.Intern(b[:n])
}

// nameString is str as a Go string.
func (c *Converter) nameString(r rawName) string { return c.strs.String(c.str(r)) }

// strAt interns the string at an offset of .debug_str.
func (c *Converter) strAt(off uint32) graph.StrID {
	if c.strOf != nil {
		if id := atomic.LoadUint32(&c.strOf[off]); id != 0 {
			return graph.StrID(id - 1)
		}
	}
	if c.strs.Full() {
		return 0
	}
	b := c.sec.Str[off:]
	if e := bytes.IndexByte(b, 0); e >= 0 {
		b = b[:e]
	}
	id := c.strs.Intern(b)
	if c.strOf != nil {
		atomic.StoreUint32(&c.strOf[off], uint32(id)+1)
	}
	return id
}

// str0 tells whether a raw name is absent or empty.
func (c *Converter) str0(r rawName) bool {
	if r == 0 || r == rawInline {
		return true
	}
	if r&(1<<31) == 0 {
		return c.sec.Str[r-1] == 0
	}
	return r == rawStrID
}

// stringValue returns the bytes of a string attribute; nil when it is absent or
// leads outside its section. They stay valid while the unit is converted.
func (w *walker) stringValue(d *dwarfscan.DIE, s dwarfscan.Slot) []byte {
	if !d.Has(s) {
		return nil
	}
	if w.c.strs.Full() {
		return nil // looking for the ends of long names is what takes the time
	}
	sec, v := w.sec, d.Val[s]
	var b []byte
	switch d.Form[s] {
	case dwarfscan.FormString:
		p, n := d.Block(s)
		return w.kabi(w.buf[p : p+n])
	case formInterned:
		return []byte(w.c.strs.String(graph.StrID(v)))
	case dwarfscan.FormStrp:
		b = cstring(sec.Str, v)
	case dwarfscan.FormGNUStrpAlt, dwarfscan.FormStrpSup:
		if alt := w.c.sec.Alt; alt != nil {
			b = cstring(alt.Str, v)
		}
	case dwarfscan.FormLineStrp:
		b = cstring(sec.LineStr, v)
	case dwarfscan.FormStrx, dwarfscan.FormStrx1, dwarfscan.FormStrx2, dwarfscan.FormStrx3, dwarfscan.FormStrx4, dwarfscan.FormGNUStrIndex:
		if off, ok := w.indexed(sec.StrOffsets, w.cu.strOffBase, v, w.offsetSize()); ok {
			b = cstring(sec.Str, off)
		}
	}
	return w.kabi(b)
}

// kabi replaces a name that starts with the kABI prefix by the prefix.
// Rule units/kabi.
func (w *walker) kabi(b []byte) []byte {
	if p := w.c.opt.KabiPrefix; p != "" && strings.HasPrefix(string(b), p) {
		return b[:len(p)]
	}
	return b
}

func (w *walker) offsetSize() int {
	if w.hdr.Offset64 {
		return 8
	}
	return 4
}

// indexed reads entry i of a table of words that starts at base of a section.
func (w *walker) indexed(sec []byte, base, i uint64, size int) (uint64, bool) {
	n, s := uint64(len(sec)), uint64(size)
	if base > n || i > n || i*s > n-base || n-base-i*s < s {
		return 0, false
	}
	return w.word(sec[base+i*s:], size), true
}

// word reads a number of 2, 4 or 8 bytes.
func (w *walker) word(b []byte, size int) uint64 {
	var v uint64
	for i := 0; i < size; i++ {
		if w.sec.BigEndian {
			v = v<<8 | uint64(b[i])
		} else {
			v |= uint64(b[i]) << (8 * i)
		}
	}
	return v
}

func cstring(sec []byte, off uint64) []byte {
	if off >= uint64(len(sec)) {
		return nil
	}
	b := sec[off:]
	if e := bytes.IndexByte(b, 0); e >= 0 {
		return b[:e]
	}
	return b
}
