package dedup

import (
	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/graph"
)

// candidates are the types that a new one may be merged into, in the order in
// which the reference tries them. It keeps them in one chained hash map whose
// entries go to the head of their chain, and whose chains are turned around when
// the map grows: growing walks each chain from its head and puts every entry at
// the head of a new chain. So the newest candidate is tried first, until the next
// growth, and last after it. Here every key has a list of its own, which is turned
// around when it is next used, if an odd number of growths has passed.
type candidates struct {
	head  []list // by shape index
	named []list // of enum names that occur without values, see prims
	ent   []entry
	growth
}

// growth says how often the map has grown. The zero growth is not that of an empty map, whose next is 1.
type growth struct {
	n     uint32 // insertions so far, of all keys together, the base's included
	next  uint32 // the insertion before which the map grows next
	grown uint32 // growths so far
}

// list is one key's candidates. grown is the growth count its order belongs to; 0
// means that the base was not asked yet. first is the number of an entry plus one,
// or, with listNamed, a list in named.
type list struct{ first, grown uint32 }

const listNamed = 1 << 31

type entry struct{ id, next uint32 }

// count counts an insertion. The map is grown before insertions number 1 (to 4
// slots), 4, 7, 13, 25, ...: when it would become more than three quarters full.
func (g *growth) count() {
	g.n++
	if g.n == g.next {
		g.grown++
		g.next = nextGrowth(g.next)
	}
}

// after returns the growth after n more insertions.
func (g growth) after(n uint32) growth {
	for g.n += n; g.next <= g.n; g.next = nextGrowth(g.next) {
		g.grown++
	}
	return g
}

func nextGrowth(n uint32) uint32 {
	if n == 1 {
		return 4
	}
	return 2*n - 1
}

// growthsAt returns how often the map has grown when insertion n is done, n > 0.
func growthsAt(n uint32) uint32 {
	return growth{next: 1}.after(n).grown
}

// order brings a list into its order after so many growths, and returns its first entry.
// Rule dedup/candidates.
func (c *candidates) order(l *list, grown uint32) uint32 {
	if (grown-l.grown)&1 != 0 && l.first != 0 && c.ent[l.first-1].next != 0 {
		var rev uint32
		for e := l.first; e != 0; {
			p := &c.ent[e-1]
			e, p.next, rev = p.next, rev, e
		}
		l.first = rev
	}
	l.grown = grown
	return l.first
}

// push puts id at the head of a list.
func (c *candidates) push(l *list, id uint32) {
	c.ent = append(c.ent, entry{id, l.first})
	l.first = uint32(len(c.ent))
}

// insert makes id a candidate of a list.
func (c *candidates) insert(l *list, id uint32) {
	c.count()
	c.order(l, c.grown)
	c.push(l, id)
}

// remove takes a candidate out of a list. The insertion remains counted.
func (c *candidates) remove(l *list, id uint32) {
	at := &l.first
	for c.ent[*at-1].id != id {
		at = &c.ent[*at-1].next
	}
	*at = c.ent[*at-1].next
}

// listOf returns the list of a shape in its present order. On a base it starts with
// the base's types of that shape, in the order in which they were inserted.
// Rule split/typedefs.
func (d *run) listOf(sh graph.Shape) (l *list, first uint32) {
	l = &d.cands.head[sh.Index()]
	if l.grown == 0 && d.base != nil && !(d.quirks && sh.Kind() == btf.Typedef) {
		if w, ok := d.baseKey(sh); ok {
			d.fromBase(l, d.base.find(w))
		}
	}
	return l, d.cands.order(l, d.cands.grown)
}

// fromBase makes base types the candidates of a list. ids are ascending.
func (d *run) fromBase(l *list, ids []uint32) {
	for _, id := range ids {
		d.cands.order(l, growthsAt(d.base.insertion(id)))
		d.cands.push(l, id)
	}
}
