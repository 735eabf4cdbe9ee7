package convert

import (
	"sort"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/dwarfscan"
	"github.com/gobtf/gobtf/internal/graph"
)

// emit ends a type: its references have been appended to out.Refs. pre is the
// number that mark gave its DIE.
func (u *unit) emit(pre uint32, sh graph.Shape, info typeInfo) LocalID {
	o := u.out
	o.Shape = append(o.Shape, sh)
	o.RefOff = append(o.RefOff, uint32(len(o.Refs)))
	u.typ = append(u.typ, info)
	id := uint32(len(o.Shape))
	u.pre[pre] = id
	return LocalID(id)
}

// shape returns the shape of a content with raw names and logs that the next type
// adds its strings.
func (u *unit) shape(raw []uint32) graph.Shape {
	c := u.c
	id, _ := c.raw.Intern(raw)
	sh := graph.Shape(c.rawShape.Load(id))
	if sh == 0 {
		sh = u.cook(raw)
		c.rawShape.Store(id, uint32(sh))
	}
	u.logShape(sh)
	return sh
}

func (u *unit) logShape(sh graph.Shape) {
	if u.dry {
		return
	}
	pos := uint32(len(u.out.Shape)) + 1
	if u.c.shapes.Lower(sh, uint64(u.out.Index)<<32|uint64(pos)) {
		u.out.Log = append(u.out.Log, LogEntry{pos, sh.Index()})
	}
}

// cook interns the names of a raw content, and then the content.
func (u *unit) cook(raw []uint32) graph.Shape {
	w := append(u.cont[:0], raw...)
	btf.EachContentName(w, func(name *uint32) { *name = uint32(u.str(*name)) })
	u.cont = w
	return u.c.shapes.Intern(w)
}

func (u *unit) nameString(r rawName) string { return u.c.strs.String(u.str(r)) }

// modifier handles CONST, VOLATILE and RESTRICT.
// Rule types/typedef.
func (u *unit) modifier(sh graph.Shape) {
	d := &u.die
	pre, info, ref := u.mark(d.Off), typeInfo{tag: d.Tag}, u.ref(d, dwarfscan.Type)
	u.skip()
	u.out.Refs = append(u.out.Refs, ref)
	u.emit(pre, sh, info)
}

// pointer handles PTR, and the type tags on it that clang gives as children and gcc
// as a chain of references (rule types/type-tags).
// Rules types/typedef, types/type-tags.
func (u *unit) pointer() {
	d := &u.die
	off := d.Off
	ref, chain := u.ref(d, dwarfscan.Type), u.ref(d, dwarfscan.Annotation)
	tag, hasChildren := d.Tag, d.Children
	if !hasChildren && chain == 0 {
		pre := u.mark(off)
		u.out.Refs = append(u.out.Refs, ref)
		u.emit(pre, u.c.ptr, typeInfo{tag: tag})
		return
	}
	pre := u.mark(off)
	tagged := false
	if hasChildren && u.enter() {
		for u.rd.Next(&u.die) {
			if d.Tag == dwarfscan.TagLLVMAnnotation && u.c.opt.TypeTag && string(u.stringValue(d, dwarfscan.Name)) == "btf_type_tag" {
				value := u.stringValue(d, dwarfscan.ConstValue)
				ref = refLocal | uint32(u.typeTag(u.c.strs.Intern(value), ref))
				tagged = true
			}
			u.skip()
		}
		u.depth--
	}
	if !tagged && chain != 0 && u.c.opt.TypeTag {
		ref = u.gnuTypeTags(chain, ref)
	}
	u.out.Refs = append(u.out.Refs, ref)
	u.emit(pre, u.c.ptr, typeInfo{tag: tag})
}

// typeTag emits a TYPE_TAG that no DIE stands for.
func (u *unit) typeTag(value graph.StrID, ref uint32) LocalID {
	sh := u.c.shapes.Intern([]uint32{btf.InfoWord(btf.TypeTag, 0, false), uint32(value), 0})
	u.logShape(sh)
	u.out.Refs = append(u.out.Refs, ref)
	return u.emitUnmarked(sh, typeInfo{tag: dwarfscan.TagLLVMAnnotation})
}

