package btf

import (
	"bytes"
	"math/bits"

	"github.com/gobtf/gobtf/internal/intern"
	"github.com/gobtf/gobtf/internal/mem"
)

// StringSection is a string section in the making. A string's place is decided by
// when it was first added; nothing is ever taken out.
type StringSection struct {
	strs   *Strings
	off    []uint32 // by StrID; noOffset: not added yet
	blob   []byte
	start  uint32
	lookup func([]byte) (uint32, bool)
}

const noOffset = 1<<32 - 1

// NewStringSection returns an empty section. Without a base start is 0 and lookup
// nil, and the section begins with the empty string. On a base start is the length
// of its strings, and lookup says at which offset the base has a whole string.
func NewStringSection(strs *Strings, start uint32, lookup func(b []byte) (off uint32, ok bool)) *StringSection {
	s := &StringSection{strs: strs, start: start, lookup: lookup}
	s.off = make([]uint32, 1, strs.Len()) // the empty string is at 0, also on a base
	if start == 0 {
		s.blob = append(s.blob, 0)
	}
	return s
}

// Add returns the offset of a string, which is appended if it is new.
func (s *StringSection) Add(id StrID) uint32 {
	if int(id) >= len(s.off) {
		s.extend(int(id) + 1)
	}
	if o := s.off[id]; o != noOffset {
		return o
	}
	b := s.strs.Bytes(id)
	if s.lookup != nil {
		if o, ok := s.lookup(b); ok {
			s.off[id] = o
			return o
		}
	}
	o := s.start + uint32(len(s.blob))
	s.blob = append(append(s.blob, b...), 0)
	s.off[id] = o
	return o
}

// extend makes room for n strings, and as it is asked for one by one, for all there are.
func (s *StringSection) extend(n int) {
	n = max(n, s.strs.Len())
	for len(s.off) < n {
		s.off = append(s.off, noOffset)
	}
}

// Offsets returns the offsets by StrID, of strings that were added. Those of others,
// as far as there are entries, are larger than any offset.
func (s *StringSection) Offsets() []uint32 { return s.off }

// Bytes returns the section as it is now.
func (s *StringSection) Bytes() []byte { return s.blob }

// Len returns the length of base's and own strings together. Beyond MaxNameOff the
// section cannot be written.
func (s *StringSection) Len() uint64 { return uint64(s.start) + uint64(len(s.blob)) }

// Offset returns the lowest offset at which t, or its base, has the whole string b.
// The strings are indexed when it is called first.
func (t *Types) Offset(b []byte) (uint32, bool) {
	if len(b) == 0 {
		return 0, true
	}
	if t.base != nil {
		if o, ok := t.base.Offset(b); ok {
			return o, true
		}
	}
	t.offsOnce.Do(func() { t.offs = indexStrings(t.strs) })
	o, ok := t.offs.find(t.strs, b)
	return t.strAt + o, ok
}

// offsetIndex finds strings in a section: an open-addressing table of offsets plus
// one. The hash's upper bits stand beside each, so that few strings are compared.
type offsetIndex struct {
	mask uint32
	slot []uint64
}

func indexStrings(strs []byte) *offsetIndex {
	// Many equal strings need no room: there are at most 255 of one byte, 65025 of
	// two, and all others take four bytes and more.
	n := min(bytes.Count(strs, []byte{0}), 1<<16+len(strs)/4)
	x := &offsetIndex{slot: make([]uint64, 1<<bits.Len(uint(2*n)))}
	mem.Populate(x.slot)
	x.mask = uint32(len(x.slot) - 1)
	for off := 0; off < len(strs); {
		s := strs[off:]
		s = s[:bytes.IndexByte(s, 0)]
		h := intern.HashBytes(s)
		if i := x.slotOf(strs, s, h); x.slot[i] == 0 {
			x.slot[i] = h&^0xffffffff | uint64(off+1)
		}
		off += len(s) + 1
	}
	return x
}

// slotOf returns the slot that holds b, or the free one where it belongs.
func (x *offsetIndex) slotOf(strs, b []byte, h uint64) uint32 {
	i := uint32(h) & x.mask
	for ; x.slot[i] != 0; i = (i + 1) & x.mask {
		if (x.slot[i]^h)>>32 != 0 {
			continue
		}
		off := int(uint32(x.slot[i]) - 1)
		if end := off + len(b); end < len(strs) && strs[end] == 0 && string(strs[off:end]) == string(b) {
			break
		}
	}
	return i
}

func (x *offsetIndex) find(strs, b []byte) (uint32, bool) {
	v := x.slot[x.slotOf(strs, b, intern.HashBytes(b))]
	return uint32(v) - 1, v != 0
}
