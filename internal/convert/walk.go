package convert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/dwarfscan"
	"github.com/gobtf/gobtf/internal/intern"
	"github.com/gobtf/gobtf/internal/shown"
)

// maxDepth bounds the nesting of DIEs: a walk is recursive, and so many levels take 60 MB. Kernels stay below 60; the reference runs out
// of stack between 5,000 and 60,000, as the kind of DIE goes.
const maxDepth = 50000

// walker goes over the DIEs of a unit and writes down in d what it finds. Places of DIEs are positions in buf, which holds one unit,
// or in merged mode the whole section.
type walker struct {
	c       *Converter
	d       *desc
	marks   *marks
	rd      dwarfscan.Reader
	seen    seenStrings
	abbrevs dwarfscan.Abbrevs
	raw     *intern.Follower // of c.raw
	die     dwarfscan.DIE    // the one that was read last
	buf     []byte
	bufOff  uint64 // of buf in .debug_info
	depth   int

	walkState
	group   []part
	foreign map[int]*foreign // of group
	trial   *trial           // the walk only looks for what has no kind; nil: it is in earnest
	spare   trial            // memory for trial

	// where units import others
	imported map[int]bool // of group
	imports  int          // how deep
	leader   cuInfo       // merged: the first unit's, which counts for all

	words  []uint32  // contents being built, innermost last
	refs   []typeRef // and their references
	pstack []param   // parameters of functions being walked, innermost last
}

// walkState is what reading attributes depends on: the unit being walked.
type walkState struct {
	hdr  *part
	sec  *Sections
	main bool // sec is the file's own and names are not changed: offsets of .debug_str can stand for them
	base int  // where the unit starts in buf
	cu   cuInfo
	cuNo int32 // cu's place in desc.cus
}

// walk describes a group of units.
func (w *walker) walk(buf []byte, off uint64, group []part) error {
	w.buf, w.bufOff, w.group, w.foreign = buf, off, group, nil
	w.words, w.refs, w.pstack, w.depth, w.trial = w.words[:0], w.refs[:0], w.pstack[:0], 0, nil
	w.imported, w.imports, w.leader = nil, 0, cuInfo{}
	w.d.reset(w.c, off)
	w.marks.reset(0, len(buf), w.c.merged && w.c.copies)
	if !w.c.merged {
		return w.walkUnit(&group[0])
	}
	if w.c.copies {
		w.imported = make(map[int]bool)
	}
	for _, j := range w.order() {
		if err := w.walkUnit(&group[j]); err != nil {
			return err
		}
	}
	return nil
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
		s += ": CU " + shown.Name(e.CU)
	}
	if e.Tag != 0 {
		s += fmt.Sprintf(": %v", e.Tag)
		if e.Name != "" {
			s += fmt.Sprintf(" %q", shown.Name(e.Name))
		}
	}
	return s + ": " + e.Cause.Error()
}

func (e *Error) Unwrap() error { return e.Cause }

func (w *walker) fail(pos int, err error) error {
	return &Error{At: w.d.place(pos), CU: w.cu.name, Cause: err}
}

// walkUnit describes one unit. Units that are taken as one have no name.
// Rule units/skeleton.
func (w *walker) walkUnit(h *part) error {
	if err := w.open(h); err != nil {
		return err
	}
	w.d.addrSize = int(h.AddrSize)
	d := &w.die
	if !w.rd.Next(d) {
		if w.rd.Err != nil {
			return w.readError()
		}
		return nil // a unit without a DIE
	}
	switch d.Tag {
	case dwarfscan.TagCompileUnit, dwarfscan.TagTypeUnit, dwarfscan.TagPartialUnit:
	case dwarfscan.TagSkeletonUnit:
		w.cu.name = string(w.stringValue(d, dwarfscan.Name))
		w.d.cus = append(w.d.cus, w.cu)
		w.d.note(NoteWarning, d.Off, d.Tag, "its types are in a .dwo file (-gsplit-dwarf), which is not read")
		return nil
	default:
		return w.fail(d.Off, fmt.Errorf("unit starts with %v", d.Tag))
	}
	lang := uint16(d.Const(dwarfscan.Language))
	w.enterUnit(d)
	if !w.c.merged {
		w.d.name = w.cu.name
	}
	if left, all := w.filtered(w.cu.name, lang); left {
		w.d.left = all
		return nil
	}
	if !d.Children {
		return nil
	}
	if w.abbrevs.NoKind() && w.canLeaveOut() {
		if off, tag, found := w.findNoKind(); found {
			w.d.note(NoteUnit, off, tag, "BTF has no such kind: the unit is left out")
			w.d.left = !w.c.merged
			return nil
		}
	}
	w.children(ctxCU)
	if w.rd.Err != nil {
		return w.readError()
	}
	return nil
}

