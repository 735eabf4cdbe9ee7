package dedup

import (
	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/graph"
)

// composites is phase 3: STRUCT, UNION and TYPEDEF. Candidates are the canonical
// types of the same shape; the graphs below them decide.
// Rule dedup/structs.
func (d *run) composites() error {
	c := &d.cands
	for i, sh := range d.g.Shape {
		id := d.start + uint32(i)
		if !kindSet(compKinds).has(sh) || d.node[id].m != 0 {
			continue
		}
		l, e := d.listOf(sh)
		for e != 0 {
			cand := c.ent[e-1]
			if sh.Kind() == btf.Typedef && cand.id >= d.start &&
				d.resolve(d.refs[d.off[id]]) == d.resolve(d.refs[d.off[cand.id]]) {
				d.node[id].m = cand.id | final // what equiv and merge would do, without them
				break
			}
			eq, adjust, err := d.equiv(id, cand.id)
			if err != nil {
				return err
			}
			d.merge(eq, adjust)
			if eq && !adjust {
				d.node[id].m = cand.id | final
				break
			}
			e = cand.next
		}
		if e != 0 {
			continue
		}
		d.node[id].m = id | final
		c.insert(l, id)
		if sh.Kind() != btf.Typedef {
			d.structs = append(d.structs, id)
		}
	}
	return nil
}

// frame is the rest of a type that is being compared: references a to end of the
// new side, from b on of the canonical side.
type frame struct{ a, b, end uint32 }

// mergeBit marks what merge has to look at in run.log: pairs with a FWD, STRUCT or UNION.
const mergeBit = 1 << 31

// equiv compares the type a with the canonical b, and what is below them, in order.
// adjust reports that they are equal only if a FWD of the base were more than it
// is. The pairs it has supposed to be equal are in node.h and run.log, for merge.
//
// The first difference ends everything, so no result has to be carried back: it is
// one loop, with a stack of what is still to be compared. A kernel goes round it 30
// million times, and not guessing the branches right is what costs most: so there
// are few of them, the likely ones first.
// Rules dedup/structs, dedup/merged-pair, dedup/forward.
func (d *run) equiv(a, b uint32) (eq, adjust bool, err error) {
	node, shape, off, refs := d.node, d.shape, d.off, d.refs
	log, stack := d.log[:0], d.stack[:0]
	var f frame
walk:
	for {
		na, nb := node[a].m, node[b]
		// R1: what is merged already is equal; nothing is recorded. In the first factor
		// that is seen if both are so for good, which is 12 of the 30 million.
		// R3: so is the same pair again, the second factor: 7 million. (It may stand before
		// R2: a FWD that R2 replaces is never recorded itself, and does not change on the way.)
		if uint64((na^nb.m)|(^na>>31))*uint64(nb.h^(a|final)) != 0 {
			// R1 for the rest. Entries that are not positive are 0 or final, and differ.
			if a == b || (int32(na) > 0 || int32(nb.m) > 0) && d.resolve(a) == d.resolve(b) {
				goto next
			}
			sa, sb := shape[a], shape[b]
			if sa == lazy {
				sa, refs = d.load(a, 0), d.refs
			}
			if sb == lazy {
				sb, refs = d.load(b, sa), d.refs
			}
			// R2: the canonical side's FWD stands for the type that it turned out to be.
			// (The new side's does not.)
			if sb.Kind() == btf.Fwd {
				if r := d.resolve(b); r != b {
					if s := d.shapeOf(r); s.Kind() != btf.Fwd {
						b, sb, refs = r, s, d.refs
						nb = node[b]
					}
				}
			}
			// R3: with another partner than before, which is all right if it looks the same.
			if nb.h != 0 {
				if nb.h == a|final || d.identical(nb.h&^final, a) {
					refs = d.refs
					goto next
				}
				break walk
			}
			// R4: suppose that they are equal.
			node[b].h = a | final
			k := uint32(sa.Kind())
			if sa != sb {
				log = append(log, b|mergeBit)
				ok, fwd, unexpected := d.compatible(sa, sb)
				if unexpected {
					err = d.fail(a, ErrUnexpected)
				}
				if !ok {
					break walk
				}
				adjust = adjust || fwd && b < d.start
				goto next
			}
			// R5, R7: equal shapes; now what is below.
			if kindSet(chainKinds)>>k&1 != 0 {
				log = append(log, b)
				a, b = refs[off[a]], refs[off[b]]
				continue
			}
			log = append(log, b|uint32(kindSet(tagKinds|1<<btf.Fwd)>>k&1)<<31)
			if kindSet(tagKinds|1<<btf.FuncProto|1<<btf.Array)>>k&1 == 0 {
				if kindSet(selfKinds|1<<btf.DeclTag)>>k&1 != 0 {
					err = d.fail(a, ErrUnexpected)
					break walk
				}
				goto next
			}
			if f.a != f.end {
				stack = append(stack, f)
			}
			f = frame{off[a], off[b], 0}
			if k == uint32(btf.Array) { // index before element
				f.end = f.a + 1
				a, b = refs[f.a+1], refs[f.b+1]
				continue
			}
			if a >= d.start {
				f.end = off[a+1]
			} else {
				f.end = f.a + d.numRefs(sa)
			}
		}
	next:
		if f.a == f.end {
			if len(stack) == 0 {
				eq = true
				break walk
			}
			f = stack[len(stack)-1]
			stack = stack[:len(stack)-1]
		}
		a, b = refs[f.a], refs[f.b]
		f.a++
		f.b++
	}
	d.log, d.stack = log, stack
	return eq, adjust, err
}

