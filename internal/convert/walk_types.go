package convert

import (
	"fmt"
	"sort"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/dwarfscan"
	"github.com/gobtf/gobtf/internal/graph"
	"github.com/gobtf/gobtf/internal/shown"
)

// end ends the type that a marked DIE became. Its references have been given to from.
func (w *walker) end(pre uint32, k btf.Kind, content uint32, info typ) {
	w.marks.set(pre, mark(w.add(k, content, info)))
}

// add ends a type that no DIE stands for.
func (w *walker) add(k btf.Kind, content uint32, info typ) LocalID {
	info.kind, info.content = k, content
	return w.d.add(info)
}

// endRaw is end for a content with raw names.
func (w *walker) endRaw(pre uint32, raw []uint32, info typ) {
	w.end(pre, btf.InfoKind(raw[0]), w.content(raw), info)
}

// from appends references of the type that is ended next.
func (w *walker) from(refs ...typeRef) { w.d.from = append(w.d.from, refs...) }

// content returns the number of a content with raw names.
func (w *walker) content(raw []uint32) uint32 {
	return w.raw.Intern(raw)
}

// modifier handles CONST, VOLATILE and RESTRICT.
// Rule types/typedef.
func (w *walker) modifier(k btf.Kind) {
	d := &w.die
	pre, info, ref := w.marks.add(d.Off), typ{tag: d.Tag}, w.ref(d, dwarfscan.Type)
	w.skip()
	w.from(ref)
	w.end(pre, k, w.c.bare[k], info)
}

// pointer handles PTR, and the type tags on it that clang gives as children and gcc
// as a chain of references.
// Rules types/typedef, types/type-tags.
func (w *walker) pointer() {
	d := &w.die
	off := d.Off
	ref, chain := w.ref(d, dwarfscan.Type), w.ref(d, dwarfscan.Annotation)
	tag, hasChildren := d.Tag, d.Children
	if !hasChildren && chain == 0 {
		pre := w.marks.add(off)
		w.from(ref)
		w.end(pre, btf.Ptr, w.c.bare[btf.Ptr], typ{tag: tag})
		return
	}
	pre := w.marks.add(off)
	tagged := false
	if hasChildren && w.enter() {
		for w.rd.Next(&w.die) {
			if d.Tag == dwarfscan.TagLLVMAnnotation && w.c.opt.TypeTag && string(w.stringValue(d, dwarfscan.Name)) == "btf_type_tag" {
				value := w.stringValue(d, dwarfscan.ConstValue)
				ref = refLocal | typeRef(w.typeTag(w.c.strs.Intern(value), ref))
				tagged = true
			}
			w.skip()
		}
		w.depth--
	}
	if !tagged && chain != 0 && w.c.opt.TypeTag {
		ref = w.gnuTypeTags(chain, ref)
	}
	w.from(ref)
	w.end(pre, btf.Ptr, w.c.bare[btf.Ptr], typ{tag: tag})
}

// typeTag adds a TYPE_TAG, which no DIE stands for.
func (w *walker) typeTag(value graph.StrID, to typeRef) LocalID {
	w.from(to)
	return w.add(btf.TypeTag, w.content([]uint32{btf.InfoWord(btf.TypeTag, 0, false), rawStrID | uint32(value), 0}), typ{tag: dwarfscan.TagLLVMAnnotation})
}

// maxChain bounds chains of references between DIEs that a broken file may close to a ring.
const maxChain = 256

// gnuTypeTags emits the TYPE_TAGs of a gcc chain. They take slots in chain order and
// the pointer refers to the first, so each refers to the one that follows it.
// Rule types/type-tags.
func (w *walker) gnuTypeTags(chain, ref typeRef) typeRef {
	var values []graph.StrID
	var d dwarfscan.DIE
	for n := 0; chain != 0 && n < maxChain && w.at(chain, &d); n++ {
		if d.Tag != dwarfscan.TagGNUAnnotation || string(w.stringValue(&d, dwarfscan.Name)) != "btf_type_tag" {
			break
		}
		values = append(values, w.c.strs.Intern(w.stringValue(&d, dwarfscan.ConstValue)))
		chain = w.ref(&d, dwarfscan.Annotation)
	}
	if len(values) == 0 {
		return ref
	}
	first := typeRef(w.d.next())
	for i, v := range values {
		next := ref
		if i+1 < len(values) {
			next = refLocal | (first + typeRef(i) + 1)
		}
		w.typeTag(v, next)
	}
	return refLocal | first
}