func (u *unit) emitUnmarked(sh graph.Shape, info typeInfo) LocalID {
	u.out.Shape = append(u.out.Shape, sh)
	u.out.RefOff = append(u.out.RefOff, uint32(len(u.out.Refs)))
	u.typ = append(u.typ, info)
	return LocalID(len(u.out.Shape))
}

// maxChain bounds chains of references between DIEs that a broken file may close to a ring.
const maxChain = 256

// gnuTypeTags emits the TYPE_TAGs of a gcc chain. They take slots in chain order and
// the pointer refers to the first, so each refers to the one that follows it.
// Rule types/type-tags.
func (u *unit) gnuTypeTags(chain, ref uint32) uint32 {
	var values []graph.StrID
	var d dwarfscan.DIE
	for n := 0; chain != 0 && n < maxChain && u.at(chain, &d); n++ {
		if d.Tag != dwarfscan.TagGNUAnnotation || string(u.stringValue(&d, dwarfscan.Name)) != "btf_type_tag" {
			break
		}
		values = append(values, u.c.strs.Intern(u.stringValue(&d, dwarfscan.ConstValue)))
		chain = u.ref(&d, dwarfscan.Annotation)
	}
	if len(values) == 0 {
		return ref
	}
	first := uint32(len(u.out.Shape)) + 1
	for i, v := range values {
		next := ref
		if i+1 < len(values) {
			next = refLocal | (first + uint32(i) + 1)
		}
		u.typeTag(v, next)
	}
	return refLocal | first
}

// gnuDeclTags collects the declaration tags of a gcc chain.
// Rule types/decl-tags.
func (u *unit) gnuDeclTags(list []declTag, chain, target uint32, component int32) []declTag {
	var d dwarfscan.DIE
	for n := 0; chain != 0 && n < maxChain && u.at(chain, &d); n++ {
		if d.Tag != dwarfscan.TagGNUAnnotation || string(u.stringValue(&d, dwarfscan.Name)) != "btf_decl_tag" {
			break
		}
		list = append(list, declTag{target, component, u.c.strs.Intern(u.stringValue(&d, dwarfscan.ConstValue))})
		chain = u.ref(&d, dwarfscan.Annotation)
	}
	return list
}

// llvmDeclTag collects the annotation that was read last if it is a declaration tag.
// Rule types/decl-tags.
func (u *unit) llvmDeclTag(list []declTag, target uint32, component int32) []declTag {
	d := &u.die
	if string(u.stringValue(d, dwarfscan.Name)) == "btf_decl_tag" {
		list = append(list, declTag{target, component, u.c.strs.Intern(u.stringValue(d, dwarfscan.ConstValue))})
	}
	return list
}

// typedef applies rule types/typedef.
func (u *unit) typedef() {
	d := &u.die
	off, name, ref := d.Off, u.name(d), u.ref(d, dwarfscan.Type)
	pre := u.mark(off)
	if d.Children && u.enter() {
		for u.rd.Next(&u.die) {
			if d.Tag == dwarfscan.TagLLVMAnnotation {
				u.tags = u.llvmDeclTag(u.tags, pre, -1)
			}
			u.skip()
		}
		u.depth--
	}
	if u.str0(name) {
		// BTF has no TYPEDEF without a name; what it names is as good.
		u.note(NoteLowered, off, dwarfscan.TagTypedef, "has no name: taken for its type")
		u.toAlias(pre, ref)
		return
	}
	u.out.Refs = append(u.out.Refs, ref)
	u.emit(pre, u.shape([]uint32{btf.InfoWord(btf.Typedef, 0, false), name, 0}), typeInfo{tag: dwarfscan.TagTypedef, name: true})
}

