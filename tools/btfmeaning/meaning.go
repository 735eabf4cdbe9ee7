package main

import (
	"fmt"
	"maps"
	"math/bits"
	"slices"
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
//
// A FWD is the same declared type as its definition, and a base's cannot be completed
// from a split BTF: one side may go through the base to a FWD where the other has a
// copy that leads to the definition. So a reference to a tag that is forward declared
// anywhere, or to any definition of it, counts only as that tag, and the definitions
// are compared by themselves: see lacks.

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
	tag   []uint64   // by entry: its tag when that is forward declared, else 0
	base  *graph
}

// tags are struct, union and enum tags, as hashes of kind and name.
type tags map[uint64]bool

// tagOf returns the tag that a type declares or defines, 0 if none.
func tagOf(ts *btf.Types, t btf.Type) uint64 {
	if t.NameOff() == 0 {
		return 0
	}
	k := t.Kind()
	switch k {
	case btf.Struct, btf.Union, btf.Enum:
	case btf.Enum64: // a declaration does not tell which
		k = btf.Enum
	case btf.Fwd:
		k = btf.Struct
		if t.Kflag() {
			k = btf.Union
		}
	default: // other kinds: they are not declared
		return 0
	}
	return hashName(uint64(k), ts.StringBytes(t.NameOff())) | 1
}

// declares tells forward declarations from definitions.
func declares(t btf.Type) bool {
	switch t.Kind() {
	case btf.Enum, btf.Enum64:
		return t.Vlen() == 0
	default: // other kinds: only a FWD declares
		return t.Kind() == btf.Fwd
	}
}

// addDeclared adds the tags that the own types of ts declare.
func (s tags) addDeclared(ts *btf.Types) {
	if ts == nil {
		return
	}
	for _, t := range ts.All() {
		if declares(t) && t.NameOff() != 0 {
			s[tagOf(ts, t)] = true
		}
	}
}

