package convert

import (
	"math/bits"

	"github.com/go-delve/delve/pkg/dwarf/op"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/dwarfscan"
)

// changed tells whether clang says that the function's signature was changed.
// Rule params/nocall.
func (u *unit) changed(f *fn) bool {
	if !u.cus[f.cu].clang || f.inline {
		return false
	}
	if f.nocall {
		return true
	}
	o := u.fnAt(f.origin)
	return o != nil && o.nocall
}

// analyseLocation reads a parameter's location (4.3.1). typ is its type's DIE.
func (u *unit) analyseLocation(f *fn, p *param, typ uint32) {
	cu := &u.cus[f.cu]
	as := int(cu.format.AddrSize)
	p.tsize = u.tsize(u.local(typ), as)
	limit := as
	if !u.c.opt.Registers.OneSlot {
		limit = 2 * as
	}
	p.inMemory = int(p.tsize) > limit
	if !p.hasLoc {
		return
	}
	switch fm := p.locForm; {
	case fm.IsBlock():
		pos, n := int(uint32(p.loc)), int(p.loc>>32)
		u.locEntry(cu, p, 0, u.buf[pos:pos+n])
	case fm == dwarfscan.FormLoclistx:
		ls := u.c.locSections()
		if off, ok := ls.LoclistOffset(cu.format, cu.loclistsBase, p.loc); ok {
			u.locList(cu, p, ls, off)
		}
	case fm == dwarfscan.FormSecOffset || fm == dwarfscan.FormData4 || fm == dwarfscan.FormData8:
		u.locList(cu, p, u.c.locSections(), p.loc)
	}
	if u.c.opt.TrueSignature {
		u.oneMember(p, typ, as)
	}
}

// locStep is after how many entries of a location list the worker remembers what the rest says. Lists of compilers are shorter.
const locStep = 64

// locKey names the rest of a location list, for parameters of one size.
type locKey struct {
	off    uint64
	format dwarfscan.Format
	tsize  uint16
}

// locList looks at all entries of a location list. Many parameters may share a long list, or parts of it: what its entries say from
// some place on is the same for all of them, and is kept in u.locs.
func (u *unit) locList(cu *cuInfo, p *param, ls *dwarfscan.LocSections, off uint64) {
	type rest struct {
		key  locKey
		says param
	}
	var rests []rest
	to, n := p, 0
	ls.Locations(cu.format, off, func(at uint64, expr []byte) bool {
		if n >= locStep && n%locStep == 0 {
			key := locKey{at, cu.format, p.tsize}
			if says, ok := u.locs[key]; ok {
				to.follow(&says)
				return false
			}
			rests = append(rests, rest{key, param{reg: -1, tsize: p.tsize}})
			to = &rests[len(rests)-1].says
		}
		ok := u.locEntry(cu, to, n, expr)
		n++
		return ok
	})
	if len(rests) > 0 && u.locs == nil {
		u.locs = make(map[locKey]param)
	}
	for i := len(rests) - 1; i >= 0; i-- {
		says := &rests[i].says
		u.locs[rests[i].key] = *says
		if i > 0 {
			rests[i-1].says.follow(says)
		} else {
			p.follow(says)
		}
	}
}

// follow adds what the entries behind those of p say: entries other than a list's first give a register or use parts of it.
func (p *param) follow(rest *param) {
	if p.reg < 0 {
		p.reg = rest.reg
	}
	p.used[0] |= rest.used[0]
	p.used[1] |= rest.used[1]
}

func (c *Converter) locSections() *dwarfscan.LocSections {
	return &dwarfscan.LocSections{Loc: c.sec.Loc, Loclists: c.sec.Loclists}
}

func isReg(code byte) bool  { return code >= byte(op.DW_OP_reg0) && code <= byte(op.DW_OP_reg31) }
func isBreg(code byte) bool { return code >= byte(op.DW_OP_breg0) && code <= byte(op.DW_OP_breg31) }
func isConstOp(code byte) bool {
	return code >= byte(op.DW_OP_lit0) && code <= byte(op.DW_OP_lit31) || code == byte(op.DW_OP_constu) || code == byte(op.DW_OP_consts)
}

func (p *param) setReg(code byte, first op.Opcode) {
	if p.reg < 0 { // the first one found counts
		p.reg = int16(code) - int16(first)
	}
}

// maxOps bounds how many operations of an expression are looked at: locations of
// parameters have one, or two a piece.
const maxOps = 64

// locEntry looks at entry e of a parameter's location list.
// Rule params/location.
func (u *unit) locEntry(cu *cuInfo, p *param, e int, expr []byte) bool {
	var ops [maxOps]dwarfscan.Op
	n := 0
	for rest := expr; len(rest) > 0 && n < maxOps; n++ {
		o, ok := dwarfscan.NextOp(rest, cu.format)
		if !ok {
			return false
		}
		ops[n] = o
		rest = rest[o.Len:]
	}
	stackValue := n == 2 && ops[1].Code == byte(op.DW_OP_stack_value)
	if stackValue {
		n = 1
	}
	switch n {
	case 0:
	case 1:
		u.oneOp(cu, p, e, &ops[0], stackValue)
	default:
		u.manyOps(cu, p, e, ops[:n])
	}
	return true
}

