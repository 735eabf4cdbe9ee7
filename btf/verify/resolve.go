package verify

import (
	"fmt"

	"github.com/gobtf/gobtf/btf"
)

// The pass of BPF_BTF_LOAD that follows references (level 2). It goes through the types in their order and keeps, like the
// kernel, a stack of those that are being resolved. Which references it follows depends on what the walk began at: pointers
// end a walk through structs and arrays, and structs end one through pointers, so that only real loops are found.

const maxDepth = 32

type visitState uint8

const (
	notVisited visitState = iota
	visited
	resolved
)

type walkMode uint8

const (
	walkAny walkMode = iota
	walkPtr
	walkStruct
)

type vertex struct {
	id   uint32
	rec  []uint32
	next int // element to go on with
}

type resolver struct {
	*checker
	ptr   uint32 // bytes of a pointer
	state []visitState
	ids   []uint32 // what a type resolves to
	sizes []uint32 // of arrays
	stack []vertex
	mode  walkMode
}

func (c *checker) resolve() {
	n := int(c.start) + len(c.at) - 1
	r := &resolver{checker: c, ptr: uint32(c.opt.PointerSize), state: make([]visitState, n), ids: make([]uint32, n), sizes: make([]uint32, n)}
	if r.ptr == 0 {
		r.ptr = 8
	}
	// A base is good, but what its types resolve to has to be known. A kernel has no base here.
	for id := uint32(1); id < uint32(n); id++ {
		rec := c.record(id)
		k := btf.InfoKind(rec[1])
		if needsResolve(k) && r.state[id] != resolved {
			r.walk(id, rec)
		}
		if k == btf.FuncProto {
			r.proto(id, rec)
		}
	}
}

func needsResolve(k btf.Kind) bool {
	switch k {
	case btf.Ptr, btf.Struct, btf.Union, btf.Array, btf.Var, btf.Func, btf.DeclTag, btf.Datasec:
		return true
	case btf.Void, btf.Int, btf.Enum, btf.Fwd, btf.FuncProto, btf.Float, btf.Enum64:
		return false
	case btf.Typedef, btf.Volatile, btf.Const, btf.Restrict, btf.TypeTag:
		return true
	}
	return false
}

func isStruct(k btf.Kind) bool { return k == btf.Struct || k == btf.Union }

// sourceOnly are kinds that nothing may refer to but another of them.
func sourceOnly(k btf.Kind) bool { return k == btf.Var || k == btf.DeclTag || k == btf.Datasec }

func noSize(k btf.Kind) bool {
	return k == btf.Void || k == btf.Fwd || k == btf.Func || k == btf.FuncProto || k == btf.DeclTag
}

// kindOf returns the kind of a type, and whether there is such a type.
func (r *resolver) kindOf(id uint32) (btf.Kind, bool) {
	rec := r.record(id)
	if rec == nil || int64(id) >= int64(len(r.state)) {
		return btf.Void, false
	}
	return btf.InfoKind(rec[1]), true
}

// isSink tells whether a walk of this mode ends at a kind.
func (r *resolver) isSink(k btf.Kind) bool {
	switch r.mode {
	case walkPtr:
		return !isModifier(k) && k != btf.Ptr
	case walkStruct:
		return !isModifier(k) && k != btf.Array && !isStruct(k)
	}
	return !needsResolve(k)
}

// sized follows a type to the one that has its size.
func (r *resolver) sized(id uint32) (to, size uint32, ok bool) {
	k, there := r.kindOf(id)
	if !there || noSize(k) {
		return 0, 0, false
	}
	if !k.Sized() && k != btf.Array && k != btf.Ptr {
		id = r.ids[id]
		if k, there = r.kindOf(id); !there || noSize(k) {
			return 0, 0, false
		}
	}
	switch {
	case k.Sized():
		return id, r.record(id)[2], true
	case k == btf.Array:
		return id, r.sizes[id], true
	case k == btf.Ptr:
		return id, r.ptr, true
	}
	return 0, 0, false
}

// why a step of a walk ends it.
type fault struct {
	message, rule string
	member        int // element it is about, -1 for the type itself
	what          string
}

