package convert

import "github.com/gobtf/gobtf/btf"

// What is known of a struct being packed.
const (
	packedUnknown = iota
	packedNo
	packedYes
)

// isPacked guesses whether a struct was declared packed, as the reference does: DWARF
// does not say (rule params/packed). The answer is kept for the unit, and asking
// about one struct may settle it for others.
// Rule params/uncertain.
func (u *unit) isPacked(id LocalID, addrSize int) bool {
	for len(u.packed) < len(u.typ) {
		u.packed = append(u.packed, packedUnknown)
	}
	if u.out.Shape[id-1].Kind() != btf.Struct {
		return false // a declaration
	}
	if u.packed[id-1] == packedUnknown {
		u.packed[id-1] = packedNo
		if u.inferPacked(id, addrSize) {
			u.packed[id-1] = packedYes
		}
	}
	return u.packed[id-1] == packedYes
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

// inferPacked applies rule params/packed.
func (u *unit) inferPacked(id LocalID, addrSize int) bool {
	w := u.c.shapes.Content(u.out.Shape[id-1])
	size := int(w[2])
	kflag := btf.InfoKflag(w[0])
	refs := u.out.Refs[u.out.RefOff[id-1]:u.out.RefOff[id]]
	fields := make([]field, len(refs))
	for i := range fields {
		f := &fields[i]
		f.bit, f.typ = int(w[4+2*i]), LocalID(refs[i])
		if kflag {
			f.width, f.bit = f.bit>>24, f.bit&0xffffff
		}
		f.storage = 8 * int(u.sizeOf(f.typ, addrSize, 0))
		f.align = u.natural(f.typ, addrSize, 0)
	}
	if hasHoles(fields, size) {
		for i := range fields {
			f := &fields[i]
			if t := u.behind(f.typ); f.width == 0 && t != 0 && u.out.Shape[t-1].Kind() == btf.Struct && f.byteOff()%f.align != 0 {
				u.packed[t-1] = packedYes
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

// hasHoles reports whether there are unused bytes between the members or behind them.
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
const maxNest = 64

// sizeOf returns the size of a type in bytes, 0 when it has none.
func (u *unit) sizeOf(id LocalID, addrSize, depth int) uint64 {
	n := uint64(1)
	for ; id != 0 && depth < maxChain; depth++ {
		t := &u.typ[id-1]
		switch u.out.Shape[id-1].Kind() {
		case btf.Ptr:
			return n * uint64(addrSize)
		case btf.Array:
			n *= uint64(u.c.shapes.Content(u.out.Shape[id-1])[3])
			id = u.first(id)
		case btf.Typedef, btf.Const, btf.Volatile, btf.Restrict, btf.TypeTag:
			id = u.first(id)
		case btf.Enum, btf.Enum64:
			return n * uint64(u.c.shapes.Content(u.out.Shape[id-1])[2])
		default: // other kinds: the size is that of the DIE, 0 where it has none
			return n * uint64(t.size)
		}
	}
	return 0
}

// natural returns the alignment that a type has when nobody asks for another.
func (u *unit) natural(id LocalID, addrSize, depth int) int {
	id = u.behind(id)
	if id == 0 || depth > maxNest {
		return 1
	}
	switch sh := u.out.Shape[id-1]; sh.Kind() {
	case btf.Ptr:
		return addrSize
	case btf.Int, btf.Float, btf.Enum, btf.Enum64:
		return max(1, int(u.sizeOf(id, addrSize, 0)))
	case btf.Array:
		return u.natural(u.first(id), addrSize, depth+1)
	case btf.Struct, btf.Union:
		a := 1
		for _, r := range u.out.Refs[u.out.RefOff[id-1]:u.out.RefOff[id]] {
			a = max(a, u.natural(LocalID(r), addrSize, depth+1))
		}
		return a
	case btf.Void, btf.Fwd, btf.Typedef, btf.Volatile, btf.Const, btf.Restrict, btf.Func, btf.FuncProto, btf.Var, btf.Datasec,
		btf.DeclTag, btf.TypeTag: // these have no size, or are not what behind ends at
	}
	return 1
}
