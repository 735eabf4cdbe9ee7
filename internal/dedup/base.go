package dedup

import (
	"errors"
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

	enums []uint32
	comps []uint32
	holes []uint32        // VARs and DATASECs, which are no candidates
	open  []uint32        // FWDs and enums without values, which a module's type may be better than
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
		src: src, n: uint32(n),
		mask: uint64(size - 1), slot: make([]uint64, size), before: make([]uint32, n),
	}
	mem.Populate(b.slot)
	mem.Populate(b.before)
	slot, before, mask := b.slot, b.before, size-1
	var scratch []uint32
	for id := uint32(1); id < b.n; id++ {
		w := src.Record(btf.TypeID(id))
		switch btf.InfoKind(w[1]) {
		case btf.Var, btf.Datasec:
			b.holes = append(b.holes, id)
			continue
		case btf.Fwd:
			b.open = append(b.open, id)
		case btf.Struct, btf.Union:
			b.comps = append(b.comps, id)
		case btf.Enum, btf.Enum64:
			b.enums = append(b.enums, id)
			if btf.InfoVlen(w[1]) == 0 {
				b.open = append(b.open, id)
				b.forward(w[0])
			}
		default: // other kinds: they are candidates by their record, and are looked for in no other way
		}
		h := hashKey(keyOf(w, &scratch))
		i := int(h) & mask
		for slot[i] != 0 && (slot[i]^h)>>32 != 0 {
			i = (i + 1) & mask
		}
		before[id] = uint32(slot[i])
		slot[i] = h&^(1<<32-1) | uint64(id)
	}
	return b
}

func (b *Base) forward(name uint32) {
	if b.fwds == nil {
		b.fwds = make(map[uint32]bool)
	}
	b.fwds[name] = true
}

// Tables are the arrays of an index, which can be kept outside of the process and taken again for the same types.
type Tables struct {
	Enums, Comps, Holes, Open []uint32 // ids, ascending
	Slot                      []uint64
	Before                    []uint32
}

// Tables returns the index as arrays.
func (b *Base) Tables() Tables {
	return Tables{b.enums, b.comps, b.holes, b.open, b.slot, b.before}
}

// FromTables returns the index that NewBase makes of src, by tables that were made of the same types. That they belong together is the
// caller's to know. What does not fit at all is an error, so that nothing reads outside of an array or without an end.
func FromTables(src *btf.Types, tb Tables) (*Base, error) {
	bad := errors.New("the index of the base does not fit it")
	n := uint32(src.Len())
	b := &Base{
		src: src, n: n, enums: tb.Enums, comps: tb.Comps, holes: tb.Holes, open: tb.Open,
		mask: uint64(len(tb.Slot) - 1), slot: tb.Slot, before: tb.Before,
	}
	free := false
	for _, s := range tb.Slot {
		free = free || s == 0
		if uint32(s) >= n {
			return nil, bad
		}
	}
	if !free || bits.OnesCount(uint(len(tb.Slot))) != 1 || uint32(len(tb.Before)) != n {
		return nil, bad
	}
	for id, to := range tb.Before {
		if to != 0 && to >= uint32(id) {
			return nil, bad
		}
	}
	for _, ids := range [][]uint32{tb.Enums, tb.Comps, tb.Holes, tb.Open} {
		last := uint32(0)
		for _, id := range ids {
			if id <= last || id >= n {
				return nil, bad
			}
			last = id
		}
	}
	for _, id := range tb.Open {
		if w := src.Record(btf.TypeID(id)); btf.InfoKind(w[1]) != btf.Fwd {
			b.forward(w[0])
		}
	}
	return b, nil
}

// Len returns the number of the base's types, void included: what a graph on it
// has as Start.
func (b *Base) Len() int { return int(b.n) }

// keyOf returns what of a record of the base decides whether it may be a candidate: of a STRUCT, UNION or TYPEDEF all but its
// references, which are compared by walking the graph, and of the other kinds all. The result may be in scratch.
func keyOf(rec []uint32, scratch *[]uint32) []uint32 {
	if kindSet(compKinds)>>btf.InfoKind(rec[1])&1 == 0 {
		return rec
	}
	w := append((*scratch)[:0], rec...)
	btf.EachRef(w, func(r *uint32) { *r = 0 })
	*scratch = w
	return w
}

