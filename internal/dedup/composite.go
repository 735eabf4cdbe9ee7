package dedup

import (
	"sync/atomic"
	"unsafe"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/graph"
)

// composites is phase 3: STRUCT, UNION and TYPEDEF, from a type on; the ones before it are done. Candidates are the canonical
// types of the same shape; the graphs below them decide.
// Rule dedup/structs.
func (d *run) composites(from uint32) error {
	for id := from; id < d.n; id++ {
		if kindSet(compKinds).has(d.shape[id]) && d.node[id].m == 0 {
			if err := d.composite(id); err != nil {
				return err
			}
		}
	}
	return nil
}

// composite finds out what one type is merged into.
func (d *run) composite(id uint32) error {
	sh := d.shape[id]
	l, first := d.listOf(sh)
	for e := first; e != 0; {
		cand := d.cands.ent[e-1]
		several := e != first || cand.next != 0
		if ok, err := d.all.mergeInto(id, cand.id, several); ok || err != nil {
			return err
		}
		e = cand.next
	}
	d.insert(l, id)
	return nil
}

// insert makes a type that none was equal to a candidate for those that come.
func (d *run) insert(l *list, id uint32) {
	d.node[id].m = id | final
	d.cands.insert(l, id)
	if d.shape[id].Kind() != btf.Typedef {
		d.structs = append(d.structs, id)
	}
}

// A walker compares types, and keeps what comparisons lead to, for one goroutine. There is one over all types (run.all), for which own
// is run.node, and when units are checked (check.go) one for each worker, which has the state of one unit's types.
type walker struct {
	*run
	lo  uint32
	own []node // own[i] is the state of type lo+i

	// The state of the other types is in run.node, but that h there is a place in far (see placeOf). What is there is what h is to own
	// types, if the upper half is the number of the comparison: so nothing has to be forgotten.
	far        []uint64
	comparison uint32
	// leads are the FWDs that were led to something; nil: they are led in own.
	leads *leads

	log   []uint32 // canonical sides in order of recording; mergeBit: a merge may follow
	stack []frame
	same  map[uint64]int8 // see identical
}

// mergeInto merges type id into the candidate c, if they are equal. several: there are other candidates, so that it may well not be this one.
func (w *walker) mergeInto(id, c uint32, several bool) (bool, error) {
	d := w.run
	if d.shape[id].Kind() == btf.Typedef && c >= d.start &&
		w.resolve(d.refs[d.off[id]]) == w.resolve(d.refs[d.off[c]]) {
		w.own[id-w.lo].m = c | final // what equiv and merge would do, without them
		return true, nil
	}
	if several && d.plain && d.membersDiffer(id, c) {
		return false, nil
	}
	var eq, adjust bool
	var err error
	if w.leads == nil || w.leads.mine == nil {
		eq, adjust, err = equiv[overAll](w, id, c)
	} else {
		eq, adjust, err = equiv[overUnit](w, id, c)
	}
	if err != nil {
		return false, err
	}
	w.merge(eq, adjust)
	if eq && !adjust {
		w.own[id-w.lo].m = c | final
	}
	return eq && !adjust, nil
}

// get returns what is known about a type.
func (w *walker) get(id uint32) node {
	if i := uint(id - w.lo); i < uint(len(w.own)) {
		return w.own[i]
	}
	n := &w.run.node[id]
	h := uint32(0)
	if p := atomic.LoadUint32(&n.h); int(p) < len(w.far) && uint32(w.far[p]>>32) == w.comparison {
		h = uint32(w.far[p])
	}
	return node{n.m, h}
}

// resolve returns the type that id stands for now: id itself as long as nothing is known.
func (w *walker) resolve(id uint32) uint32 {
	v := w.get(id).m
	if v&final != 0 {
		return v &^ final
	}
	if v == 0 {
		return id
	}
	return w.chase(id)
}

// chase resolves id over several steps, and shortens the way once its end is
// final. Phase 2 may not use it: an enum forward in the middle may be led elsewhere.
func (w *walker) chase(id uint32) uint32 {
	x := id
	for {
		v := w.get(x).m
		if v&final != 0 {
			if w.leads == nil {
				w.own[id-w.lo].m = v
			}
			return v &^ final
		}
		if v == 0 || v == x {
			to, ok := w.leads.of(x)
			if !ok {
				return x
			}
			v = to
		}
		x = v
	}
}

// membersDiffer says whether a comparison of two types of one shape fails for certain, by a look at their members. It saves walks: unnamed
// unions of the same look are many, and what tells two of them apart may stand behind a pointer to half of a kernel.
//
// The comparison comes to each member, and to what its pointers and modifiers lead to, unless it fails before. R1 passes over none of them:
// pointers and modifiers are not merged yet, and types that cannot be equal are never merged. Where R3 does, the comparison has come to that place
// with a type that is identical to a, so that it differs from b as well. A comparison that fails changes nothing; it may only end with
// ErrUnexpected before, which run.plain rules out.
func (d *run) membersDiffer(a, b uint32) bool {
	for i := range d.refsOf(a) {
		if d.differ(d.refsOf(a)[i], d.refsOf(b)[i]) { // again: the arrays may move below
			return true
		}
	}
	return false
}

// differ says whether two types can be told apart by their shapes and those of what their pointers and modifiers lead to. What may be equal
// to a type of another shape counts as not told apart: a FWD, and enums.
func (d *run) differ(x, y uint32) bool {
	const far = 16
	for range far {
		if x == y {
			return false
		}
		sx, sy := d.shapeOf(x), d.shapeOf(y)
		if sx != sy {
			if kindSet(1<<btf.Fwd|enumKinds).has(sx) || kindSet(1<<btf.Fwd|enumKinds).has(sy) {
				nx, _ := d.nameInfo(sx)
				ny, _ := d.nameInfo(sy)
				return nx != ny
			}
			return true
		}
		if !kindSet(chainKinds).has(sx) || kindSet(1<<btf.Func).has(sx) {
			return false
		}
		x, y = d.refsOf(x)[0], d.refsOf(y)[0]
	}
	return false
}

