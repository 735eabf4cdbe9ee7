package graph

import "github.com/gobtf/gobtf/btf"

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
	s.blob = make([]byte, 0, strs.bytes.Load()+uint64(strs.Len()))
	if start == 0 {
		s.blob = append(s.blob, 0)
	}
	return s
}

// Add returns the offset of a string, which is appended if it is new.
// Rule order/strings.
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

// AddContent adds the names of a content: its own, then those of its elements.
func (s *StringSection) AddContent(content []uint32) {
	btf.EachContentName(content, func(w *uint32) { s.Add(StrID(*w)) })
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
