package convert

import (
	"github.com/gobtf/gobtf/internal/dwarfscan"
)

// maxImportDepth is how deep imports of partial units may nest, as in the reference.
const maxImportDepth = 64

// importUnit walks the partial unit that DW_TAG_imported_unit names (dwz), where it is
// met for the first time. That unit is walked once more when its own turn comes, as the
// reference does: the copy that comes last is what references lead to. An alternate
// file's units have their turn before the file's own and are not walked again here.
// Rule units/imported.
func (u *unit) importUnit() {
	to := u.ref(&u.die, dwarfscan.Import)
	u.skip()
	if u.byOff == nil || to == 0 || u.dry {
		return
	}
	i := u.partAt(int(to))
	if i < 0 || u.group[i].sec != u.sec || u.imported[i] {
		return
	}
	if u.imports >= maxImportDepth {
		u.note(NoteWarning, u.die.Off, dwarfscan.TagImportedUnit, "nested deeper than %d: left out", maxImportDepth)
		return
	}
	u.imported[i] = true
	u.imports++
	here, rd, die := u.walkState, u.rd, u.die
	err := u.walkImported(&u.group[i])
	u.imports--
	u.walkState, u.die = here, die
	if err == nil {
		err = u.abbrevs.Compile(u.sec.Abbrev, u.hdr.AbbrevOff, u.hdr.Format)
	}
	failed := u.rd.Err
	u.rd = rd
	if failed != nil && u.rd.Err == nil {
		u.rd.Err, u.rd.Pos = failed, len(u.rd.Buf)
	}
	if err != nil && u.rd.Err == nil {
		u.rd.Err, u.rd.Pos = err, len(u.rd.Buf)
	}
}

func (u *unit) walkImported(p *part) error {
	if err := u.open(p); err != nil || !u.rd.Next(&u.die) || u.die.Tag != dwarfscan.TagPartialUnit {
		return err
	}
	u.enterUnit(&u.die)
	if u.die.Children {
		u.children(ctxCU)
	}
	return nil
}

// order returns the order in which the units of a merged group are walked: the units of
// the alternate file that are wanted, and then the file's own. Wanted are those that a
// DIE of the file refers to, and those that they import.
func (u *unit) order() []int {
	own := make([]int, 0, len(u.group))
	var alt []int
	for i := range u.group {
		if u.group[i].sec == &u.c.sec {
			own = append(own, i)
		} else {
			alt = append(alt, i)
		}
	}
	if len(alt) == 0 {
		return own
	}
	wanted := make(map[int]bool)
	var todo []int
	want := func(to uint64) {
		if to < uint64(len(u.buf)) {
			if j := u.partAt(int(to)); j >= 0 && u.group[j].sec != &u.c.sec && !wanted[j] {
				wanted[j] = true
				todo = append(todo, j)
			}
		}
	}
	var refs dwarfscan.Abbrevs
	for _, i := range own {
		for _, refs.Only = range [...]dwarfscan.Form{dwarfscan.FormGNURefAlt, dwarfscan.FormRefSup4, dwarfscan.FormRefSup8} {
			if dwarfscan.HasForm(u.c.sec.Abbrev, refs.Only) {
				u.eachRef(i, &refs, func(to uint64) { want(to + u.c.altAt) })
			}
		}
	}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		u.eachImport(i, func(to uint32) { want(uint64(to)) })
	}
	list := make([]int, 0, len(wanted)+len(own))
	for _, i := range alt {
		if wanted[i] {
			list = append(list, i)
		}
	}
	return append(list, own...)
}

// eachRef calls fn for every reference of one form in unit i, whatever the attribute.
func (u *unit) eachRef(i int, tab *dwarfscan.Abbrevs, fn func(to uint64)) {
	p := &u.group[i]
	*tab = dwarfscan.Abbrevs{Only: tab.Only}
	if tab.Compile(p.sec.Abbrev, p.AbbrevOff, p.Format) != nil {
		return
	}
	base := int(p.Off - u.bufOff)
	rd := dwarfscan.Reader{Buf: u.buf[:base+int(p.Size)], Pos: base + p.First, Tab: tab}
	var d dwarfscan.DIE
	for rd.Pos < len(rd.Buf) && rd.Err == nil {
		if rd.Next(&d) { // all DIEs one after the other, null entries between them
			d.Each(func(s dwarfscan.Slot) { fn(d.Val[s]) })
		}
	}
}

// eachImport calls fn for the place that each DW_TAG_imported_unit right below unit i's DIE names.
func (u *unit) eachImport(i int, fn func(to uint32)) {
	if u.open(&u.group[i]) != nil || !u.rd.Next(&u.die) || !u.die.Children {
		return
	}
	for u.rd.Next(&u.die) {
		if u.die.Tag == dwarfscan.TagImportedUnit {
			if to := u.ref(&u.die, dwarfscan.Import); to != 0 {
				fn(to)
			}
		}
		u.skip()
	}
}