// open makes p the unit that is read, from its own DIE on.
func (w *walker) open(p *part) error {
	w.walkState = walkState{hdr: p, sec: p.sec, base: int(p.Off - w.bufOff)}
	w.main = p.sec == &w.c.sec && w.c.opt.KabiPrefix == ""
	if err := w.abbrevs.Compile(w.sec.Abbrev, p.AbbrevOff, p.Format); err != nil {
		return fmt.Errorf("%s: %w", w.d.place(w.base), err)
	}
	w.rd.Buf, w.rd.Pos, w.rd.Err = w.buf[:w.base+int(p.Size)], w.base+int(p.First), nil
	w.cu = cuInfo{format: p.Format, off: p.Off}
	return nil
}

// enterUnit makes the unit's own DIE, which was read last, the one that DIEs below are
// read by. Where all units are one, that one has the first unit's language and producer.
func (w *walker) enterUnit(d *dwarfscan.DIE) {
	w.cu = w.cuAttrs(d)
	if d.Tag != dwarfscan.TagTypeUnit {
		w.cu.name = string(w.stringValue(d, dwarfscan.Name))
	}
	if w.c.merged && !w.c.bySig {
		if w.sec == &w.c.sec && w.leader.format.AddrSize == 0 {
			w.leader = w.cu
		}
		w.cu.lang, w.cu.clang = w.leader.lang, w.leader.clang
	}
	w.cuNo = int32(len(w.d.cus))
	w.d.cus = append(w.d.cus, w.cu)
}

func (w *walker) readError() error {
	if pe, ok := w.rd.Err.(*dwarfscan.PosError); ok {
		return w.fail(pe.Pos, fmt.Errorf("%s", pe.Cause))
	}
	return w.fail(w.rd.Pos, w.rd.Err)
}

