package convert

import (
	"sort"

	"github.com/gobtf/gobtf/internal/dwarfscan"
)

// Forms of values that were read in another unit of the group and no longer depend on it.
const (
	formPlace    dwarfscan.Form = 0xf0 // a DIE's position in buf
	formInterned dwarfscan.Form = 0xf1 // a StrID
)

// foreign is what reading DIEs of a unit needs that is not the one being walked.
type foreign struct {
	table dwarfscan.Table
	cu    cuInfo
	ok    bool
}

// at reads the DIE at a position of buf into d, without moving the walk. The DIE may be
// another unit's where units are taken as one: then its references and strings are
// turned into what they mean there.
func (w *walker) at(off typeRef, d *dwarfscan.DIE) bool {
	pos := int(off)
	if off == 0 {
		return false
	}
	if pos >= w.base && pos < w.base+int(w.hdr.Size) {
		return w.rd.At(pos, d)
	}
	i := w.partAt(pos)
	if i < 0 {
		return false
	}
	p := &w.group[i]
	f := w.foreign[i]
	if f == nil {
		f = &foreign{}
		var err error
		f.table, err = w.abbrevs.Open(p.sec.Abbrev, p.AbbrevOff, p.Format)
		f.ok = err == nil
		if w.foreign == nil {
			w.foreign = make(map[int]*foreign)
		}
		w.foreign[i] = f
	}
	if !f.ok {
		return false
	}
	here := w.walkState
	defer func() { w.walkState = here }()
	w.walkState = walkState{hdr: p, sec: p.sec, main: false, base: int(p.Off - w.bufOff)}
	rd := dwarfscan.Reader{Buf: w.buf[:w.base+int(p.Size)], Pos: w.base + int(p.First), Tab: &f.table}
	if f.cu.format.AddrSize == 0 {
		var root dwarfscan.DIE
		if !rd.Next(&root) {
			f.ok = false
			return false
		}
		f.cu = w.cuAttrs(&root)
	}
	w.cu = f.cu
	rd.Pos = pos
	if !rd.Next(d) {
		return false
	}
	for _, s := range [...]dwarfscan.Slot{dwarfscan.Type, dwarfscan.Origin, dwarfscan.Specification, dwarfscan.Signature, dwarfscan.Annotation} {
		if d.Has(s) {
			d.Val[s], d.Form[s] = uint64(w.ref(d, s)), formPlace
		}
	}
	for _, s := range [...]dwarfscan.Slot{dwarfscan.Name, dwarfscan.ConstValue} {
		if b := w.stringValue(d, s); b != nil {
			d.Val[s], d.Form[s] = uint64(w.c.strs.Intern(b)), formInterned
		}
	}
	return true
}

// partAt returns which unit of the group a position of buf lies in, -1 when in none.
func (w *walker) partAt(pos int) int {
	g := w.group
	i := sort.Search(len(g), func(i int) bool { return int(g[i].Off-w.bufOff) > pos }) - 1
	if i < 0 || pos >= int(g[i].Off-w.bufOff)+int(g[i].Size) {
		return -1
	}
	return i
}