// newGraph reads the own types of ts, and void when there is no base. With flat, an
// array of arrays becomes one array of their product: bases of pahole before 1.32
// hold them that way, and so does what fits such a base. declared are the tags that
// are forward declared in any of the BTFs.
func newGraph(ts *btf.Types, base *graph, flat bool, declared tags) *graph {
	g := &graph{ts: ts, base: base, off: []uint32{0}}
	var c []uint64
	if base == nil {
		c, g.off, g.tag = append(c, 0), append(g.off, 0), append(g.tag, 0)
	} else {
		g.first = uint32(ts.Start())
	}
	if ts != nil {
		for id, t := range ts.All() {
			c = append(c, g.add(id, t, flat))
			tag := tagOf(ts, t)
			if !declared[tag] {
				tag = 0
			}
			g.tag = append(g.tag, tag)
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
				switch tag := g.tagOf(ref); {
				case tag != 0:
					h = mix(h, tag)
				case ref < g.first:
					h = mix(h, below[ref])
				default:
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

// tagOf returns the tag of any type when that is forward declared, else 0.
func (g *graph) tagOf(id uint32) uint64 {
	if id < g.first {
		return g.base.tag[id]
	}
	return g.tag[id-g.first]
}

// seen returns what a reference to a type adds to the colour of round r+1.
func (g *graph) seen(id uint32, r int) uint64 {
	if tag := g.tagOf(id); tag != 0 {
		return tag
	}
	return g.colour(id, r)
}

// definitions returns, by tag, the definitions of forward declared tags among the own
// types and those of the base that these lead to.
func (g *graph) definitions() map[uint64][]uint32 {
	defs := map[uint64][]uint32{}
	reached := make([]bool, g.first)
	var todo []uint32
	visit := func(id uint32) {
		if tag := g.tagOf(id); tag != 0 && !declares(g.ts.Type(btf.TypeID(id))) {
			defs[tag] = append(defs[tag], id)
		}
		for _, ref := range g.refsOf(id) {
			if ref < g.first && !reached[ref] {
				reached[ref] = true
				todo = append(todo, ref)
			}
		}
	}
	for id := range g.ts.All() {
		visit(uint32(id))
	}
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		visit(id)
	}
	return defs
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
	g        *graph
	flat     bool
	declared tags
	defined  tags         // those of declared that the base defines
	rest     int          // the base alone needs this many rounds
	sets     map[int]*set // its colours, by round
}

func newBase(ts *btf.Types) *base {
	declared := tags{}
	declared.addDeclared(ts)
	return colourBase(ts, declared)
}

func colourBase(ts *btf.Types, declared tags) *base {
	b := &base{flat: ts != nil && !nested(ts), declared: declared, defined: tags{}, sets: map[int]*set{}}
	b.g = newGraph(ts, nil, false, declared) // nothing in it is nested, or flattening is off
	for id, tag := range b.g.tag {
		if tag != 0 && !declares(ts.Type(btf.TypeID(id))) {
			b.defined[tag] = true
		}
	}
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

// side is what one BTF of a pair has in the last round.
type side struct {
	own  *set                // colours of its own types
	defs map[uint64][]uint32 // see graph.definitions
}

// compare returns the differences between two BTFs on the base, or alone if there is none.
func (b *base) compare(x, y *btf.Types) []string {
	declared := maps.Clone(b.declared)
	declared.addDeclared(x)
	declared.addDeclared(y)
	if len(declared) > len(b.declared) {
		b = colourBase(b.g.ts, declared)
	}
	p := &pair{b: b}
	under := b.g
	if b.g.ts == nil {
		under = nil
	}
	p.x, p.y = newGraph(x, under, b.flat, declared), newGraph(y, under, b.flat, declared)
	r := b.rest
	for p.colours(r) != p.colours(r+1) {
		r++
	}
	first, second := p.x.side(r), p.y.side(r)
	return append(p.missing(p.x, p.y, first, second, r, "first"), p.missing(p.y, p.x, second, first, r, "second")...)
}

func (g *graph) side(r int) side {
	s := side{own: newSet(len(g.off)), defs: g.definitions()}
	for _, c := range g.round(r) {
		s.own.add(c)
	}
	return s
}

// lacks says whether y has nothing for a type of x, an own one or a definition of a
// forward declared tag. Such a definition must have an equal one in y if y has or
// leads to any definition of that tag, wherever the base has more of them. A
// declaration needs the same declaration or any definition.
func (p *pair) lacks(x *graph, id uint32, y *graph, in side, r int) bool {
	c, tag := x.colour(id, r), x.tagOf(id)
	if tag == 0 || declares(x.ts.Type(btf.TypeID(id))) {
		if p.b.set(r).has(c) || in.own.has(c) {
			return false
		}
		return tag == 0 || !p.b.defined[tag] && len(in.defs[tag]) == 0
	}
	for _, def := range in.defs[tag] {
		if y.colour(def, r) == c {
			return false
		}
	}
	return len(in.defs[tag]) > 0
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

// missing lists the types of x that count and that y lacks.
// Those that differ because of the same type below them are one difference.
func (p *pair) missing(x, y *graph, has, other side, r int, name string) (diffs []string) {
	var ids []uint32
	for id, t := range x.ts.All() {
		if t.NameOff() != 0 {
			ids = append(ids, uint32(id))
		}
	}
	own := len(ids)
	for _, defs := range has.defs {
		for _, id := range defs {
			if id < x.first {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids[own:])
	type cause struct{ a, b uint32 }
	var order []cause
	ways := map[cause][]string{} // in order of the types
	var others map[string][]uint32
	for _, id := range ids {
		if !p.lacks(x, id, y, other, r) {
			continue
		}
		if others == nil {
			others = named(y.ts)
		}
		alike := other.defs[x.tagOf(id)]
		if len(alike) == 0 {
			alike = others[called(x.ts, id)]
		}
		a, b, way := explain(x, y, id, alike, r)
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
		d := "only in the " + name + ": " + way
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
			if x.seen(xs[i], n-1) != y.seen(ys[i], n-1) {
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
