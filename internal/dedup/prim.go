package dedup

import (
	"sync/atomic"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/graph"
	"github.com/gobtf/gobtf/internal/parallel"
)

// prims is phase 2: the types without references. INT, FLOAT and FWD are equal
// when their records are, which is when their shapes are. So are enums, as long as
// nobody speaks of an enum of that name without giving its values.
// Rule dedup/prims.
func (d *run) prims(opt Options) error {
	if parallel.Workers(opt.Jobs, int(d.n)) >= primWorkers && d.base == nil && d.n >= parallelTypes && d.primsOf(opt) {
		return nil
	}
	names := d.forwardEnums(d.enumShapes())
	for i, sh := range d.g.Shape {
		id := d.start + uint32(i)
		switch {
		case kindSet(primKinds).has(sh):
			if l := d.namedList(sh, names); l != nil {
				d.namedEnum(id, sh, l)
				continue
			}
			l, first := d.listOf(sh)
			if first != 0 {
				d.node[id].m = d.cands.ent[first-1].id | primMark(sh)
				continue
			}
			d.newPrim(l, id, sh)
		case kindSet(selfKinds).has(sh):
			d.node[id].m = id | final
		case !kindSet(compKinds|refKinds).has(sh) && id != 0:
			return d.fail(id, ErrKind)
		}
	}
	return nil
}

// primMark is what says that a type is merged for good. A FWD is not: a definition may turn up.
func primMark(sh graph.Shape) uint32 {
	if sh.Kind() == btf.Fwd {
		return 0
	}
	return final
}

// namedList returns the list that an enum shares with others of its name, nil when it has one of its own.
func (d *run) namedList(sh graph.Shape, names map[graph.StrID]uint32) *list {
	if len(names) > 0 && kindSet(enumKinds).has(sh) {
		if l := d.cands.head[sh.Index()].first; l&listNamed != 0 {
			return &d.cands.named[l&^listNamed]
		}
	}
	return nil
}

// newPrim makes a type the only candidate of its shape.
func (d *run) newPrim(l *list, id uint32, sh graph.Shape) {
	mark := primMark(sh)
	d.node[id].m = id | mark
	d.cands.insert(l, id)
	if mark == 0 {
		d.fwds = append(d.fwds, id)
	}
}

// primWorkers is from how many workers on primsOf is faster: it looks at all types four times. Tests set it to the least.
var primWorkers = 4

// primsOf is prims on several workers, without a base. It reports false where a type is of no kind, which prims can say better. Each shape's first
// type is found, the firsts are inserted one after the other, and all others are merged into them.
func (d *run) primsOf(opt Options) bool {
	pieces := 4 * parallel.Workers(opt.Jobs, int(d.n))
	each := func(f func(piece int, id uint32, sh graph.Shape) bool) bool {
		return parallel.Do(opt.Jobs, pieces, func(_, i int) bool {
			lo, hi := parallel.Piece(i, pieces, int(d.n))
			for id := max(lo, 1); id < hi; id++ {
				if sh := d.shape[id]; !kindSet(compKinds|refKinds).has(sh) && !f(i, uint32(id), sh) {
					return false
				}
			}
			return true
		}) == pieces
	}
	first := make([]atomic.Uint32, d.shapes.Len()) // by shape: its complement, so that 0 is none
	if !each(func(i int, id uint32, sh graph.Shape) bool {
		switch {
		case kindSet(primKinds).has(sh):
			f := &first[sh.Index()]
			for old := f.Load(); old < ^id && !f.CompareAndSwap(old, ^id); old = f.Load() {
			}
			return true
		case kindSet(selfKinds).has(sh):
			d.node[id].m = id | final
			return true
		}
		return false
	}) {
		return false
	}
	isFirst := func(id uint32, sh graph.Shape) bool { return ^first[sh.Index()].Load() == id }
	todo := make([][]uint32, pieces) // what is not merged into the first of its shape
	each(func(i int, id uint32, sh graph.Shape) bool {
		if kindSet(primKinds).has(sh) && isFirst(id, sh) {
			todo[i] = append(todo[i], id)
		}
		return true
	})
	var enums []graph.Shape
	for _, list := range todo {
		for _, id := range list {
			if sh := d.shape[id]; kindSet(enumKinds).has(sh) {
				enums = append(enums, sh)
			}
		}
	}
	names := d.forwardEnums(enums)
	clear(todo)
	each(func(i int, id uint32, sh graph.Shape) bool {
		switch {
		case !kindSet(primKinds).has(sh):
		case isFirst(id, sh) || d.namedList(sh, names) != nil:
			todo[i] = append(todo[i], id)
		default:
			d.node[id].m = ^first[sh.Index()].Load() | primMark(sh)
		}
		return true
	})
	for _, list := range todo {
		for _, id := range list {
			sh := d.shape[id]
			if l := d.namedList(sh, names); l != nil {
				d.namedEnum(id, sh, l)
			} else {
				l, _ := d.listOf(sh)
				d.newPrim(l, id, sh)
			}
		}
	}
	return true
}

// enumShapes returns the shapes of all enums of the graph.
func (d *run) enumShapes() (enums []graph.Shape) {
	var seen []uint64
	for _, sh := range d.g.Shape {
		if !kindSet(enumKinds).has(sh) {
			continue
		}
		if seen == nil {
			seen = make([]uint64, (d.shapes.Len()+63)/64)
		}
		i := sh.Index()
		if seen[i/64]>>(i%64)&1 == 0 {
			seen[i/64] |= 1 << (i % 64)
			enums = append(enums, sh)
		}
	}
	return enums
}

// forwardEnums returns the names of enums that occur without values, here or in
// the base, and makes all enums of such a name share one list. enums are the shapes of all enums.
func (d *run) forwardEnums(enums []graph.Shape) map[graph.StrID]uint32 {
	var names map[graph.StrID]uint32
	for _, sh := range enums {
		name, info := d.nameInfo(sh)
		if btf.InfoVlen(info) != 0 && !d.baseForwardEnum(name) {
			continue
		}
		if names == nil {
			names = make(map[graph.StrID]uint32)
		}
		if _, ok := names[name]; !ok {
			names[name] = uint32(len(d.cands.named))
			l := list{}
			if off, ok := d.baseOffset(name); ok {
				d.fromBase(&l, d.base.enumsNamed(off))
			}
			d.cands.named = append(d.cands.named, l)
		}
	}
	for _, sh := range enums {
		name, _ := d.nameInfo(sh)
		if n, ok := names[name]; ok {
			d.cands.head[sh.Index()].first = listNamed | n
		}
	}
	return names
}

// namedEnum merges an enum whose name also occurs without values. Such a forward
// is merged into whatever is tried first; a full enum takes over all forwards that
// it meets before its equal, also those that another full enum has taken over.
func (d *run) namedEnum(id uint32, sh graph.Shape, l *list) {
	_, info := d.nameInfo(sh)
	fwd := btf.InfoVlen(info) == 0
	mark := uint32(final)
	if fwd {
		mark = 0
	}
	for e := d.cands.order(l, d.cands.grown); e != 0; {
		c := d.cands.ent[e-1]
		e = c.next
		if fwd || d.shapeOf(c.id) == sh {
			d.node[id].m = c.id | mark
			return
		}
		if _, info := d.nameInfo(d.shapeOf(c.id)); btf.InfoVlen(info) == 0 {
			d.node[c.id].m = id
		}
	}
	d.node[id].m = id | mark
	d.cands.insert(l, id)
}
