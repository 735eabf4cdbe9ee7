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
	abbrevs dwarfscan.Abbrevs
	cu      cuInfo
	ok      bool
}

// at reads the DIE at a position of buf into d, without moving the walk. The DIE may be
// another unit's where units are taken as one: then its references and strings are
// turned into what they mean there.
func (u *unit) at(off uint32, d *dwarfscan.DIE) bool {
	pos := int(off)
	if off == 0 {
		return false
	}
	if pos >= u.base && pos < u.base+int(u.hdr.Size) {
		return u.rd.At(pos, d)
	}
	i := u.partAt(pos)
	if i < 0 {
		return false
	}
	p := &u.group[i]
	f := u.foreign[i]
	if f == nil {
		f = &foreign{}
		f.ok = f.abbrevs.Compile(p.sec.Abbrev, p.AbbrevOff, p.Format) == nil
		if u.foreign == nil {
			u.foreign = make(map[int]*foreign)
		}
		u.foreign[i] = f
	}
	if !f.ok {
		return false
	}
	here := u.walkState
	defer func() { u.walkState = here }()
	u.walkState = walkState{hdr: p, sec: p.sec, main: false, base: int(p.Off - u.bufOff)}
	rd := dwarfscan.Reader{Buf: u.buf[:u.base+int(p.Size)], Pos: u.base + p.First, Tab: &f.abbrevs}
	if f.cu.format.AddrSize == 0 {
		var root dwarfscan.DIE
		if !rd.Next(&root) {
			f.ok = false
			return false
		}
		f.cu = u.cuAttrs(&root)
	}
	u.cu = f.cu
	rd.Pos = pos
	if !rd.Next(d) {
		return false
	}
	for _, s := range [...]dwarfscan.Slot{dwarfscan.Type, dwarfscan.Origin, dwarfscan.Specification, dwarfscan.Signature, dwarfscan.Annotation} {
		if d.Has(s) {
			d.Val[s], d.Form[s] = uint64(u.ref(d, s)), formPlace
		}
	}
	for _, s := range [...]dwarfscan.Slot{dwarfscan.Name, dwarfscan.ConstValue} {
		if b := u.stringValue(d, s); b != nil {
			d.Val[s], d.Form[s] = uint64(u.c.strs.Intern(b)), formInterned
		}
	}
	return true
}

// partAt returns which unit of the group a position of buf lies in, -1 when in none.
func (u *unit) partAt(pos int) int {
	g := u.group
	i := sort.Search(len(g), func(i int) bool { return int(g[i].Off-u.bufOff) > pos }) - 1
	if i < 0 || pos >= int(g[i].Off-u.bufOff)+int(g[i].Size) {
		return -1
	}
	return i
}

// cuAt returns the name of the unit that a position of buf lies in.
func (u *unit) cuAt(pos int) string {
	best := -1
	for i := range u.cus {
		if off := int(u.cus[i].off - u.bufOff); off <= pos && (best < 0 || off > int(u.cus[best].off-u.bufOff)) {
			best = i
		}
	}
	if best < 0 {
		return ""
	}
	return u.cus[best].name
}