// str0 tells whether a raw name is absent or empty.
func (u *unit) str0(r rawName) bool {
	if r == 0 || r == rawInline {
		return true
	}
	if r&(1<<31) == 0 {
		return u.c.sec.Str[r-1] == 0
	}
	return r == rawStrID
}

// toAlias makes a marked DIE stand for another DIE's type.
func (u *unit) toAlias(pre, ref uint32) {
	if ref == 0 || len(u.alias) == preIndex {
		return // stays void
	}
	u.pre[pre] = preAlias | uint32(len(u.alias))
	u.alias = append(u.alias, ref)
}

// Encodings of base types (DW_ATE).
const (
	ateBoolean    = 2
	ateComplex    = 3
	ateFloat      = 4
	ateSigned     = 5
	ateSignedChar = 6
	ateImaginary  = 9
)

// Encoding bits of an INT's data word.
const (
	intSigned = 1 << 24
	intBool   = 4 << 24
)

// baseType applies rule types/base.
func (u *unit) baseType() {
	d := &u.die
	off, name, enc := d.Off, u.name(d), d.Const(dwarfscan.Encoding)
	raw := uint32(d.Const(dwarfscan.ByteSize))
	pre := u.mark(off)
	u.skip()
	info := typeInfo{size: raw, tag: dwarfscan.TagBase, name: true}
	size := (raw*8&0xffff + 7) / 8 // the reference counts bits in 16 bits
	if u.str0(name) {
		u.note(NoteLowered, off, dwarfscan.TagBase, "has no name: named "+fakeInt)
		name = rawStrID | uint32(u.c.strs.InternString(fakeInt))
	}
	if u.c.opt.Float {
		switch enc {
		case ateComplex, ateImaginary:
			if u.complexType(off, pre, name, enc, size, info) {
				return
			}
		case ateFloat:
			if isFloatSize(size) {
				u.emit(pre, u.shape([]uint32{btf.InfoWord(btf.Float, 0, false), name, size}), info)
				return
			}
			u.note(NoteLowered, off, dwarfscan.TagBase, "%q: BTF has no FLOAT of %d bytes: taken for an integer", u.nameString(name), size)
		}
	}
	var data uint32
	switch enc {
	case ateSigned, ateSignedChar:
		data = intSigned
	case ateBoolean:
		data = intBool
	}
	if size == 0 || size > 16 || size&(size-1) != 0 {
		if u.c.opt.Trace {
			u.out.FakeInts = append(u.out.FakeInts, FakeInt{LocalID(len(u.out.Shape)) + 1, size * 8})
		}
		name, size = rawStrID|uint32(u.c.strs.InternString(fakeInt)), 4
	} else if u.out.FirstInt == 0 && u.str(name) == u.c.intName {
		u.out.FirstInt = LocalID(len(u.out.Shape)) + 1
	}
	u.emit(pre, u.shape([]uint32{btf.InfoWord(btf.Int, 0, false), name, size, data | size*8}), info)
}

// fakeInt is the name of an INT whose size BTF does not allow.
const fakeInt = "__SANITIZED_FAKE_INT__"

// array applies rule types/arrays.
func (u *unit) array() {
	d := &u.die
	off, ref, size, tag := d.Off, u.ref(d, dwarfscan.Type), uint32(d.Const(dwarfscan.ByteSize)), d.Tag
	pre := u.mark(off)
	first := len(u.words)
	if d.Children && u.enter() {
		for u.rd.Next(&u.die) {
			if d.Tag == dwarfscan.TagSubrange {
				var n uint32
				if d.Has(dwarfscan.UpperBound) && d.Form[dwarfscan.UpperBound].IsData() {
					n = uint32(d.Val[dwarfscan.UpperBound]) + 1
				} else if d.Form[dwarfscan.Count].IsData() {
					n = uint32(d.Const(dwarfscan.Count))
				}
				if len(u.words)-first < 64 { // as many dimensions as the reference keeps
					u.words = append(u.words, n)
				}
			}
			u.skip()
		}
		u.depth--
	}
	dims := u.words[first:]
	u.words = u.words[:first]
	u.out.HasArray = true
	switch {
	case len(dims) == 0:
		dims = append(dims, 0)
	case len(dims) > 1 && u.c.opt.FlatArrays:
		dims = flattenDims(dims)
	}
	info := typeInfo{size: size, tag: tag}
	for i := len(dims) - 1; ; i-- {
		sh := u.c.arrayShape(dims[i])
		u.out.Refs = append(u.out.Refs, ref, ArrayIndex)
		if i == 0 {
			u.emit(pre, sh, info)
			return
		}
		// the outer dimensions' element is the array just made; only the whole has the DIE's size
		ref = refLocal | uint32(u.emitUnmarked(sh, typeInfo{tag: tag}))
	}
}