var (
	tooDeep = &fault{message: fmt.Sprintf("Exceeded max resolving depth:%d", maxDepth), rule: fmt.Sprintf("more than %d types inside of each other", maxDepth), member: -1}
	loop    = &fault{message: "Loop detected", rule: "leads back to itself", member: -1}
)

func whole(message, rule string, args ...any) *fault {
	return &fault{message: message, rule: fmt.Sprintf(rule, args...), member: -1}
}

// push begins with another type.
func (r *resolver) push(id uint32) *fault {
	if len(r.stack) == maxDepth {
		return tooDeep
	}
	if r.state[id] != notVisited {
		return loop
	}
	r.state[id] = visited
	rec := r.record(id)
	r.stack = append(r.stack, vertex{id: id, rec: rec})
	if r.mode == walkAny {
		switch k := btf.InfoKind(rec[1]); {
		case k == btf.Ptr:
			r.mode = walkPtr
		case isStruct(k) || k == btf.Array:
			r.mode = walkStruct
		}
	}
	return nil
}

// pop ends with the type on top.
func (r *resolver) pop(to, size uint32) *fault {
	top := r.stack[len(r.stack)-1]
	r.stack = r.stack[:len(r.stack)-1]
	r.ids[top.id], r.sizes[top.id], r.state[top.id] = to, size, resolved
	return nil
}

// walk resolves a type and what it needs. What has failed counts as resolved afterwards, so that each fault is told once.
func (r *resolver) walk(id uint32, rec []uint32) (ok bool) {
	r.mode, r.stack = walkAny, r.stack[:0]
	f := r.push(id)
	for f == nil && len(r.stack) > 0 {
		f = r.step(&r.stack[len(r.stack)-1])
	}
	if f == nil {
		return true
	}
	at := vertex{id: id, rec: rec}
	if n := len(r.stack); n > 0 && f != tooDeep && f != loop {
		at = r.stack[n-1]
	}
	r.tell(at, f)
	for _, v := range r.stack {
		r.state[v.id] = resolved
	}
	r.state[id] = resolved
	return false
}

func (r *resolver) tell(at vertex, f *fault) {
	if at.id < r.start {
		return // of the base, which is another file
	}
	out := Finding{ID: btf.TypeID(at.id), Kind: btf.InfoKind(at.rec[1]), Name: r.text(at.rec[0]), Rule: f.rule, Message: f.message, Level: 2}
	if f.member >= 0 {
		out.Member = f.what
		if w := at.rec[3+3*f.member:]; f.what == "member" && w[0] != 0 {
			out.Member += " " + r.text(w[0])
		}
	}
	r.add(out)
}

// need pushes a type that has to be resolved first. It returns true when the walk goes on there, or ends in a fault.
func (r *resolver) need(id uint32, k btf.Kind) (f *fault, away bool) {
	if r.isSink(k) || r.state[id] == resolved {
		return nil, false
	}
	return r.push(id), true
}

func (r *resolver) step(v *vertex) *fault {
	switch k := btf.InfoKind(v.rec[1]); {
	case isModifier(k):
		return r.modifier(v)
	case k == btf.Ptr:
		return r.pointer(v)
	case k == btf.Var:
		return r.variable(v)
	case k == btf.Array:
		return r.array(v)
	case isStruct(k):
		return r.composite(v)
	case k == btf.Func:
		return r.function(v)
	case k == btf.Datasec:
		return r.sectionEntries(v)
	default:
		return r.declTag(v)
	}
}

// open tells whether what a pointer or modifier leads to, which has no size, may be there: void, FWD, FUNC_PROTO.
func (r *resolver) open(id uint32) (to uint32, ok bool) {
	k, _ := r.kindOf(id)
	if r.state[id] == resolved {
		id = r.ids[id]
		var there bool
		if k, there = r.kindOf(id); !there {
			return id, false
		}
	}
	return id, k == btf.Void || k == btf.Fwd || k == btf.FuncProto
}

func (r *resolver) target(id uint32) (btf.Kind, *fault) {
	k, there := r.kindOf(id)
	if !there {
		return k, whole(msgTypeID, "refers to type %d, which is not there", id)
	}
	if sourceOnly(k) {
		return k, whole(msgTypeID, "refers to type %d, a %v", id, k)
	}
	return k, nil
}

