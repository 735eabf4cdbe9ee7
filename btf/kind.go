package btf

// TypeID is a type's number. 0 is void.
type TypeID uint32

// Kind is the kind of a type, bits 24 to 28 of its info word (Documentation/bpf/btf.rst).
type Kind uint8

// The kinds, with their numbers in the format.
const (
	Void      Kind = 0
	Int       Kind = 1
	Ptr       Kind = 2
	Array     Kind = 3
	Struct    Kind = 4
	Union     Kind = 5
	Enum      Kind = 6
	Fwd       Kind = 7
	Typedef   Kind = 8
	Volatile  Kind = 9
	Const     Kind = 10
	Restrict  Kind = 11
	Func      Kind = 12
	FuncProto Kind = 13
	Var       Kind = 14
	Datasec   Kind = 15
	Float     Kind = 16
	DeclTag   Kind = 17
	TypeTag   Kind = 18
	Enum64    Kind = 19

	NumKinds = 20
)

// RefStyle says which references a kind's record has, in the order in which they stand.
type RefStyle uint8

const (
	NoRefs     RefStyle = iota // third word is a size or 0
	OneRef                     // third word
	ArrayRefs                  // element, index
	MemberRefs                 // one a member (STRUCT, UNION)
	ProtoRefs                  // return type (third word), one a parameter
	VarRefs                    // one an entry (DATASEC)
)

// kindInfo is the one description of a kind that every reader and writer goes by.
type kindInfo struct {
	name string
	// extra is the number of words behind the common three, before the elements;
	// elem the words of one element (as many as vlen says).
	extra, elem uint8
	refs        RefStyle
	sized       bool // the third word is a size in bytes
	named       bool // the elements have a name as their first word
}

var kinds = [NumKinds]kindInfo{
	Void:      {name: "UNKN"},
	Int:       {name: "INT", extra: 1, sized: true},
	Ptr:       {name: "PTR", refs: OneRef},
	Array:     {name: "ARRAY", extra: 3, refs: ArrayRefs},
	Struct:    {name: "STRUCT", elem: 3, refs: MemberRefs, sized: true, named: true},
	Union:     {name: "UNION", elem: 3, refs: MemberRefs, sized: true, named: true},
	Enum:      {name: "ENUM", elem: 2, sized: true, named: true},
	Fwd:       {name: "FWD"},
	Typedef:   {name: "TYPEDEF", refs: OneRef},
	Volatile:  {name: "VOLATILE", refs: OneRef},
	Const:     {name: "CONST", refs: OneRef},
	Restrict:  {name: "RESTRICT", refs: OneRef},
	Func:      {name: "FUNC", refs: OneRef},
	FuncProto: {name: "FUNC_PROTO", elem: 2, refs: ProtoRefs, named: true},
	Var:       {name: "VAR", extra: 1, refs: OneRef},
	Datasec:   {name: "DATASEC", elem: 3, refs: VarRefs, sized: true},
	Float:     {name: "FLOAT", sized: true},
	DeclTag:   {name: "DECL_TAG", extra: 1, refs: OneRef},
	TypeTag:   {name: "TYPE_TAG", refs: OneRef},
	Enum64:    {name: "ENUM64", elem: 3, sized: true, named: true},
}

// String returns the kind's name as bpftool prints it.
func (k Kind) String() string {
	if int(k) < len(kinds) {
		return kinds[k].name
	}
	return "UNKN"
}

// Refs returns which references a record of this kind has.
func (k Kind) Refs() RefStyle { return kinds[k].refs }

// Extra returns how many words a record of this kind has behind the common three, before its elements.
func (k Kind) Extra() int { return int(kinds[k].extra) }

// Elem returns how many words an element of a record of this kind has.
func (k Kind) Elem() int { return int(kinds[k].elem) }

// Named tells whether the elements of a record of this kind begin with a name.
func (k Kind) Named() bool { return kinds[k].named }

// InfoWord makes the info word of a record.
func InfoWord(k Kind, vlen int, kflag bool) uint32 {
	w := uint32(k)<<24 | uint32(vlen)&0xffff
	if kflag {
		w |= 1 << 31
	}
	return w
}

// InfoKind, InfoVlen and InfoKflag take an info word apart.
func InfoKind(info uint32) Kind  { return Kind(info >> 24 & 0x1f) }
func InfoVlen(info uint32) int   { return int(info & 0xffff) }
func InfoKflag(info uint32) bool { return info>>31 != 0 }

// NameStep returns how many words each element of a content of this kind has whose
// first is a name (see Shapes), 0 when elements have no names.
func (k Kind) NameStep() int {
	switch k {
	case Struct, Union, Enum:
		return 2
	case Enum64:
		return 3
	case FuncProto:
		return 1
	}
	return 0
}

// RecordWords returns how many words a record with this info word has.
func RecordWords(info uint32) int {
	ki := &kinds[InfoKind(info)]
	return 3 + int(ki.extra) + InfoVlen(info)*int(ki.elem)
}
