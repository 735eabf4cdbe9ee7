package dedup

import "slices"

// guess fills in node.m of STRUCTs, UNIONs and TYPEDEFs, the candidates, and the timeline.
func (d *run) guess(t *timeline) error {
	d.all.leads = &leads{known: t.led}
	defer func() { d.all.leads = nil }()
	g := guesser{run: d, t: t, firsts: newRefTable()}
	for u, s := range t.units {
		d.all.leads.unit = uint32(u)
		if err := g.unit(s); err != nil {
			return err
		}
	}
	return nil
}

// guesser is the state of guess.
type guesser struct {
	*run
	t      *timeline
	firsts *refTable // by shape and colour: the first type that has them
	left   []twin    // types of the unit that are not merged into what an earlier unit's first was
	marks  []bool
}

// twin is a type, and the first that has its shape and colour, which may be itself.
type twin struct{ id, first uint32 }

// unit guesses what becomes of one unit.
func (g *guesser) unit(s span) error {
	d, left := g.run, g.left[:0]
	done, growth, structs := len(g.t.inserted), d.cands.growth, len(d.structs)
	for id := s.lo; id < s.hi; id++ {
		if !kindSet(compKinds).has(d.shape[id]) {
			continue
		}
		n := &d.node[id]
		first := g.first(uint64(d.shape[id])<<32|uint64(n.h), id)
		n.h = 0
		if first < s.lo {
			n.m = d.node[first].m
		} else {
			left = append(left, twin{id, first})
		}
	}
	g.left = left
	for _, x := range left {
		switch {
		case d.node[x.id].m != 0:
		case x.first != x.id:
			d.node[x.id].m = d.node[x.first].m
		default:
			if err := g.composite(x.id); err != nil {
				return err
			}
		}
	}
	if !slices.ContainsFunc(g.t.inserted[done:], d.hasRival) || !g.markReaching(s, g.t.inserted[done:]) {
		return nil
	}
	// There is a type that looks like another on its surface, but is not equal to it. What leads to it, from however far away, is not equal to
	// its twin either: all that is done again, without its colours.
	for _, id := range slices.Backward(g.t.inserted[done:]) {
		d.cands.remove(&d.cands.head[d.shape[id].Index()], id)
	}
	g.t.inserted, d.cands.growth, d.structs = g.t.inserted[:done], growth, d.structs[:structs]
	for i, m := range g.marks {
		if id := s.lo + uint32(i); m && kindSet(compKinds).has(d.shape[id]) {
			d.node[id].m = 0
		}
	}
	for id := s.lo; id < s.hi; id++ {
		switch {
		case !kindSet(compKinds).has(d.shape[id]):
		case d.node[id].m == 0:
			if err := g.composite(id); err != nil {
				return err
			}
		case d.node[id].m == id|final:
			l, _ := d.listOf(d.shape[id])
			d.insert(l, id)
			g.t.inserted = append(g.t.inserted, id)
		}
	}
	return nil
}

// first returns the first type that had a key, id if it is that.
func (g *guesser) first(key uint64, id uint32) uint32 {
	i := g.firsts.place(key)
	for ; g.firsts.slot[i].id != 0; i = g.firsts.next(i) {
		if g.firsts.slot[i].key == key {
			return g.firsts.slot[i].id
		}
	}
	g.firsts.put(i, key, id)
	return id
}

// composite is run.composite, and notes what was inserted.
func (g *guesser) composite(id uint32) error {
	err := g.run.composite(id)
	if g.node[id].m == id|final {
		g.t.inserted = append(g.t.inserted, id)
	}
	return err
}

// hasRival says whether a candidate has another of its shape beside it.
func (d *run) hasRival(id uint32) bool {
	e := d.cands.head[d.shape[id].Index()].first
	return d.cands.ent[e-1].next != 0
}

// markReaching marks the types of a unit that lead to one of the inserted that has a rival, and says whether one of them was merged into
// what an earlier unit's twin was. Where the ways are long it marks more.
func (g *guesser) markReaching(s span, inserted []uint32) bool {
	g.marks = sized(g.marks, s.hi-s.lo)
	clear(g.marks)
	for _, id := range inserted {
		g.marks[id-s.lo] = g.hasRival(id)
	}
	const sweeps = 8 // upwards and downwards in turn, as references go either way
	for sweep := 0; ; sweep++ {
		if sweep == sweeps {
			for i := range g.marks {
				g.marks[i] = true
			}
			break
		}
		more := false
		for i := range g.marks {
			if sweep%2 == 1 {
				i = len(g.marks) - 1 - i
			}
			if !g.marks[i] && g.leadsToMark(s, s.lo+uint32(i)) {
				g.marks[i], more = true, true
			}
		}
		if !more {
			break
		}
	}
	next := 0
	for i, m := range g.marks {
		id := s.lo + uint32(i)
		if next < len(g.left) && g.left[next].id == id {
			next++
		} else if m && kindSet(compKinds).has(g.shape[id]) {
			return true
		}
	}
	return false
}

func (g *guesser) leadsToMark(s span, id uint32) bool {
	for _, r := range g.refs[g.off[id]:g.off[id+1]] {
		if x := r - s.lo; int(x) < len(g.marks) && g.marks[x] {
			return true
		}
	}
	return false
}
