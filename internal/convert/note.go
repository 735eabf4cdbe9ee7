package convert

import (
	"fmt"

	"github.com/gobtf/gobtf/internal/dwarfscan"
	"github.com/gobtf/gobtf/internal/shown"
)

// NoteKind says what became of something that BTF cannot say.
type NoteKind uint8

const (
	NoteLowered NoteKind = iota // a type became the nearest one there is
	NoteLeftOut                 // a variable or enumerator is not there
	NoteCut                     // a list is there, and its end is not: a record has no room for more
	NoteUnit                    // the whole unit is not there
	NoteWarning                 // the reference says so, too, and writes the same
	NoteTarget                  // the kernel that it is for has no kind for it; Text begins with its name
)

// Note is about one DIE of which the reference would write nothing at all (docs/quirks.md).
type Note struct {
	Kind NoteKind
	At   string // section and offset of the DIE
	CU   string // DW_AT_name of its unit
	Tag  string // DW_TAG_...
	Text string // what was done, and why
}

func (n Note) String() string {
	return fmt.Sprintf("%s: CU %s: %s: %s", n.At, n.CU, n.Tag, n.Text)
}

// maxNotes bounds the notes of one unit; Unit.MoreNotes counts those beyond it.
const maxNotes = 1000

// noter collects the notes of a unit.
type noter struct {
	c      *Converter
	bufOff uint64 // of the buffer in .debug_info
	notes  []Note
	more   int // how many there are beyond maxNotes
	muted  bool
}

// note keeps a line about something that was left out or lowered.
func (d *desc) note(kind NoteKind, pos int, tag dwarfscan.Tag, format string, args ...any) {
	if d.muted {
		return
	}
	if len(d.notes) == maxNotes {
		d.more++
		return
	}
	for i, a := range args {
		if name, ok := a.(string); ok {
			args[i] = shown.Name(name)
		}
	}
	d.notes = append(d.notes, Note{kind, d.place(pos), shown.Name(d.cuAt(pos)), tag.String(), fmt.Sprintf(format, args...)})
}

// place names a position of the buffer by its section and the offset there.
func (n *noter) place(pos int) string {
	off := n.bufOff + uint64(pos)
	switch c := n.c; {
	case off < c.infoAt:
		return fmt.Sprintf(".debug_types+%#x", off)
	case c.altAt != 0 && off >= c.altAt:
		return fmt.Sprintf("alternate file: .debug_info+%#x", off-c.altAt)
	default:
		return fmt.Sprintf(".debug_info+%#x", off-c.infoAt)
	}
}

// cuAt returns the name of the unit that a position of the buffer lies in.
func (d *desc) cuAt(pos int) string {
	best := -1
	for i := range d.cus {
		if off := int(d.cus[i].off - d.bufOff); off <= pos && (best < 0 || off > int(d.cus[best].off-d.bufOff)) {
			best = i
		}
	}
	if best < 0 {
		return ""
	}
	return d.cus[best].name
}