// cuAttrs reads a unit's own attributes. Strings come last: strx needs the base.
func (w *walker) cuAttrs(d *dwarfscan.DIE) cuInfo {
	cu := cuInfo{format: w.hdr.Format, off: w.hdr.Off, lang: uint16(d.Const(dwarfscan.Language))}
	// Without an attribute the tables start behind their section's first header (DWARF 5 7.26).
	cu.strOffBase, cu.addrBase, cu.loclistsBase = 8, 8, 12
	if w.hdr.Offset64 {
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
	w.cu = cu
	cu.clang = strings.Contains(string(w.stringValue(d, dwarfscan.Producer)), "clang")
	return cu
}

// filtered tells whether the unit is left out, and whether all that is converted with it is. Units that
// are taken as one are left out one by one for an excluded language, and then all of them for the language of the first, whether
// that was left out or not.
// Rule units/filters.
func (w *walker) filtered(name string, lang uint16) (left, all bool) {
	o := &w.c.opt
	merged := w.c.merged && !w.c.bySig
	if merged && (o.LangExclude != nil && slices.Contains(o.LangExclude, w.leader.lang) || o.Lang != nil && !slices.Contains(o.Lang, w.leader.lang)) {
		return true, true
	}
	if o.LangExclude != nil && slices.Contains(o.LangExclude, lang) {
		return true, !w.c.merged
	}
	if merged {
		return false, false
	}
	left = o.Lang != nil && !slices.Contains(o.Lang, lang) || o.CUExclude != "" && strings.HasPrefix(name, o.CUExclude)
	return left, left && !w.c.merged
}

// ref returns the offset in buf that a reference attribute names, 0 when there is
// none or it leads elsewhere.
func (w *walker) ref(d *dwarfscan.DIE, s dwarfscan.Slot) typeRef {
	if !d.Has(s) {
		return 0
	}
	v := d.Val[s]
	switch d.Form[s] {
	case dwarfscan.FormRef4, dwarfscan.FormRef1, dwarfscan.FormRef2, dwarfscan.FormRef8, dwarfscan.FormRefUdata:
		if v < w.hdr.Size {
			return typeRef(v) + typeRef(w.base)
		}
	case dwarfscan.FormRefAddr:
		if v < 1<<32 {
			return w.inBuf(v + w.hdr.info)
		}
	case dwarfscan.FormGNURefAlt, dwarfscan.FormRefSup4, dwarfscan.FormRefSup8:
		if w.c.altAt != 0 && v < 1<<32 {
			return w.inBuf(v + w.c.altAt)
		}
	case dwarfscan.FormRefSig8:
		return typeRef(w.c.sigs[v])
	case formPlace:
		return typeRef(v)
	}
	return 0
}

// inBuf turns a place of the group's sections into one of buf.
func (w *walker) inBuf(off uint64) typeRef {
	if off >= w.bufOff && off-w.bufOff < uint64(len(w.buf)) {
		return typeRef(off - w.bufOff)
	}
	return 0
}

// ctx says under which kind of DIE the walk is.
type ctx uint8

const (
	ctxCU ctx = iota
	ctxNamespace
	ctxType // in a struct, a prototype ...
	ctxFunc // in a function or block
)

// children walks the children of the DIE that was read last.
// Rule units/walk.
func (w *walker) children(in ctx) {
	if !w.enter() {
		return
	}
	for w.rd.Next(&w.die) {
		w.generic(in)
	}
	w.depth--
}

func (w *walker) enter() bool {
	w.depth++
	if w.depth > maxDepth {
		if w.rd.Err == nil {
			w.rd.Err = &dwarfscan.PosError{Pos: w.rd.Pos, Cause: fmt.Sprintf("DIEs are nested deeper than %d", maxDepth)}
		}
		w.rd.Pos = len(w.rd.Buf)
		return false
	}
	return true
}

// skip steps over the children of the DIE that was read last.
func (w *walker) skip() {
	if w.die.Children {
		w.rd.SkipChildren(&w.die, w.base)
	}
}

// generic handles the DIE that was read last, its children included.
// Rule units/walk.
func (w *walker) generic(in ctx) {
	d := &w.die
	switch d.Tag {
	case dwarfscan.TagPointer:
		w.pointer()
	case dwarfscan.TagTypedef:
		w.typedef()
	case dwarfscan.TagConst:
		w.modifier(btf.Const)
	case dwarfscan.TagVolatile:
		w.modifier(btf.Volatile)
	case dwarfscan.TagRestrict:
		w.modifier(btf.Restrict)
	case dwarfscan.TagStruct, dwarfscan.TagClass:
		w.composite(btf.Struct)
	case dwarfscan.TagUnion:
		w.composite(btf.Union)
	case dwarfscan.TagEnumeration:
		w.enum()
	case dwarfscan.TagArray:
		w.array()
	case dwarfscan.TagBase:
		w.baseType()
	case dwarfscan.TagSubroutineType:
		w.proto()
	case dwarfscan.TagSubprogram:
		w.function()
	case dwarfscan.TagVariable:
		w.variable(in)
	case dwarfscan.TagNamespace:
		if d.Children {
			w.children(ctxNamespace)
		}
	case dwarfscan.TagAtomic, dwarfscan.TagImmutable:
		w.plainType()
	case dwarfscan.TagReference, dwarfscan.TagRvalueReference, dwarfscan.TagPtrToMember, dwarfscan.TagStringType, dwarfscan.TagInterface:
		w.withoutKind()
	case dwarfscan.TagImportedUnit:
		w.importUnit()
	default:
		// Everything else yields no type: labels, call sites, inlined copies,
		// imported names, templates. DW_TAG_unspecified_type is void.
		if !w.c.opt.Sized || !w.sizedType() {
			w.skip()
		}
	}
}
