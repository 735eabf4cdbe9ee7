package diff

import "github.com/gobtf/gobtf/btf"

// Result is the difference between two BTFs. Its fields are those of the JSON that gobtf prints; docs/json.md describes them.
type Result struct {
	Same bool `json:"same"`
	A    Side `json:"a"`
	B    Side `json:"b"`

	Removed   []Entry  `json:"removed"`   // only A has it
	Added     []Entry  `json:"added"`     // only B has it
	Changed   []Change `json:"changed"`   // types and variables
	Functions []Change `json:"functions"` // whose prototype changed
	Moved     []Move   `json:"moved"`     // variables

	Kinds []KindBytes `json:"kinds"`
	Notes []string    `json:"notes"` // what should be known to read the rest
	ABI   *ABI        `json:"abi,omitempty"`
}

// Side says what one of the two BTFs is.
type Side struct {
	Name        string `json:"name"`
	Types       int    `json:"types"`        // its own
	BaseTypes   int    `json:"base_types"`   // of what it continues, void not counted
	TypeBytes   int    `json:"type_bytes"`   // of its own records
	StringBytes int    `json:"string_bytes"` // of its own strings
}

// Entry is a type that one side has alone.
type Entry struct {
	Kind  string     `json:"kind"`
	Name  string     `json:"name"` // "" for a top-level enum or the like without a name
	Decl  string     `json:"decl"` // as C writes it
	ID    btf.TypeID `json:"id"`
	Size  uint32     `json:"size"`  // of a value, in bytes; 0 where it has none
	Bytes int        `json:"bytes"` // of the record in BTF
	Users *Users     `json:"used_by,omitempty"`
	Abi   []Finding  `json:"abi,omitempty"`
}

// Change is a type that both sides have and that is not the same.
type Change struct {
	Kind  string     `json:"kind"`
	Name  string     `json:"name"`
	DeclA string     `json:"decl_a"`
	DeclB string     `json:"decl_b"`
	IDA   btf.TypeID `json:"id_a"`
	IDB   btf.TypeID `json:"id_b"`
	Items []Item     `json:"items"`
	Users *Users     `json:"used_by,omitempty"`
	Abi   []Finding  `json:"abi,omitempty"`
}

// Op says what became of an element.
type Op string

// What can become of an element.
const (
	OpAdded   Op = "added"
	OpRemoved Op = "removed"
	OpChanged Op = "changed"
	OpMoved   Op = "moved" // another place, and nothing else
)

// Item is one difference inside of a type.
type Item struct {
	What string   `json:"what"` // size, member, value, parameter, return, type, linkage, encoding, tag, kind, nesting, variables
	Op   Op       `json:"op"`
	Name string   `json:"name,omitempty"` // of the member, value or parameter
	A    *Element `json:"a,omitempty"`    // nil when A has none
	B    *Element `json:"b,omitempty"`

	nodeA, nodeB node // the types, for the classification
}

// Element is one side of an Item.
type Element struct {
	Text   string `json:"text"`             // the declaration, number or word
	Offset uint32 `json:"offset,omitempty"` // of a member, in bits
	Bits   uint32 `json:"bits,omitempty"`   // width of a bitfield
	Inside string `json:"inside,omitempty"` // of a member: the anonymous structs and unions around it
}

// Move is a variable that stands somewhere else in its section, or in another section.
type Move struct {
	Name string `json:"name"`
	A    *Place `json:"a,omitempty"` // nil: it is in no section
	B    *Place `json:"b,omitempty"`
}

// Place is where a variable stands.
type Place struct {
	Section string `json:"section"`
	Offset  uint32 `json:"offset"`
	Size    uint32 `json:"size"`
}

// Users are those that use a type by its name in their own declaration.
type Users struct {
	Functions int      `json:"functions"`
	Types     int      `json:"types"`
	Variables int      `json:"variables"`
	Names     []string `json:"names"` // the first of them
}

// KindBytes compares how much there is of one kind.
type KindBytes struct {
	Kind   string `json:"kind"`
	CountA int    `json:"count_a"`
	CountB int    `json:"count_b"`
	BytesA int    `json:"bytes_a"`
	BytesB int    `json:"bytes_b"`
	// Of the base, those that own types refer to.
	UsedA      int `json:"used_a,omitempty"`
	UsedB      int `json:"used_b,omitempty"`
	UsedBytesA int `json:"used_bytes_a,omitempty"`
	UsedBytesB int `json:"used_bytes_b,omitempty"`
}
