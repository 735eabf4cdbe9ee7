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
	swap := order.Uint16([]byte{1, 0}) != binary.NativeEndian.Uint16([]byte{1, 0})
	name := func(id uint32) uint32 { return strOff[id] }
	out := dst[from:]
	var rec, refs []uint32
	for _, id := range keep {
		i := id - g.Start
		refs = append(refs[:0], g.Refs[g.RefOff[i]:g.RefOff[i+1]]...)
		if newID != nil {
			for j, r := range refs {
				if r >= uint32(g.Start) {
					refs[j] = newID[r-uint32(g.Start)]
				}
			}
		}
		rec = btf.AppendRecord(rec[:0], g.Shapes.Content(g.Shape[i]), refs, name)
		for _, v := range rec {
			if swap {
				v = bits.ReverseBytes32(v)
			}
			binary.NativeEndian.PutUint32(out, v)
			out = out[4:]
		}
	}
	return dst
}
