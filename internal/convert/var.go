package convert

import (
	"math"
	"strings"

	"github.com/go-delve/delve/pkg/dwarf/op"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/dwarfscan"
)

// variable is a variable DIE outside of functions.
type variable struct {
	off         int
	name        rawName
	typ, spec   uint32
	addr        uint64
	tag0, tags  uint32 // of vtags
	hasAddr     bool
	declaration bool
	external    bool
	top         bool // child of the unit's DIE
	artificial  bool
}

// variable collects the DIE that was read last. Variables of functions are of no
// interest, those of namespaces only as what others specify.
// Rule variables/which.
func (u *unit) variable(in ctx) {
	d := &u.die
	if in == ctxFunc || u.c.opt.Variables == nil {
		u.skip()
		return
	}
	v := variable{off: d.Off, name: u.name(d), typ: u.ref(d, dwarfscan.Type), spec: u.ref(d, dwarfscan.Specification),
		declaration: d.Has(dwarfscan.Declaration), external: d.Has(dwarfscan.External), artificial: d.Has(dwarfscan.Artificial), top: in == ctxCU}
	if f := d.Form[dwarfscan.Location]; d.Has(dwarfscan.Location) && f.IsBlock() {
		p, n := d.Block(dwarfscan.Location)
		v.addr, v.hasAddr = u.staticAddress(u.buf[p : p+n])
	}
	pre := u.mark(d.Off)
	v.tag0 = uint32(len(u.vtags))
	if d.Children && u.enter() {
		for u.rd.Next(d) {
			if d.Tag == dwarfscan.TagLLVMAnnotation {
				u.vtags = u.llvmDeclTag(u.vtags, 0, -1)
			}
			u.skip()
		}
		u.depth--
	}
	v.tags = uint32(len(u.vtags)) - v.tag0
	u.pre[pre] = preVar | uint32(len(u.vars))
	u.vars = append(u.vars, v)
}

// staticAddress returns the address that an expression starts with. A second and
// last operation may add to it.
func (u *unit) staticAddress(expr []byte) (uint64, bool) {
	o, ok := dwarfscan.NextOp(expr, u.cu.format)
	if !ok {
		return 0, false
	}
	addr := o.Arg
	switch o.Code {
	case byte(op.DW_OP_addr):
	case dwarfscan.OpAddrx, dwarfscan.OpGNUAddrIndex:
		if addr, ok = u.indexed(u.sec.Addr, u.cu.addrBase, o.Arg, int(u.cu.format.AddrSize)); !ok {
			return 0, false
		}
	default:
		return 0, false
	}
	if rest := expr[o.Len:]; len(rest) > 0 {
		if p, ok := dwarfscan.NextOp(rest, u.cu.format); ok && p.Code == byte(op.DW_OP_plus_uconst) && p.Len == len(rest) {
			addr += p.Arg
		}
	}
	return addr, true
}

// skippedNames are prefixes of variables that the kernel build makes for itself.
var skippedNames = []string{"__UNIQUE_ID", "__tpstrtab_", "__exitcall_", "__gendwarfksyms_ptr_", "__func_stack_frame_non_standard_"}

// maxVarName is the longest name of a variable that the kernel takes.
const maxVarName = 128

// saveVariables makes the VARs.
func (u *unit) saveVariables() {
	for i := range u.vars {
		u.saveVariable(&u.vars[i])
	}
}

// saveVariable applies rules variables/which, variables/address-zero, variables/specification.
func (u *unit) saveVariable(v *variable) {
	wanted := u.c.opt.Variables
	if v.declaration && u.varAt(v.spec) == nil || !v.top || v.artificial || !v.hasAddr { // 1, 2
		return
	}
	section, addr, ok := wanted.Find(v.addr) // 3
	if !ok {
		return
	}
	if s := u.varAt(v.spec); s != nil { // 4
		v = s
	}
	if v.name == 0 { // 5
		return
	}
	id := u.str(v.name)
	name := u.c.strs.String(id)
	for _, p := range skippedNames {
		if strings.HasPrefix(name, p) {
			return
		}
	}
	if addr == 0 && !wanted.HasObject(section, id) { // 6
		return
	}
	if !validVarName(name) { // 7
		if !u.c.opt.EncodeForce {
			u.note(NoteLeftOut, v.off, dwarfscan.TagVariable, "%q: not a name that the kernel takes: left out (--btf_encode_force says so without a note)", name)
		}
		return
	}
	typ := u.local(v.typ)
	if typ == 0 { // 8
		kind := NoteLeftOut
		if u.c.opt.EncodeForce {
			kind = NoteWarning // the reference leaves it out, too
		}
		u.note(kind, v.off, dwarfscan.TagVariable, "%q: type is void: left out", name)
		return
	}
	size := u.varSize(typ) // 9
	if size == 0 || size > math.MaxUint32 || addr > math.MaxUint32 {
		return
	}
	linkage := uint32(0) // 10
	if v.external {
		linkage = 1
	}
	u.addString(id)
	sh := u.c.shapes.Intern([]uint32{btf.InfoWord(btf.Var, 0, false), uint32(id), 0, linkage})
	tail := u.tail(sh, uint32(typ))
	u.out.Vars = append(u.out.Vars, Var{Tail: tail, Section: int32(section), Offset: uint32(addr), Size: uint32(size)})
	if u.c.opt.DeclTag {
		for _, t := range u.vtags[v.tag0 : v.tag0+v.tags] {
			u.tail(u.declTagShape(t.value, t.component), TailRef|tail)
		}
	}
}

func (u *unit) varAt(off uint32) *variable {
	if off == 0 {
		return nil
	}
	if p := u.lookup(off); p&preAlias == preVar {
		return &u.vars[p&preIndex]
	}
	return nil
}

// varSize returns the size of a variable's type. A struct or union of size 1 without
// members counts as empty, and so does an array of such.
// Rule variables/sizes.
func (u *unit) varSize(id LocalID) uint64 {
	as := int(u.cus[len(u.cus)-1].format.AddrSize)
	elem := u.behind(id)
	for n := 0; elem != 0 && u.out.Shape[elem-1].Kind() == btf.Array && n < maxChain; n++ {
		elem = u.behind(u.first(elem))
	}
	if elem != 0 {
		if k := u.out.Shape[elem-1].Kind(); k == btf.Struct || k == btf.Union {
			if w := u.c.shapes.Content(u.out.Shape[elem-1]); w[2] == 1 && len(w) == 3 {
				return 0
			}
		}
	}
	return u.sizeOf(id, as, 0)
}

// validVarName applies rule variables/names.
func validVarName(s string) bool {
	if s == "" || len(s) > maxVarName {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c == '.':
		case c >= '0' && c <= '9' && i > 0:
		default:
			return false
		}
	}
	return true
}
