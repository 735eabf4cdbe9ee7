package dedup

import (
	"slices"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/parallel"
)

// pieceTypes is how many types are worth the while of another worker.
const pieceTypes = 1 << 13

// compact is phases 6 and 7: survivors get consecutive ids in their old order, and
// their references the new ids.
func (d *run) compact(opt Options) *Result {
	for _, id := range d.fwds {
		if d.node[id].m == id {
			d.node[id].m |= final
		}
	}
	for id := range d.start {
		d.node[id].h = id
	}
	// Each piece finds its survivors, and numbers them when it is known how many there are before.
	from := max(d.start, 1)
	pieces := parallel.Workers(opt.Jobs, 1+int(d.n-from)/pieceTypes)
	lists := make([][]btf.TypeID, pieces)
	parallel.Must(opt.Jobs, pieces, func(_, i int) {
		lo, hi := parallel.Piece(i, pieces, int(d.n-from))
		list := make([]btf.TypeID, 0, 1<<10)
		for id := from + uint32(lo); id < from+uint32(hi); id++ {
			if d.node[id].m&^final == id {
				list = append(list, btf.TypeID(id))
			}
		}
		lists[i] = list
	})
	keep := slices.Concat(lists...)
	for i, id := range keep {
		d.node[id].h = from + uint32(i)
	}
	pieces = parallel.Workers(opt.Jobs, 1+len(keep)/pieceTypes)
	parallel.Must(opt.Jobs, pieces, func(_, i int) {
		lo, hi := parallel.Piece(i, pieces, len(keep))
		for _, id := range keep[lo:hi] {
			refs := d.refs[d.off[id]:d.off[id+1]]
			for i, r := range refs {
				refs[i] = d.node[d.follow(r)].h
			}
		}
	})
	if d.base != nil { // d.refs may have moved when the base's references came in
		copy(d.g.Refs, d.refs)
	}
	return &Result{Keep: keep, node: d.node, units: d.units, right: d.right}
}
