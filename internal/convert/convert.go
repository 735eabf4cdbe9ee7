// Package convert turns one DWARF unit into BTF types, and into candidates for functions and variables. It knows nothing of ELF, files or
// other units: what depends on earlier units (ids, the index type of arrays) stays symbolic.
//
// A unit goes through three steps. The walk (walk*.go) describes what its DIEs say (desc.go). The analysis (analyse*.go) works out from
// the description what functions and variables are. The emitter (emit.go) makes a Unit of both. None reaches back.
//
// Before it: internal/dwarfscan, which reads DIEs. After it: encoder, which puts units together in order, and dedup. The rules are those
// of docs/rules; the reference is pahole 1.32.
package convert

import (
	"errors"
	"fmt"
	"io"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/dwarfscan"
	"github.com/gobtf/gobtf/internal/graph"
	"github.com/gobtf/gobtf/internal/intern"
)

// Sections are the debug sections of one file, decompressed and relocated.
type Sections struct {
	Info       io.ReaderAt // .debug_info
	InfoBytes  []byte      // the same when it is in memory anyway, else nil: units are then read one by one
	InfoSize   uint64
	MoreInfo   []byte // further sections .debug_info, with a type unit each (objects); looked at where types are named by signature
	Types      []byte // .debug_types (DWARF 4)
	Abbrev     []byte
	Str        []byte
	LineStr    []byte
	StrOffsets []byte
	Addr       []byte
	Loc        []byte
	Loclists   []byte
	BigEndian  bool
	Alt        *Sections // of the alternate file that dwz made (.gnu_debugaltlink), nil: none; in memory
}

// Functions tells which names have a function symbol.
type Functions interface {
	// Lookup returns the number of the name's entry in the function table, -1 when it has none.
	Lookup(name graph.StrID) int32
}

// Variables says which variables are wanted.
type Variables interface {
	// Find returns the section that covers addr and addr's offset in it. ok is
	// false when there is none or its variables are not wanted.
	Find(addr uint64) (section int, offset uint64, ok bool)
	// HasObject reports whether a data symbol with that name is in the section.
	HasObject(section int, name graph.StrID) bool
}

// Registers says how a machine passes the first parameters.
type Registers struct {
	N       int   // how many go in registers
	DWARF   []int // their DWARF numbers; nil when they are not checked
	OneSlot bool  // an aggregate never takes two registers (s390)
}

// Options are the choices that change what a unit becomes. The zero value works.
type Options struct {
	Float, Enum64, TypeTag, DeclTag bool
	TrueSignature                   bool
	EncodeForce                     bool
	FixupSillyBitfields             bool
	FlatArrays                      bool // a multi-dimensional array becomes one ARRAY (quirk of bases by pahole <= 1.31)
	KabiPrefix                      string
	Lang, LangExclude               []uint16 // DW_LANG codes; nil is no filter
	CUExclude                       string   // prefix of the names of units to leave out
	Registers                       Registers
	Functions                       Functions // nil: no functions
	Variables                       Variables // nil: no variables
	ForceMerging                    bool      // all units are one
	Sized                           bool      // what needs a size has one: see ErrUnsized
	NoteEnums                       bool      // without Enum64: what an ENUM cannot say is noted
	Trace                           bool      // Unit.Missing and FakeInts are wanted, for messages
}

// ArrayIndex stands in Unit.Refs for the index type of an array, which depends on earlier units.
const ArrayIndex = ^uint32(0)

// TailRef marks a reference in Tail that is an index of Tail and not a LocalID.
const TailRef = 1 << 31

// LocalID is the number of a type in its unit, from 1; 0 is void.
type LocalID uint32

// Tail is a type behind the unit's own types: a VAR or DECL_TAG.
type Tail struct {
	Shape graph.Shape
	Ref   uint32 // LocalID, or TailRef and an index of Unit.Tail
}

// Var is where a variable is.
type Var struct {
	Tail         uint32 // its VAR in Unit.Tail
	Section      int32
	Offset, Size uint32
}

// FuncFlags say what the analysis of a function's parameters found.
type FuncFlags uint8

const (
	OptimizedParms FuncFlags = 1 << iota
	Unexpected               // a parameter is in a register where it is not expected
	Uncertain                // a parameter on the stack whose place depends on an attribute
	Reordered
	SignatureChanged
	Inconsistent // set by the encoder
)

// FuncState is one saved function, as the unit describes it.
type FuncState struct {
	Func         int32 // of Functions
	Flags        FuncFlags
	Addr         uint64 // 0: none
	Ret          LocalID
	Param, NParm uint32 // Unit.Params[Param:Param+NParm]
	Tag, NTag    uint32 // Unit.FuncTags[Tag:Tag+NTag]
}

