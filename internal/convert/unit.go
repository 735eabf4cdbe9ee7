package convert

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/dwarfscan"
	"github.com/gobtf/gobtf/internal/graph"
)

// refLocal marks a reference of the walk that is a LocalID and not a DIE's offset.
const refLocal = 1 << 31

// What a marked DIE became, in unit.pre: a LocalID (0: nothing, or void), or one of these with an index.
const (
	preFunc  = 1 << 31
	preVar   = 1 << 30
	preAlias = preFunc | preVar // index of unit.alias: the type is another DIE's
	preIndex = 1<<30 - 1
)

// maxDepth bounds the nesting of DIEs: a walk is recursive. Kernels stay below 60.
const maxDepth = 2000

// unit is the state of one conversion. Offsets of DIEs are positions in buf, which
// holds one unit, or in merged mode the whole section.
type unit struct {
	c       *Converter
	out     *Unit
	rd      dwarfscan.Reader
	abbrevs dwarfscan.Abbrevs
	die     dwarfscan.DIE // the one that was read last
	buf     []byte
	bufOff  uint64 // of buf in .debug_info
	depth   int

	walkState
	cus     []cuInfo // of all units of the group: functions refer to them
	group   []part
	foreign map[int]*foreign // of group
	dry     bool             // only looking for what has no kind: nothing is logged or noted
	noKind  noKind

	// which DIEs became what: one bit per offset, and a number per bit
	bits []uint64
	rank []uint32
	pre  []uint32

	// where units import others: pre's index by offset instead, the last copy's
	byOff    map[uint32]uint32
	imported map[int]bool // of group
	imports  int          // how deep
	leader   cuInfo       // merged: the first unit's, which counts for all

	// of each type, by LocalID-1; shapes and references are in out
	typ   []typeInfo
	alias []uint32 // DIE offsets

	words []uint32 // contents being built, innermost last
	refs  []uint32 // and their references
	cont  []uint32 // scratch: a content with interned names

	tags   []declTag
	funcs  []fn
	params []param
	pstack []param
	vars   []variable
	vtags  []declTag        // of variables
	ftags  []declTag        // of functions; target is the index of the function
	locs   map[locKey]param // what the rest of a long location list says; for all units of a worker
	places []paramPlace     // of params by their DIEs; made by paramOf
	packed []uint8
	pos    uint32 // place in the log of additions
}

// walkState is what reading attributes depends on: the unit being walked.
type walkState struct {
	hdr  *part
	sec  *Sections
	main bool // sec is the file's own and names are not changed: offsets of .debug_str can stand for them
	base int  // where the unit starts in buf
	cu   cuInfo
	cuNo int32 // cu's place in unit.cus
}