// oneOp applies rule params/location.
func (u *unit) oneOp(cu *cuInfo, p *param, e int, o *dwarfscan.Op, stackValue bool) {
	if o.Code == dwarfscan.OpEntryValue || o.Code == dwarfscan.OpGNUEntryValue {
		if in, ok := dwarfscan.NextOp(o.Block, cu.format); ok && in.Len == len(o.Block) && isReg(in.Code) {
			p.setReg(in.Code, op.DW_OP_reg0)
		}
		return
	}
	if e != 0 {
		return
	}
	switch {
	case isReg(o.Code):
		p.setReg(o.Code, op.DW_OP_reg0)
	case isBreg(o.Code) && stackValue:
		p.setReg(o.Code, op.DW_OP_breg0)
	case o.Code == byte(op.DW_OP_fbreg):
		p.onStack = true
	case isConstOp(o.Code):
		p.constLoc = true
	}
}

// manyOps applies rule params/location.
func (u *unit) manyOps(cu *cuInfo, p *param, e int, ops []dwarfscan.Op) {
	as := uint64(cu.format.AddrSize)
	if isConstOp(ops[0].Code) {
		if e == 0 {
			p.constLoc = true
		}
		return
	}
	if uint64(p.tsize) <= as || u.c.opt.Registers.OneSlot {
		if e != 0 {
			return
		}
		switch {
		case isReg(ops[0].Code):
			p.setReg(ops[0].Code, op.DW_OP_reg0)
		case isBreg(ops[0].Code):
			for i := range ops[1:] {
				if ops[1+i].Code == byte(op.DW_OP_stack_value) {
					p.setReg(ops[0].Code, op.DW_OP_breg0)
					break
				}
			}
		}
		return
	}
	off := uint64(0) // in the aggregate
	for i := range ops {
		switch o := &ops[i]; {
		case o.Code == byte(op.DW_OP_piece):
			if i == 0 {
				off = o.Arg
				continue
			}
			if off < as {
				p.used[0] |= 1 << off
			} else {
				p.used[1] |= 1 << ((off - as) & 63)
			}
			off += o.Arg
		case isReg(o.Code):
			p.setReg(o.Code, op.DW_OP_reg0)
		}
	}
}

// tsize returns the size of a parameter's type as the analysis takes it: a
// pointer's, or the first DW_AT_byte_size on the chain of DW_AT_type, in 16 bits.
func (u *unit) tsize(id LocalID, addrSize int) uint16 {
	for n := 0; id != 0 && n < maxChain; n++ {
		t := &u.typ[id-1]
		if u.out.Shape[id-1].Kind() == btf.Ptr {
			return uint16(addrSize)
		}
		if t.size != 0 {
			return uint16(t.size)
		}
		switch t.tag {
		case dwarfscan.TagStruct, dwarfscan.TagClass, dwarfscan.TagUnion, dwarfscan.TagBase:
			return 0
		}
		id = u.first(id)
	}
	return 0
}

// first returns a type's first reference.
func (u *unit) first(id LocalID) LocalID {
	from, to := u.out.RefOff[id-1], u.out.RefOff[id]
	if from == to {
		return 0
	}
	return LocalID(u.out.Refs[from])
}

// oneMember remembers the member of an aggregate that is the only one its location
// gives a piece of (4.8).
// Rule functions/true-signature.
func (u *unit) oneMember(p *param, typ uint32, as int) {
	if bits.OnesCount64(p.used[0])+bits.OnesCount64(p.used[1]) != 1 {
		return
	}
	off := bits.TrailingZeros64(p.used[0])
	if p.used[0] == 0 {
		off = as + bits.TrailingZeros64(p.used[1])
	}
	id := u.behind(u.local(typ))
	if id == 0 || u.out.Shape[id-1].Kind() != btf.Struct {
		return
	}
	w := u.c.shapes.Content(u.out.Shape[id-1])
	for i := 0; 3+2*i < len(w); i++ {
		bit := w[4+2*i]
		if btf.InfoKflag(w[0]) {
			bit &= 0xffffff
		}
		if bit == uint32(off)*8 {
			if w[3+2*i] == 0 {
				return // the parameter could not be called by it
			}
			p.oneMember = true
			p.memberName = rawStrID | w[3+2*i]
			p.memberType = refLocal | u.out.Refs[u.out.RefOff[id-1]+uint32(i)]
			return
		}
	}
}