func (r *resolver) modifier(v *vertex) *fault {
	next := v.rec[2]
	k, f := r.target(next)
	if f != nil {
		return f
	}
	if f, away := r.need(next, k); away {
		return f
	}
	to, _, ok := r.sized(next)
	if !ok {
		if to, ok = r.open(next); !ok {
			return whole(msgTypeID, "leads to type %d, a %v", next, k)
		}
	}
	return r.pop(to, 0)
}

// viaModifier goes on with a pointer that a modifier was resolved to, when the walk that did so ended there.
func (r *resolver) viaModifier(id uint32, k btf.Kind) (f *fault, away bool) {
	if !isModifier(k) {
		return nil, false
	}
	to := r.ids[id]
	if k, there := r.kindOf(to); there && k == btf.Ptr {
		return r.need(to, k)
	}
	return nil, false
}

func (r *resolver) pointer(v *vertex) *fault {
	next := v.rec[2]
	k, f := r.target(next)
	if f != nil {
		return f
	}
	if f, away := r.need(next, k); away {
		return f
	}
	if f, away := r.viaModifier(next, k); away {
		return f
	}
	to, _, ok := r.sized(next)
	if !ok {
		if to, ok = r.open(next); !ok {
			return whole(msgTypeID, "leads to type %d, a %v", next, k)
		}
	}
	return r.pop(to, 0)
}

func (r *resolver) variable(v *vertex) *fault {
	next := v.rec[2]
	k, f := r.target(next)
	if f != nil {
		return f
	}
	if f, away := r.need(next, k); away {
		return f
	}
	if f, away := r.viaModifier(next, k); away {
		return f
	}
	to, _, ok := r.sized(next)
	if !ok {
		return whole(msgTypeID, "is of type %d, a %v, which has no size", next, k)
	}
	return r.pop(to, 0)
}

// regular tells whether an INT is one of whole bytes.
func regular(rec []uint32) bool {
	bits := rec[3] & 0xff
	n := bits / 8
	return bits%8 == 0 && rec[3]>>16&0xff == 0 && n <= 16 && n != 0 && n&(n-1) == 0
}

func (r *resolver) array(v *vertex) *fault {
	index, elem, n := v.rec[4], v.rec[3], v.rec[5]
	k, there := r.kindOf(index)
	if !there || noSize(k) || sourceOnly(k) {
		return whole("Invalid index", "its index is of type %d, which is no INT", index)
	}
	if f, away := r.need(index, k); away {
		return f
	}
	to, _, ok := r.sized(index)
	if !ok || btf.InfoKind(r.record(to)[1]) != btf.Int || !regular(r.record(to)) {
		return whole("Invalid index", "its index is of type %d, which is no INT", index)
	}
	k, there = r.kindOf(elem)
	if !there || noSize(k) || sourceOnly(k) {
		return whole("Invalid elem", "its elements are of type %d, a %v, which has no size", elem, k)
	}
	if f, away := r.need(elem, k); away {
		return f
	}
	to, size, ok := r.sized(elem)
	if !ok {
		return whole("Invalid elem", "its elements are of type %d, a %v, which has no size", elem, k)
	}
	if rec := r.record(to); btf.InfoKind(rec[1]) == btf.Int && !regular(rec) {
		return whole("Invalid array of int", "its elements are of an INT of %d bits", rec[3]&0xff)
	}
	if n != 0 && size > 0xffffffff/n {
		return whole("Array size overflows U32_MAX", "%d elements of %d bytes", n, size)
	}
	return r.pop(to, size*n)
}

func (r *resolver) composite(v *vertex) *fault {
	kflag := v.rec[1]>>31 != 0
	if v.next > 0 { // it was pushed for its sake
		if f := r.member(v, v.next-1, kflag); f != nil {
			return f
		}
	}
	for i := v.next; 3+3*i < len(v.rec); i++ {
		id := v.rec[4+3*i]
		k, there := r.kindOf(id)
		if !there || noSize(k) || sourceOnly(k) {
			return &fault{message: "Invalid member", rule: fmt.Sprintf("is of type %d, a %v, which has no size", id, k), member: i, what: "member"}
		}
		if !r.isSink(k) && r.state[id] != resolved {
			v.next = i + 1
			return r.push(id)
		}
		if f := r.member(v, i, kflag); f != nil {
			return f
		}
	}
	return r.pop(0, 0)
}

