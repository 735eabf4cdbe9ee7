package main

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/gobtf/gobtf/btf"
)

// Types are given colours, in rounds. The first colour of a type is a hash of all
// in its record but the references; the next one a hash of its last colour and
// those of the types it refers to. When a round tells no more types apart than the
// one before did, types have the same colour exactly when they have the same
// meaning: cycles need no special care. Every round of all BTFs on one base uses
// the same hash, so colours can be compared across them, and the base's are
// computed once.

// maxShown is how many differences of a pair are printed.
const maxShown = 10

const (
	mulA = 0x9e3779b97f4a7c15
	mulB = 0xd6e8feb86659fd93
)

func mix(h, v uint64) uint64 {
	hi, lo := bits.Mul64(h^v^mulA, (h>>32|h<<32)^mulB)
	return (hi ^ lo) + v*mulA
}

// graph is the own types of one BTF, ready for colouring.
type graph struct {
	ts    *btf.Types
	first uint32     // id of entry 0
	off   []uint32   // references of entry i: refs[off[i]:off[i+1]]
	refs  []uint32   // ids
	col   [][]uint64 // by round, by entry
	base  *graph
}

// newGraph reads the own types of ts, and void when there is no base. With flat, an
// array of arrays becomes one array of their product: bases of pahole before 1.32
// hold them that way, and so does what fits such a base.
func newGraph(ts *btf.Types, base *graph, flat bool) *graph {
	g := &graph{ts: ts, base: base, off: []uint32{0}}
	var c []uint64
	if base == nil {
		c, g.off = append(c, 0), append(g.off, 0)
	} else {
		g.first = uint32(ts.Start())
	}
	if ts != nil {
		for id, t := range ts.All() {
			c = append(c, g.add(id, t, flat))
		}
	}
	g.col = [][]uint64{c}
	return g
}

// add appends a type's references and returns its first colour.
func (g *graph) add(id btf.TypeID, t btf.Type, flat bool) uint64 {
	rec := append([]uint32(nil), t.Record()...)
	if t.Kind() == btf.Array && flat {
		rec[3], rec[5] = flattened(g.ts, t)
	}
	h := uint64(len(rec))
	btf.EachName(rec, func(w *uint32) {
		h = hashName(h, g.ts.StringBytes(*w))
		*w = 0
	})
	btf.EachRef(rec, func(w *uint32) {
		g.refs = append(g.refs, *w)
		*w = 0
	})
	g.off = append(g.off, uint32(len(g.refs)))
	for _, w := range rec {
		h = mix(h, uint64(w))
	}
	return h
}

// flattened returns the element that is no array, and the product of all dimensions.
func flattened(ts *btf.Types, t btf.Type) (elem, n uint32) {
	e, _, n := t.Array()
	for steps := 0; ts.Type(e).Kind() == btf.Array && steps < ts.Len(); steps++ {
		inner, _, m := ts.Type(e).Array()
		e, n = inner, n*m
	}
	return uint32(e), n
}

func nested(ts *btf.Types) bool {
	for _, t := range ts.All() {
		if e, _, _ := t.Array(); t.Kind() == btf.Array && ts.Type(e).Kind() == btf.Array {
			return true
		}
	}
	return false
}

func hashName(h uint64, b []byte) uint64 {
	h = mix(h, uint64(len(b)))
	var v uint64
	for i, c := range b {
		v = v<<8 | uint64(c)
		if i%8 == 7 {
			h = mix(h, v)
		}
	}
	return mix(h, v)
}

// round makes sure that colours of round r are there.
func (g *graph) round(r int) []uint64 {
	for len(g.col) <= r {
		n := len(g.col)
		var below []uint64
		if g.base != nil {
			below = g.base.round(n - 1)
		}
		old := g.col[n-1]
		now := make([]uint64, len(old))
		for i, h := range old {
			for _, ref := range g.refs[g.off[i]:g.off[i+1]] {
				if ref < g.first {
					h = mix(h, below[ref])
				} else {
					h = mix(h, old[ref-g.first])
				}
			}
			now[i] = mix(h, mulB)
		}
		g.col = append(g.col, now)
	}
	return g.col[r]
}

// colour returns the colour of any type in round r.
func (g *graph) colour(id uint32, r int) uint64 {
	if id < g.first {
		return g.base.colour(id, r)
	}
	return g.round(r)[id-g.first]
}

func (g *graph) refsOf(id uint32) []uint32 {
	if id < g.first {
		return g.base.refsOf(id)
	}
	return g.refs[g.off[id-g.first]:g.off[id-g.first+1]]
}

// set is a set of colours.
type set struct {
	slot []uint64
	n    int
}

func newSet(n int) *set { return &set{slot: make([]uint64, 2<<bits.Len(uint(n)))} }

func (s *set) has(c uint64) bool {
	i := s.find(c)
	return s.slot[i] == c|1
}

func (s *set) add(c uint64) {
	if i := s.find(c); s.slot[i] == 0 {
		s.slot[i] = c | 1 // never 0
		s.n++
	}
}

func (s *set) find(c uint64) int {
	mask := uint64(len(s.slot) - 1)
	for i := c >> 20 & mask; ; i = (i + 1) & mask {
		if v := s.slot[i]; v == 0 || v == c|1 {
			return int(i)
		}
	}
}

