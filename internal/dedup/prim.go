package dedup

import (
	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/graph"
)

// prims is phase 2: the types without references. INT, FLOAT and FWD are equal
// when their records are, which is when their shapes are. So are enums, as long as
// nobody speaks of an enum of that name without giving its values.
// Rule dedup/prims.
func (d *run) prims() error {
	names := d.forwardEnums()
	for i, sh := range d.g.Shape {
		id := d.start + uint32(i)
		switch {
		case kindSet(primKinds).has(sh):
			if kindSet(enumKinds).has(sh) && len(names) > 0 {
				if l := d.cands.head[sh.Index()].first; l&listNamed != 0 {
					d.namedEnum(id, sh, &d.cands.named[l&^listNamed])
					continue
				}
			}
			mark := uint32(final)
			if sh.Kind() == btf.Fwd {
				mark = 0 // a definition may turn up
			}
			l, first := d.listOf(sh)
			if first != 0 {
				d.node[id].m = d.cands.ent[first-1].id | mark
				continue
			}
			d.node[id].m = id | mark
			d.cands.insert(l, id)
			if mark == 0 {
				d.fwds = append(d.fwds, id)
			}
		case kindSet(selfKinds).has(sh):
			d.node[id].m = id | final
			d.selfs++
		case !kindSet(compKinds|refKinds).has(sh) && id != 0:
			return d.fail(id, ErrKind)
		}
	}
	return nil
}

// forwardEnums returns the names of enums that occur without values, here or in
// the base, and makes all enums of such a name share one list.
func (d *run) forwardEnums() map[graph.StrID]uint32 {
	var enums []graph.Shape
	var names map[graph.StrID]uint32
	var seen []uint64
	for _, sh := range d.g.Shape {
		if !kindSet(enumKinds).has(sh) {
			continue
		}
		if seen == nil {
			seen = make([]uint64, (d.shapes.Len()+63)/64)
		}
		i := sh.Index()
		if seen[i/64]>>(i%64)&1 != 0 {
			continue
		}
		seen[i/64] |= 1 << (i % 64)
		enums = append(enums, sh)
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