// typeInfo is what the analysis of parameters and variables needs of a type.
type typeInfo struct {
	size uint32 // DW_AT_byte_size, 0 when absent
	tag  dwarfscan.Tag
	name bool
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

type declTag struct {
	target    uint32 // index in pre (types), in vars, or of the function
	component int32
	value     graph.StrID
}

func (u *unit) start(out *Unit) {
	u.out = out
	u.pre, u.typ, u.alias = u.pre[:0], u.typ[:0], u.alias[:0]
	u.words, u.refs = u.words[:0], u.refs[:0]
	u.tags, u.funcs, u.params, u.pstack = u.tags[:0], u.funcs[:0], u.params[:0], u.pstack[:0]
	u.vars, u.vtags, u.ftags, u.packed, u.cus, u.places = u.vars[:0], u.vtags[:0], u.ftags[:0], u.packed[:0], u.cus[:0], u.places[:0]
	u.depth, u.pos, u.dry = 0, 0, false
	out.RefOff = append(out.RefOff, 0)
}

// Error is an error in the debug information: section offset, unit, DIE, cause.
type Error struct {
	At    string // section and offset
	CU    string
	Tag   dwarfscan.Tag
	Name  string
	Cause error
}

func (e *Error) Error() string {
	s := e.At
	if e.CU != "" {
		s += ": CU " + short(e.CU)
	}
	if e.Tag != 0 {
		s += fmt.Sprintf(": %v", e.Tag)
		if e.Name != "" {
			s += fmt.Sprintf(" %q", short(e.Name))
		}
	}
	return s + ": " + e.Cause.Error()
}

func (e *Error) Unwrap() error { return e.Cause }

func (u *unit) fail(pos int, err error) error {
	return &Error{At: u.place(pos), CU: u.cu.name, Cause: err}
}

// walkUnit applies rule units/skeleton.
func (u *unit) walkUnit(h *part, first bool) error {
	if err := u.open(h); err != nil {
		return err
	}
	d := &u.die
	if first {
		u.out.Name = ""
		if u.byOff == nil {
			u.growBits()
		}
	}
	if !u.rd.Next(d) {
		if u.rd.Err != nil {
			return u.readError()
		}
		u.cus = append(u.cus, u.cu)
		return nil // a unit without a DIE
	}
	switch d.Tag {
	case dwarfscan.TagCompileUnit, dwarfscan.TagTypeUnit, dwarfscan.TagPartialUnit:
	case dwarfscan.TagSkeletonUnit:
		u.cu.name = string(u.stringValue(d, dwarfscan.Name))
		u.cus = append(u.cus, u.cu)
		u.note(NoteWarning, d.Off, d.Tag, "its types are in a .dwo file, which is not read")
		return nil
	default:
		return u.fail(d.Off, fmt.Errorf("unit starts with %v", d.Tag))
	}
	lang := uint16(d.Const(dwarfscan.Language))
	u.enterUnit(d)
	if !u.c.merged { // units that are taken as one have no name
		u.out.Name = u.cu.name
	}
	if left, all := u.filtered(u.cu.name, lang); left {
		u.out.Left = all
		return nil
	}
	if !d.Children {
		return nil
	}
	if u.abbrevs.NoKind && u.canLeaveOut() && u.findNoKind() {
		u.note(NoteUnit, u.noKind.off, u.noKind.tag, "BTF has no such kind: the unit is left out")
		u.out.Left = !u.c.merged
		return nil
	}
	u.children(ctxCU)
	if u.rd.Err != nil {
		return u.readError()
	}
	return nil
}

// open makes p the unit that is read, from its own DIE on.
func (u *unit) open(p *part) error {
	u.walkState = walkState{hdr: p, sec: p.sec, base: int(p.Off - u.bufOff)}
	u.main = p.sec == &u.c.sec && u.c.opt.KabiPrefix == ""
	if err := u.abbrevs.Compile(u.sec.Abbrev, p.AbbrevOff, p.Format); err != nil {
		return fmt.Errorf("%s: %w", u.place(u.base), err)
	}
	u.rd.Buf, u.rd.Pos, u.rd.Err = u.buf[:u.base+int(p.Size)], u.base+p.First, nil
	u.cu = cuInfo{format: p.Format, off: p.Off}
	return nil
}

// enterUnit makes the unit's own DIE, which was read last, the one that DIEs below are
// read by. Where all units are one, that one has the first unit's language and producer.
func (u *unit) enterUnit(d *dwarfscan.DIE) {
	u.cu = u.cuAttrs(d)
	if d.Tag != dwarfscan.TagTypeUnit {
		u.cu.name = string(u.stringValue(d, dwarfscan.Name))
	}
	if u.c.merged && !u.c.bySig {
		if u.sec == &u.c.sec && u.leader.format.AddrSize == 0 {
			u.leader = u.cu
		}
		u.cu.lang, u.cu.clang = u.leader.lang, u.leader.clang
	}
	u.cuNo = int32(len(u.cus))
	u.cus = append(u.cus, u.cu)
}

func (u *unit) readError() error {
	if pe, ok := u.rd.Err.(*dwarfscan.PosError); ok {
		return u.fail(pe.Pos, fmt.Errorf("%s", pe.Cause))
	}
	return u.fail(u.rd.Pos, u.rd.Err)
}

// cuAttrs reads a unit's own attributes. Strings come last: strx needs the base.
func (u *unit) cuAttrs(d *dwarfscan.DIE) cuInfo {
	cu := cuInfo{format: u.hdr.Format, off: u.hdr.Off, lang: uint16(d.Const(dwarfscan.Language))}
	// Without an attribute the tables start behind their section's first header (DWARF 5 7.26).
	cu.strOffBase, cu.addrBase, cu.loclistsBase = 8, 8, 12
	if u.hdr.Offset64 {
		cu.strOffBase, cu.addrBase, cu.loclistsBase = 16, 16, 20
	}
	if d.Has(dwarfscan.StrOffBase) {
		cu.strOffBase = d.Val[dwarfscan.StrOffBase]
	}
	if d.Has(dwarfscan.AddrBase) {
		cu.addrBase = d.Val[dwarfscan.AddrBase]
	}
	if d.Has(dwarfscan.LoclistsBase) {
		cu.loclistsBase = d.Val[dwarfscan.LoclistsBase]
	}
	u.cu = cu
	cu.clang = strings.Contains(string(u.stringValue(d, dwarfscan.Producer)), "clang")
	return cu
}

// filtered tells whether the unit is left out, and whether all that is converted with it is. Units that
// are taken as one are left out one by one for an excluded language, and then all of them for the language of the first, whether
// that was left out or not.
// Rule units/filters.
func (u *unit) filtered(name string, lang uint16) (left, all bool) {
	o := &u.c.opt
	merged := u.c.merged && !u.c.bySig
	if merged && (o.LangExclude != nil && slices.Contains(o.LangExclude, u.leader.lang) || o.Lang != nil && !slices.Contains(o.Lang, u.leader.lang)) {
		return true, true
	}
	if o.LangExclude != nil && slices.Contains(o.LangExclude, lang) {
		return true, !u.c.merged
	}
	if merged {
		return false, false
	}
	left = o.Lang != nil && !slices.Contains(o.Lang, lang) || o.CUExclude != "" && strings.HasPrefix(name, o.CUExclude)
	return left, left && !u.c.merged
}

func (u *unit) growBits() {
	n := len(u.buf)/64 + 1
	if cap(u.bits) < n {
		u.bits = make([]uint64, n+n/4)
		u.rank = make([]uint32, n+n/4)
	} else {
		clear(u.bits[:n])
	}
	u.bits, u.rank = u.bits[:n], u.rank[:n]
}

// mark notes that the DIE at off becomes something; pre[the result] will say what.
// DIEs are marked in the order of their offsets.
func (u *unit) mark(off int) uint32 {
	if u.byOff != nil {
		u.byOff[uint32(off)] = uint32(len(u.pre))
		u.pre = append(u.pre, 0)
		return uint32(len(u.pre) - 1)
	}
	u.bits[off>>6] |= 1 << (off & 63)
	u.pre = append(u.pre, 0)
	return uint32(len(u.pre) - 1)
}

// ref returns the offset in buf that a reference attribute names, 0 when there is
// none or it leads elsewhere.
func (u *unit) ref(d *dwarfscan.DIE, s dwarfscan.Slot) uint32 {
	if !d.Has(s) {
		return 0
	}
	v := d.Val[s]
	switch d.Form[s] {
	case dwarfscan.FormRef4, dwarfscan.FormRef1, dwarfscan.FormRef2, dwarfscan.FormRef8, dwarfscan.FormRefUdata:
		if v < u.hdr.Size {
			return uint32(v) + uint32(u.base)
		}
	case dwarfscan.FormRefAddr:
		if v < 1<<32 {
			return u.inBuf(v + u.hdr.info)
		}
	case dwarfscan.FormGNURefAlt, dwarfscan.FormRefSup4, dwarfscan.FormRefSup8:
		if u.c.altAt != 0 && v < 1<<32 {
			return u.inBuf(v + u.c.altAt)
		}
	case dwarfscan.FormRefSig8:
		return u.c.sigs[v]
	case formPlace:
		return uint32(v)
	}
	return 0
}

// inBuf turns a place of the group's sections into one of buf.
func (u *unit) inBuf(off uint64) uint32 {
	if off >= u.bufOff && off-u.bufOff < uint64(len(u.buf)) {
		return uint32(off - u.bufOff)
	}
	return 0
}

// ctx says under which kind of DIE the walk is (rule units/walk).
type ctx uint8

const (
	ctxCU ctx = iota
	ctxNamespace
	ctxType // in a struct, a prototype ...
	ctxFunc // in a function or block
)

// children walks the children of the DIE that was read last.
// Rule units/walk.
func (u *unit) children(in ctx) {
	if !u.enter() {
		return
	}
	for u.rd.Next(&u.die) {
		u.generic(in)
	}
	u.depth--
}

func (u *unit) enter() bool {
	u.depth++
	if u.depth > maxDepth {
		if u.rd.Err == nil {
			u.rd.Err = &dwarfscan.PosError{Pos: u.rd.Pos, Cause: fmt.Sprintf("DIEs are nested deeper than %d", maxDepth)}
		}
		u.rd.Pos = len(u.rd.Buf)
		return false
	}
	return true
}

// skip steps over the children of the DIE that was read last.
func (u *unit) skip() {
	if u.die.Children {
		u.rd.SkipChildren(&u.die, u.base)
	}
}

// generic handles the DIE that was read last, its children included.
// Rule units/walk.
func (u *unit) generic(in ctx) {
	d := &u.die
	switch d.Tag {
	case dwarfscan.TagPointer:
		u.pointer()
	case dwarfscan.TagTypedef:
		u.typedef()
	case dwarfscan.TagConst:
		u.modifier(u.c.cnst)
	case dwarfscan.TagVolatile:
		u.modifier(u.c.volatile)
	case dwarfscan.TagRestrict:
		u.modifier(u.c.restrict)
	case dwarfscan.TagStruct, dwarfscan.TagClass:
		u.composite(btf.Struct)
	case dwarfscan.TagUnion:
		u.composite(btf.Union)
	case dwarfscan.TagEnumeration:
		u.enum()
	case dwarfscan.TagArray:
		u.array()
	case dwarfscan.TagBase:
		u.baseType()
	case dwarfscan.TagSubroutineType:
		u.proto()
	case dwarfscan.TagSubprogram:
		u.function()
	case dwarfscan.TagVariable:
		u.variable(in)
	case dwarfscan.TagNamespace:
		if d.Children {
			u.children(ctxNamespace)
		}
	case dwarfscan.TagAtomic, dwarfscan.TagImmutable:
		u.plainType()
	case dwarfscan.TagReference, dwarfscan.TagRvalueReference, dwarfscan.TagPtrToMember, dwarfscan.TagStringType, dwarfscan.TagInterface:
		u.withoutKind()
	case dwarfscan.TagImportedUnit:
		u.importUnit()
	default:
		// Everything else yields no type: labels, call sites, inlined copies,
		// imported names, templates. DW_TAG_unspecified_type is void.
		u.skip()
	}
}

// lookup returns what the DIE at off became.
func (u *unit) lookup(off uint32) uint32 {
	for n := 0; n < 64; n++ { // aliases may form a ring in a broken file
		p, ok := uint32(0), false
		if u.byOff == nil {
			p = u.marked(off)
		} else if p, ok = u.byOff[off]; ok {
			p = u.pre[p]
		}
		if p&preAlias != preAlias {
			return p
		}
		off = u.alias[p&preIndex]
	}
	return 0
}

// marked returns what the DIE at off became, 0 when it is not marked.
func (u *unit) marked(off uint32) uint32 {
	i := off >> 6
	if int(i) >= len(u.bits) {
		return 0
	}
	w, b := u.bits[i], off&63
	if w>>b&1 == 0 {
		return 0
	}
	return u.pre[u.rank[i]+uint32(popcount(w&(1<<b-1)))]
}

// local returns the type that a DIE offset or refLocal stands for.
// Rule types/void.
func (u *unit) local(ref uint32) LocalID {
	if ref == 0 {
		return 0
	}
	if ref&refLocal != 0 {
		return LocalID(ref &^ refLocal)
	}
	p := u.lookup(ref)
	if p&preAlias != 0 {
		return 0
	}
	return LocalID(p)
}

// finish resolves references and makes declaration tags, functions and variables,
// in the order in which the reference adds them (rule order/types).
func (u *unit) finish() error {
	n := uint32(0)
	if u.byOff == nil {
		for i, w := range u.bits {
			u.rank[i] = n
			n += uint32(popcount(w))
		}
	}
	refs := u.out.Refs
	for i, r := range refs {
		if r != 0 && r != ArrayIndex {
			refs[i] = uint32(u.local(r))
		}
	}
	u.pos = uint32(len(u.out.Shape)) + 2 // one place more for an "int" that the merge may add
	u.typeTags()
	u.saveFunctions()
	u.saveVariables()
	return nil
}

// typeTags makes the declaration tags of types, by type.
// Rule types/decl-tags.
func (u *unit) typeTags() {
	if !u.c.opt.DeclTag || len(u.tags) == 0 {
		return
	}
	for i := range u.tags {
		u.tags[i].target = u.pre[u.tags[i].target]
	}
	sort.SliceStable(u.tags, func(i, j int) bool { return u.tags[i].target < u.tags[j].target })
	for _, t := range u.tags {
		if t.target == 0 || t.target&preAlias != 0 {
			continue
		}
		u.tail(u.declTagShape(t.value, t.component), t.target)
	}
	u.out.TypeTags = len(u.out.Tail)
}

func (u *unit) declTagShape(value graph.StrID, component int32) graph.Shape {
	u.addString(value)
	return u.c.shapes.Intern([]uint32{btf.InfoWord(btf.DeclTag, 0, false), uint32(value), 0, uint32(component)})
}

func (u *unit) tail(sh graph.Shape, ref uint32) uint32 {
	u.out.Tail = append(u.out.Tail, Tail{sh, ref})
	return uint32(len(u.out.Tail) - 1)
}

// addString logs the addition of a string at the next place.
// Rule order/strings.
func (u *unit) addString(s graph.StrID) {
	if s == 0 {
		return
	}
	u.pos++
	if u.c.strs.Lower(s, uint64(u.out.Index)<<32|uint64(u.pos)) {
		u.out.Log = append(u.out.Log, LogEntry{u.pos, LogString | uint32(s)})
	}
}
