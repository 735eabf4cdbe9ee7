package convert

import (
	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/dwarfscan"
	"github.com/gobtf/gobtf/internal/graph"
)

// desc describes a unit: what the walk found, before anything is decided. The walk fills it and hands it on; nobody changes it then.
// Its slices are used again for the next unit.
type desc struct {
	types
	funcs    []fn
	params   []param // of all functions, one function's together
	vars     []variable
	typeTags []declTag // their target is a number of the DIE's mark
	funcTags []declTag // their target is the function's mark
	varTags  []declTag // each variable's together
	cus      []cuInfo  // of all units of the group that have a DIE: functions refer to them
	addrSize int       // bytes of an address, as the group's last unit says
	firstInt LocalID   // the first INT named "int", 0 when there is none
	hasArray bool
	left     bool   // filtered, or left out: it contributes nothing
	name     string // DW_AT_name of the unit, for messages
	fakeInts []FakeInt
	// bitfields are the types of bitfields that do not say how large their storage is, as the walk saw them.
	bitfields []typeRef
	noter
}

// types are the types of a unit, in the order in which they are written; type n of the unit is list[n-1].
type types struct {
	list   []typ
	refOff []uint32  // references of type n: refs[refOff[n-1]:refOff[n]]
	from   []typeRef // where they lead, as the walk saw it
	refs   []uint32  // the same when all DIEs are known: LocalIDs and ArrayIndex
	words  contents
}

// typ is one type.
type typ struct {
	content uint32 // number of its content, in which names are raw
	size    uint32 // DW_AT_byte_size, 0 when absent
	tag     dwarfscan.Tag
	kind    btf.Kind
	named   bool
}

// contents gives the words of a content by its number (btf/codec.go says what they are).
type contents interface{ At(id uint32) []uint32 }

// typeRef is a reference of the walk: 0 is void; else it is the place of a DIE in the buffer, or refLocal and a LocalID.
type typeRef uint32

const refLocal typeRef = 1 << 31

// arrayIndex stands for the index type of an array, which depends on earlier units.
const arrayIndex = ^typeRef(0)

// fn is a subprogram DIE.
type fn struct {
	off          int
	name         rawName
	typ          typeRef // 0: none
	origin, spec typeRef
	lowPC        uint64
	parm, nparm  uint32 // desc.params[parm:parm+nparm]
	cu           int32
	declaration  bool
	inline       bool
	nocall       bool // DW_CC_nocall: clang says so of changed signatures
	variadic     bool
}

// param is a formal parameter DIE of a subprogram.
type param struct {
	off         int
	name        rawName
	typ, origin typeRef
	loc         uint64 // DW_AT_location's value
	locForm     dwarfscan.Form
	hasLoc      bool
	hasConst    bool // DW_AT_const_value
}

// variable is a variable DIE outside of functions.
type variable struct {
	off         int
	name        rawName
	typ, spec   typeRef
	addr        uint64
	tag0, tags  uint32 // of desc.varTags
	hasAddr     bool
	declaration bool
	external    bool
	top         bool // child of the unit's DIE
	artificial  bool
}

// declTag is a declaration tag, on a whole (component -1) or on a member or parameter.
type declTag struct {
	target    uint32
	component int32
	value     graph.StrID
}

// cuInfo is what DIEs need of their unit's own DIE.
type cuInfo struct {
	format       dwarfscan.Format
	strOffBase   uint64
	addrBase     uint64
	loclistsBase uint64
	lang         uint16
	clang        bool
	off          uint64 // of the unit in the buffer's section
	name         string // for messages
}

// reset empties the description, for a group of units whose buffer starts at off.
func (d *desc) reset(c *Converter, off uint64) {
	d.list, d.refOff, d.from, d.refs, d.words = d.list[:0], append(d.refOff[:0], 0), d.from[:0], d.refs[:0], c.raw
	d.funcs, d.params, d.vars, d.cus = d.funcs[:0], d.params[:0], d.vars[:0], d.cus[:0]
	d.typeTags, d.funcTags, d.varTags = d.typeTags[:0], d.funcTags[:0], d.varTags[:0]
	d.firstInt, d.hasArray, d.left, d.name, d.fakeInts = 0, false, false, "", d.fakeInts[:0]
	d.bitfields = d.bitfields[:0]
	d.noter = noter{c: c, bufOff: off, notes: d.notes[:0]}
}

// add ends a type, whose references have been appended to from.
func (t *types) add(x typ) LocalID {
	t.list = append(t.list, x)
	t.refOff = append(t.refOff, uint32(len(t.from)))
	return LocalID(len(t.list))
}

// next is the number that the next type gets.
func (t *types) next() LocalID { return LocalID(len(t.list)) + 1 }

func (t *types) at(id LocalID) *typ { return &t.list[id-1] }

// content returns the words of a type's content.
func (t *types) content(id LocalID) []uint32 { return t.words.At(t.list[id-1].content) }

// targets returns the references of a type.
func (t *types) targets(id LocalID) []uint32 { return t.refs[t.refOff[id-1]:t.refOff[id]] }

// first returns a type's first reference, void when it has none.
func (t *types) first(id LocalID) LocalID {
	if r := t.targets(id); len(r) > 0 {
		return LocalID(r[0])
	}
	return 0
}
