package convert

import (
	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/dwarfscan"
)

// layouts answers questions about how the types of a unit lie in memory. Its answers are kept for the unit.
type layouts struct {
	*types
	packed []packed
	align  []uint32 // by LocalID-1: natural alignment of what is made of others, 0 while it is not known
	as     int      // size of an address, for align
}

// packed is what is known of a struct being packed.
type packed uint8

const (
	packedUnknown packed = iota
	packedNo
	packedYes
)

func (l *layouts) reset(t *types) {
	l.types, l.packed, l.align = t, l.packed[:0], l.align[:0]
}

// uncertain tells whether the place of a parameter on the stack depends on an attribute that DWARF does not have: there is a packed
// struct among those behind the n that registers take. as is the size of an address.
// Rule params/uncertain.
func (l *layouts) uncertain(ps []paramFacts, n, as int) bool {
	for i := n; i < len(ps); i++ {
		if id := ps[i].id; id != 0 {
			if t := l.at(id); (t.tag == dwarfscan.TagStruct || t.tag == dwarfscan.TagClass) && t.named && l.isPacked(id, as) {
				return true
			}
		}
	}
	return false
}

// isPacked guesses whether a struct was declared packed, as the reference does: DWARF does not say. Asking about one struct may settle
// it for others.
// Rule params/packed.
func (l *layouts) isPacked(id LocalID, as int) bool {
	if l.at(id).kind != btf.Struct {
		return false // a declaration
	}
	if len(l.packed) == 0 {
		l.packed = append(l.packed, make([]packed, len(l.list))...)
	}
	if l.packed[id-1] == packedUnknown {
		l.packed[id-1] = packedNo
		if l.inferPacked(id, as) {
			l.packed[id-1] = packedYes
		}
	}
	return l.packed[id-1] == packedYes
}

// field is a member of a struct as the inference sees it.
type field struct {
	bit, width int // offset; width of a bitfield, else 0
	storage    int // bits of the type
	align      int // natural, in bytes
	typ        LocalID
}

func (f *field) byteOff() int {
	if f.width != 0 && f.storage != 0 {
		return f.bit / f.storage * f.storage / 8
	}
	return f.bit / 8
}

// fields returns the members of a struct.
func (l *layouts) fields(id LocalID, as int) []field {
	w, refs := l.content(id), l.targets(id)
	fields := make([]field, len(refs))
	for i := range fields {
		f := &fields[i]
		f.bit, f.typ = int(w[4+2*i]), LocalID(refs[i])
		if btf.InfoKflag(w[0]) {
			f.width, f.bit = f.bit>>24, f.bit&0xffffff
		}
		f.storage = 8 * int(l.sizeOf(f.typ, as))
		f.align = l.natural(f.typ, as)
	}
	return fields
}

// inferPacked applies rule params/packed.
func (l *layouts) inferPacked(id LocalID, as int) bool {
	size, fields := int(l.content(id)[2]), l.fields(id, as)
	if hasHoles(fields, size) {
		for i := range fields {
			f := &fields[i]
			if t := l.behind(f.typ); f.width == 0 && t != 0 && l.at(t).kind == btf.Struct && f.byteOff()%f.align != 0 {
				l.packed[t-1] = packedYes
			}
		}
		return false
	}
	largest := 1
	for i := range fields {
		f := &fields[i]
		if f.byteOff()%f.align != 0 {
			return true
		}
		largest = max(largest, f.align)
	}
	return size%largest != 0
}

// hasHoles reports whether a struct of size bytes has unused bytes between the members or behind them.
// Rule params/packed.
func hasHoles(fields []field, size int) bool {
	last, unitEnd, unitSize, inBits, holes := 0, size*8, 0, false, false
	for i := range fields {
		f := &fields[i]
		b, s := f.bit, f.storage
		if inBits {
			last = min(b, unitEnd)
		}
		if f.width == 0 {
			holes = holes || b/8 != last/8
			last, inBits, unitSize, unitEnd = b+s, false, 0, b+s
			continue
		}
		start := b
		if s != 0 {
			start = b / s * s
		}
		if last < start && start <= b {
			holes = holes || start/8 != last/8
			last = start
		}
		end := b + f.width
		if end > unitEnd || s > unitSize {
			unitSize, unitEnd = s, start+s
			if end > unitEnd {
				unitEnd += unitSize
			}
		}
		inBits, last = true, end
	}
	if inBits {
		last = min(size*8, unitEnd)
	}
	return holes || size != last/8
}

// maxNest bounds the nesting of types by value; C compilers stop far below it.
const maxNest = 4096

// natural returns the alignment in bytes that a type has when nobody asks for another. as is the size of an address.
// Rule params/packed.
func (l *layouts) natural(id LocalID, as int) int {
	if l.as != as || len(l.align) == 0 {
		l.as, l.align = as, append(l.align[:0], make([]uint32, len(l.list))...)
	}
	return int(l.naturalAt(id, 0))
}

func (l *layouts) naturalAt(id LocalID, depth int) uint32 {
	id = l.behind(id)
	if id == 0 || depth > maxNest {
		return 1
	}
	switch l.at(id).kind {
	case btf.Ptr:
		return uint32(l.as)
	case btf.Int, btf.Float, btf.Enum, btf.Enum64:
		return max(1, uint32(l.sizeOf(id, l.as)))
	case btf.Array, btf.Struct, btf.Union:
	case btf.Void, btf.Fwd, btf.Typedef, btf.Volatile, btf.Const, btf.Restrict, btf.Func, btf.FuncProto, btf.Var, btf.Datasec,
		btf.DeclTag, btf.TypeTag: // these have no size, or are not what behind ends at
		return 1
	}
	if n := l.align[id-1]; n != 0 {
		return n // each type is looked into once: members by value may branch
	}
	l.align[id-1] = 1 // in a ring, which only a broken file has, it is in the making
	refs, most := l.targets(id), uint32(1)
	if l.at(id).kind == btf.Array {
		refs = refs[:1]
	}
	for _, r := range refs {
		most = max(most, l.naturalAt(LocalID(r), depth+1))
	}
	l.align[id-1] = most
	return most
}