// flattenDims makes the dimensions one, as pahole 1.31 and older did.
// docs/quirks.md has the row.
// Rule split/flat-arrays.
func flattenDims(dims []uint32) []uint32 {
	n := uint32(1)
	for _, d := range dims {
		n *= d
	}
	return append(dims[:0], n)
}

func (c *Converter) arrayShape(n uint32) graph.Shape {
	return c.shapes.Intern([]uint32{btf.InfoWord(btf.Array, 0, false), 0, 0, n})
}

// proto applies rule types/prototypes.
func (u *unit) proto() {
	d := &u.die
	off, pre := d.Off, u.mark(d.Off)
	cs, rs := len(u.words), len(u.refs)
	u.words = append(u.words, 0, 0, 0)
	u.refs = append(u.refs, u.ref(d, dwarfscan.Type))
	variadic, named := false, false
	if d.Children && u.enter() {
		for u.rd.Next(&u.die) {
			switch d.Tag {
			case dwarfscan.TagFormalParameter:
				name := u.name(d)
				named = named || name != 0
				u.words = append(u.words, name)
				u.refs = append(u.refs, u.ref(d, dwarfscan.Type))
				u.skip()
			case dwarfscan.TagUnspecifiedParms:
				variadic = true
				u.skip()
			default:
				u.generic(ctxType)
			}
		}
		u.depth--
	}
	if variadic {
		u.words = append(u.words, 0)
		u.refs = append(u.refs, 0)
	}
	n := u.clamp(&u.words, &u.refs, cs+3, rs+1, 1, off, dwarfscan.TagSubroutineType)
	u.words[cs] = btf.InfoWord(btf.FuncProto, n, false)
	u.out.Refs = append(u.out.Refs, u.refs[rs:]...)
	u.emit(pre, u.shape(u.words[cs:]), typeInfo{tag: dwarfscan.TagSubroutineType})
	u.words, u.refs = u.words[:cs], u.refs[:rs]
}

// maxVlen is how many members, values or parameters a record can have.
const maxVlen = 0xffff

// clamp returns how many elements the content being built has, leaving out those
// that no record has room for.
func (u *unit) clamp(words, refs *[]uint32, from, refFrom, step, off int, tag dwarfscan.Tag) int {
	n := (len(*words) - from) / step
	if n > maxVlen {
		u.note(NoteLeftOut, off, tag, "%d members or parameters: only %d fit in a record", n, maxVlen)
		n = maxVlen
		*words = (*words)[:from+n*step]
		if refs != nil {
			*refs = (*refs)[:refFrom+n]
		}
	}
	return n
}