// gnuDeclTags collects the declaration tags of a gcc chain.
// Rule types/decl-tags.
func (w *walker) gnuDeclTags(list []declTag, chain typeRef, target uint32, component int32) []declTag {
	var d dwarfscan.DIE
	for n := 0; chain != 0 && n < maxChain && w.at(chain, &d); n++ {
		if d.Tag != dwarfscan.TagGNUAnnotation || string(w.stringValue(&d, dwarfscan.Name)) != "btf_decl_tag" {
			break
		}
		list = append(list, declTag{target, component, w.c.strs.Intern(w.stringValue(&d, dwarfscan.ConstValue))})
		chain = w.ref(&d, dwarfscan.Annotation)
	}
	return list
}

// llvmDeclTag collects the annotation that was read last if it is a declaration tag.
// Rule types/decl-tags.
func (w *walker) llvmDeclTag(list []declTag, target uint32, component int32) []declTag {
	d := &w.die
	if string(w.stringValue(d, dwarfscan.Name)) == "btf_decl_tag" {
		list = append(list, declTag{target, component, w.c.strs.Intern(w.stringValue(d, dwarfscan.ConstValue))})
	}
	return list
}

// typedef applies rule types/typedef.
func (w *walker) typedef() {
	d := &w.die
	off, name, ref := d.Off, w.name(d), w.ref(d, dwarfscan.Type)
	pre := w.marks.add(off)
	if d.Children && w.enter() {
		for w.rd.Next(&w.die) {
			if d.Tag == dwarfscan.TagLLVMAnnotation {
				w.d.typeTags = w.llvmDeclTag(w.d.typeTags, pre, -1)
			}
			w.skip()
		}
		w.depth--
	}
	if w.c.str0(name) {
		// BTF has no TYPEDEF without a name; what it names is as good.
		w.d.note(NoteLowered, off, dwarfscan.TagTypedef, "has no name: taken for its type")
		w.marks.toAlias(pre, ref)
		return
	}
	w.from(ref)
	w.endRaw(pre, []uint32{btf.InfoWord(btf.Typedef, 0, false), name, 0}, typ{tag: dwarfscan.TagTypedef, named: true})
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
func (w *walker) baseType() {
	d := &w.die
	off, name, enc := d.Off, w.name(d), d.Const(dwarfscan.Encoding)
	raw := uint32(d.Const(dwarfscan.ByteSize))
	pre := w.marks.add(off)
	w.skip()
	info := typ{size: raw, tag: dwarfscan.TagBase, named: true}
	size := (raw*8&0xffff + 7) / 8 // the reference counts bits in 16 bits
	if w.c.str0(name) {
		w.d.note(NoteLowered, off, dwarfscan.TagBase, "has no name: named "+fakeInt)
		name = rawStrID | uint32(w.c.strs.InternString(fakeInt))
	}
	if w.c.opt.Float {
		switch enc {
		case ateComplex, ateImaginary:
			if w.complexType(off, pre, name, enc, size, info) {
				return
			}
		case ateFloat:
			if isFloatSize(size) {
				w.endRaw(pre, []uint32{btf.InfoWord(btf.Float, 0, false), name, size}, info)
				return
			}
			w.d.note(NoteLowered, off, dwarfscan.TagBase, "%q: BTF has no FLOAT of %d bytes: taken for an integer", w.c.nameString(name), size)
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
		if w.c.opt.Trace {
			w.d.fakeInts = append(w.d.fakeInts, FakeInt{w.d.next(), size * 8})
		}
		name, size = rawStrID|uint32(w.c.strs.InternString(fakeInt)), 4
	} else if w.d.firstInt == 0 && w.c.str(name) == w.c.intName {
		w.d.firstInt = w.d.next()
	}
	w.endRaw(pre, []uint32{btf.InfoWord(btf.Int, 0, false), name, size, data | size*8}, info)
}

// fakeInt is the name of an INT whose size BTF does not allow.
const fakeInt = "__SANITIZED_FAKE_INT__"

// array applies rule types/arrays.
func (w *walker) array() {
	d := &w.die
	off, ref, size, tag := d.Off, w.ref(d, dwarfscan.Type), uint32(d.Const(dwarfscan.ByteSize)), d.Tag
	pre := w.marks.add(off)
	first := len(w.words)
	if d.Children && w.enter() {
		for w.rd.Next(&w.die) {
			if d.Tag == dwarfscan.TagSubrange {
				var n uint32
				if d.Has(dwarfscan.UpperBound) && d.Form[dwarfscan.UpperBound].IsData() {
					n = uint32(d.Val[dwarfscan.UpperBound]) + 1
				} else if d.Form[dwarfscan.Count].IsData() {
					n = uint32(d.Const(dwarfscan.Count))
				}
				if len(w.words)-first < 64 { // as many dimensions as the reference keeps
					w.words = append(w.words, n)
				}
			}
			w.skip()
		}
		w.depth--
	}
	dims := w.words[first:]
	w.words = w.words[:first]
	w.d.hasArray = true
	switch {
	case len(dims) == 0:
		dims = append(dims, 0)
	case len(dims) > 1 && w.c.opt.FlatArrays:
		dims = flattenDims(dims)
	}
	for i := len(dims) - 1; ; i-- {
		content := w.arrayContent(dims[i])
		w.from(ref, arrayIndex)
		if i == 0 {
			w.end(pre, btf.Array, content, typ{size: size, tag: tag})
			return
		}
		// the outer dimensions' element is the array just made; only the whole has the DIE's size
		ref = refLocal | typeRef(w.add(btf.Array, content, typ{tag: tag}))
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

// arrayContent returns the content of an ARRAY of n elements.
func (w *walker) arrayContent(n uint32) uint32 {
	return w.content([]uint32{btf.InfoWord(btf.Array, 0, false), 0, 0, n})
}

// proto applies rule types/prototypes.
func (w *walker) proto() {
	d := &w.die
	off, pre := d.Off, w.marks.add(d.Off)
	cs, rs := len(w.words), len(w.refs)
	w.words = append(w.words, 0, 0, 0)
	w.refs = append(w.refs, w.ref(d, dwarfscan.Type))
	variadic, named := false, false
	if d.Children && w.enter() {
		for w.rd.Next(&w.die) {
			switch d.Tag {
			case dwarfscan.TagFormalParameter:
				name := w.name(d)
				named = named || name != 0
				w.words = append(w.words, name)
				w.refs = append(w.refs, w.ref(d, dwarfscan.Type))
				w.skip()
			case dwarfscan.TagUnspecifiedParms:
				variadic = true
				w.skip()
			default:
				w.generic(ctxType)
			}
		}
		w.depth--
	}
	if variadic {
		w.words = append(w.words, 0)
		w.refs = append(w.refs, 0)
	}
	n := w.clamp(&w.words, &w.refs, cs+3, rs+1, 1, off, dwarfscan.TagSubroutineType)
	w.words[cs] = btf.InfoWord(btf.FuncProto, n, false)
	w.from(w.refs[rs:]...)
	w.endRaw(pre, w.words[cs:], typ{tag: dwarfscan.TagSubroutineType})
	w.words, w.refs = w.words[:cs], w.refs[:rs]
}

// maxVlen is how many members, values or parameters a record can have.
const maxVlen = 0xffff

// clamp returns how many elements the content being built has, leaving out those
// that no record has room for.
func (w *walker) clamp(words *[]uint32, refs *[]typeRef, from, refFrom, step, off int, tag dwarfscan.Tag) int {
	n := (len(*words) - from) / step
	if n > maxVlen {
		what := "members"
		switch tag {
		case dwarfscan.TagEnumeration:
			what = "values"
		case dwarfscan.TagSubroutineType:
			what = "parameters"
		}
		of := "its"
		if name := (*words)[from-2]; !w.c.str0(name) {
			of = fmt.Sprintf("%q's", shown.Name(w.c.nameString(name)))
		}
		w.d.note(NoteCut, off, tag, "%d of %s %d %s are left out: a record has room for %d", n-maxVlen, of, n, what, maxVlen)
		n = maxVlen
		*words = (*words)[:from+n*step]
		if refs != nil {
			*refs = (*refs)[:refFrom+n]
		}
	}
	return n
}

// composite applies rule types/struct.
func (w *walker) composite(kind btf.Kind) {
	d := &w.die
	off, tag := d.Off, d.Tag
	name, size := w.name(d), uint32(d.Const(dwarfscan.ByteSize))
	decl, sig := d.Flag(dwarfscan.Declaration), typeRef(0)
	if d.Has(dwarfscan.Signature) {
		sig = w.ref(d, dwarfscan.Signature)
	}
	if name == 0 && d.Has(dwarfscan.Specification) {
		name = w.nameAt(w.ref(d, dwarfscan.Specification))
	}
	pre := w.marks.add(off)
	if d.Has(dwarfscan.Annotation) && kind == btf.Struct {
		w.d.typeTags = w.gnuDeclTags(w.d.typeTags, w.ref(d, dwarfscan.Annotation), pre, -1)
	}
	cs, rs := len(w.words), len(w.refs)
	w.words = append(w.words, 0, name, size)
	kflag := false
	if d.Children && w.enter() {
		kflag = w.members(kind, pre)
		w.depth--
	}
	info := typ{size: size, tag: tag, named: !w.c.str0(name)}
	if sig != 0 { // the definition is in a type unit
		w.words, w.refs = w.words[:cs], w.refs[:rs]
		w.marks.toAlias(pre, sig)
		return
	}
	if decl {
		w.words, w.refs = w.words[:cs], w.refs[:rs]
		if !info.named {
			w.d.note(NoteLowered, off, tag, "declaration without a name: taken for one without members")
			w.endRaw(pre, []uint32{btf.InfoWord(kind, 0, false), 0, 0}, info)
			return
		}
		w.endRaw(pre, []uint32{btf.InfoWord(btf.Fwd, 0, kind == btf.Union), name, 0}, info)
		return
	}
	if w.cu.lang == langRust {
		sortMembers(w.words[cs+3:], w.refs[rs:])
	}
	n := w.clamp(&w.words, &w.refs, cs+3, rs, 2, off, tag)
	w.words[cs] = btf.InfoWord(kind, n, kflag)
	w.from(w.refs[rs:]...)
	w.endRaw(pre, w.words[cs:], info)
	w.words, w.refs = w.words[:cs], w.refs[:rs]
}

const langRust = 0x1c

// sortMembers orders the members of a Rust struct by byte offset, equal ones as they were.
// Rule types/struct.
func sortMembers(words []uint32, refs []typeRef) {
	type member struct {
		name, off uint32
		ref       typeRef
	}
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
func (w *walker) members(kind btf.Kind, pre uint32) (kflag bool) {
	d := &w.die
	component := int32(0)
	for {
		component += w.plainMembers()
		if !w.rd.Next(d) {
			return kflag
		}
		switch d.Tag {
		case dwarfscan.TagMember:
			name := w.name(d)
			word, isBit := w.memberOffset(d, kind)
			ref := w.ref(d, dwarfscan.Type)
			if isBit {
				kflag = true
				if d.Const(dwarfscan.ByteSize) == 0 {
					w.d.bitfields = append(w.d.bitfields, ref)
				}
			}
			w.words = append(w.words, name, word)
			w.refs = append(w.refs, ref)
			if d.Has(dwarfscan.Annotation) {
				w.d.typeTags = w.gnuDeclTags(w.d.typeTags, w.ref(d, dwarfscan.Annotation), pre, component)
			}
			if d.Children && w.enter() {
				for w.rd.Next(d) {
					if d.Tag == dwarfscan.TagLLVMAnnotation {
						w.d.typeTags = w.llvmDeclTag(w.d.typeTags, pre, component)
					}
					w.skip()
				}
				w.depth--
			}
			component++
		case dwarfscan.TagInheritance:
			component++
			w.skip()
		case dwarfscan.TagLLVMAnnotation:
			w.d.typeTags = w.llvmDeclTag(w.d.typeTags, pre, -1)
			w.skip()
		case dwarfscan.TagVariantPart, dwarfscan.TagTemplateType, dwarfscan.TagTemplateValue:
			w.skip()
		default:
			w.generic(ctxType)
		}
	}
}

// plainMembers walks those of the next children that PlainMember reads. It does what members does with them, and returns how many they are.
func (w *walker) plainMembers() (n int32) {
	if !w.main || w.c.scattered {
		return 0
	}
	strs := min(uint64(len(w.sec.Str)), 1<<31-1)
	var m dwarfscan.Member
	for w.rd.PlainMember(&m) {
		var name rawName
		if m.Name < strs {
			name = rawName(m.Name) + 1
		} else {
			name = rawStrID | rawName(w.c.strs.Intern(cstring(w.sec.Str, m.Name)))
		}
		ref := typeRef(0) // where it leads out of the unit
		if m.Type < w.hdr.Size {
			ref = typeRef(m.Type) + typeRef(w.base)
		}
		w.words = append(w.words, name, uint32(m.Loc)*8)
		w.refs = append(w.refs, ref)
		n++
	}
	return n
}

// memberOffset returns a member's offset word and whether it makes its struct one
// with bitfields.
// Rules types/members, types/silly-bitfields.
func (w *walker) memberOffset(d *dwarfscan.DIE, kind btf.Kind) (word uint32, bitfield bool) {
	if !d.Has(dwarfscan.BitSize) && !d.Has(dwarfscan.DataBitOffset) && d.Has(dwarfscan.MemberLoc) && d.Form[dwarfscan.MemberLoc].IsData() {
		return uint32(d.Val[dwarfscan.MemberLoc]) * 8, false
	}
	width := uint32(uint8(d.Const(dwarfscan.BitSize)))
	off := w.offset(d, dwarfscan.MemberLoc) * 8
	switch {
	case d.Has(dwarfscan.DataBitOffset):
		off = w.offset(d, dwarfscan.DataBitOffset)
	case width != 0 && d.Has(dwarfscan.MemberLoc):
		off += w.oldBitOffset(d, uint32(d.Const(dwarfscan.BitSize)))
	}
	if width != 0 && w.c.opt.FixupSillyBitfields {
		// One that fills its storage is silly only where it also begins: packed structs have others.
		if s := 8 * w.storageSize(d); width == s && off%s == 0 {
			width = 0
		}
	}
	if width == 0 && off%8 == 0 {
		return off, false
	}
	switch {
	case width == 0:
		w.d.note(NoteLowered, d.Off, d.Tag, "%q: at bit %d without a width: taken for one at the byte's start", w.c.nameString(w.name(d)), off)
		return off &^ 7, false
	case off > 0xffffff:
		w.d.note(NoteLowered, d.Off, d.Tag, "%q: bitfield at bit %d, behind what BTF can say: taken for one at the largest", w.c.nameString(w.name(d)), off)
		off = 0xffffff
	case kind == btf.Union && off != 0:
		w.d.note(NoteLowered, d.Off, d.Tag, "%q: bitfield of a union at bit %d: taken for one at 0", w.c.nameString(w.name(d)), off)
		off = 0
	}
	return off | width<<24, true
}

// offset returns an attribute that is a member's offset: DW_AT_data_member_location in bytes, DW_AT_data_bit_offset in bits. It is a
// number, or an expression that starts with one (DWARF 2 and 3 have no other). Any other expression depends on the program's state, as
// that of a member behind one of variable length does: the reference takes -1. Lists of locations count as 0.
// Rule types/members.
func (w *walker) offset(d *dwarfscan.DIE, s dwarfscan.Slot) uint32 {
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
		expr := w.buf[p : p+n]
		if n == 0 || expr[0] != dwarfscan.OpPlusUconst && expr[0] != dwarfscan.OpConstu {
			return unknown
		}
		if o, ok := dwarfscan.NextOp(expr, w.cu.format); ok {
			return uint32(o.Arg)
		}
	}
	return 0
}

// oldBitOffset returns what DW_AT_bit_offset adds: it counts from the storage
// unit's most significant bit.
// Rule types/members.
func (w *walker) oldBitOffset(d *dwarfscan.DIE, width uint32) uint32 {
	bo := uint32(d.Const(dwarfscan.BitOffset))
	if w.sec.BigEndian {
		return bo
	}
	return 8*w.storageSize(d) - bo - width
}

// storageSize returns the size in bytes of a bitfield's storage unit.
func (w *walker) storageSize(d *dwarfscan.DIE) uint32 {
	if n := d.Const(dwarfscan.ByteSize); n != 0 {
		return uint32(n)
	}
	return w.sizeAt(w.ref(d, dwarfscan.Type))
}

// sizeAt returns the size of the type whose DIE is at off, behind typedefs and qualifiers.
func (w *walker) sizeAt(off typeRef) uint32 {
	var d dwarfscan.DIE
	for n := 0; off != 0 && n < maxChain && w.at(off, &d); n++ {
		switch d.Tag {
		case dwarfscan.TagTypedef, dwarfscan.TagConst, dwarfscan.TagVolatile, dwarfscan.TagRestrict, dwarfscan.TagAtomic:
			off = w.ref(&d, dwarfscan.Type)
			continue
		case dwarfscan.TagPointer:
			return uint32(w.cu.format.AddrSize)
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
func (w *walker) nameAt(off typeRef) rawName {
	var d dwarfscan.DIE
	if !w.at(off, &d) {
		return 0
	}
	return w.name(&d)
}

// enum applies rule types/enum.
func (w *walker) enum() {
	d := &w.die
	off, name, size, ref := d.Off, w.name(d), uint32(d.Const(dwarfscan.ByteSize)), w.ref(d, dwarfscan.Type)
	pre := w.marks.add(off)
	if d.Has(dwarfscan.Signature) {
		if sig := w.ref(d, dwarfscan.Signature); sig != 0 { // the definition is in a type unit
			w.skip()
			w.marks.toAlias(pre, sig)
			return
		}
	}
	info := typ{size: size, tag: dwarfscan.TagEnumeration, named: !w.c.str0(name)}
	if size == 0 {
		size = 4
	}
	cs := len(w.words)
	w.words = append(w.words, 0, name, size)
	if d.Children && w.enter() {
		for w.rd.Next(d) {
			if d.Tag == dwarfscan.TagEnumerator {
				v := uint64(0)
				if f := d.Form[dwarfscan.ConstValue]; d.Has(dwarfscan.ConstValue) && f.IsConst() {
					v = d.Val[dwarfscan.ConstValue]
				}
				n := w.name(d)
				if w.c.str0(n) {
					w.d.note(NoteLeftOut, d.Off, d.Tag, "has no name: left out")
				} else {
					w.words = append(w.words, n, uint32(v), uint32(v>>32))
				}
			}
			w.skip()
		}
		w.depth--
	}
	if size > 8 || size&(size-1) != 0 {
		w.d.note(NoteLowered, off, dwarfscan.TagEnumeration, "size %d is no enum's: taken for 4", size)
		size = 4
	}
	signed := ref != 0 && w.signedAt(ref)
	n := w.clamp(&w.words, nil, cs+3, 0, 3, off, dwarfscan.TagEnumeration)
	w.words[cs+2] = size
	if size > 4 && w.c.opt.Enum64 {
		w.words[cs] = btf.InfoWord(btf.Enum64, n, signed)
	} else {
		w.enum32(cs, n, off)
	}
	w.endRaw(pre, w.words[cs:], info)
	w.words = w.words[:cs]
}

// enum32 turns the values collected as (name, low, high) into those of an ENUM.
// Rule types/enum.
func (w *walker) enum32(cs, n, off int) {
	val := w.words[cs:]
	kflag, lost := false, 0
	for i := 0; i < n; i++ {
		name, v := val[3+3*i], int64(uint64(val[4+3*i])|uint64(val[5+3*i])<<32)
		if w.c.opt.Enum64 {
			if v < 0 {
				kflag = true
			}
			if v < -1<<31 || v > 1<<32-1 {
				w.d.note(NoteLowered, off, dwarfscan.TagEnumeration, "value %d of %q does not fit: its low 32 bits are kept", v, w.c.nameString(name))
			}
		}
		if w.c.opt.NoteEnums && (v < -1<<31 || v > 1<<32-1) {
			lost++
		}
		val[3+2*i], val[4+2*i] = name, uint32(v)
	}
	if lost > 0 {
		w.d.note(NoteTarget, off, dwarfscan.TagEnumeration, "%q: %d of its %d values do not fit in 32 bits, and the low 32 are kept", w.c.nameString(val[1]), lost, n)
	}
	w.words = w.words[:cs+3+2*n]
	w.words[cs] = btf.InfoWord(btf.Enum, n, kflag)
}

// signedAt reports whether the base type at off is signed.
func (w *walker) signedAt(off typeRef) bool {
	var d dwarfscan.DIE
	if !w.at(off, &d) || d.Tag != dwarfscan.TagBase {
		return false
	}
	e := d.Const(dwarfscan.Encoding)
	return e == ateSigned || e == ateSignedChar
}
