package convert

import (
	"bytes"
	"math/bits"
	"strings"
	"sync/atomic"

	"github.com/gobtf/gobtf/internal/dwarfscan"
	"github.com/gobtf/gobtf/internal/graph"
)

func popcount(w uint64) int { return bits.OnesCount64(w) }

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
func (u *unit) name(d *dwarfscan.DIE) rawName {
	if !d.Has(dwarfscan.Name) {
		return 0
	}
	v := d.Val[dwarfscan.Name]
	if u.main {
		switch d.Form[dwarfscan.Name] {
		case dwarfscan.FormStrp:
			if v < 1<<31-1 && v < uint64(len(u.c.sec.Str)) {
				return rawName(v) + 1
			}
		case dwarfscan.FormString:
			p, n := int(uint32(v)), int(v>>32)
			if n <= 3 {
				r := rawName(rawInline)
				for i := 0; i < n; i++ {
					r |= rawName(u.buf[p+i]) << (8 * i)
				}
				return r
			}
		}
	}
	if d.Form[dwarfscan.Name] == formInterned {
		return rawStrID | rawName(v)
	}
	return rawStrID | rawName(u.c.strs.Intern(u.stringValue(d, dwarfscan.Name)))
}

// str returns the string that a raw name stands for.
func (u *unit) str(r rawName) graph.StrID {
	switch {
	case r == 0:
		return 0
	case r&(1<<31) == 0:
		return u.c.strAt(r - 1)
	case r&rawMask == rawStrID:
		return graph.StrID(r &^ rawMask)
	}
	var b [3]byte
	n := 0
	for ; n < 3 && r>>(8*n)&0xff != 0; n++ {
		b[n] = byte(r >> (8 * n))
	}
	return u.c.strs.Intern(b[:n])
}

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

// stringValue returns the bytes of a string attribute; nil when it is absent or
// leads outside its section. They stay valid while the unit is converted.
func (u *unit) stringValue(d *dwarfscan.DIE, s dwarfscan.Slot) []byte {
	if !d.Has(s) {
		return nil
	}
	if u.c.strs.Full() {
		return nil // looking for the ends of long names is what takes the time
	}
	sec, v := u.sec, d.Val[s]
	var b []byte
	switch d.Form[s] {
	case dwarfscan.FormString:
		p, n := d.Block(s)
		return u.kabi(u.buf[p : p+n])
	case formInterned:
		return []byte(u.c.strs.String(graph.StrID(v)))
	case dwarfscan.FormStrp:
		b = cstring(sec.Str, v)
	case dwarfscan.FormGNUStrpAlt, dwarfscan.FormStrpSup:
		if alt := u.c.sec.Alt; alt != nil {
			b = cstring(alt.Str, v)
		}
	case dwarfscan.FormLineStrp:
		b = cstring(sec.LineStr, v)
	case dwarfscan.FormStrx, dwarfscan.FormStrx1, dwarfscan.FormStrx2, dwarfscan.FormStrx3, dwarfscan.FormStrx4, dwarfscan.FormGNUStrIndex:
		if off, ok := u.indexed(sec.StrOffsets, u.cu.strOffBase, v, u.offsetSize()); ok {
			b = cstring(sec.Str, off)
		}
	}
	return u.kabi(b)
}

// kabi replaces a name that starts with the kABI prefix by the prefix.
// Rule units/kabi.
func (u *unit) kabi(b []byte) []byte {
	if p := u.c.opt.KabiPrefix; p != "" && strings.HasPrefix(string(b), p) {
		return b[:len(p)]
	}
	return b
}

func (u *unit) offsetSize() int {
	if u.hdr.Offset64 {
		return 8
	}
	return 4
}

// indexed reads entry i of a table of words that starts at base of a section.
func (u *unit) indexed(sec []byte, base, i uint64, size int) (uint64, bool) {
	n, w := uint64(len(sec)), uint64(size)
	if base > n || i > n || i*w > n-base || n-base-i*w < w {
		return 0, false
	}
	return u.word(sec[base+i*w:], size), true
}

// word reads a number of 2, 4 or 8 bytes.
func (u *unit) word(b []byte, size int) uint64 {
	var v uint64
	for i := 0; i < size; i++ {
		if u.sec.BigEndian {
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
