package graph

import (
	"slices"

	"github.com/gobtf/gobtf/btf"
)

// AppendRecords appends the records of the types of g that keep lists, in that order, in native words. strOff gives every
// string's offset by StrID (StringSection.Offsets). The references are written as they stand in g: dedup has made them final.
func AppendRecords(dst []uint32, g *Graph, keep []btf.TypeID, strOff []uint32) []uint32 {
	words := 0
	for _, id := range keep {
		words += btf.RecordWords(g.Shapes.Content(g.Shape[id-g.Start])[0])
	}
	dst = slices.Grow(dst, words)
	for _, id := range keep {
		i := id - g.Start
		dst = btf.AppendRecord(dst, g.Shapes.Content(g.Shape[i]), g.Refs[g.RefOff[i]:g.RefOff[i+1]], strOff)
	}
	return dst
}
