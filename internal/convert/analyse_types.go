package convert

import (
	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/dwarfscan"
)

// behind returns what typedefs and qualifiers lead to.
func (t *types) behind(id LocalID) LocalID {
	for n := 0; id != 0 && n < maxChain; n++ {
		switch t.at(id).kind {
		case btf.Typedef, btf.Const, btf.Volatile, btf.Restrict:
			id = t.first(id)
		default: // other kinds: they qualify nothing
			return id
		}
	}
	return id
}

// isStruct tells whether a parameter's type is a struct, behind const and typedef only.
// Rule params/struct-excuses.
func (t *types) isStruct(id LocalID) bool {
	for n := 0; id != 0 && n < maxChain; n++ {
		switch t.at(id).kind {
		case btf.Typedef, btf.Const:
			id = t.first(id)
		default: // other kinds: the DIE says what it is
			return t.at(id).tag == dwarfscan.TagStruct
		}
	}
	return false
}

// passedSize returns the size in bytes of a parameter's type as the analysis takes it: a pointer's, or the first DW_AT_byte_size on the
// chain of DW_AT_type, in 16 bits. as is the size of an address.
func (t *types) passedSize(id LocalID, as int) uint16 {
	for n := 0; id != 0 && n < maxChain; n++ {
		x := t.at(id)
		if x.kind == btf.Ptr {
			return uint16(as)
		}
		if x.size != 0 {
			return uint16(x.size)
		}
		switch x.tag {
		case dwarfscan.TagStruct, dwarfscan.TagClass, dwarfscan.TagUnion, dwarfscan.TagBase:
			return 0
		}
		id = t.first(id)
	}
	return 0
}

// sizeOf returns the size of a type in bytes, 0 when it has none. as is the size of an address.
func (t *types) sizeOf(id LocalID, as int) uint64 {
	n := uint64(1)
	for depth := 0; id != 0 && depth < maxChain; depth++ {
		x := t.at(id)
		switch x.kind {
		case btf.Ptr:
			return n * uint64(as)
		case btf.Array:
			n *= uint64(t.content(id)[3])
			id = t.first(id)
		case btf.Typedef, btf.Const, btf.Volatile, btf.Restrict, btf.TypeTag:
			id = t.first(id)
		case btf.Enum, btf.Enum64:
			return n * uint64(t.content(id)[2])
		default: // other kinds: the size is that of the DIE, 0 where it has none
			return n * uint64(x.size)
		}
	}
	return 0
}

// memberAt returns the name and the type of the first member that begins at a bit of a struct, behind typedefs and qualifiers.
func (t *types) memberAt(id LocalID, bit uint32) (name rawName, typ LocalID, ok bool) {
	id = t.behind(id)
	if id == 0 || t.at(id).kind != btf.Struct {
		return 0, 0, false
	}
	w, refs := t.content(id), t.targets(id)
	for i, r := range refs {
		at := w[4+2*i]
		if btf.InfoKflag(w[0]) {
			at &= 0xffffff
		}
		if at == bit {
			return w[3+2*i], LocalID(r), true
		}
	}
	return 0, 0, false
}