// composite applies rule types/struct.
func (u *unit) composite(kind btf.Kind) {
	d := &u.die
	off, tag := d.Off, d.Tag
	name, size := u.name(d), uint32(d.Const(dwarfscan.ByteSize))
	decl, sig := d.Flag(dwarfscan.Declaration), uint32(0)
	if d.Has(dwarfscan.Signature) {
		sig = u.ref(d, dwarfscan.Signature)
	}
	if name == 0 && d.Has(dwarfscan.Specification) {
		name = u.nameAt(u.ref(d, dwarfscan.Specification))
	}
	pre := u.mark(off)
	if d.Has(dwarfscan.Annotation) && kind == btf.Struct {
		u.tags = u.gnuDeclTags(u.tags, u.ref(d, dwarfscan.Annotation), pre, -1)
	}
	cs, rs := len(u.words), len(u.refs)
	u.words = append(u.words, 0, name, size)
	kflag := false
	if d.Children && u.enter() {
		kflag = u.members(kind, pre)
		u.depth--
	}
	info := typeInfo{size: size, tag: tag, name: !u.str0(name)}
	if sig != 0 { // the definition is in a type unit
		u.words, u.refs = u.words[:cs], u.refs[:rs]
		u.toAlias(pre, sig)
		return
	}
	if decl {
		u.words, u.refs = u.words[:cs], u.refs[:rs]
		if !info.name {
			u.note(NoteLowered, off, tag, "declaration without a name: taken for one without members")
			u.emit(pre, u.shape([]uint32{btf.InfoWord(kind, 0, false), 0, 0}), info)
			return
		}
		u.emit(pre, u.shape([]uint32{btf.InfoWord(btf.Fwd, 0, kind == btf.Union), name, 0}), info)
		return
	}
	if u.cu.lang == langRust {
		u.sortMembers(u.words[cs+3:], u.refs[rs:])
	}
	n := u.clamp(&u.words, &u.refs, cs+3, rs, 2, off, tag)
	u.words[cs] = btf.InfoWord(kind, n, kflag)
	u.out.Refs = append(u.out.Refs, u.refs[rs:]...)
	u.emit(pre, u.shape(u.words[cs:]), info)
	u.words, u.refs = u.words[:cs], u.refs[:rs]
}

const langRust = 0x1c

// sortMembers orders the members of a Rust struct by byte offset, equal ones as they were.
// Rule types/struct.
func (u *unit) sortMembers(words, refs []uint32) {
	type member struct{ name, off, ref uint32 }
	m := make([]member, len(refs))
	for i := range m {
		m[i] = member{words[2*i], words[2*i+1], refs[i]}
	}
	sort.SliceStable(m, func(i, j int) bool { return m[i].off&0xffffff/8 < m[j].off&0xffffff/8 })
	for i := range m {
		words[2*i], words[2*i+1], refs[i] = m[i].name, m[i].off, m[i].ref
	}
}

// members walks the children of a struct or union and reports whether one of them
// is a bitfield.
func (u *unit) members(kind btf.Kind, pre uint32) (kflag bool) {
	d := &u.die
	component := int32(0)
	for u.rd.Next(d) {
		switch d.Tag {
		case dwarfscan.TagMember:
			name := u.name(d)
			word, isBit := u.memberOffset(d, kind)
			kflag = kflag || isBit
			u.words = append(u.words, name, word)
			u.refs = append(u.refs, u.ref(d, dwarfscan.Type))
			if d.Has(dwarfscan.Annotation) {
				u.tags = u.gnuDeclTags(u.tags, u.ref(d, dwarfscan.Annotation), pre, component)
			}
			if d.Children && u.enter() {
				for u.rd.Next(d) {
					if d.Tag == dwarfscan.TagLLVMAnnotation {
						u.tags = u.llvmDeclTag(u.tags, pre, component)
					}
					u.skip()
				}
				u.depth--
			}
			component++
		case dwarfscan.TagInheritance:
			component++
			u.skip()
		case dwarfscan.TagLLVMAnnotation:
			u.tags = u.llvmDeclTag(u.tags, pre, -1)
			u.skip()
		case dwarfscan.TagSubrange, dwarfscan.TagVariantPart, dwarfscan.TagTemplateType, dwarfscan.TagTemplateValue:
			u.skip()
		default:
			u.generic(ctxType)
		}
	}
	return kflag
}

