package convert

import (
	"cmp"
	"slices"

	"github.com/gobtf/gobtf/internal/dwarfscan"
)

// fn is a subprogram DIE.
type fn struct {
	off          int
	name         rawName
	typ          uint32 // DIE offsets, 0: none
	origin, spec uint32
	lowPC        uint64
	parm, nparm  uint32 // params[parm:parm+nparm]
	cu           int32
	entry        int32 // in the function table, -1: not there
	declaration  bool
	inline       bool
	nocall       bool // DW_CC_nocall: clang says so of changed signatures
	variadic     bool
	reordered    bool
}

// param is a formal parameter DIE of a subprogram.
type param struct {
	off         int
	name        rawName
	typ, origin uint32
	loc         uint64 // DW_AT_location's value
	locForm     dwarfscan.Form
	reg         int16 // -1: not known
	tsize       uint16
	used        [2]uint64 // true_signature: byte offsets used in the first register, and behind it
	parmFlags
	memberName rawName // true_signature: the only member that is used
	memberType uint32  // refLocal and its type
}

type parmFlags struct {
	hasLoc, hasConst, constLoc, onStack, inMemory bool
	optimized, unexpected                         bool
	oneMember                                     bool
}

const (
	ccNocall = 3
	notInElf = -1
)

// function collects a subprogram DIE and walks its children.
func (u *unit) function() {
	d := &u.die
	f := fn{off: d.Off, name: u.name(d), typ: u.ref(d, dwarfscan.Type), origin: u.ref(d, dwarfscan.Origin), spec: u.ref(d, dwarfscan.Specification),
		declaration: d.Has(dwarfscan.Declaration), inline: d.Const(dwarfscan.Inline) != 0, nocall: d.Const(dwarfscan.CallConv) == ccNocall,
		cu: u.cuNo, entry: notInElf}
	if d.Has(dwarfscan.LowPC) {
		f.lowPC = u.address(d, dwarfscan.LowPC)
	}
	pre := u.mark(d.Off)
	ps := len(u.pstack)
	chain := u.ref(d, dwarfscan.Annotation)
	if d.Children && u.enter() {
		for u.rd.Next(d) {
			switch d.Tag {
			case dwarfscan.TagFormalParameter:
				u.parameter(pre, len(u.pstack)-ps)
			case dwarfscan.TagUnspecifiedParms:
				f.variadic = true
				u.skip()
			case dwarfscan.TagLexicalBlock:
				u.block()
			case dwarfscan.TagLLVMAnnotation:
				u.ftags = u.llvmDeclTag(u.ftags, pre, -1)
				u.skip()
			default:
				u.generic(ctxFunc)
			}
		}
		u.depth--
	}
	if chain != 0 { // behind the parameters' own
		u.ftags = u.gnuDeclTags(u.ftags, chain, pre, -1)
	}
	f.parm, f.nparm = uint32(len(u.params)), uint32(len(u.pstack)-ps)
	u.params = append(u.params, u.pstack[ps:]...)
	u.pstack = u.pstack[:ps]
	u.pre[pre] = preFunc | uint32(len(u.funcs))
	u.funcs = append(u.funcs, f)
}

// block walks a lexical block: its types count, its parameters and variables do not.
func (u *unit) block() {
	if !u.die.Children || !u.enter() {
		return
	}
	for u.rd.Next(&u.die) {
		if u.die.Tag == dwarfscan.TagLexicalBlock {
			u.block()
		} else {
			u.generic(ctxFunc)
		}
	}
	u.depth--
}

func (u *unit) parameter(fnPre uint32, index int) {
	d := &u.die
	p := param{off: d.Off, name: u.name(d), typ: u.ref(d, dwarfscan.Type), origin: u.ref(d, dwarfscan.Origin), reg: -1}
	p.hasConst = d.Has(dwarfscan.ConstValue)
	if d.Has(dwarfscan.Location) {
		p.hasLoc, p.loc, p.locForm = true, d.Val[dwarfscan.Location], d.Form[dwarfscan.Location]
	}
	u.pstack = append(u.pstack, p)
	if d.Has(dwarfscan.Annotation) {
		u.ftags = u.gnuDeclTags(u.ftags, u.ref(d, dwarfscan.Annotation), fnPre, int32(index))
	}
	if d.Children && u.enter() {
		for u.rd.Next(d) {
			if d.Tag == dwarfscan.TagLLVMAnnotation {
				u.ftags = u.llvmDeclTag(u.ftags, fnPre, int32(index))
			}
			u.skip()
		}
		u.depth--
	}
}