// member checks where a member lies.
func (r *resolver) member(v *vertex, i int, kflag bool) *fault {
	size, id, off := v.rec[2], v.rec[4+3*i], v.rec[5+3*i]
	bad := func(message, rule string, args ...any) *fault {
		return &fault{message: message, rule: fmt.Sprintf(rule, args...), member: i, what: "member"}
	}
	k, _ := r.kindOf(id)
	to := id
	if isModifier(k) {
		var ok bool
		if to, _, ok = r.sized(id); !ok {
			return bad("Invalid member", "is of type %d, which has no size", id)
		}
		k, _ = r.kindOf(to)
	}
	rec := r.record(to)
	bits := uint32(0)
	if kflag {
		bits, off = off>>24, off&0xffffff
	}
	exceeds := func() *fault { return bad("Member exceeds struct_size", "ends behind the %d bytes of all", size) }
	switch {
	case k == btf.Int && kflag:
		has := rec[3] & 0xff
		switch {
		case !regular(rec):
			return bad("Invalid member base type", "is of an INT of %d bits", has)
		case bits == 0 && off&7 != 0:
			return bad("Invalid member offset", "begins at bit %d, inside of a byte", off)
		case bits > has:
			return bad("Invalid member bitfield_size", "has %d bits of an INT of %d", bits, has)
		case bits == 0:
			bits = has
		}
		return r.bitsFit(off, bits, size, bad)
	case k == btf.Int:
		shift := rec[3] >> 16 & 0xff
		if 0xffffffff-off < shift {
			return bad("bits_offset exceeds U32_MAX", "begins at bit %d+%d", off, shift)
		}
		return r.bitsFit(off+shift, rec[3]&0xff, size, bad)
	case (k == btf.Enum || k == btf.Enum64) && kflag:
		const bitsOfInt = 32
		switch {
		case bits == 0 && off&7 != 0:
			return bad("Member is not byte aligned", "begins at bit %d", off)
		case bits > bitsOfInt:
			return bad("Invalid member bitfield_size", "has %d bits of an ENUM", bits)
		case bits == 0:
			bits = bitsOfInt
		}
		if size < bytesUp(off+bits) {
			return exceeds()
		}
		return nil
	case bits != 0:
		return bad("Invalid member bitfield_size", "is a %v of %d bits", k, bits)
	case k == btf.Float:
		align := uint64(min(r.ptr, rec[2])) * 8
		if align != 0 && uint64(off)%align != 0 {
			return bad("Member is not properly aligned", "begins at bit %d", off)
		}
		if uint64(off/8)+uint64(rec[2]) > uint64(size) {
			return exceeds()
		}
		return nil
	case k == btf.Var || k == btf.Datasec || k == btf.Func || k == btf.DeclTag || k == btf.Fwd || k == btf.FuncProto || k == btf.Void:
		return bad("Unsupported check_member", "is a %v", k)
	case off&7 != 0:
		return bad("Member is not byte aligned", "begins at bit %d", off)
	}
	need := rec[2] // of a struct or an enum
	switch k {
	case btf.Ptr:
		need = r.ptr
	case btf.Array:
		need = r.sizes[to]
	default: // other kinds: whatever has a size has it in its record
	}
	if size-off>>3 < need {
		return exceeds()
	}
	return nil
}

func (r *resolver) bitsFit(off, bits, size uint32, bad func(string, string, ...any) *fault) *fault {
	copied := bits + off&7
	switch {
	case copied > 128:
		return bad("nr_copy_bits exceeds 128", "%d bits from bit %d", bits, off)
	case size < off>>3 || size-off>>3 < bytesUp(copied):
		return bad("Member exceeds struct_size", "ends behind the %d bytes of all", size)
	}
	return nil
}

