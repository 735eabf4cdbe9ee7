package convert

import (
	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/dwarfscan"
)

// unsized tells whether some bitfield is of something that has no type: its DIE became none, or a typedef or qualifier leads there.
// Rule units/sized.
func (d *desc) unsized(m *marks) bool {
	for _, ref := range d.bitfields {
		if d.open(m.local(ref)) {
			return true
		}
	}
	return false
}

// open tells whether a type ends in void behind typedefs and qualifiers.
func (t *types) open(id LocalID) bool {
	for n := 0; id != 0 && n < maxChain; n++ {
		switch t.at(id).kind {
		case btf.Typedef, btf.Const, btf.Volatile, btf.Restrict, btf.TypeTag:
			id = t.first(id)
		default: // other kinds: they are something
			return false
		}
	}
	return id == 0
}

// sizedType handles types that BTF has no kind for and that the reference passes over, under Options.Sized: what they are made of stands
// for them, or an integer of their size.
// Rule units/sized.
func (w *walker) sizedType() bool {
	d := &w.die
	if !d.Tag.PassedOver() {
		return false
	}
	if d.Has(dwarfscan.Type) && (!d.Has(dwarfscan.ByteSize) || d.Tag == dwarfscan.TagSubrange) {
		w.plainType()
		return true
	}
	off, tag, size := d.Off, d.Tag, uint32(d.Const(dwarfscan.ByteSize))
	if size == 0 || size > 16 || size&(size-1) != 0 {
		size = 4
	}
	pre := w.marks.add(off)
	w.skip()
	w.d.note(NoteLowered, off, tag, "BTF has no such kind: taken for an integer of %d bytes", size)
	w.end(pre, btf.Int, w.content(w.c.fakeInt(size)), typ{size: size, tag: dwarfscan.TagBase, named: true})
	return true
}

// fakeInt is the content of an integer that stands for something else.
func (c *Converter) fakeInt(size uint32) []uint32 {
	return []uint32{btf.InfoWord(btf.Int, 0, false), rawStrID | uint32(c.strs.InternString(fakeInt)), size, 8 * size}
}

// sizeAll gives members and elements that are still of no type an integer: whatever their DIE is, it is no type. The walk is over, and
// references are linked.
// Rule units/sized.
func (w *walker) sizeAll() {
	d := w.d
	stand := LocalID(0)
	for id := LocalID(1); int(id) <= len(d.list); id++ {
		n := 0
		switch x := d.at(id); x.kind {
		case btf.Struct, btf.Union:
			n = len(d.targets(id))
		case btf.Array:
			n = 1
		default: // other kinds: void may stand there
			continue
		}
		for i := range n {
			to := &d.targets(id)[i]
			if *to == ArrayIndex || !d.open(LocalID(*to)) {
				continue
			}
			if stand == 0 {
				stand = w.add(btf.Int, w.content(w.c.fakeInt(4)), typ{size: 4, tag: dwarfscan.TagBase, named: true})
			}
			*to = uint32(stand)
			w.d.note(NoteLowered, 0, d.at(id).tag, "has a member or elements of no type: taken for an integer")
		}
	}
}
