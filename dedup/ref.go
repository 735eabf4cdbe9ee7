package dedup

import (
	"math/bits"

	"github.com/gobtf/gobtf/btf"
)

// references is phase 5: pointers, modifiers, arrays, prototypes, functions and
// declaration tags, whose equality is exact once their references are canonical.
// The survivor of equal ones is the first that is reached, ids ascending and what
// a type refers to before itself, which need not be the one with the lowest id.
func (d *run) references() error {
	type visit struct{ id, next uint32 } // next: the first reference that is not canonical yet
	t := refTable{mask: 1<<12 - 1, slot: make([]uint64, 1<<12)}
	var stack []visit
	for i, sh := range d.g.Shape {
		id := d.start + uint32(i)
		if d.m[id] != 0 || !kindSet(refKinds).has(sh) {
			continue
		}
		d.m[id] = busy
		stack = append(stack[:0], visit{id, d.off[id]})
	depthFirst:
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			id, end := top.id, d.off[top.id+1]
			for ; top.next < end; top.next++ {
				r := d.refs[top.next]
				v := d.m[r]
				if v&final == 0 {
					if v == busy {
						return d.fail(r, ErrLoop)
					}
					if v == 0 {
						d.m[r] = busy
						stack = append(stack, visit{r, d.off[r]})
						continue depthFirst
					}
					v = d.resolve(r)
				}
				d.refs[top.next] = v &^ final
			}
			d.m[id] = d.merged(&t, id, d.refs[d.off[id]:end]) | final
			stack = stack[:len(stack)-1]
		}
	}
	return nil
}

// refTable finds types by shape and canonical references. A slot has the hash in
// its upper half, below it an id; 0 is free. The type may be one that was merged
// into the base: its entry in run.m leads on.
type refTable struct {
	mask uint64
	n    int
	slot []uint64
}

func hashRefs(sh btf.Shape, refs []uint32) uint64 {
	h := uint64(sh)
	for _, r := range refs {
		hi, lo := bits.Mul64(h^uint64(r)<<32, 0x9e3779b97f4a7c15)
		h = hi ^ lo
	}
	hi, lo := bits.Mul64(h, 0xd6e8feb86659fd93)
	return hi ^ lo
}

// merged returns what type id, with these canonical references, is merged into.
func (d *run) merged(t *refTable, id uint32, refs []uint32) uint32 {
	sh := d.shape[id]
	h := hashRefs(sh, refs)
	i := h & t.mask
search:
	for ; t.slot[i] != 0; i = (i + 1) & t.mask {
		s := t.slot[i]
		if (s^h)>>32 != 0 {
			continue
		}
		c := uint32(s)
		if d.shape[c] != sh {
			continue
		}
		for j, r := range d.refs[d.off[c]:d.off[c+1]] {
			if r != refs[j] {
				continue search
			}
		}
		return d.m[c] &^ final
	}
	into := id
	if d.base != nil {
		equal := d.baseRefs(sh, refs)
		switch len(equal) {
		case 0:
		case 1:
			into = equal[0]
		default: // their order changes with every growth
			var l list
			d.cands.ent = d.cands.ent[:0]
			d.fromBase(&l, equal)
			return d.cands.ent[d.cands.order(&l, d.cands.grown)-1].id
		}
	}
	if into == id {
		d.cands.count()
	}
	t.slot[i] = h&^(1<<32-1) | uint64(id)
	if t.n++; uint64(t.n)*2 > t.mask {
		d.grow(t)
	}
	return into
}

func (d *run) grow(t *refTable) {
	old := t.slot
	t.mask = 4*t.mask + 3
	t.slot = make([]uint64, t.mask+1)
	for _, s := range old {
		if s == 0 {
			continue
		}
		// The upper half of the hash is not enough to place it once the table is large.
		id := uint32(s)
		i := hashRefs(d.shape[id], d.refs[d.off[id]:d.off[id+1]]) & t.mask
		for t.slot[i] != 0 {
			i = (i + 1) & t.mask
		}
		t.slot[i] = s
	}
}

// baseRefs returns the base's types with this shape and these references.
func (d *run) baseRefs(sh btf.Shape, refs []uint32) []uint32 {
	for _, r := range refs {
		if r >= d.start {
			return nil
		}
	}
	w, ok := d.baseWords(sh, refs)
	if !ok {
		return nil
	}
	return d.base.find(w)
}
