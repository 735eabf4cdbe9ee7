package btf

import "fmt"

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

// form says what the words of a kind's records are. A record is: the offset of its name, the info word, a third word that
// differs, the extra words, and as many elements as vlen in the info word says. extra and elem have a letter for each word:
//
//	N  offset of a name
//	R  id of a type: a reference
//	D  anything else, as it stands
//
// An element has one name and one reference at most, and the extra words have no name; newKindInfo insists on it.
type form struct {
	name        string
	third       third
	extra, elem string
}

// third is what the third word of a record is.
type third uint8

const (
	zero third = iota // nothing, and 0
	size              // a size in bytes
	ref               // the id of a type
)

// forms is the one description of the kinds: readers, writers and walks go by it, in every package. A new kind is a row here,
// and after that what is special about it (CONTRIBUTING.md).
var forms = [NumKinds]form{
	Void:      {name: "UNKN"},
	Int:       {name: "INT", third: size, extra: "D"}, // encoding, offset, bits
	Ptr:       {name: "PTR", third: ref},
	Array:     {name: "ARRAY", extra: "RRD"},              // element, index, number of elements
	Struct:    {name: "STRUCT", third: size, elem: "NRD"}, // a member's type and bit offset
	Union:     {name: "UNION", third: size, elem: "NRD"},
	Enum:      {name: "ENUM", third: size, elem: "ND"},
	Fwd:       {name: "FWD"},
	Typedef:   {name: "TYPEDEF", third: ref},
	Volatile:  {name: "VOLATILE", third: ref},
	Const:     {name: "CONST", third: ref},
	Restrict:  {name: "RESTRICT", third: ref},
	Func:      {name: "FUNC", third: ref},                   // vlen is its linkage
	FuncProto: {name: "FUNC_PROTO", third: ref, elem: "NR"}, // what it returns, parameters
	Var:       {name: "VAR", third: ref, extra: "D"},        // linkage
	Datasec:   {name: "DATASEC", third: size, elem: "RDD"},  // a variable, its offset and size
	Float:     {name: "FLOAT", third: size},
	DeclTag:   {name: "DECL_TAG", third: ref, extra: "D"}, // component
	TypeTag:   {name: "TYPE_TAG", third: ref},
	Enum64:    {name: "ENUM64", third: size, elem: "NDD"}, // a value's lower and upper word
}

// kindInfo is a form in numbers, for loops that go through a million words.
type kindInfo struct {
	form
	head      int    // words before the first element: the common three and the extra ones
	step      int    // words of an element
	nameAt    int    // which of them is a name; only if nameMask is not 0
	refAt     int    // which is a reference; only if refMask is not 0
	nameMask  uint32 // all ones or 0: to leave a maximum alone without a branch
	refMask   uint32
	thirdMask uint32 // of the third word as a reference
	extraRefs []int  // where in a record the extra words that are references stand
	fixedRefs int    // references outside of elements
	bareHead  int    // head and step in a content, where references are missing
	bareStep  int
	bareName  int // nameAt there
	extraData []dataWord
	elemData  []dataWord
}

// dataWord is a word that is neither name nor reference: where it stands in a record and in its content, or, of an element's,
// in an element of theirs.
type dataWord struct{ record, content int }

// kinds has an entry for every number that an info word can hold, so that none needs to be compared first. Those past
// NumKinds are records of three words.
var kinds = func() (all [32]kindInfo) {
	for i := range all {
		f := form{name: "UNKN"}
		if i < NumKinds {
			f = forms[i]
		}
		all[i] = newKindInfo(f)
	}
	return all
}()

func newKindInfo(f form) kindInfo {
	ki := kindInfo{form: f, head: 3 + len(f.extra), step: len(f.elem), bareHead: 3}
	if f.third == ref {
		ki.thirdMask, ki.fixedRefs = ^uint32(0), 1
	}
	for i, role := range []byte(f.extra) {
		switch role {
		case 'R':
			ki.extraRefs = append(ki.extraRefs, 3+i)
			ki.fixedRefs++
		case 'D':
			ki.extraData = append(ki.extraData, dataWord{3 + i, ki.bareHead})
			ki.bareHead++
		default:
			panic(fmt.Sprintf("kind %s: extra word %q", f.name, role))
		}
	}
	for i, role := range []byte(f.elem) {
		switch {
		case role == 'N' && ki.nameMask == 0:
			ki.nameAt, ki.nameMask, ki.bareName = i, ^uint32(0), ki.bareStep
			ki.bareStep++
		case role == 'R' && ki.refMask == 0:
			ki.refAt, ki.refMask = i, ^uint32(0)
		case role == 'D':
			ki.elemData = append(ki.elemData, dataWord{i, ki.bareStep})
			ki.bareStep++
		default:
			panic(fmt.Sprintf("kind %s: word %q of an element", f.name, role))
		}
	}
	return ki
}

// String returns the kind's name as bpftool prints it.
func (k Kind) String() string { return k.info().name }

// info returns a kind's description, of numbers that are no kind that of void.
func (k Kind) info() *kindInfo {
	if k >= NumKinds {
		k = Void
	}
	return &kinds[k]
}

// Sized tells whether the third word of a record of this kind is a size in bytes.
func (k Kind) Sized() bool { return k.info().third == size }

// Words returns how many words of 4 bytes a record of this kind has with vlen elements.
func (k Kind) Words(vlen int) int {
	ki := k.info()
	return ki.head + vlen*ki.step
}

// InfoWord makes the info word of a record: vlen in bits 0 to 15, the kind in 24 to 28, kind_flag in 31.
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

// RecordWords returns how many words a record with this info word has. It is Words of its kind and vlen.
func RecordWords(info uint32) int {
	ki := &kinds[InfoKind(info)]
	return ki.head + InfoVlen(info)*ki.step
}
