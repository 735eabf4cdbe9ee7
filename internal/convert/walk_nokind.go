package convert

import (
	"strings"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/dwarfscan"
)

// trial is a walk whose description is thrown away: it finds the first DIE that BTF has no kind for.
type trial struct {
	d     desc
	marks marks
	off   int
	tag   dwarfscan.Tag
	found bool
}

// canLeaveOut tells whether the unit may be left out as a whole. Not where units refer
// to each other: what others take from it would be void there.
func (w *walker) canLeaveOut() bool {
	return !w.c.merged || !w.c.linked
}

// findNoKind walks the unit in a trial, from its own DIE on, and comes back there. Only units whose abbreviations have such a tag are
// walked twice.
func (w *walker) findNoKind() (off int, tag dwarfscan.Tag, found bool) {
	d, m, die, pos, err, depth := w.d, w.marks, w.die, w.rd.Pos, w.rd.Err, w.depth
	t := &w.spare
	t.found = false
	t.d.reset(w.c, w.bufOff)
	t.d.muted = true
	t.marks.reset(w.base, int(w.hdr.Size), false)
	w.d, w.marks, w.trial = &t.d, &t.marks, t
	w.children(ctxCU)
	w.d, w.marks, w.trial = d, m, nil
	w.die, w.rd.Pos, w.rd.Err, w.depth = die, pos, err, depth
	w.words, w.refs, w.pstack = w.words[:0], w.refs[:0], w.pstack[:0]
	return t.off, t.tag, t.found
}

// withoutKind handles types that BTF has no kind for, where the reference gives up and
// writes nothing. As a rule that ends a dry walk, and the unit is left out; where that
// cannot be, each becomes the nearest type there is.
// Rule units/lowered.
func (w *walker) withoutKind() {
	d := &w.die
	off, tag := d.Off, d.Tag
	if t := w.trial; t != nil {
		if !t.found {
			t.off, t.tag, t.found = off, tag, true
		}
		w.rd.Pos = len(w.rd.Buf)
		return
	}
	switch tag {
	case dwarfscan.TagInterface:
		w.d.note(NoteLowered, off, tag, "BTF has no such kind: taken for a struct")
		w.composite(btf.Struct)
	case dwarfscan.TagStringType:
		n := uint32(max(1, d.Const(dwarfscan.ByteSize)))
		pre := w.marks.add(off)
		w.skip()
		w.d.note(NoteLowered, off, tag, "BTF has no such kind: taken for an array of %d char", n)
		char := w.content([]uint32{btf.InfoWord(btf.Int, 0, false), rawStrID | uint32(w.c.strs.InternString("char")), 1, intSigned | 8})
		id := w.add(btf.Int, char, typ{size: 1, tag: dwarfscan.TagBase, named: true})
		w.d.hasArray = true
		w.from(refLocal|typeRef(id), arrayIndex)
		w.end(pre, btf.Array, w.arrayContent(n), typ{size: n, tag: tag})
	default:
		ref, pre := w.ref(d, dwarfscan.Type), w.marks.add(off)
		w.skip()
		w.d.note(NoteLowered, off, tag, "BTF has no such kind: taken for a pointer")
		w.from(ref)
		w.end(pre, btf.Ptr, w.c.bare[btf.Ptr], typ{tag: tag})
	}
}

// plainType handles qualifiers that BTF does not have: what is behind them stands for them.
// Rule units/lowered.
func (w *walker) plainType() {
	d := &w.die
	off, tag, ref := d.Off, d.Tag, w.ref(d, dwarfscan.Type)
	pre := w.marks.add(off)
	w.skip()
	w.d.note(NoteLowered, off, tag, "BTF has no such kind: taken for the plain type")
	w.marks.toAlias(pre, ref)
}

// complexType lowers a complex or imaginary number, which the reference gives up on when
// there are floats: to the INT of its size that it writes when there are none, and where
// INT has no such size to an array of two parts.
func (w *walker) complexType(off int, pre uint32, name rawName, enc uint64, size uint32, info typ) bool {
	if size != 0 && size <= 16 && size&(size-1) == 0 {
		w.d.note(NoteLowered, off, dwarfscan.TagBase, "%q: BTF has no complex numbers: taken for an integer of its size", w.c.nameString(name))
		return false
	}
	half := size / 2
	if enc != ateComplex || size%2 != 0 || !isFloatSize(half) {
		w.d.note(NoteLowered, off, dwarfscan.TagBase, "%q: BTF has no complex numbers: taken for an integer named %s", w.c.nameString(name), fakeInt)
		return false
	}
	w.d.note(NoteLowered, off, dwarfscan.TagBase, "%q: BTF has no complex numbers: taken for an array of two floats", w.c.nameString(name))
	part := strings.TrimPrefix(w.c.nameString(name), "complex ") // "complex long double" of gcc
	float := w.content([]uint32{btf.InfoWord(btf.Float, 0, false), rawStrID | uint32(w.c.strs.InternString(part)), half})
	id := w.add(btf.Float, float, typ{size: half, tag: dwarfscan.TagBase, named: true})
	w.d.hasArray = true
	w.from(refLocal|typeRef(id), arrayIndex)
	w.end(pre, btf.Array, w.arrayContent(2), info)
	return true
}

func isFloatSize(n uint32) bool {
	switch n {
	case 2, 4, 8, 12, 16:
		return true
	}
	return false
}