// Param is a parameter. Both zero: variable arguments.
type Param struct {
	Name graph.StrID
	Type LocalID
}

// FuncTag is a declaration tag on a function (Component -1) or on a parameter of it.
type FuncTag struct {
	Value     graph.StrID
	Component int32
}

// LogEntry notes that at place Pos of the unit a string or a shape's strings were
// added that no smaller place had added until then.
type LogEntry struct {
	Pos  uint32
	What uint32 // Shape.Index, or LogString and a StrID
}

// LogString marks a LogEntry.What that is a StrID.
const LogString = 1 << 31

// FakeInt is an INT that stands for one of another size.
type FakeInt struct {
	ID   LocalID
	Bits uint32
}

// Unit is what became of a unit. Its slices are used again when another unit is converted into it.
type Unit struct {
	Index     int
	Name      string // DW_AT_name, kept only for messages
	Left      bool   // filtered: contributes nothing
	Shape     []graph.Shape
	RefOff    []uint32 // as in graph.Graph, len(Shape)+1
	Refs      []uint32 // LocalIDs, and ArrayIndex
	FirstInt  LocalID  // the first INT named "int", 0 when there is none
	HasArray  bool
	Tail      []Tail
	TypeTags  int // how many of Tail are declaration tags of types; they come before variables
	Vars      []Var
	Funcs     []FuncState
	Params    []Param
	FuncTags  []FuncTag
	Log       []LogEntry
	Notes     []Note
	MoreNotes int           // how many more there are than Notes has room for
	Missing   []graph.StrID // functions without a symbol, in their order, where Options.Trace asks for them
	FakeInts  []FakeInt     // INTs of a size that BTF does not have, as Missing
}

func (u *Unit) reset(i int) {
	*u = Unit{Index: i, Shape: u.Shape[:0], RefOff: u.RefOff[:0], Refs: u.Refs[:0], Tail: u.Tail[:0], Vars: u.Vars[:0],
		Funcs: u.Funcs[:0], Params: u.Params[:0], FuncTags: u.FuncTags[:0], Log: u.Log[:0], Notes: u.Notes[:0], Missing: u.Missing[:0],
		FakeInts: u.FakeInts[:0]}
}

// Converter converts the units of one file. Its methods may be called from many
// goroutines, each with a Worker of its own.
type Converter struct {
	sec     Sections
	opt     Options
	shapes  *graph.Shapes
	strs    *graph.Strings
	units   []dwarfscan.Unit // each for itself, when they are not merged
	largest uint64           // size of the largest of them
	merge   []part           // all of them, when they are
	merged  bool
	bySig   bool // merged because types are referred to by signature
	linked  bool // merged because units refer to each other
	copies  bool // units import others: a DIE may be walked twice
	survey  *dwarfscan.Survey

	// joined is the buffer of a merged group when .debug_info alone is not enough:
	// .debug_types, .debug_info, the alternate file's .debug_info. Else nil.
	joined        []byte
	infoAt, altAt uint64            // where the second and the third start in it; altAt is 0 when there is none
	sigs          map[uint64]uint32 // where the DIE is that a signature names

	// raw maps contents with raw names to shapes: names are then offsets of
	// .debug_str, and a content that was met before costs no look at a string.
	raw      *intern.Words
	rawShape intern.Uint32s // Shape by raw's number; 0 while it is not known

	strOf []uint32 // StrID+1 by offset of .debug_str, 0 unknown; atomic
	// scattered: each unit has strings of its own, as in what ld -r makes. An offset says nothing then, and names are interned at once.
	scattered bool

	bare    [btf.NumKinds]uint32 // numbers of the contents of kinds that have nothing but a reference
	intName graph.StrID
}

// New reads the unit headers.
func New(sec Sections, shapes *graph.Shapes, opt Options) (*Converter, error) {
	c := &Converter{sec: sec, opt: opt, shapes: shapes, strs: shapes.Strs, raw: intern.NewWords()}
	if n := Contents(sec.InfoSize); n > 0 {
		c.raw.Expect(n)
	}
	for _, k := range [...]btf.Kind{btf.Ptr, btf.Const, btf.Volatile, btf.Restrict} {
		c.bare[k], _ = c.raw.Intern([]uint32{btf.InfoWord(k, 0, false), 0, 0})
	}
	c.intName = c.strs.InternString("int")
	c.scattered = len(sec.Str) > 1<<20 && uint64(len(sec.Str)) > sec.InfoSize/4
	if len(sec.Str) <= maxStrIndex && !c.scattered {
		c.strOf = make([]uint32, len(sec.Str))
	}
	units, err := dwarfscan.Units(sec.Info, sec.InfoSize, sec.BigEndian, false)
	if err != nil {
		return nil, fmt.Errorf(".debug_info%w", err)
	}
	if err := c.group(units); err != nil {
		return nil, err
	}
	return c, nil
}

