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
	if b.flat && t.Base() == nil {
		var err error
		if t, err = flattened(t); err != nil {
			return nil, err
		}
	}
	shapes := graph.NewShapes(graph.NewStrings())
	g := graph.NewGraph(shapes, btf.TypeID(b.Types.Len()), t.Len()-int(t.Start()), len(t.Words())/2)
	g.AddTypes(t)
	res, err := dedup.Run(g, b.index, dedup.Options{})
	if err != nil {
		return nil, fmt.Errorf("dedup: %w", err)
	}
	sec := graph.NewStringSection(shapes.Strs, uint32(b.stringsEnd()), b.Types.Offset)
	for _, id := range res.Keep {
		sec.AddContent(shapes.Content(g.Shape[id-g.Start]))
	}
	return g.Types(res.Keep, sec, b.Types, t.Order())
}

// flattened returns standalone types with each ARRAY of ARRAYs as one.
func flattened(t *btf.Types) (*btf.Types, error) {
	inner := innerArrays(t)
	newID := make([]uint32, t.Len())
	next := uint32(1)
	for id := btf.TypeID(1); int(id) < t.Len(); id++ {
		if !inner[id] {
			newID[id] = next
			next++
		}
	}
	words := make([]uint32, 0, len(t.Words()))
	for id, x := range t.All() {
		if inner[id] {
			continue
		}
		at := len(words)
		words = append(words, flatArray(t, x)...)
		btf.EachRef(words[at:], func(w *uint32) { *w = newID[*w] })
	}
	return btf.New(words, t.Strings(), nil, t.Order())
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

// flatArray returns the record of a type, of an ARRAY of ARRAYs as one: the number of elements is the product, modulo 2^32
// (docs/quirks.md).
func flatArray(t *btf.Types, x btf.Type) []uint32 {
	if x.Kind() != btf.Array {
		return x.Record()
	}
	flat := append([]uint32(nil), x.Record()...)
	for n := 0; n < t.Len(); n++ { // an ARRAY of itself ends too
		elem := t.Record(btf.TypeID(flat[3]))
		if btf.InfoKind(elem[1]) != btf.Array {
			break
		}
		flat[3], flat[4], flat[5] = elem[3], elem[4], flat[5]*elem[5]
	}
	return flat
}
