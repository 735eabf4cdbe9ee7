package convert

import (
	"math"
	"strings"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/dwarfscan"
	"github.com/gobtf/gobtf/internal/graph"
)

// located is a variable that is kept, and where it is.
type located struct {
	v            *variable
	name         graph.StrID
	typ          LocalID
	section      int
	offset, size uint32
}

// skippedNames are prefixes of variables that the kernel build makes for itself.
var skippedNames = []string{"__UNIQUE_ID", "__tpstrtab_", "__exitcall_", "__gendwarfksyms_ptr_", "__func_stack_frame_non_standard_"}

// maxVarName is the longest name of a variable that the kernel takes.
const maxVarName = 128

// saveVariables looks at all variables, in the order of their DIEs.
func (a *analysis) saveVariables() {
	for i := range a.d.vars {
		if x, ok := a.located(&a.d.vars[i]); ok {
			a.vars = append(a.vars, x)
		}
	}
}

// located tells whether a variable is kept, and where it is. What kernels would refuse is noted.
// Rules variables/which, variables/address-zero, variables/specification.
func (a *analysis) located(v *variable) (x located, ok bool) {
	opt := &a.c.opt
	spec := a.varAt(v.spec)
	if v.declaration && spec == nil || !v.top || v.artificial || !v.hasAddr {
		return x, false
	}
	section, addr, ok := opt.Variables.Find(v.addr)
	if !ok {
		return x, false
	}
	if spec != nil {
		v = spec
	}
	if v.name == 0 {
		return x, false
	}
	id := a.c.str(v.name)
	name := a.c.strs.String(id)
	for _, p := range skippedNames {
		if strings.HasPrefix(name, p) {
			return x, false
		}
	}
	if addr == 0 && !opt.Variables.HasObject(section, id) {
		return x, false
	}
	if !validVarName(name) {
		if !opt.EncodeForce {
			a.d.note(NoteLeftOut, v.off, dwarfscan.TagVariable, "%q: not a name that the kernel takes: left out (--btf_encode_force says so without a note)", name)
		}
		return x, false
	}
	typ := a.m.local(v.typ)
	if typ == 0 {
		kind := NoteLeftOut
		if opt.EncodeForce {
			kind = NoteWarning // the reference leaves it out, too
		}
		a.d.note(kind, v.off, dwarfscan.TagVariable, "%q: type is void: left out", name)
		return x, false
	}
	size := a.d.varSize(typ, a.d.addrSize)
	if size == 0 || size > math.MaxUint32 || addr > math.MaxUint32 {
		return x, false
	}
	return located{v, id, typ, section, uint32(addr), uint32(size)}, true
}

func (a *analysis) varAt(at typeRef) *variable {
	if at == 0 {
		return nil
	}
	if x := a.m.lookup(at); x.kind() == markVar {
		return &a.d.vars[x.index()]
	}
	return nil
}

// varSize returns the size of a variable's type in bytes. A struct or union of size 1 without members counts as empty, and so does an
// array of such. as is the size of an address.
// Rule variables/sizes.
func (t *types) varSize(id LocalID, as int) uint64 {
	elem := t.behind(id)
	for n := 0; elem != 0 && t.at(elem).kind == btf.Array && n < maxChain; n++ {
		elem = t.behind(t.first(elem))
	}
	if elem != 0 {
		if k := t.at(elem).kind; k == btf.Struct || k == btf.Union {
			if w := t.content(elem); w[2] == 1 && len(w) == 3 {
				return 0
			}
		}
	}
	return t.sizeOf(id, as)
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
