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

// kindInfo describes a kind: everything that reads or writes records goes by it.
//
// third, extra and elem say what each word of a record means: 'N' a name, 'R' a reference to a type, 'S' a size in bytes, 'D' any other
// number, '-' nothing. A record is a name, an info word, third, extra, and as many times elem as the info word's vlen says. An element
// has at most one name, which comes first, and at most one reference.
type kindInfo struct {
	name  string
	third byte
	extra string
	elem  string
}

// kinds is the one description of all kinds (Documentation/bpf/btf.rst). A new kind is a row here, and then what is special about it.
var kinds = [NumKinds]kindInfo{
	Void:      {"UNKN", '-', "", ""},
	Int:       {"INT", 'S', "D", ""}, // encoding, offset and bits
	Ptr:       {"PTR", 'R', "", ""},
	Array:     {"ARRAY", '-', "RRD", ""},  // element, index, number of elements
	Struct:    {"STRUCT", 'S', "", "NRD"}, // member: name, type, offset
	Union:     {"UNION", 'S', "", "NRD"},  // likewise
	Enum:      {"ENUM", 'S', "", "ND"},    // value: name, value
	Fwd:       {"FWD", '-', "", ""},
	Typedef:   {"TYPEDEF", 'R', "", ""},
	Volatile:  {"VOLATILE", 'R', "", ""},
	Const:     {"CONST", 'R', "", ""},
	Restrict:  {"RESTRICT", 'R', "", ""},
	Func:      {"FUNC", 'R', "", ""},
	FuncProto: {"FUNC_PROTO", 'R', "", "NR"}, // parameter: name, type; third is what is returned
	Var:       {"VAR", 'R', "D", ""},         // linkage
	Datasec:   {"DATASEC", 'S', "", "RDD"},   // entry: variable, offset, size
	Float:     {"FLOAT", 'S', "", ""},
	DeclTag:   {"DECL_TAG", 'R', "D", ""}, // which member or parameter
	TypeTag:   {"TYPE_TAG", 'R', "", ""},
	Enum64:    {"ENUM64", 'S', "", "NDD"}, // value: name, low word, high word
}

// layout is kindInfo made ready for loops over millions of records.
type layout struct {
	extra, elem int   // words behind third; words of an element
	refs        []int // places of references before the elements
	elemRef     int   // place of the reference in an element, -1: it has none
	elemName    bool  // an element begins with a name
	sized       bool  // third is a size
	step        int   // words of an element in a content (codec.go)
}

// layouts has a row for every value of a Kind; those of numbers that are no kinds are empty.
var layouts = func() (list [256]layout) {
	for k := range list {
		l := &list[k]
		l.elemRef = -1
		if k >= NumKinds {
			continue
		}
		ki := &kinds[k]
		l.extra, l.elem, l.sized, l.elemName = len(ki.extra), len(ki.elem), ki.third == 'S', len(ki.elem) > 0 && ki.elem[0] == 'N'
		if ki.third == 'R' {
			l.refs = append(l.refs, 2)
		}
		for i := range ki.extra {
			if ki.extra[i] == 'R' {
				l.refs = append(l.refs, 3+i)
			}
		}
		l.step = l.elem
		for i := range ki.elem {
			if ki.elem[i] == 'R' {
				l.elemRef = i
				l.step--
			}
		}
	}
	return list
}()

// String returns the kind's name as bpftool prints it.
func (k Kind) String() string {
	if int(k) < len(kinds) {
		return kinds[k].name
	}
	return "UNKN"
}

// NumRefs returns how many references a record of this kind with so many elements has.
func (k Kind) NumRefs(vlen int) int {
	l := &layouts[k]
	if l.elemRef >= 0 {
		return len(l.refs) + vlen
	}
	return len(l.refs)
}

// Extra returns how many words a record of this kind has behind the common three, before its elements.
func (k Kind) Extra() int { return layouts[k].extra }

// Elem returns how many words an element of a record of this kind has.
func (k Kind) Elem() int { return layouts[k].elem }

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

// NameStep returns how many words each element of a content of this kind has whose first is a name (see AppendContent), 0 when elements
// have no names.
func (k Kind) NameStep() int {
	if l := &layouts[k]; l.elemName {
		return l.step
	}
	return 0
}

// RecordWords returns how many words a record with this info word has.
func RecordWords(info uint32) int {
	l := &layouts[InfoKind(info)]
	return 3 + l.extra + InfoVlen(info)*l.elem
}
