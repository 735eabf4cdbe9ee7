package dedup

import "github.com/gobtf/gobtf/btf"

// compact is phases 6 and 7: survivors get consecutive ids in their old order, and
// their references the new ids.
func (d *run) compact() *Result {
	for _, id := range d.fwds {
		if d.node[id].m == id {
			d.node[id].m |= final
		}
	}
	kept := d.cands.n + d.selfs
	if d.base != nil {
		kept -= d.base.insertions()
	}
	keep := make([]btf.TypeID, 0, kept)
	for id := range d.start {
		d.node[id].h = id
	}
	next := max(d.start, 1)
	for id := next; id < d.n; id++ {
		if d.node[id].m&^final == id {
			d.node[id].h = next
			next++
			keep = append(keep, btf.TypeID(id))
		}
	}
	for _, id := range keep {
		refs := d.refs[d.off[id]:d.off[id+1]]
		for i, r := range refs {
			refs[i] = d.node[d.resolve(r)].h
		}
	}
	if d.base != nil { // d.refs may have moved when the base's references came in
		copy(d.g.Refs, d.refs)
	}
	return &Result{Keep: keep, node: d.node, units: d.units, right: d.right}
}
