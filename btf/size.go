package btf

import "strings"

// maxChain bounds how many typedefs, modifiers and arrays are followed to a size.
const maxChain = 256

// SizeOf returns the size of a type in bytes, 0 where it has none. address is the size of an address in bytes, which BTF does not say.
func (t *Types) SizeOf(id TypeID, address uint32) uint32 {
	n := uint32(1)
	for range maxChain {
		t := t.Type(id)
		switch t.Kind() {
		case Ptr:
			return n * address
		case Array:
			elem, _, count := t.Array()
			n, id = n*count, elem
		case Typedef, Const, Volatile, Restrict, TypeTag, Var, DeclTag:
			id = t.Ref()
		default: // other kinds: they have a size of their own, or none
			return n * t.Size()
		}
	}
	return 0
}

// AddressSize guesses the size of an address in bytes from the integer that C gives it: long. It is 8 where nothing says it.
func (t *Types) AddressSize() uint32 {
	for id := TypeID(1); int(id) < t.Len(); id++ {
		t := t.Type(id)
		if t.Kind() == Int && (t.Size() == 4 || t.Size() == 8) {
			if name := t.Name(); strings.Contains(name, "long") && !strings.Contains(name, "long long") {
				return t.Size()
			}
		}
	}
	return 8
}
