package elfx

import (
	"debug/elf"
	"fmt"
)

// imageSuffix names what is left of a section whose new contents do not fit into its loaded segment: ".BTF.image" is the old room of .BTF.
const imageSuffix = ".image"

// leave gives section i's name and its new contents to a section of their own, at the end of the table and outside every segment.
//
// The old header stays with the old room, under another name, and is not led to the new contents instead. What tools make of each:
//   - A header that keeps SHF_ALLOC and its address but lies outside the segments (as pahole leaves it) makes GNU strip and objcopy
//     warn of an "allocated section not in segment".
//   - A header without SHF_ALLOC turns the symbols __start_BTF and __stop_BTF, which belong to it by number, from R into N for nm.
//     link-vmlinux.sh, which makes kallsyms from nm's list, then leaves them out and has to link once more.
//   - Bytes of a segment that no section describes are lost when GNU strip or objcopy writes the file anew: it copies sections.
//
// Rule elf/leave.
func (w *planner) leave(i int, d NamedData) {
	s := &w.sec[i]
	s.Name, s.name = d.Name+imageSuffix, noName
	w.add(d)
}

// add makes a new section that is not loaded.
func (w *planner) add(d NamedData) {
	i := len(w.sec)
	w.sec = append(w.sec, Section{Name: d.Name, Index: i, Type: uint32(elf.SHT_PROGBITS), Align: 1, name: noName})
	w.move(i, d.Data)
}

// noteImage says so when the loaded image has older contents of a section that left it. An empty room, as ld.lld leaves it in
// .tmp_vmlinux1, deserves no note: the kernel's build links the new contents in. Contents are in the room of a finished vmlinux, and
// the running kernel would show those. The room decides, not the symbol __start_BTF, which both files have and a stripped one lacks.
func (w *planner) noteImage(d NamedData) {
	if d.Remove || len(w.segs) == 0 {
		return
	}
	i := w.find(d.Name + imageSuffix)
	if i < 0 || w.sec[i].Type == uint32(elf.SHT_NOBITS) || w.sec[i].Size == 0 || w.sec[i].Flags&uint64(elf.SHF_ALLOC) == 0 {
		return
	}
	w.p.note = joinNotes(w.p.note, fmt.Sprintf("section %s has no room for its new contents in the loaded image, which keeps the old ones as %s: only what reads the file sees the new", d.Name, d.Name+imageSuffix))
}
