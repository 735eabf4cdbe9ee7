package dedup

import (
	"math/bits"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/graph"
)

// references is phase 5: pointers, modifiers, arrays, prototypes, functions and
// declaration tags, whose equality is exact once their references are canonical.
// The survivor of equal ones is the first that is reached, ids ascending and what
// a type refers to before itself, which need not be the one with the lowest id.
// Rule dedup/references.
func (d *run) references() error {
	var stack []visit
	one, many := newRefTable(), newRefTable()
	for i, sh := range d.g.Shape {
		id := d.start + uint32(i)
		if d.node[id].m != 0 || !kindSet(refKinds).has(sh) {
			continue
		}
		d.node[id].m = busy
		stack = append(stack[:0], visit{id, d.off[id]})
	depthFirst:
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			id, end := top.id, d.off[top.id+1]
			for ; top.next < end; top.next++ {
				r := d.refs[top.next]
				v := d.node[r].m
				if v&final == 0 {
					if v == busy {
						return d.fail(r, ErrLoop)
					}
					if v == 0 {
						d.node[r].m = busy
						stack = append(stack, visit{r, d.off[r]})
						continue depthFirst
					}
					v = d.resolve(r)
				}
				d.refs[top.next] = v &^ final
			}
			sh, refs := d.shape[id], d.refs[d.off[id]:end]
			if len(refs) == 1 && kindSet(chainKinds|1<<btf.DeclTag).has(sh) {
				d.node[id].m = d.mergedOne(one, id, sh, refs) | final
			} else {
				d.node[id].m = d.mergedMany(many, id, sh, refs) | final
			}
			stack = stack[:len(stack)-1]
		}
	}
	return nil
}

// visit is a type whose references are being visited. next is the first that is not canonical yet.
type visit struct{ id, next uint32 }

// refTable finds types by a key. A type in it may be one that was merged into the
// base: its node leads on.
type refTable struct {
	slot  []refSlot
	shift int // the key's product with hashMul is shifted so far to make a place
	n     int
}

// id 0 is free.
type refSlot struct {
	key uint64
	id  uint32
}

const hashMul = 0x9e3779b97f4a7c15

func newRefTable() *refTable {
	const bits = 12
	return &refTable{slot: make([]refSlot, 1<<bits), shift: 64 - bits}
}

func (t *refTable) place(key uint64) int { return int(key * hashMul >> t.shift) }

func (t *refTable) next(i int) int { return (i + 1) & (len(t.slot) - 1) }

// put fills the free slot i, which place and next have led to.
func (t *refTable) put(i int, key uint64, id uint32) {
	t.slot[i] = refSlot{key, id}
	if t.n++; 2*t.n < len(t.slot) {
		return
	}
	old := t.slot
	t.slot = make([]refSlot, 4*len(old))
	t.shift -= 2
	for _, s := range old {
		if s.id == 0 {
			continue
		}
		i := t.place(s.key)
		for t.slot[i].id != 0 {
			i = t.next(i)
		}
		t.slot[i] = s
	}
}

// mergedOne returns what type id, with this one canonical reference, is merged
// into. Shape and reference together are the key, so equal keys are equal types.
func (d *run) mergedOne(t *refTable, id uint32, sh graph.Shape, refs []uint32) uint32 {
	key := uint64(sh)<<32 | uint64(refs[0])
	i := t.place(key)
	for ; t.slot[i].id != 0; i = t.next(i) {
		if t.slot[i].key == key {
			return d.node[t.slot[i].id].m &^ final
		}
	}
	into, only := d.mergedBase(id, sh, refs)
	if only {
		t.put(i, key, id)
	}
	return into
}

// mergedMany is mergedOne for kinds with any number of references.
func (d *run) mergedMany(t *refTable, id uint32, sh graph.Shape, refs []uint32) uint32 {
	key := uint64(sh)
	for _, r := range refs {
		hi, lo := bits.Mul64(key^uint64(r)<<32, hashMul)
		key = hi ^ lo
	}
	i := t.place(key)
search:
	for ; t.slot[i].id != 0; i = t.next(i) {
		if t.slot[i].key != key {
			continue
		}
		c := t.slot[i].id
		if d.shape[c] != sh {
			continue
		}
		for j, r := range d.refs[d.off[c]:d.off[c+1]] {
			if r != refs[j] {
				continue search
			}
		}
		return d.node[c].m &^ final
	}
	into, only := d.mergedBase(id, sh, refs)
	if only {
		t.put(i, key, id)
	}
	return into
}

// mergedBase returns the base's type that equals id, or id itself. only: there is
// no other that might be found at another time.
func (d *run) mergedBase(id uint32, sh graph.Shape, refs []uint32) (into uint32, only bool) {
	var equal []uint32
	if d.base != nil {
		equal = d.baseRefs(sh, refs)
	}
	switch len(equal) {
	case 0:
		d.cands.count()
		return id, true
	case 1:
		return equal[0], true
	}
	var l list // their order changes with every growth
	d.cands.ent = d.cands.ent[:0]
	d.fromBase(&l, equal)
	return d.cands.ent[d.cands.order(&l, d.cands.grown)-1].id, false
}

// baseRefs returns the base's types with this shape and these references.
func (d *run) baseRefs(sh graph.Shape, refs []uint32) []uint32 {
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