// overAll and overUnit say what a walker is over. They differ in size, so that equiv is compiled once for each.
type (
	overAll  struct{}
	overUnit struct{ _ byte }
)

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
func equiv[S overAll | overUnit](w *walker, a, b uint32) (eq, adjust bool, err error) {
	var scope S
	d := w.run
	own, lo, shape, off, refs := w.own, w.lo, d.shape, d.off, d.refs
	nodes, far, run := d.node, w.far, uint64(0)
	if unsafe.Sizeof(scope) != 0 {
		if w.comparison++; w.comparison == 0 {
			clear(far) // what is there is of comparisons with the numbers that come again
			w.comparison = 1
		}
		run = uint64(w.comparison) << 32
	}
	log, stack := w.log[:0], w.stack[:0]
	var f frame
walk:
	for {
		var na uint32
		var nb node
		if unsafe.Sizeof(scope) == 0 {
			na, nb = own[a].m, own[b]
		} else {
			if i := uint(a - lo); i < uint(len(own)) {
				na = own[i].m
			} else {
				na = nodes[a].m
			}
			if i := uint(b - lo); i < uint(len(own)) {
				nb = own[i]
			} else if nb.m = nodes[b].m; nb.m == na && na&final != 0 {
				goto next // R1, without looking for h
			} else if p := atomic.LoadUint32(&nodes[b].h); uint(p) < uint(len(far)) {
				if v := far[p]; v^run < 1<<32 {
					nb.h = uint32(v)
				}
			}
		}
		// R1: what is merged already is equal; nothing is recorded. In the first factor
		// that is seen if both are so for good, which is 12 of the 30 million.
		// R3: so is the same pair again, the second factor: 7 million. (It may stand before
		// R2: a FWD that R2 replaces is never recorded itself, and does not change on the way.)
		if uint64((na^nb.m)|(^na>>31))*uint64(nb.h^(a|final)) != 0 {
			// R1 for the rest. Entries that are not positive are 0 or final, and differ.
			if a == b || (int32(na) > 0 || int32(nb.m) > 0) && w.resolve(a) == w.resolve(b) {
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
				if r := w.resolve(b); r != b {
					if s := d.shapeOf(r); s.Kind() != btf.Fwd {
						b, sb, refs = r, s, d.refs
						nb = w.get(b)
					}
				}
			}
			// R3: with another partner than before, which is all right if it looks the same.
			if nb.h != 0 {
				if nb.h == a|final || w.identical(nb.h&^final, a) {
					refs = d.refs
					goto next
				}
				break walk
			}
			// R4: suppose that they are equal.
			if unsafe.Sizeof(scope) == 0 {
				own[b].h = a | final
			} else if i := uint(b - lo); i < uint(len(own)) {
				own[i].h = a | final
			} else {
				p := atomic.LoadUint32(&nodes[b].h)
				if p == 0 || int(p) >= len(far) {
					p = w.placeOf(b)
					far = w.far
				}
				far[p] = run | uint64(a|final)
			}
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
				if unsafe.Sizeof(scope) == 0 || uint(b-lo) < uint(len(own)) {
					log = append(log, b) // else there is nothing to merge, and nothing to forget
				}
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
	w.log, w.stack = log, stack
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
func (w *walker) merge(eq, adjust bool) {
	own, lo := w.own, w.lo
	for _, b := range w.log {
		look := b&mergeBit != 0
		b &^= mergeBit
		var nb node
		if i := uint(b - lo); i < uint(len(own)) {
			nb = own[i]
			own[i].h = 0
		} else if look {
			nb = w.get(b)
		}
		if !look || !eq {
			continue
		}
		a := nb.h &^ final
		if va := w.get(a).m; !adjust && int32(va) <= 0 && int32(nb.m) <= 0 {
			// Neither is a FWD: those are led to something from phase 2 on, but not for
			// good. So only M4 can apply.
			if va == 0 {
				own[a-lo].m = nb.m
			}
			continue
		}
		w.mergePair(a, b, adjust)
	}
}

// mergePair applies rules dedup/merge, dedup/base-forward.
func (w *walker) mergePair(a, b uint32, adjust bool) {
	d := w.run
	t, c := w.resolve(a), w.resolve(b)
	st, sc := d.shapeOf(t), d.shapeOf(c)
	// M1: a FWD becomes its definition, also a FWD of the base.
	if st.Kind() != btf.Fwd && sc.Kind() == btf.Fwd {
		w.lead(c, t)
	}
	// M2: the comparison does not hold; but M1's effects stay.
	if adjust {
		return
	}
	// M3: likewise from the other side.
	if st.Kind() == btf.Fwd && sc.Kind() != btf.Fwd {
		w.lead(t, c)
	}
	// M4: what was compared on the way needs no comparison of its own.
	if mc := w.get(c).m; kindSet(tagKinds).has(st) && sc.Kind() != btf.Fwd && mc != 0 && w.get(t).m == 0 {
		w.own[t-w.lo].m = c | mc&final
	}
}

// lead makes the FWD id, that stood for itself, stand for another type.
func (w *walker) lead(id, to uint32) {
	if w.leads != nil {
		w.leads.lead(id, to)
		return
	}
	w.own[id-w.lo].m = to
}
