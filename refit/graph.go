package refit

import (
	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/dedup"
)

// kernel is the base that modules are to fit.
type kernel struct{ *btf.Base }

// onto makes split BTF on the base of types that stand alone, or on the base already: what is equal to a type of the base
// becomes this type (dedup's rules), and the rest is the module's own.
func (b kernel) onto(t *btf.Types) (*btf.Types, error) {
	if b.OnlyFlatArrays() && t.Base() == nil {
		var err error
		if t, err = flattened(t); err != nil {
			return nil, err
		}
	}
	return dedup.Merge([]*btf.Types{t}, b.Base, dedup.Options{UsedStrings: true})
}

// flattened returns types that stand alone with each multi-dimensional array as one.
// Rule split/flat-arrays.
func flattened(t *btf.Types) (*btf.Types, error) {
	inner := innerArrays(t)
	newID := make([]uint32, t.Len())
	next := uint32(t.Start())
	for id := t.Start(); int(id) < t.Len(); id++ {
		if !inner[id] {
			newID[id] = next
			next++
		}
	}
	var words []uint32
	for id, x := range t.All() {
		if inner[id] {
			continue
		}
		rec := x.Record()
		if x.Kind() == btf.Array {
			rec = flatArray(t, rec)
		}
		at := len(words)
		words = append(words, rec...)
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
