package convert

import (
	"strings"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/dwarfscan"
)

// noKind is the first DIE of a unit that BTF has no kind for.
type noKind struct {
	off   int
	tag   dwarfscan.Tag
	found bool
}

// canLeaveOut tells whether the unit may be left out as a whole. Not where units refer
// to each other: what others take from it would be void there.
func (u *unit) canLeaveOut() bool {
	return !u.c.merged || !u.c.linked
}

// findNoKind walks the unit without any effect but to find a DIE that BTF has no kind
// for. Only units whose abbreviations have such a tag are walked twice.
func (u *unit) findNoKind() bool {
	s, d, pos, err := u.savepoint(), u.die, u.rd.Pos, u.rd.Err
	u.dry, u.noKind = true, noKind{}
	u.children(ctxCU)
	u.dry = false
	u.restore(s)
	u.die, u.rd.Pos, u.rd.Err = d, pos, err
	return u.noKind.found
}

// saved is how far the lists of a conversion were filled.
type saved struct {
	shape, refOff, refs, fake, notes, more                                             int
	pre, typ, alias, words, uref, tags, funcs, params, pstack, vars, vtags, ftags, dep int
	firstInt                                                                           LocalID
	hasArray                                                                           bool
}

func (u *unit) savepoint() saved {
	o := u.out
	return saved{len(o.Shape), len(o.RefOff), len(o.Refs), len(o.FakeInts), len(o.Notes), o.MoreNotes,
		len(u.pre), len(u.typ), len(u.alias), len(u.words), len(u.refs), len(u.tags), len(u.funcs), len(u.params), len(u.pstack),
		len(u.vars), len(u.vtags), len(u.ftags), u.depth, o.FirstInt, o.HasArray}
}

// restore takes back what was added behind s, of which all is of the unit being walked.
func (u *unit) restore(s saved) {
	o := u.out
	o.Shape, o.RefOff, o.Refs, o.FakeInts, o.Notes, o.MoreNotes = o.Shape[:s.shape], o.RefOff[:s.refOff], o.Refs[:s.refs], o.FakeInts[:s.fake], o.Notes[:s.notes], s.more
	u.pre, u.typ, u.alias, u.words, u.refs = u.pre[:s.pre], u.typ[:s.typ], u.alias[:s.alias], u.words[:s.words], u.refs[:s.uref]
	u.tags, u.funcs, u.params, u.pstack = u.tags[:s.tags], u.funcs[:s.funcs], u.params[:s.params], u.pstack[:s.pstack]
	u.vars, u.vtags, u.ftags, u.depth = u.vars[:s.vars], u.vtags[:s.vtags], u.ftags[:s.ftags], s.dep
	o.FirstInt, o.HasArray = s.firstInt, s.hasArray
	from, to := u.base, u.base+int(u.hdr.Size)
	for i := from; i < to; {
		if i&63 == 0 && to-i >= 64 {
			u.bits[i>>6] = 0
			i += 64
			continue
		}
		u.bits[i>>6] &^= 1 << (i & 63)
		i++
	}
}

// withoutKind handles types that BTF has no kind for, where the reference gives up and
// writes nothing. As a rule that ends a dry walk, and the unit is left out; where that
// cannot be, each becomes the nearest type there is.
// Rule units/lowered.
func (u *unit) withoutKind() {
	d := &u.die
	off, tag := d.Off, d.Tag
	if u.dry {
		if !u.noKind.found {
			u.noKind = noKind{off, tag, true}
		}
		u.rd.Pos = len(u.rd.Buf)
		return
	}
	switch tag {
	case dwarfscan.TagInterface:
		u.note(NoteLowered, off, tag, "BTF has no such kind: taken for a struct")
		u.composite(btf.Struct)
	case dwarfscan.TagStringType:
		n := uint32(max(1, d.Const(dwarfscan.ByteSize)))
		pre := u.mark(off)
		u.skip()
		u.note(NoteLowered, off, tag, "BTF has no such kind: taken for an array of %d char", n)
		char := u.shape([]uint32{btf.InfoWord(btf.Int, 0, false), rawStrID | uint32(u.c.strs.InternString("char")), 1, intSigned | 8})
		id := u.emitUnmarked(char, typeInfo{size: 1, tag: dwarfscan.TagBase, name: true})
		u.out.HasArray = true
		u.out.Refs = append(u.out.Refs, refLocal|uint32(id), ArrayIndex)
		u.emit(pre, u.c.arrayShape(n), typeInfo{size: n, tag: tag})
	default:
		ref, pre := u.ref(d, dwarfscan.Type), u.mark(off)
		u.skip()
		u.note(NoteLowered, off, tag, "BTF has no such kind: taken for a pointer")
		u.out.Refs = append(u.out.Refs, ref)
		u.emit(pre, u.c.ptr, typeInfo{tag: tag})
	}
}

// plainType handles qualifiers that BTF does not have: what is behind them stands for them.
// Rule units/lowered.
func (u *unit) plainType() {
	d := &u.die
	off, tag, ref := d.Off, d.Tag, u.ref(d, dwarfscan.Type)
	pre := u.mark(off)
	u.skip()
	u.note(NoteLowered, off, tag, "BTF has no such kind: taken for the plain type")
	u.toAlias(pre, ref)
}

// complexType lowers a complex or imaginary number, which the reference gives up on when
// there are floats: to the INT of its size that it writes when there are none, and where
// INT has no such size to an array of two parts.
func (u *unit) complexType(off int, pre uint32, name rawName, enc uint64, size uint32, info typeInfo) bool {
	if size != 0 && size <= 16 && size&(size-1) == 0 {
		u.note(NoteLowered, off, dwarfscan.TagBase, "%q: BTF has no complex numbers: taken for an integer of its size", u.nameString(name))
		return false
	}
	half := size / 2
	if enc != ateComplex || size%2 != 0 || !isFloatSize(half) {
		u.note(NoteLowered, off, dwarfscan.TagBase, "%q: BTF has no complex numbers: taken for an integer named %s", u.nameString(name), fakeInt)
		return false
	}
	u.note(NoteLowered, off, dwarfscan.TagBase, "%q: BTF has no complex numbers: taken for an array of two floats", u.nameString(name))
	part := strings.TrimPrefix(u.nameString(name), "complex ") // "complex long double" of gcc
	sh := u.shape([]uint32{btf.InfoWord(btf.Float, 0, false), rawStrID | uint32(u.c.strs.InternString(part)), half})
	id := u.emitUnmarked(sh, typeInfo{size: half, tag: dwarfscan.TagBase, name: true})
	u.out.HasArray = true
	u.out.Refs = append(u.out.Refs, refLocal|uint32(id), ArrayIndex)
	u.emit(pre, u.c.arrayShape(2), info)
	return true
}

func isFloatSize(n uint32) bool {
	switch n {
	case 2, 4, 8, 12, 16:
		return true
	}
	return false
}