// address returns an address attribute.
func (u *unit) address(d *dwarfscan.DIE, s dwarfscan.Slot) uint64 {
	switch d.Form[s] {
	case dwarfscan.FormAddr:
		return d.Val[s]
	case dwarfscan.FormAddrx, dwarfscan.FormAddrx1, dwarfscan.FormAddrx2, dwarfscan.FormAddrx3, dwarfscan.FormAddrx4, dwarfscan.FormGNUAddrIndex:
		v, _ := u.indexed(u.sec.Addr, u.cu.addrBase, d.Val[s], int(u.cu.format.AddrSize))
		return v
	case dwarfscan.FormLLVMAddrxOffset:
		if v, ok := u.indexed(u.sec.Addr, u.cu.addrBase, d.Val[s]&(1<<32-1), int(u.cu.format.AddrSize)); ok {
			return v + d.Val[s]>>32
		}
	}
	return 0
}

// fnAt returns the function whose DIE is at off, nil when there is none.
func (u *unit) fnAt(off uint32) *fn {
	if off == 0 {
		return nil
	}
	if p := u.lookup(off); p&preAlias == preFunc {
		return &u.funcs[p&preIndex]
	}
	return nil
}

// saveFunctions keeps what the output may need of the functions that have a symbol:
// docs/rules/functions.md and params.md, in the order of the functions table.
// Rule functions/saved.
func (u *unit) saveFunctions() {
	if u.c.opt.Functions == nil {
		return
	}
	any := false
	for i := range u.funcs {
		f := &u.funcs[i]
		if f.name == 0 {
			if o := u.fnAt(f.origin); o != nil {
				f.name = o.name
			} else if o := u.fnAt(f.spec); o != nil {
				f.name = o.name
			}
		}
		if f.name == 0 || f.declaration {
			continue
		}
		f.entry = u.c.opt.Functions.Lookup(u.str(f.name))
		if f.entry == notInElf {
			if u.c.opt.Trace && u.allNamedByOrigin(f) {
				u.out.Missing = append(u.out.Missing, u.str(f.name))
			}
			continue
		}
		any = true
		u.resolveParams(f)
	}
	if !any {
		return
	}
	// The tags of a function stand together, in the order in which they were met.
	slices.SortStableFunc(u.ftags, func(a, b declTag) int { return cmp.Compare(u.tagged(a), u.tagged(b)) })
	for i := range u.funcs {
		f := &u.funcs[i]
		if f.entry != notInElf && u.allNamed(f) {
			u.save(uint32(i), f)
		}
	}
}

// tagged returns the index of the function that a tag is on.
func (u *unit) tagged(t declTag) uint32 { return u.pre[t.target] & preIndex }

func (u *unit) parms(f *fn) []param { return u.params[f.parm : f.parm+f.nparm] }

func (u *unit) allNamed(f *fn) bool {
	for i := range u.parms(f) {
		if u.params[int(f.parm)+i].name == 0 {
			return false
		}
	}
	return true
}

// allNamedByOrigin is allNamed for a function whose parameters nobody has resolved.
func (u *unit) allNamedByOrigin(f *fn) bool {
	for i, p := range u.parms(f) {
		if p.typ == 0 && p.origin != 0 {
			if op, _ := u.paramAt(f, i); op != nil {
				p.name = op.name
			}
		}
		if p.name == 0 {
			return false
		}
	}
	return true
}

// resolveParams reads the locations of f's parameters and takes from, and gives to,
// the parameters of its abstract instance (4.3.2).
// Rules functions/saved, params/origin.
func (u *unit) resolveParams(f *fn) {
	ps := u.parms(f)
	for i := range ps {
		p := &ps[i]
		var op *param
		opIndex := 0
		if p.typ == 0 && p.origin != 0 {
			op, opIndex = u.paramAt(f, i)
		}
		typ := p.typ
		if op != nil {
			typ = op.typ
		}
		u.analyseLocation(f, p, typ)
		if op == nil {
			continue
		}
		p.name, p.typ = op.name, op.typ
		if opIndex != i {
			f.reordered = true
		}
		op.hasLoc = op.hasLoc || p.hasLoc
		op.hasConst = op.hasConst || p.hasConst
		op.constLoc = op.constLoc || p.constLoc
		op.onStack = op.onStack || p.onStack
		op.inMemory = op.inMemory || p.inMemory
		op.tsize = p.tsize
		if p.reg >= 0 {
			op.reg = p.reg
		}
		op.used[0] |= p.used[0]
		op.used[1] |= p.used[1]
		if p.oneMember {
			op.oneMember, op.memberName, op.memberType = true, p.memberName, p.memberType
		}
	}
}

