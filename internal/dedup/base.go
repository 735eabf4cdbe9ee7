package dedup

import (
	"math/bits"
	"slices"
	"sort"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/graph"
	"github.com/gobtf/gobtf/internal/mem"
)

// Base is an index of a base BTF. Nothing of the base is copied or interned before
// a run meets it: a small module needs few of a kernel's 100,000 types. Any number
// of runs may use one Base at once.
type Base struct {
	src *btf.Types
	n   uint32

	node  []node // a run's at its start
	enums []uint32
	comps []uint32
	holes []uint32        // VARs and DATASECs, which are no candidates
	fwds  map[uint32]bool // name offsets of enums without values

	// Open addressing: a slot has the upper half of a record's hash, below it the last
	// id that has the hash. before leads from there to the others, in falling order.
	mask   uint64
	slot   []uint64
	before []uint32
}

// IndexOf returns the index of a base, which is made once and kept in it.
func IndexOf(b *btf.Base) *Base {
	return b.Index(func(t *btf.Types) any { return NewBase(t) }).(*Base)
}

// NewBase indexes src, which may be split itself.
// Rule split/candidates.
func NewBase(src *btf.Types) *Base {
	n := src.Len()
	size := 1 << bits.Len(uint(n)) // more than n, at most 3/4 full
	if n*4 > size*3 {
		size *= 2
	}
	b := &Base{
		src: src, n: uint32(n), node: make([]node, n),
		mask: uint64(size - 1), slot: make([]uint64, size), before: make([]uint32, n),
	}
	mem.Populate(b.node)
	mem.Populate(b.slot)
	mem.Populate(b.before)
	b.node[0].m = final
	for id := uint32(1); id < b.n; id++ {
		w := src.Record(btf.TypeID(id))
		b.node[id].m = id | final
		switch btf.InfoKind(w[1]) {
		case btf.Var, btf.Datasec:
			b.holes = append(b.holes, id)
			continue
		case btf.Fwd:
			b.node[id].m = id
		case btf.Struct, btf.Union:
			b.comps = append(b.comps, id)
		case btf.Enum, btf.Enum64:
			b.enums = append(b.enums, id)
			if btf.InfoVlen(w[1]) == 0 {
				b.node[id].m = id
				if b.fwds == nil {
					b.fwds = make(map[uint32]bool)
				}
				b.fwds[w[0]] = true
			}
		}
		h := hashRecord(w)
		i := h & b.mask
		for b.slot[i] != 0 && (b.slot[i]^h)>>32 != 0 {
			i = (i + 1) & b.mask
		}
		b.before[id] = uint32(b.slot[i])
		b.slot[i] = h&^(1<<32-1) | uint64(id)
	}
	return b
}

// Len returns the number of the base's types, void included: what a graph on it
// has as Start.
func (b *Base) Len() int { return int(b.n) }

// recordKey tells which words of a record of info's kind are its key in the table of
// candidates: the first fixed words, and of the elements of elem words each all but
// word skip. elem 0: all words are.
func recordKey(info uint32) (fixed, elem, skip int) {
	switch btf.InfoKind(info) {
	case btf.Struct, btf.Union:
		return 3, 3, 1 // the members' types are compared by walking the graph
	case btf.Typedef:
		return 2, 1, 0 // likewise
	}
	return 0, 0, 0
}

func hashRecord(w []uint32) uint64 {
	const k1, k2 = 0x9e3779b97f4a7c15, 0xd6e8feb86659fd93
	h := uint64(len(w)) * k1
	step := func(v uint64) {
		hi, lo := bits.Mul64(h^v, k2)
		h = hi ^ lo
	}
	fixed, elem, _ := recordKey(w[1])
	switch elem {
	case 0:
		for ; len(w) >= 2; w = w[2:] {
			step(uint64(w[0]) | uint64(w[1])<<32)
		}
		if len(w) > 0 {
			step(uint64(w[0]))
		}
	case 1:
		step(uint64(w[0]) | uint64(w[1])<<32)
	case 3:
		step(uint64(w[0]) | uint64(w[1])<<32)
		step(uint64(w[2]))
		for w = w[fixed:]; len(w) >= 3; w = w[3:] {
			step(uint64(w[0]) | uint64(w[2])<<32)
		}
	}
	hi, lo := bits.Mul64(h, k1)
	return hi ^ lo
}

// sameKey says whether two records have the same key.
func sameKey(v, w []uint32) bool {
	if len(v) != len(w) || v[1] != w[1] {
		return false
	}
	fixed, elem, skip := recordKey(w[1])
	for i := range v {
		if v[i] != w[i] && (elem == 0 || i < fixed || (i-fixed)%elem != skip) {
			return false
		}
	}
	return true
}

// find returns the base's types with the same key as record w, ascending.
func (b *Base) find(w []uint32) []uint32 {
	h := hashRecord(w)
	i := h & b.mask
	for ; b.slot[i] != 0; i = (i + 1) & b.mask {
		if (b.slot[i]^h)>>32 == 0 {
			break
		}
	}
	var ids []uint32
	for id := uint32(b.slot[i]); id != 0; id = b.before[id] {
		if sameKey(b.src.Record(btf.TypeID(id)), w) {
			ids = append(ids, id)
		}
	}
	for i, j := 0, len(ids)-1; i < j; i, j = i+1, j-1 {
		ids[i], ids[j] = ids[j], ids[i]
	}
	return ids
}

