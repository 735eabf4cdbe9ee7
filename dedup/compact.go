package dedup

import "github.com/gobtf/gobtf/btf"

// compact is phases 6 and 7: survivors get consecutive ids in their old order, and
// their references the new ids.
func (d *run) compact() *Result {
	for _, id := range d.fwds {
		if d.m[id] == id {
			d.m[id] |= final
		}
	}
	n := 0
	for id := max(d.start, 1); id < d.n; id++ {
		if d.survives(id) {
			n++
		}
	}
	keep := make([]btf.TypeID, 0, n)
	now := d.hyp // all zeros again: by old id, the new one
	for id := uint32(0); id < d.start; id++ {
		now[id] = id
	}
	next := max(d.start, 1)
	for id := next; id < d.n; id++ {
		if d.survives(id) {
			now[id] = next
			next++
			keep = append(keep, btf.TypeID(id))
		}
	}
	for _, id := range keep {
		refs := d.refs[d.off[id]:d.off[id+1]]
		for i, r := range refs {
			refs[i] = now[d.resolve(r)]
		}
	}
	if d.base != nil { // d.refs may have moved when the base's references came in
		copy(d.g.Refs, d.refs)
	}
	return &Result{Keep: keep, root: d.m, final: now}
}

// survives: an own type that stands for itself. Enum forwards do so without the final mark.
func (d *run) survives(id uint32) bool { return d.m[id]&^final == id }
