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
func (w *walker) importUnit() {
	to := w.ref(&w.die, dwarfscan.Import)
	w.skip()
	if w.imported == nil || to == 0 {
		return
	}
	i := w.partAt(int(to))
	if i < 0 || w.group[i].sec != w.sec || w.imported[i] {
		return
	}
	if w.imports >= maxImportDepth {
		w.d.note(NoteWarning, w.die.Off, dwarfscan.TagImportedUnit, "nested deeper than %d: left out", maxImportDepth)
		return
	}
	w.imported[i] = true
	w.imports++
	here, rd, die := w.walkState, w.rd, w.die
	err := w.walkImported(&w.group[i])
	w.imports--
	w.walkState, w.die = here, die
	if err == nil {
		err = w.abbrevs.Compile(w.sec.Abbrev, w.hdr.AbbrevOff, w.hdr.Format)
	}
	failed := w.rd.Err
	w.rd = rd
	if failed != nil && w.rd.Err == nil {
		w.rd.Err, w.rd.Pos = failed, len(w.rd.Buf)
	}
	if err != nil && w.rd.Err == nil {
		w.rd.Err, w.rd.Pos = err, len(w.rd.Buf)
	}
}

func (w *walker) walkImported(p *part) error {
	if err := w.open(p); err != nil || !w.rd.Next(&w.die) || w.die.Tag != dwarfscan.TagPartialUnit {
		return err
	}
	w.enterUnit(&w.die)
	if w.die.Children {
		w.children(ctxCU)
	}
	return nil
}

// order returns the order in which the units of a merged group are walked: the units of
// the alternate file that are wanted, and then the file's own. Wanted are those that a
// DIE of the file refers to, and those that they import.
func (w *walker) order() []int {
	own := make([]int, 0, len(w.group))
	var alt []int
	for i := range w.group {
		if w.group[i].sec == &w.c.sec {
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
		if to < uint64(len(w.buf)) {
			if j := w.partAt(int(to)); j >= 0 && w.group[j].sec != &w.c.sec && !wanted[j] {
				wanted[j] = true
				todo = append(todo, j)
			}
		}
	}
	for _, form := range [...]dwarfscan.Form{dwarfscan.FormGNURefAlt, dwarfscan.FormRefSup4, dwarfscan.FormRefSup8} {
		if !w.c.survey.Has(form) {
			continue
		}
		refs := dwarfscan.Abbrevs{Only: form}
		for _, i := range own {
			w.eachRef(i, &refs, func(to uint64) { want(to + w.c.altAt) })
		}
	}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		w.eachImport(i, func(to typeRef) { want(uint64(to)) })
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
func (w *walker) eachRef(i int, tab *dwarfscan.Abbrevs, fn func(to uint64)) {
	p := &w.group[i]
	if tab.Compile(p.sec.Abbrev, p.AbbrevOff, p.Format) != nil {
		return
	}
	base := int(p.Off - w.bufOff)
	rd := dwarfscan.Reader{Buf: w.buf[:base+int(p.Size)], Pos: base + int(p.First), Tab: &tab.Table}
	var d dwarfscan.DIE
	for rd.Pos < len(rd.Buf) && rd.Err == nil {
		if rd.Next(&d) { // all DIEs one after the other, null entries between them
			d.Each(func(s dwarfscan.Slot) { fn(d.Val[s]) })
		}
	}
}

// eachImport calls fn for the place that each DW_TAG_imported_unit right below unit i's DIE names.
func (w *walker) eachImport(i int, fn func(to typeRef)) {
	if w.open(&w.group[i]) != nil || !w.rd.Next(&w.die) || !w.die.Children {
		return
	}
	for w.rd.Next(&w.die) {
		if w.die.Tag == dwarfscan.TagImportedUnit {
			if to := w.ref(&w.die, dwarfscan.Import); to != 0 {
				fn(to)
			}
		}
		w.skip()
	}
}