// SetFunctions sets Options.Functions, before the first unit is converted.
func (c *Converter) SetFunctions(f Functions) { c.opt.Functions = f }

// Contents returns how many different contents the types of so many bytes of .debug_info may have, as kernels go: one for two kilobytes. It is 0
// where they are few.
func Contents(info uint64) int {
	if info <= 64<<20 {
		return 0
	}
	return int(min(info, 1<<32) / 2048)
}

// maxStrIndex is the size of .debug_str up to which a table has an entry for every
// offset: 4 bytes each, touched only where a name starts. vmlinux 6.12 has 4.6 MB.
const maxStrIndex = 256 << 20

// Len returns the number of units, or of groups of units that are taken as one.
func (c *Converter) Len() int {
	if c.merged {
		return min(1, len(c.merge))
	}
	return len(c.units)
}

// Worker converts one unit after the other, with memory that it uses again. Three steps follow each other: the walk describes what the
// DIEs say, the analysis works out what functions and variables are, and what both found is emitted.
type Worker struct {
	walk    walker
	desc    desc
	marks   marks
	found   analysis
	emit    emitter
	one     [1]part // the unit that is converted, where each is for itself
	scratch []byte
}

// NewWorker returns a worker for one goroutine.
func (c *Converter) NewWorker() *Worker {
	w := &Worker{emit: emitter{c: c}, found: analysis{c: c}}
	w.walk.c, w.walk.d, w.walk.marks, w.walk.raw = c, &w.desc, &w.marks, intern.NewFollower(c.raw)
	w.walk.rd.Tab = &w.walk.abbrevs.Table
	return w
}

// Convert converts unit i into out. place is i's number among all units of all
// files: additions of strings are ordered by it.
func (w *Worker) Convert(i, place int, out *Unit) error {
	if err := w.convert(i, place, out); err != nil {
		return err
	}
	if w.walk.c.strs.Full() {
		return ErrNames
	}
	return nil
}

// ErrUnsized says that a bitfield without DW_AT_byte_size is of something that BTF has no type for, such as a range of Ada's. The reference
// looks for the size of the type, ends by a signal there and writes nothing of the file, where it would write type 0 for other members.
// With Options.Sized all such places get the nearest type that has a size, and the error is never returned.
// Rule units/sized.
var ErrUnsized = errors.New("a bitfield is of no type that BTF has")

// ErrNames is for files whose names together are far longer than the sections that hold them (graph.Strings.Limit).
var ErrNames = errors.New("names are longer together than the file has room for: many are the ends of others, and no kernel takes that")

func (w *Worker) convert(i, place int, out *Unit) error {
	c := w.walk.c
	out.reset(place)
	group := c.groupOf(i, &w.one)
	buf, from, err := w.read(group)
	if err != nil {
		return err
	}
	d := &w.desc
	err = w.walk.walk(buf, from, group)
	out.Name, out.Left = d.name, d.left
	if err == nil && !d.left {
		w.marks.count()
		d.link(&w.marks)
		switch {
		case c.opt.Sized:
			w.walk.sizeAll()
		case len(d.bitfields) > 0 && d.unsized(&w.marks):
			return ErrUnsized
		}
		w.found.run(d, &w.marks, buf)
		w.emit.emit(d, &w.marks, &w.found, out)
	}
	out.Notes, out.MoreNotes = append(out.Notes, d.notes...), d.more
	return err
}

// read returns the bytes of a group, and where they start in .debug_info.
func (w *Worker) read(group []part) (buf []byte, from uint64, err error) {
	c := w.walk.c
	if c.joined != nil {
		return c.joined, 0, nil
	}
	first, last := &group[0], &group[len(group)-1]
	to := last.Off + last.Size
	if !c.merged {
		from = first.Off
	}
	if c.sec.InfoBytes != nil {
		return c.sec.InfoBytes[from:to], from, nil
	}
	n := int(to - from)
	if cap(w.scratch) < n {
		w.scratch = make([]byte, max(n, int(c.largest)))
	}
	buf = w.scratch[:n]
	if _, err := c.sec.Info.ReadAt(buf, int64(from)); err != nil {
		return nil, 0, fmt.Errorf(".debug_info+%#x: %w", from, err)
	}
	return buf, from, nil
}
