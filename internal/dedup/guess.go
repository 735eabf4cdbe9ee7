package dedup

import (
	"slices"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/intern"
	"github.com/gobtf/gobtf/internal/parallel"
)

// guess fills in node.m of STRUCTs, UNIONs and TYPEDEFs, the candidates, and the timeline. Types with a first (see twins) of an earlier unit
// follow that one, and the others are found out in the order of units.
func (d *run) guess(t *timeline, left [][]twin) error {
	d.all.leads = &leads{known: t.led}
	defer func() { d.all.leads = nil }()
	g := guesser{run: d, t: t}
	for u, s := range t.units {
		if len(left[u]) == 0 {
			continue
		}
		d.all.leads.unit, g.left = uint32(u), left[u]
		if err := g.unit(s); err != nil {
			return err
		}
	}
	return nil
}

// twins finds for each STRUCT, UNION and TYPEDEF the first type that has its shape and colour, on all workers. A type of which that one is in an
// earlier unit follows it; those that are left are returned, by unit. Colours are gone then. nil: a unit refers to more than it may.
func (d *run) twins(opt Options, units []span) [][]twin {
	c := &classes{tab: intern.NewWords()}
	workers := parallel.Workers(opt.Jobs, len(units))
	painters, sorters := make([]painter, workers), make([]sorter, workers)
	if parallel.Do(opt.Jobs, len(units), func(w, i int) bool {
		u, words := units[i], [2]uint32{}
		if !painters[w].paint(d, u) {
			return false
		}
		for id := u.lo; id < u.hi; id++ {
			if sh := d.shape[id]; kindSet(compKinds).has(sh) {
				words = [2]uint32{uint32(sh), d.node[id].h}
				class := sorters[w].class(c, words[:])
				if c.first.At(class) > uint64(id) {
					c.first.Lower(class, uint64(id))
				}
				d.node[id].h = class
			}
		}
		return true
	}) < len(units) {
		return nil
	}
	left := make([][]twin, len(units))
	parallel.Must(opt.Jobs, len(units), func(_, i int) {
		for id := units[i].lo; id < units[i].hi; id++ {
			if !kindSet(compKinds).has(d.shape[id]) {
				continue
			}
			n := &d.node[id]
			first := uint32(c.first.At(n.h))
			n.h = 0
			if first < units[i].lo {
				n.m = first
			} else {
				t := twin{id: id, first: first}
				if first == id {
					t.look = d.look(id)
				}
				left[i] = append(left[i], t)
			}
		}
	})
	return left
}

// straighten makes what follows another type merged into what that one is.
func (d *run) straighten(opt Options, units []span) {
	parallel.Must(opt.Jobs, len(units), func(_, i int) {
		for id := units[i].lo; id < units[i].hi; id++ {
			if m := d.node[id].m; m != 0 && m&final == 0 && kindSet(compKinds).has(d.shape[id]) {
				d.node[id].m = d.node[m].m // a first, which follows no other
			}
		}
	})
}

// guesser is the state of guess.
type guesser struct {
	*run
	t     *timeline
	left  []twin // types of the unit that do not follow an earlier unit's first
	marks []bool
	looks []uint32 // of candidates, by entry; 0: not known
}

// twin is a type, and the first that has its shape and colour, which may be itself: then it has a look.
type twin struct{ id, first, look uint32 }

// look is the same for types that may be equal, and rarely for others: a hash of what members are, where a struct, union or enum
// is no more than its name, so that a declaration looks as what it declares. It is not 0.
func (d *run) look(id uint32) uint32 {
	h := uint32(1)
	for i := range d.refsOf(id) {
		r := d.refsOf(id)[i] // again: the arrays may move below
		for range maxChain {
			sh := d.shapeOf(r)
			if name, _ := d.nameInfo(sh); name != 0 && kindSet(tagKinds|1<<btf.Fwd|enumKinds).has(sh) {
				h = mix(h, uint32(name))
				break
			}
			h = mix(h, uint32(sh))
			if !kindSet(chainKinds &^ (1 << btf.Func)).has(sh) {
				break
			}
			r = d.refsOf(r)[0]
		}
	}
	return max(h, 1)
}

// unit guesses what becomes of one unit.
func (g *guesser) unit(s span) error {
	d, left := g.run, g.left
	done, growth, structs := len(g.t.inserted), d.cands.growth, len(d.structs)
	for _, x := range left {
		switch {
		case d.node[x.id].m != 0:
		case x.first != x.id:
			d.node[x.id].m = d.node[x.first].m
		default:
			if err := g.composite(x.id, x.look); err != nil {
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
			if err := g.composite(id, d.look(id)); err != nil {
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

// composite is run.composite, and notes what was inserted. Where there are several candidates it compares only with those that look the
// same: unnamed structs of one shape are many.
func (g *guesser) composite(id, look uint32) error {
	l, first := g.listOf(g.shape[id])
	for e := first; e != 0; {
		c := g.cands.ent[e-1]
		if several := e != first || c.next != 0; !several || g.lookOf(e) == look {
			if ok, err := g.all.mergeInto(id, c.id, several); ok || err != nil {
				return err
			}
		}
		e = c.next
	}
	g.insert(l, id)
	g.looks = append(g.looks, make([]uint32, len(g.cands.ent)-len(g.looks))...)
	g.looks[len(g.looks)-1] = look
	g.t.inserted = append(g.t.inserted, id)
	return nil
}

// lookOf is the look of the candidate with that number.
func (g *guesser) lookOf(e uint32) uint32 {
	if int(e) > len(g.looks) {
		g.looks = append(g.looks, make([]uint32, int(e)-len(g.looks))...)
	}
	if g.looks[e-1] == 0 {
		g.looks[e-1] = g.look(g.cands.ent[e-1].id)
	}
	return g.looks[e-1]
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