// memberOffset returns a member's offset word and whether it makes its struct one
// with bitfields (rule types/members).
// Rules types/members, types/silly-bitfields.
func (u *unit) memberOffset(d *dwarfscan.DIE, kind btf.Kind) (word uint32, bitfield bool) {
	if !d.Has(dwarfscan.BitSize) && !d.Has(dwarfscan.DataBitOffset) && d.Has(dwarfscan.MemberLoc) && d.Form[dwarfscan.MemberLoc].IsData() {
		return uint32(d.Val[dwarfscan.MemberLoc]) * 8, false
	}
	width := uint32(uint8(d.Const(dwarfscan.BitSize)))
	off := u.offset(d, dwarfscan.MemberLoc) * 8
	switch {
	case d.Has(dwarfscan.DataBitOffset):
		off = u.offset(d, dwarfscan.DataBitOffset)
	case width != 0 && d.Has(dwarfscan.MemberLoc):
		off += u.oldBitOffset(d, uint32(d.Const(dwarfscan.BitSize)))
	}
	if width != 0 && u.c.opt.FixupSillyBitfields {
		// One that fills its storage is silly only where it also begins: packed structs have others.
		if s := 8 * u.storageSize(d); width == s && off%s == 0 {
			width = 0
		}
	}
	if width == 0 && off%8 == 0 {
		return off, false
	}
	switch {
	case width == 0:
		u.note(NoteLowered, d.Off, d.Tag, "%q: at bit %d without a width: taken for one at the byte's start", u.nameString(u.name(d)), off)
		return off &^ 7, false
	case off > 0xffffff:
		u.note(NoteLowered, d.Off, d.Tag, "%q: bitfield at bit %d, behind what BTF can say: taken for one at the largest", u.nameString(u.name(d)), off)
		off = 0xffffff
	case kind == btf.Union && off != 0:
		u.note(NoteLowered, d.Off, d.Tag, "%q: bitfield of a union at bit %d: taken for one at 0", u.nameString(u.name(d)), off)
		off = 0
	}
	return off | width<<24, true
}

// offset returns an attribute that is a member's offset: DW_AT_data_member_location in bytes, DW_AT_data_bit_offset in bits. It is a
// number, or an expression that starts with one (DWARF 2 and 3 have no other). Any other expression depends on the program's state, as
// that of a member behind one of variable length does: the reference takes -1. Lists of locations count as 0.
// Rule types/members.
func (u *unit) offset(d *dwarfscan.DIE, s dwarfscan.Slot) uint32 {
	if !d.Has(s) {
		return 0
	}
	const unknown = ^uint32(0)
	switch f := d.Form[s]; {
	case f.IsData():
		return uint32(d.Val[s])
	case f == dwarfscan.FormData16:
		return unknown
	case f.IsBlock():
		p, n := d.Block(s)
		expr := u.buf[p : p+n]
		if n == 0 || expr[0] != dwarfscan.OpPlusUconst && expr[0] != dwarfscan.OpConstu {
			return unknown
		}
		if o, ok := dwarfscan.NextOp(expr, u.cu.format); ok {
			return uint32(o.Arg)
		}
	}
	return 0
}

// oldBitOffset returns what DW_AT_bit_offset adds: it counts from the storage
// unit's most significant bit.
// Rule types/members.
func (u *unit) oldBitOffset(d *dwarfscan.DIE, width uint32) uint32 {
	bo := uint32(d.Const(dwarfscan.BitOffset))
	if u.sec.BigEndian {
		return bo
	}
	return 8*u.storageSize(d) - bo - width
}

// storageSize returns the size in bytes of a bitfield's storage unit.
func (u *unit) storageSize(d *dwarfscan.DIE) uint32 {
	if n := d.Const(dwarfscan.ByteSize); n != 0 {
		return uint32(n)
	}
	return u.sizeAt(u.ref(d, dwarfscan.Type))
}

