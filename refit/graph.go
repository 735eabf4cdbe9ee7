package refit

import (
	"fmt"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/dedup"
	"github.com/gobtf/gobtf/internal/graph"
)

// Base is the BTF of the kernel that modules are to fit, indexed once for all of them.
type Base struct {
	Types *btf.Types

	index *dedup.Base
	flat  bool // each multi-dimensional array is one ARRAY, as pahole wrote them until 1.31
	named map[string][]btf.TypeID
}

// NewBase indexes a kernel's BTF.
func NewBase(t *btf.Types) *Base {
	b := &Base{Types: t, index: dedup.NewBase(t), flat: true, named: make(map[string][]btf.TypeID)}
	for id, x := range t.All() {
		switch x.Kind() {
		case btf.Array:
			elem, _, _ := x.Array()
			b.flat = b.flat && t.Type(elem).Kind() != btf.Array
		case btf.Struct, btf.Union:
			if x.NameOff() != 0 {
				b.named[x.Name()] = append(b.named[x.Name()], id)
			}
		}
	}
	return b
}

// onto makes split BTF on the base of types that stand alone, or on the base already: what is equal to a type of the base
// becomes this type (dedup's rules), and the rest is the module's own.
func (b *Base) onto(t *btf.Types) (*btf.Types, error) {
	in := &interner{src: t, shapes: graph.NewShapes(graph.NewStrings())}
	start := btf.TypeID(b.Types.Len())
	g := graph.NewGraph(in.shapes, start, t.Len()-int(t.Start()), len(t.Words())/2)
	flatten := b.flat && t.Base() == nil
	inner := map[btf.TypeID]bool{}
	if flatten {
		inner = innerArrays(t)
	}
	newID := make([]uint32, t.Len()-int(t.Start()))
	next := uint32(start)
	for id := t.Start(); int(id) < t.Len(); id++ {
		if !inner[id] {
			newID[id-t.Start()] = next
			next++
		}
	}
	for id := t.Start(); int(id) < t.Len(); id++ {
		if inner[id] {
			continue
		}
		rec := t.Record(id)
		if flatten && btf.InfoKind(rec[1]) == btf.Array {
			rec = flatArray(t, rec)
		}
		shape := in.shape(rec)
		var refs []uint32
		btf.EachRef(rec, func(w *uint32) {
			to := *w
			if to >= uint32(t.Start()) {
				to = newID[to-uint32(t.Start())]
			}
			refs = append(refs, to)
		})
		g.Add(shape, refs...)
	}
	res, err := dedup.Run(g, b.index, dedup.Options{})
	if err != nil {
		return nil, fmt.Errorf("dedup: %w", err)
	}
	sec := graph.NewStringSection(in.shapes.Strs, b.Types.StringsStart()+uint32(len(b.Types.Strings())), b.Types.Offset)
	for _, id := range res.Keep {
		in.shapes.EachString(g.Shape[id-start], func(s graph.StrID) { sec.Add(s) })
	}
	order := t.Order()
	types := graph.AppendGraph(nil, g, res.Keep, nil, sec.Offsets(), order)
	return btf.Parse(btf.AppendFile(nil, btf.Header24, types, sec.Bytes(), order), b.Types)
}

// interner makes contents of records.
type interner struct {
	src    *btf.Types
	shapes *graph.Shapes
	c      []uint32
}

func (in *interner) name(off uint32) uint32 {
	return uint32(in.shapes.Strs.Intern(in.src.StringBytes(off)))
}

func (in *interner) shape(rec []uint32) graph.Shape {
	in.c = btf.AppendContent(in.c[:0], rec, in.name)
	return in.shapes.Intern(in.c)
}

// innerArrays returns the ARRAYs that only other ARRAYs refer to.
func innerArrays(t *btf.Types) map[btf.TypeID]bool {
	inner := map[btf.TypeID]bool{}
	for _, x := range t.All() {
		if x.Kind() == btf.Array {
			if elem, _, _ := x.Array(); t.Type(elem).Kind() == btf.Array {
				inner[elem] = true
			}
		}
	}
	if len(inner) == 0 {
		return inner
	}
	for _, x := range t.All() {
		for to := range x.Refs() {
			if x.Kind() != btf.Array {
				delete(inner, to)
			}
		}
	}
	return inner
}

// flatArray returns an ARRAY of ARRAYs as one: the number of elements is the product, modulo 2^32 (docs/quirks.md).
func flatArray(t *btf.Types, rec []uint32) []uint32 {
	flat := append([]uint32(nil), rec...)
	for n := 0; n < t.Len(); n++ { // an ARRAY of itself ends too
		elem := t.Record(btf.TypeID(flat[3]))
		if btf.InfoKind(elem[1]) != btf.Array {
			break
		}
		flat[3], flat[4], flat[5] = elem[3], elem[4], flat[5]*elem[5]
	}
	return flat
}
