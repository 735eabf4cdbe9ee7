package graph

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/gobtf/gobtf/btf"
)

// AppendGraph appends the type section of the types of g that keep lists, in that
// order. strOff gives every string's offset by StrID (StringSection.Offsets).
// newID gives, by id minus g.Start, what a reference to a type of g becomes;
// references to the base stay. When newID is nil the references in g are final.
func AppendGraph(dst []byte, g *Graph, keep []btf.TypeID, newID []uint32, strOff []uint32, order binary.ByteOrder) []byte {
	words := 0
	for _, id := range keep {
		words += btf.RecordWords(g.Shapes.Content(g.Shape[id-g.Start])[0])
	}
	from := len(dst)
	dst = slices.Grow(dst, 4*words)[:from+4*words]
	w := recordWriter{out: dst[from:], strOff: strOff, newID: newID, start: uint32(g.Start), swap: order.Uint16([]byte{1, 0}) != binary.NativeEndian.Uint16([]byte{1, 0})}
	for _, id := range keep {
		i := id - g.Start
		w.record(g.Shapes.Content(g.Shape[i]), g.Refs[g.RefOff[i]:g.RefOff[i+1]])
	}
	return dst
}

type recordWriter struct {
	out    []byte // what is still to be filled
	strOff []uint32
	newID  []uint32
	start  uint32
	swap   bool
}

func (w *recordWriter) word(v uint32) {
	if w.swap {
		v = bits.ReverseBytes32(v)
	}
	binary.NativeEndian.PutUint32(w.out, v)
	w.out = w.out[4:]
}

func (w *recordWriter) ref(r uint32) {
	if w.newID != nil && r >= w.start {
		r = w.newID[r-w.start]
	}
	w.word(r)
}

// record writes one record; see Shapes for the words of a content.
func (w *recordWriter) record(c, refs []uint32) {
	k := btf.InfoKind(c[0])
	refStyle := k.Refs()
	w.word(w.strOff[c[1]])
	w.word(c[0])
	if refStyle == btf.OneRef || refStyle == btf.ProtoRefs {
		w.ref(refs[0])
	} else {
		w.word(c[2])
	}
	rest := c[3:]
	switch refStyle {
	case btf.NoRefs:
		if !k.Named() {
			break
		}
		for step := k.Elem(); len(rest) >= 2; rest = rest[step:] {
			w.word(w.strOff[rest[0]])
			for _, v := range rest[1:step] {
				w.word(v)
			}
		}
	case btf.ArrayRefs:
		w.ref(refs[0])
		w.ref(refs[1])
	case btf.MemberRefs:
		for i := 0; i+1 < len(rest); i += 2 {
			w.word(w.strOff[rest[i]])
			w.ref(refs[i/2])
			w.word(rest[i+1])
		}
		return
	case btf.ProtoRefs:
		for i, name := range rest {
			w.word(w.strOff[name])
			w.ref(refs[i+1])
		}
		return
	case btf.VarRefs:
		for i := 0; i+1 < len(rest); i += 2 {
			w.ref(refs[i/2])
			w.word(rest[i])
			w.word(rest[i+1])
		}
		return
	}
	for _, v := range rest {
		w.word(v)
	}
}