// paramAt returns the parameter that f's i-th refers to as its origin, and its place
// among its function's parameters.
func (u *unit) paramAt(f *fn, i int) (*param, int) {
	off := int(u.params[int(f.parm)+i].origin)
	abstract := uint32(noFunc)
	if o := u.fnAt(f.origin); o != nil {
		ops := u.parms(o)
		if i < len(ops) && ops[i].off == off {
			return &ops[i], i
		}
		abstract = u.lookup(f.origin) & preIndex
	}
	return u.paramOf(off, abstract)
}

// noFunc is the index of no function.
const noFunc = ^uint32(0)

// paramPlace is where a parameter's DIE came to stand.
type paramPlace struct {
	off  int
	fn   uint32 // index of its function
	slot int32  // among the function's
}

// paramOf finds a parameter by its DIE: that of function want, or else of the first that has it. Optimized code seldom refers to
// parameters by another place than their own, so the index is made when one does.
func (u *unit) paramOf(off int, want uint32) (*param, int) {
	if len(u.places) == 0 {
		for i := range u.funcs {
			for k, p := range u.parms(&u.funcs[i]) {
				u.places = append(u.places, paramPlace{p.off, uint32(i), int32(k)})
			}
		}
		slices.SortStableFunc(u.places, func(a, b paramPlace) int { return cmp.Compare(a.off, b.off) })
	}
	i, _ := slices.BinarySearchFunc(u.places, off, func(p paramPlace, off int) int { return cmp.Compare(p.off, off) })
	found := i
	for j := i; j < len(u.places) && u.places[j].off == off; j++ {
		if u.places[j].fn == want {
			found = j
			break
		}
	}
	if found == len(u.places) || u.places[found].off != off {
		return nil, 0
	}
	x := &u.places[found]
	return &u.parms(&u.funcs[x.fn])[x.slot], int(x.slot)
}

// save analyses one function and appends its state.
// Rule functions/reordered.
func (u *unit) save(index uint32, f *fn) {
	o := u.out
	changed := u.changed(f)
	u.analyse(f, changed)
	flags := u.funcFlags(f, changed)
	trueSig := u.c.opt.TrueSignature && changed
	s := FuncState{Func: f.entry, Flags: flags, Addr: f.lowPC, Ret: u.retType(f), Param: uint32(len(o.Params))}
	ps := u.parms(f)
	for i := range ps {
		p := &ps[i]
		if f.reordered && (!p.hasLoc || p.optimized) || trueSig && p.optimized {
			continue
		}
		name, typ := u.str(p.name), u.local(p.typ)
		if trueSig && p.oneMember {
			name = u.c.strs.InternString(u.c.strs.String(name) + "__" + u.nameString(p.memberName))
			if !p.unexpected { // in an unexpected register it is called by its member, and keeps the aggregate's type
				typ = u.local(p.memberType)
			}
		}
		u.addString(name)
		o.Params = append(o.Params, Param{name, typ})
	}
	if f.variadic {
		o.Params = append(o.Params, Param{})
	}
	s.NParm = uint32(len(o.Params)) - s.Param
	s.Tag = uint32(len(o.FuncTags))
	if u.c.opt.DeclTag {
		i, _ := slices.BinarySearchFunc(u.ftags, index, func(t declTag, i uint32) int { return cmp.Compare(u.tagged(t), i) })
		for ; i < len(u.ftags) && u.tagged(u.ftags[i]) == index; i++ {
			t := &u.ftags[i]
			u.addString(t.value)
			o.FuncTags = append(o.FuncTags, FuncTag{t.value, t.component})
		}
	}
	s.NTag = uint32(len(o.FuncTags)) - s.Tag
	o.Funcs = append(o.Funcs, s)
}

// retType applies rule functions/saved.
func (u *unit) retType(f *fn) LocalID {
	typ := f.typ
	if typ == 0 {
		if o := u.fnAt(f.origin); o != nil {
			typ = o.typ
		}
	}
	return u.local(typ)
}