// base is what the pairs have in common.
type base struct {
	g    *graph
	flat bool
	rest int          // the base alone needs this many rounds
	sets map[int]*set // its colours, by round
}

func newBase(ts *btf.Types) *base {
	b := &base{flat: ts != nil && !nested(ts), sets: map[int]*set{}}
	b.g = newGraph(ts, nil, false) // nothing in it is nested, or flattening is off
	for n := 0; ; b.rest++ {
		s := b.set(b.rest)
		if s.n == n {
			return b
		}
		n = s.n
		delete(b.sets, b.rest-1)
	}
}

func (b *base) set(r int) *set {
	s := b.sets[r]
	if s == nil {
		c := b.g.round(r)
		s = newSet(len(c))
		for _, v := range c {
			s.add(v)
		}
		b.sets[r] = s
	}
	return s
}

// pair is two BTFs under comparison.
type pair struct {
	b    *base
	x, y *graph
}

// compare returns the differences between two BTFs on the base, or alone if there is none.
func (b *base) compare(x, y *btf.Types) []string {
	p := &pair{b: b}
	under := b.g
	if b.g.ts == nil {
		under = nil
	}
	p.x, p.y = newGraph(x, under, b.flat), newGraph(y, under, b.flat)
	r := b.rest
	for p.colours(r) != p.colours(r+1) {
		r++
	}
	return append(p.missing(p.x, p.y, r, "first"), p.missing(p.y, p.x, r, "second")...)
}

// colours counts the different colours of all types in round r.
func (p *pair) colours(r int) int {
	in := p.b.set(r)
	own := newSet(len(p.x.off) + len(p.y.off))
	for _, g := range []*graph{p.x, p.y} {
		for _, c := range g.round(r) {
			if !in.has(c) {
				own.add(c)
			}
		}
	}
	return in.n + own.n
}

// missing lists the types of x that count and that are neither in y nor in the base.
// Those that differ because of the same type below them are one difference.
func (p *pair) missing(x, y *graph, r int, side string) (diffs []string) {
	in, own := p.b.set(r), newSet(len(y.off))
	for _, c := range y.round(r) {
		own.add(c)
	}
	type cause struct{ a, b uint32 }
	var order []cause
	ways := map[cause][]string{} // in order of the types
	var others map[string][]uint32
	for id, t := range x.ts.All() {
		if c := x.colour(uint32(id), r); t.NameOff() == 0 || in.has(c) || own.has(c) {
			continue
		}
		if others == nil {
			others = named(y.ts)
		}
		a, b, way := explain(x, y, uint32(id), others[called(x.ts, uint32(id))], r)
		at := cause{a, b}
		if ways[at] == nil {
			order = append(order, at)
		}
		ways[at] = append(ways[at], way)
	}
	for _, at := range order {
		way := ways[at][0]
		for _, w := range ways[at] {
			if len(w) < len(way) {
				way = w
			}
		}
		d := "only in the " + side + ": " + way
		if at.b != 0 {
			d += fmt.Sprintf("\n  %s\n  but in the other\n  %s", indent(x.ts.Describe(btf.TypeID(at.a))), indent(y.ts.Describe(btf.TypeID(at.b))))
		}
		if n := len(ways[at]); n > 1 {
			d += fmt.Sprintf("\n  and %d more types for the same reason", n-1)
		}
		diffs = append(diffs, d)
	}
	return diffs
}

// named lists all types of ts, the base's included, by what they are called.
func named(ts *btf.Types) map[string][]uint32 {
	m := make(map[string][]uint32, ts.Len())
	for id := uint32(1); int(id) < ts.Len(); id++ {
		if ts.Type(btf.TypeID(id)).NameOff() != 0 {
			c := called(ts, id)
			m[c] = append(m[c], id)
		}
	}
	return m
}

// explain follows the references of a type to what differs from the type in y, of
// those that are called alike, that is like it for the most rounds. b is 0 when
// there is none.
func explain(x, y *graph, id uint32, others []uint32, r int) (a, b uint32, way string) {
	best, rounds := uint32(0), -1
	for _, other := range others {
		if n := differ(x, y, id, other, r); n > rounds {
			best, rounds = other, n
		}
	}
	way = called(x.ts, id)
	if best == 0 {
		return id, 0, way
	}
	for n := rounds; n > 0; n = differ(x, y, id, best, n) {
		next := -1
		xs, ys := x.refsOf(id), y.refsOf(best)
		for i := range xs {
			if x.colour(xs[i], n-1) != y.colour(ys[i], n-1) {
				next = i
				break
			}
		}
		if next < 0 {
			break
		}
		id, best = xs[next], ys[next]
		way += " -> " + called(x.ts, id)
	}
	return id, best, way
}

// differ returns the first round up to r that tells two types apart.
func differ(x, y *graph, a, b uint32, r int) int {
	n := 0
	for n < r && x.colour(a, n) == y.colour(b, n) {
		n++
	}
	return n
}

func called(ts *btf.Types, id uint32) string {
	t := ts.Type(btf.TypeID(id))
	if t.Name() == "" {
		return t.Kind().String()
	}
	return fmt.Sprintf("%s '%s'", t.Kind(), t.Name())
}

func indent(s string) string { return strings.ReplaceAll(s, "\n", "\n  ") }