// sizeAt returns the size of the type whose DIE is at off, behind typedefs and qualifiers.
func (u *unit) sizeAt(off uint32) uint32 {
	var d dwarfscan.DIE
	for n := 0; off != 0 && n < maxChain && u.at(off, &d); n++ {
		switch d.Tag {
		case dwarfscan.TagTypedef, dwarfscan.TagConst, dwarfscan.TagVolatile, dwarfscan.TagRestrict, dwarfscan.TagAtomic:
			off = u.ref(&d, dwarfscan.Type)
			continue
		case dwarfscan.TagPointer:
			return uint32(u.cu.format.AddrSize)
		case dwarfscan.TagEnumeration:
			if d.Const(dwarfscan.ByteSize) == 0 {
				return 4
			}
		}
		return uint32(d.Const(dwarfscan.ByteSize))
	}
	return 0
}

// nameAt returns the name of the DIE at off.
func (u *unit) nameAt(off uint32) rawName {
	var d dwarfscan.DIE
	if !u.at(off, &d) {
		return 0
	}
	return u.name(&d)
}

// enum applies rule types/enum.
func (u *unit) enum() {
	d := &u.die
	off, name, size, ref := d.Off, u.name(d), uint32(d.Const(dwarfscan.ByteSize)), u.ref(d, dwarfscan.Type)
	pre := u.mark(off)
	if d.Has(dwarfscan.Signature) {
		if sig := u.ref(d, dwarfscan.Signature); sig != 0 { // the definition is in a type unit
			u.skip()
			u.toAlias(pre, sig)
			return
		}
	}
	info := typeInfo{size: size, tag: dwarfscan.TagEnumeration, name: !u.str0(name)}
	if size == 0 {
		size = 4
	}
	cs := len(u.words)
	u.words = append(u.words, 0, name, size)
	if d.Children && u.enter() {
		for u.rd.Next(d) {
			if d.Tag == dwarfscan.TagEnumerator {
				v := uint64(0)
				if f := d.Form[dwarfscan.ConstValue]; d.Has(dwarfscan.ConstValue) && f.IsConst() {
					v = d.Val[dwarfscan.ConstValue]
				}
				n := u.name(d)
				if u.str0(n) {
					u.note(NoteLeftOut, d.Off, d.Tag, "has no name: left out")
				} else {
					u.words = append(u.words, n, uint32(v), uint32(v>>32))
				}
			}
			u.skip()
		}
		u.depth--
	}
	if size > 8 || size&(size-1) != 0 {
		u.note(NoteLowered, off, dwarfscan.TagEnumeration, "size %d is no enum's: taken for 4", size)
		size = 4
	}
	signed := ref != 0 && u.signedAt(ref)
	n := u.clamp(&u.words, nil, cs+3, 0, 3, off, dwarfscan.TagEnumeration)
	u.words[cs+2] = size
	if size > 4 && u.c.opt.Enum64 {
		u.words[cs] = btf.InfoWord(btf.Enum64, n, signed)
	} else {
		u.enum32(cs, n, off)
	}
	u.emit(pre, u.shape(u.words[cs:]), info)
	u.words = u.words[:cs]
}

// enum32 turns the values collected as (name, low, high) into those of an ENUM.
// Rule types/enum.
func (u *unit) enum32(cs, n, off int) {
	w := u.words[cs:]
	kflag := false
	for i := 0; i < n; i++ {
		name, v := w[3+3*i], int64(uint64(w[4+3*i])|uint64(w[5+3*i])<<32)
		if u.c.opt.Enum64 {
			if v < 0 {
				kflag = true
			}
			if v < -1<<31 || v > 1<<32-1 {
				u.note(NoteLowered, off, dwarfscan.TagEnumeration, "value %d of %q does not fit: its low 32 bits are kept", v, u.nameString(name))
			}
		}
		w[3+2*i], w[4+2*i] = name, uint32(v)
	}
	u.words = u.words[:cs+3+2*n]
	u.words[cs] = btf.InfoWord(btf.Enum, n, kflag)
}

// signedAt reports whether the base type at off is signed.
func (u *unit) signedAt(off uint32) bool {
	var d dwarfscan.DIE
	if !u.at(off, &d) || d.Tag != dwarfscan.TagBase {
		return false
	}
	e := d.Const(dwarfscan.Encoding)
	return e == ateSigned || e == ateSignedChar
}
