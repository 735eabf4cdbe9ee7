package encoder

import (
	"sync"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/dedup"
	"github.com/gobtf/gobtf/internal/graph"
)

// bases keeps the index of each base, so that many files on one base pay for it once.
var bases sync.Map // *btf.Types -> *dedup.Base

func baseOf(t *btf.Types) *dedup.Base {
	if b, ok := bases.Load(t); ok {
		return b.(*dedup.Base)
	}
	b, _ := bases.LoadOrStore(t, dedup.NewBase(t))
	return b.(*dedup.Base)
}

// hasOnlyFlatArrays tells whether a base has no ARRAY whose element is an ARRAY: then
// pahole 1.31 or an older one made it, which wrote each multi-dimensional array as one.
func hasOnlyFlatArrays(t *btf.Types) bool {
	for id := btf.TypeID(1); int(id) < t.Len(); id++ {
		if r := t.Record(id); btf.InfoKind(r[1]) == btf.Array && btf.InfoKind(t.Record(btf.TypeID(r[3]))[1]) == btf.Array {
			return false
		}
	}
	return true
}

// stringSection returns the section that strings are added to.
func (j *job) stringSection() *graph.StringSection {
	if j.base == nil {
		return graph.NewStringSection(j.shapes.Strs, 0, nil)
	}
	b := j.opt.Base
	return graph.NewStringSection(j.shapes.Strs, b.StringsStart()+uint32(len(b.Strings())), b.Offset)
}
