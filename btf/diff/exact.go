package diff

import (
	"bytes"
	"fmt"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/cdecl"
)

// Exact says whether two BTFs are equal byte for byte, and where they differ first.
type Exact struct {
	Equal  bool `json:"equal"`
	BytesA int  `json:"bytes_a"`
	BytesB int  `json:"bytes_b"`

	// The first byte that differs; all the rest is empty when they are equal.
	Offset int    `json:"offset"`
	In     string `json:"in,omitempty"` // header, types, strings, or end where one is the beginning of the other
	What   string `json:"what,omitempty"`
	A      string `json:"a,omitempty"` // the type or the string there
	B      string `json:"b,omitempty"`

	// The first type, by id, that differs when references count as what they lead to: where ids shifted, this is why. 0 when there is none.
	FirstID btf.TypeID `json:"first_id,omitempty"`
	FirstA  string     `json:"first_a,omitempty"`
	FirstB  string     `json:"first_b,omitempty"`
}

// CompareBytes compares the bytes that a and b were parsed from.
func CompareBytes(dataA, dataB []byte, a, b *btf.Types) *Exact {
	e := &Exact{Equal: bytes.Equal(dataA, dataB), BytesA: len(dataA), BytesB: len(dataB)}
	if e.Equal {
		return e
	}
	for e.Offset < min(len(dataA), len(dataB)) && dataA[e.Offset] == dataB[e.Offset] {
		e.Offset++
	}
	e.locate(dataA, dataB, a, b)
	e.first(a, b)
	return e
}

func (e *Exact) locate(dataA, dataB []byte, a, b *btf.Types) {
	ha, errA := btf.ParseHeader(dataA)
	hb, errB := btf.ParseHeader(dataB)
	if errA != nil || errB != nil {
		e.In = "header"
		return
	}
	// Headers nearly always differ, in the lengths alone, so what they differ in is said and then the first place behind them.
	if e.Offset < int(min(ha.Len, hb.Len)) {
		e.In = "header"
		e.What = fmt.Sprintf("%d bytes of types and %d of strings; %d and %d", ha.TypeLen, ha.StrLen, hb.TypeLen, hb.StrLen)
		if a.Order() != b.Order() {
			e.What = fmt.Sprintf("byte order %v; %v", a.Order(), b.Order())
		}
		return
	}
	switch {
	case e.Offset == min(len(dataA), len(dataB)):
		e.In, e.What = "end", "one is the beginning of the other"
	case in(e.Offset, ha, ha.TypeOff, ha.TypeLen):
		e.In = "types"
		id := typeAt(a, e.Offset-int(ha.Len+ha.TypeOff))
		e.What, e.A, e.B = fmt.Sprintf("type %d", id), a.Describe(id), b.Describe(id)
	case in(e.Offset, ha, ha.StrOff, ha.StrLen):
		e.In = "strings"
		off := e.Offset - int(ha.Len+ha.StrOff)
		from := off
		for from > 0 && a.Strings()[from-1] != 0 {
			from--
		}
		e.What = fmt.Sprintf("string at %d", int(a.StringsStart())+from)
		e.A = string(a.StringBytes(a.StringsStart() + uint32(from)))
		e.B = string(b.StringBytes(b.StringsStart() + uint32(from)))
	default:
		e.In = "padding"
	}
}

func in(off int, h btf.Header, from, n uint32) bool {
	start := int(h.Len + from)
	return off >= start && off < start+int(n)
}

func typeAt(ts *btf.Types, off int) btf.TypeID {
	for id, t := range ts.All() {
		if off -= 4 * len(t.Record()); off < 0 {
			return id
		}
	}
	return btf.TypeID(ts.Len())
}

// first finds the first type that differs in more than numbers of types and offsets of strings.
func (e *Exact) first(a, b *btf.Types) {
	for id := a.Start(); int(id) < max(a.Len(), b.Len()); id++ {
		ta, tb := line(a, id), line(b, id)
		if ta == tb {
			continue
		}
		e.FirstID = id
		for _, s := range []struct {
			ts   *btf.Types
			text *string
		}{{a, &e.FirstA}, {b, &e.FirstB}} {
			if int(id) < s.ts.Len() {
				*s.text = s.ts.Describe(id)
			}
		}
		return
	}
}

// line is a type with the declarations of what it refers to in place of the ids.
func line(ts *btf.Types, id btf.TypeID) string {
	if int(id) >= ts.Len() {
		return ""
	}
	t := ts.Type(id)
	s := fmt.Sprint(t.Kind(), " ", t.Name(), " ", t.Size(), " ", t.Record()[1])
	for m := range t.Members() {
		s += fmt.Sprint(";", m.Name, " ", m.Bit, " ", m.Bits)
	}
	for v := range t.Values() {
		s += fmt.Sprint(";", v.Name, " ", v.Value)
	}
	for p := range t.Params() {
		s += ";" + p.Name
	}
	for v := range t.Entries() {
		s += fmt.Sprint(";", v.Offset, " ", v.Size)
	}
	switch t.Kind() {
	case btf.Int:
		s += fmt.Sprint(";", t.Int())
	case btf.Array:
		_, _, n := t.Array()
		s += fmt.Sprint(";", n)
	case btf.Var, btf.DeclTag:
		s += fmt.Sprint(";", t.Record()[3])
	default: // other kinds: all of them is there
	}
	for r := range t.Refs() {
		s += ";" + cdecl.TypeString(ts, r)
	}
	return s
}