func hashKey(w []uint32) uint64 {
	const k1, k2 = 0x9e3779b97f4a7c15, 0xd6e8feb86659fd93
	h := uint64(len(w)) * k1
	for ; len(w) >= 2; w = w[2:] {
		hi, lo := bits.Mul64(h^(uint64(w[0])|uint64(w[1])<<32), k2)
		h = hi ^ lo
	}
	if len(w) > 0 {
		hi, lo := bits.Mul64(h^uint64(w[0]), k2)
		h = hi ^ lo
	}
	hi, lo := bits.Mul64(h, k1)
	return hi ^ lo
}

// find returns the base's types with this key, ascending.
func (b *Base) find(key []uint32) []uint32 {
	h := hashKey(key)
	i := h & b.mask
	for ; b.slot[i] != 0; i = (i + 1) & b.mask {
		if (b.slot[i]^h)>>32 == 0 {
			break
		}
	}
	var ids, scratch []uint32
	for id := uint32(b.slot[i]); id != 0; id = b.before[id] {
		if rec := b.src.Record(btf.TypeID(id)); len(rec) == len(key) && rec[1] == key[1] && slices.Equal(keyOf(rec, &scratch), key) {
			ids = append(ids, id)
		}
	}
	slices.Reverse(ids)
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
	d.node[0].m = final
	for id := uint32(1); id < d.start; id++ {
		d.node[id].m = id | final
	}
	for _, id := range d.base.open {
		d.node[id].m = id
	}
	d.shape = make([]graph.Shape, d.n)
	for id := range d.shape[:d.start] {
		d.shape[id] = lazy
	}
	d.shape[0] = 0
	copy(d.shape[d.start:], d.g.Shape)
	d.off = make([]uint32, d.n+1)
	copy(d.off[d.start:], d.g.RefOff[:own+1])
	c := &d.cands
	c.growth = c.after(d.base.insertions())
	d.strOff = make([]uint32, d.shapes.Strs.Len())
	d.refs = d.g.Refs[:len(d.g.Refs):len(d.g.Refs)]
	d.plain = d.isPlain()
}

// isPlain finds run.plain.
func (d *run) isPlain() bool {
	const never = kindSet(selfKinds | 1<<btf.DeclTag)
	for i, sh := range d.g.Shape {
		if never.has(sh) {
			continue
		}
		for _, r := range d.g.Refs[d.g.RefOff[i]:d.g.RefOff[i+1]] {
			switch {
			case r >= d.n:
				return false // Run finds out when it comes there
			case r >= d.start:
				if never.has(d.shape[r]) {
					return false
				}
			case r > 0 && never>>btf.InfoKind(d.base.src.Record(btf.TypeID(r))[1])&1 != 0:
				return false
			}
		}
	}
	return true
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

// baseWords writes a shape with these references as a record in the base's words. ok is false if the base lacks a name of it.
func (d *run) baseWords(sh graph.Shape, refs []uint32) (w []uint32, ok bool) {
	d.content = append(d.content[:0], d.shapes.Content(sh)...)
	ok = true
	btf.EachContentName(d.content, func(w *uint32) {
		if ok {
			*w, ok = d.baseOffset(graph.StrID(*w))
		}
	})
	if !ok {
		return nil, false
	}
	d.words = btf.AppendRecord(d.words[:0], d.content, refs, nil)
	return d.words, true
}

// baseKey is the key of a shape among the base's types (keyOf), whose references do not count or are none.
func (d *run) baseKey(sh graph.Shape) (w []uint32, ok bool) {
	d.none = slices.Grow(d.none[:0], int(d.numRefs(sh)))[:d.numRefs(sh)]
	clear(d.none)
	return d.baseWords(sh, d.none)
}

// load fetches a type of the base: its shape and its references. like is a shape
// that it may well have, which saves interning its names.
func (d *run) load(id uint32, like graph.Shape) graph.Shape {
	w := d.base.src.Record(btf.TypeID(id))
	off := len(d.refs)
	d.refs = btf.AppendRefs(d.refs, w)
	sh := like
	if like.Kind() != btf.InfoKind(w[1]) || !d.hasShape(w, d.refs[off:], like) {
		d.content = btf.AppendContent(d.content[:0], w, d.intern)
		sh = d.shapes.Intern(d.content)
	}
	d.shape[id] = sh
	d.off[id] = uint32(off)
	return sh
}

// hasShape says whether a record of the base, which has these references, has this shape.
func (d *run) hasShape(w, refs []uint32, sh graph.Shape) bool {
	if _, info := d.nameInfo(sh); info != w[1] {
		return false
	}
	v, ok := d.baseWords(sh, refs)
	return ok && slices.Equal(v, w)
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