// compatible says whether two types of different shapes can be equal. fwd: the
// second is a FWD and the first what it announces.
// Rule dedup/prims.
func (d *run) compatible(sa, sb graph.Shape) (ok, fwd, unexpected bool) {
	na, ia := d.nameInfo(sa)
	nb, ib := d.nameInfo(sb)
	ka, kb := sa.Kind(), sb.Kind()
	switch {
	case na != nb: // R5
		return false, false, false
	case ka == btf.Fwd && kb != btf.Fwd: // R6
		return announces(ia, kb), false, false
	case kb == btf.Fwd && ka != btf.Fwd:
		ok := announces(ib, ka)
		return ok, ok, false
	case ka != kb: // R7
		return false, false, false
	case kindSet(selfKinds | 1<<btf.DeclTag).has(sa):
		return false, false, true
	}
	return compatibleEnums(ia, ib), false, false
}

// announces says whether a FWD with this info word announces a type of this kind.
func announces(info uint32, k btf.Kind) bool {
	if btf.InfoKflag(info) {
		return k == btf.Union
	}
	return k == btf.Struct
}

// compatibleEnums says whether two different types of one name are enums of which
// at least one has no values.
func compatibleEnums(ia, ib uint32) bool {
	return kindSet(enumKinds)>>btf.InfoKind(ia)&1 != 0 && kindSet(enumKinds)>>btf.InfoKind(ib)&1 != 0 &&
		(btf.InfoVlen(ia) == 0 || btf.InfoVlen(ib) == 0)
}

// merge draws the conclusions from a comparison, and forgets its suppositions.
// Rule dedup/merge.
func (d *run) merge(eq, adjust bool) {
	node := d.node
	if !eq {
		for _, b := range d.log {
			node[b&^mergeBit].h = 0
		}
		return
	}
	for _, b := range d.log {
		look := b&mergeBit != 0
		b &^= mergeBit
		a, vb := node[b].h&^final, node[b].m
		node[b].h = 0
		if !look {
			continue
		}
		if va := node[a].m; !adjust && int32(va) <= 0 && int32(vb) <= 0 {
			// Neither is a FWD: those are led to something from phase 2 on, but not for
			// good. So only M4 can apply.
			if va == 0 {
				node[a].m = vb
			}
			continue
		}
		d.mergePair(a, b, adjust)
	}
}

// mergePair applies rules dedup/merge, dedup/base-forward.
func (d *run) mergePair(a, b uint32, adjust bool) {
	t, c := d.resolve(a), d.resolve(b)
	st, sc := d.shapeOf(t), d.shapeOf(c)
	// M1: a FWD becomes its definition, also a FWD of the base.
	if st.Kind() != btf.Fwd && sc.Kind() == btf.Fwd {
		d.node[c].m = t
	}
	// M2: the comparison does not hold; but M1's effects stay.
	if adjust {
		return
	}
	// M3: likewise from the other side.
	if st.Kind() == btf.Fwd && sc.Kind() != btf.Fwd {
		d.node[t].m = c
	}
	// M4: what was compared on the way needs no comparison of its own.
	if kindSet(tagKinds).has(st) && sc.Kind() != btf.Fwd && d.node[c].m != 0 && d.node[t].m == 0 {
		d.node[t].m = c | d.node[c].m&final
	}
}