// insertion returns the number of the insertion that made id a candidate: all types
// before it have been inserted, but for VARs and DATASECs.
func (b *Base) insertion(id uint32) uint32 {
	return id - uint32(sort.Search(len(b.holes), func(i int) bool { return b.holes[i] >= id }))
}

// insertions returns how many candidates the base makes.
func (b *Base) insertions() uint32 { return b.n - 1 - uint32(len(b.holes)) }

// enumsNamed returns the enums whose name stands at off, ascending.
func (b *Base) enumsNamed(off uint32) []uint32 {
	var ids []uint32
	for _, id := range b.enums {
		if b.src.Record(btf.TypeID(id))[0] == off {
			ids = append(ids, id)
		}
	}
	return ids
}

// structs calls f for every STRUCT and UNION.
func (b *Base) structs(f func(id, nameOff uint32)) {
	for _, id := range b.comps {
		f(id, b.src.Record(btf.TypeID(id))[0])
	}
}

// onBase prepares a run on a base: phase 0. The base's types count as inserted; which
// of them are candidates for a key is asked when the key is first needed.
// Rule split/candidates.
func (d *run) onBase() {
	own := len(d.g.Shape)
	copy(d.node, d.base.node)
	d.shape = make([]graph.Shape, d.n)
	for id := range d.shape[:d.start] {
		d.shape[id] = lazy
	}
	d.shape[0] = 0
	copy(d.shape[d.start:], d.g.Shape)
	d.off = make([]uint32, d.n+1)
	copy(d.off[d.start:], d.g.RefOff[:own+1])
	c := &d.cands
	c.n = d.base.insertions()
	for c.next <= c.n {
		c.grown++
		c.next = nextGrowth(c.next)
	}
	d.strOff = make([]uint32, d.shapes.Strs.Len())
	d.refs = d.g.Refs[:len(d.g.Refs):len(d.g.Refs)]
}

// noOffset is an entry of run.strOff for a string that the base does not have.
const noOffset = 1<<32 - 1

// baseOffset returns where the base has a name.
// Rule split/base.
func (d *run) baseOffset(name graph.StrID) (uint32, bool) {
	if name == 0 || d.base == nil {
		return 0, d.base != nil
	}
	v := uint32(noOffset)
	if int(name) < len(d.strOff) {
		v = d.strOff[name]
	} else { // interned during this run
		off, ok := d.base.src.Offset(d.shapes.Strs.Bytes(name))
		return off, ok
	}
	if v == 0 {
		off, ok := d.base.src.Offset(d.shapes.Strs.Bytes(name))
		if !ok {
			off = noOffset - 1
		}
		v = off + 1
		d.strOff[name] = v
	}
	return v - 1, v != noOffset
}

// baseForwardEnum says whether the base has an enum of this name without values.
func (d *run) baseForwardEnum(name graph.StrID) bool {
	if d.base == nil || d.base.fwds == nil {
		return false
	}
	off, ok := d.baseOffset(name)
	return ok && d.base.fwds[off]
}

// baseWords writes a shape as a record in the base's words, without references when
// none are given. ok is false if the base lacks a name of it.
func (d *run) baseWords(sh graph.Shape, refs []uint32) (w []uint32, ok bool) {
	c := d.shapes.Content(sh)
	if _, ok = d.baseOffset(graph.StrID(c[1])); !ok {
		return nil, false
	}
	name := func(id uint32) uint32 {
		off, has := d.baseOffset(graph.StrID(id))
		ok = ok && has
		return off
	}
	d.words = btf.AppendRecord(d.words[:0], c, refs, name)
	return d.words, ok
}

// load fetches a type of the base: its shape and its references. like is a shape
// that it may well have, which saves interning its names.
func (d *run) load(id uint32, like graph.Shape) graph.Shape {
	w := d.base.src.Record(btf.TypeID(id))
	sh := like
	if like.Kind() != btf.InfoKind(w[1]) || !d.hasShape(w, like) {
		sh = d.shapes.Intern(d.content(w))
	}
	d.shape[id] = sh
	d.off[id] = uint32(len(d.refs))
	d.refs = btf.AppendRefs(d.refs, w)
	return sh
}

// hasShape says whether a record of the base, of the same kind, has this shape.
func (d *run) hasShape(w []uint32, sh graph.Shape) bool {
	d.scratch = btf.AppendRefs(d.scratch[:0], w)
	v, ok := d.baseWords(sh, d.scratch)
	return ok && slices.Equal(v, w)
}

// content returns the content of a record of the base.
func (d *run) content(w []uint32) []uint32 {
	return btf.AppendContent(make([]uint32, 0, len(w)), w, d.intern)
}

// intern returns the number of the string at an offset of the base. The reference
// compares offsets, and looks a module's names up at their lowest; so a string that a
// record has at another offset equals no module's name. It gets a number of its own.
func (d *run) intern(off uint32) uint32 {
	if off == 0 {
		return 0
	}
	s := d.base.src.StringBytes(off)
	if low, ok := d.base.src.Offset(s); !ok || low != off {
		s = append(append([]byte{}, s...), 0, byte(off), byte(off>>8), byte(off>>16), byte(off>>24))
	}
	return uint32(d.shapes.Strs.Intern(s))
}
