package diff

import (
	"math/bits"
	"sync"

	"github.com/gobtf/gobtf/btf"
)

const (
	mulA = 0x9e3779b97f4a7c15
	mulB = 0xd6e8feb86659fd93
)

// mix adds a word to a hash. 64 bits are enough to tell types apart: BTF has a million at most.
func mix(h, v uint64) uint64 {
	hi, lo := bits.Mul64(h^v^mulA, (h>>32|h<<32)^mulB)
	return (hi ^ lo) + v*mulA
}

func mixString(h uint64, b []byte) uint64 {
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

// layer is the own types of one BTF, ready to be compared. References are ids still, so that a base is read once for all that is
// compared on it.
type layer struct {
	ts      *btf.Types
	first   uint32 // id of entry 0. The lowest layer has void as its entry 0
	content []uint64
	key     []uint64 // what a type is looked for under; 0 for one without a name
	declare []bool   // a FWD, an enum without values
	off     []uint32 // references of entry i: refs[off[i]:off[i+1]]
	refs    []uint32
	inner   []uint32 // entries without a name, what they refer to first
	cyclic  bool     // some of them lead back to themselves
	foreign []foreignTag

	tagOnce sync.Once
	tags    map[uint32][]uint32 // DECL_TAGs by what they are on
}

// foreignTag is a DECL_TAG on a type of the base. It is no part of that type's content, which others share.
type foreignTag struct{ tag, target uint32 }

// tagNamespace is one for all that "struct x" or "enum x" may mean: a declaration does not tell an ENUM from an ENUM64.
func tagNamespace(t btf.Type) btf.Kind {
	switch k := t.Kind(); k {
	case btf.Fwd:
		if t.Kflag() {
			return btf.Union
		}
		return btf.Struct
	case btf.Enum64:
		return btf.Enum
	default: // other kinds: each is a namespace of its own
		return k
	}
}

// composite tells the kinds that may be anonymous and have elements.
func composite(k btf.Kind) bool {
	return k == btf.Struct || k == btf.Union || k == btf.Enum || k == btf.Enum64
}

// keyOf returns under what a type is looked for, 0 for one that is compared where it is used.
func keyOf(ts *btf.Types, t btf.Type) uint64 {
	switch k := t.Kind(); k {
	case btf.Void, btf.Ptr, btf.Array, btf.Const, btf.Volatile, btf.Restrict, btf.TypeTag, btf.FuncProto, btf.DeclTag:
		return 0
	default: // other kinds: they have names, and composite ones may have
		name := ts.StringBytes(t.NameOff())
		if len(name) == 0 && composite(k) {
			return 0
		}
		return mixString(uint64(tagNamespace(t))+1, name) | 1
	}
}

func declares(t btf.Type) bool {
	switch t.Kind() {
	case btf.Fwd:
		return true
	case btf.Enum, btf.Enum64:
		return t.Vlen() == 0
	default: // other kinds: they define
		return false
	}
}

// form says how records are read: what of them counts.
type form struct {
	flat  bool // an array of arrays is one array of their product
	index bool // the index type of an array counts
}

func newLayer(ts *btf.Types, f form) *layer {
	n := ts.Len()
	l := &layer{ts: ts, first: uint32(ts.Start())}
	if ts.Base() == nil {
		l.first = 0
	}
	n -= int(l.first)
	l.content, l.key, l.declare = make([]uint64, n), make([]uint64, n), make([]bool, n)
	l.off, l.refs = make([]uint32, 1, n+1), make([]uint32, 0, len(ts.Words())/4)
	if l.first == 0 {
		l.content[0] = mulB
		l.off = append(l.off, 0)
	}
	var scratch []uint32
	for id, t := range ts.All() {
		i := uint32(id) - l.first
		l.key[i], l.declare[i] = keyOf(ts, t), declares(t)
		if t.Kind() != btf.DeclTag {
			l.content[i], scratch = l.read(t, f, scratch)
		}
		l.off = append(l.off, uint32(len(l.refs)))
	}
	for id, t := range ts.All() {
		if t.Kind() == btf.DeclTag {
			l.addTag(uint32(id), t)
		}
	}
	l.order()
	return l
}

// read appends a type's references and hashes the rest.
func (l *layer) read(t btf.Type, f form, scratch []uint32) (uint64, []uint32) {
	k := t.Kind()
	h := uint64(k) * mulB
	switch k {
	case btf.Struct, btf.Union: // whether offsets are in the form for bitfields is no difference
		h = mix(mixString(h, l.ts.StringBytes(t.NameOff())), uint64(t.Size()))
		for m := range t.Members() {
			h = mix(mixString(h, l.ts.StringBytes(m.NameOff)), uint64(m.Bits)<<32|uint64(m.Bit))
			l.refs = append(l.refs, uint32(m.Type))
		}
		return h, scratch
	case btf.Array:
		elem, index, n := t.Array()
		if f.flat {
			elem, n = flattened(l.ts, t)
		}
		l.refs = append(l.refs, uint32(elem))
		if f.index {
			l.refs = append(l.refs, uint32(index))
		}
		return mix(h, uint64(n)), scratch
	default: // other kinds: each word counts
	}
	rec := append(scratch[:0], t.Record()...)
	btf.EachName(rec, func(w *uint32) {
		h = mixString(h, l.ts.StringBytes(*w))
		*w = 0
	})
	btf.EachRef(rec, func(w *uint32) {
		l.refs = append(l.refs, *w)
		*w = 0
	})
	for _, w := range rec {
		h = mix(h, uint64(w))
	}
	return h, rec
}

// flattened returns the element that is no array, and the product of all dimensions.
func flattened(ts *btf.Types, t btf.Type) (elem btf.TypeID, n uint32) {
	elem, _, n = t.Array()
	for steps := 0; ts.Type(elem).Kind() == btf.Array && steps < ts.Len(); steps++ {
		inner, _, m := ts.Type(elem).Array()
		elem, n = inner, n*m
	}
	return elem, n
}

// addTag makes a DECL_TAG part of what it is on. The order of tags does not count.
func (l *layer) addTag(id uint32, t btf.Type) {
	target := uint32(t.Ref())
	if target < l.first {
		l.foreign = append(l.foreign, foreignTag{id, target})
		return
	}
	l.content[target-l.first] += tagHash(l.ts, t)
}

func tagHash(ts *btf.Types, t btf.Type) uint64 {
	h := mix(mixString(mulA, ts.StringBytes(t.NameOff())), uint64(uint32(t.Component())))
	if t.Kflag() {
		h = mix(h, 1)
	}
	return h
}

// order lists the entries without a name so that each comes behind those that it refers to. DECL_TAGs are in none of them.
func (l *layer) order() {
	const open, done = 1, 2
	state := make([]uint8, len(l.content))
	type frame struct{ entry, next uint32 }
	var stack []frame
	for i := range l.content {
		if l.key[i] != 0 || state[i] != 0 {
			continue
		}
		stack = append(stack[:0], frame{uint32(i), l.off[i]})
		state[i] = open
		for len(stack) > 0 {
			f := &stack[len(stack)-1]
			if f.next == l.off[f.entry+1] {
				state[f.entry] = done
				l.inner = append(l.inner, f.entry)
				stack = stack[:len(stack)-1]
				continue
			}
			ref := l.refs[f.next]
			f.next++
			if ref < l.first {
				continue
			}
			switch e := ref - l.first; {
			case l.key[e] != 0 || state[e] == done:
			case state[e] == open:
				l.cyclic = true
			default:
				state[e] = open
				stack = append(stack, frame{e, l.off[e]})
			}
		}
	}
}

// nested tells whether ts or its base has an array of arrays, and whether it has arrays at all.
func nested(ts *btf.Types) (arrays, nests bool) {
	for ; ts != nil; ts = ts.Base() {
		for _, t := range ts.All() {
			if t.Kind() != btf.Array {
				continue
			}
			arrays = true
			if elem, _, _ := t.Array(); ts.Type(elem).Kind() == btf.Array {
				return true, true
			}
		}
	}
	return arrays, false
}

// tagsOf returns the DECL_TAGs on one of the layer's own types, by id.
func (l *layer) tagsOf(target uint32) []uint32 {
	l.tagOnce.Do(func() {
		l.tags = map[uint32][]uint32{}
		for id, t := range l.ts.All() {
			if t.Kind() == btf.DeclTag && uint32(t.Ref()) >= l.first {
				l.tags[uint32(t.Ref())] = append(l.tags[uint32(t.Ref())], uint32(id))
			}
		}
	})
	return l.tags[target]
}