func (r *resolver) function(v *vertex) *fault {
	proto := r.record(v.rec[2])
	if proto == nil || btf.InfoKind(proto[1]) != btf.FuncProto {
		return whole(msgTypeID, "is of type %d, which is no FUNC_PROTO", v.rec[2])
	}
	for i, p := 1, proto[3:]; len(p) >= 2; i, p = i+1, p[2:] {
		if p[0] == 0 && p[1] != 0 {
			return whole(fmt.Sprintf("Invalid arg#%d", i), "parameter %d has no name", i)
		}
	}
	return r.pop(v.rec[2], 0)
}

func (r *resolver) sectionEntries(v *vertex) *fault {
	r.mode = walkAny
	for i := v.next; 3+3*i < len(v.rec); i++ {
		id := v.rec[3+3*i]
		bad := func(message, rule string, args ...any) *fault {
			return &fault{message: message, rule: fmt.Sprintf(rule, args...), member: i, what: fmt.Sprintf("entry %d", i)}
		}
		k, there := r.kindOf(id)
		if !there || k != btf.Var {
			return bad("Not a VAR kind member", "is type %d, a %v", id, k)
		}
		if !r.isSink(k) && r.state[id] != resolved {
			v.next = i + 1
			return r.push(id)
		}
		_, size, ok := r.sized(r.record(id)[2])
		if !ok {
			return bad("Invalid type", "the variable's type %d has no size", r.record(id)[2])
		}
		if v.rec[5+3*i] < size {
			return bad("Invalid size", "has %d bytes, and the variable's type %d", v.rec[5+3*i], size)
		}
	}
	return r.pop(0, 0)
}

func (r *resolver) declTag(v *vertex) *fault {
	id, component := v.rec[2], int32(v.rec[3])
	k, there := r.kindOf(id)
	switch {
	case !there:
		return whole(msgTypeID, "refers to type %d, which is not there", id)
	case k != btf.Func && !isStruct(k) && k != btf.Var && k != btf.Typedef:
		return whole(msgTypeID, "is for type %d, a %v, which can have no tags", id, k)
	}
	if f, away := r.need(id, k); away {
		return f
	}
	if component != -1 {
		if k == btf.Var || k == btf.Typedef {
			return whole("Invalid component_idx", "component %d of a %v", component, k)
		}
		of := r.record(id)
		if k == btf.Func {
			if of = r.record(of[2]); of == nil {
				of = voidRecord
			}
		}
		if n := of[1] & r.rules.vlenMask; uint32(component) >= n {
			return whole("Invalid component_idx", "component %d of %d", component, n)
		}
	}
	return r.pop(id, 0)
}

// proto checks a FUNC_PROTO, which has no part in the walks.
func (r *resolver) proto(id uint32, rec []uint32) {
	bad := func(message, rule string, args ...any) {
		r.tell(vertex{id: id, rec: rec}, whole(message, rule, args...))
	}
	usable := func(to uint32) bool {
		k, there := r.kindOf(to)
		if !there || sourceOnly(k) {
			return false
		}
		if needsResolve(k) && r.state[to] != resolved && !r.walk(to, r.record(to)) {
			return true // told already
		}
		_, _, ok := r.sized(to)
		return ok
	}
	if rec[2] != 0 && !usable(rec[2]) {
		bad("Invalid return type", "returns type %d, which has no size", rec[2])
		return
	}
	params := rec[3:]
	if n := len(params); n > 0 && params[n-1] == 0 {
		if params[n-2] != 0 {
			bad(fmt.Sprintf("Invalid arg#%d", n/2), "the last parameter is of no type, but has a name")
			return
		}
		params = params[:n-2]
	}
	for i := 0; i < len(params); i += 2 {
		name, to := params[i], params[i+1]
		message := fmt.Sprintf("Invalid arg#%d", i/2+1)
		switch {
		case name != 0 && (!r.nameFits(name) || !r.identifier(name, false)):
			bad(message, "parameter %d: %q is no identifier", i/2+1, r.text(name))
		case to == 0 || !usable(to):
			bad(message, "parameter %d is of type %d, which has no size", i/2+1, to)
		default:
			continue
		}
		return
	}
}