// behind returns what typedefs and qualifiers lead to.
func (u *unit) behind(id LocalID) LocalID {
	for n := 0; id != 0 && n < maxChain; n++ {
		switch u.out.Shape[id-1].Kind() {
		case btf.Typedef, btf.Const, btf.Volatile, btf.Restrict:
			id = u.first(id)
		default: // other kinds: they qualify nothing
			return id
		}
	}
	return id
}

// expected returns the DWARF register of register parameter k, -1 when it is not checked.
func (r *Registers) expected(k int) int {
	if k < len(r.DWARF) {
		return r.DWARF[k]
	}
	return -1
}

// slots applies rule params/memory.
func (u *unit) slots(p *param, as int) int {
	if u.c.opt.Registers.OneSlot || int(p.tsize) <= as {
		return 1
	}
	return (int(p.tsize) + as - 1) / as
}

// analyse looks for parameters that are not where the calling convention puts them (4.3.3).
// Rules params/memory, params/registers.
func (u *unit) analyse(f *fn, changed bool) {
	cu, regs := &u.cus[f.cu], &u.c.opt.Registers
	as := int(cu.format.AddrSize)
	ps := u.parms(f)
	if cu.clang && !changed {
		r := 0
		for i := range ps {
			p := &ps[i]
			if p.inMemory {
				continue
			}
			if r >= regs.N {
				break
			}
			n := u.slots(p, as)
			if p.reg >= 0 {
				found := false
				for k := r; k < r+n && k < regs.N; k++ {
					found = found || regs.expected(k) == int(p.reg)
				}
				p.unexpected = p.unexpected || !found
			}
			r += n
		}
		return
	}
	t := u.c.opt.TrueSignature && changed
	r := 0
	for i := range ps {
		p := &ps[i]
		s := u.slots(p, as)
		n := s
		if p.inMemory {
			n = 1
		}
		nextAt := func(k int) bool {
			return i+1 < len(ps) && ps[i+1].reg >= 0 && regs.expected(k) == int(ps[i+1].reg) && k < regs.N
		}
		switch {
		case p.hasLoc && t && p.constLoc:
			p.optimized, n = true, 0
		case p.hasLoc && r >= regs.N:
			n = 0
		case p.hasLoc && t && p.onStack:
			if p.inMemory {
				n = 0
			} else {
				p.unexpected = true
			}
		case p.hasLoc && p.reg < 0:
			if t {
				p.unexpected = true
			} else {
				p.optimized = true
			}
		case p.hasLoc && regs.expected(r) >= 0 && r < regs.N && regs.expected(r) != int(p.reg):
			p.unexpected = true
		case p.hasLoc && t && (p.used[0] != 0 || p.used[1] != 0):
			if p.used[0] != 0 && p.used[1] != 0 || nextAt(r+s) {
				p.oneMember = false // the whole aggregate is still passed
			} else if p.oneMember {
				n = 1
			}
		case p.hasLoc:
		case p.hasConst && !cu.clang:
			p.optimized = true
		case t && nextAt(r+s):
			n = s
		case t:
			p.optimized, n = true, 0
		}
		if !t || p.used[0] == 0 && p.used[1] == 0 {
			p.oneMember = false
		}
		r += n
	}
}

// funcFlags sums up a function's parameters (4.3.3 c, 4.3.4).
// Rules params/struct-excuses, params/uncertain.
func (u *unit) funcFlags(f *fn, changed bool) FuncFlags {
	var flags FuncFlags
	if changed {
		flags |= SignatureChanged
	}
	if f.reordered {
		flags |= Reordered
	}
	ps := u.parms(f)
	unexpected, hasStruct := false, false
	for i := range ps {
		p := &ps[i]
		if p.optimized || !p.hasLoc {
			flags |= OptimizedParms
		}
		unexpected = unexpected || p.unexpected
		hasStruct = hasStruct || u.isStruct(u.local(p.typ))
	}
	if unexpected && !hasStruct {
		flags |= Unexpected
	}
	if n := u.c.opt.Registers.N; len(ps) >= n {
		for i := n; i < len(ps); i++ {
			id := u.local(ps[i].typ)
			if id == 0 {
				continue
			}
			if t := &u.typ[id-1]; (t.tag == dwarfscan.TagStruct || t.tag == dwarfscan.TagClass) && t.name && u.isPacked(id, int(u.cus[f.cu].format.AddrSize)) {
				flags |= Uncertain
				break
			}
		}
	}
	return flags
}

// isStruct tells whether a parameter's type is a struct, behind const and typedef only.
// Rule params/struct-excuses.
func (u *unit) isStruct(id LocalID) bool {
	for n := 0; id != 0 && n < maxChain; n++ {
		switch u.out.Shape[id-1].Kind() {
		case btf.Typedef, btf.Const:
			id = u.first(id)
		default: // other kinds: the DIE says what it is
			return u.typ[id-1].tag == dwarfscan.TagStruct
		}
	}
	return false
}
