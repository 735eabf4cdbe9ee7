package convert

import (
	"fmt"
	"unicode/utf8"

	"github.com/gobtf/gobtf/internal/dwarfscan"
)

// NoteKind says what became of something that BTF cannot say.
type NoteKind uint8

const (
	NoteLowered NoteKind = iota // a type became the nearest one there is
	NoteLeftOut                 // a variable, enumerator or member is not there
	NoteUnit                    // the whole unit is not there
	NoteWarning                 // the reference says so, too, and writes the same
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

// note keeps a line about something that was left out or lowered.
func (u *unit) note(kind NoteKind, pos int, tag dwarfscan.Tag, format string, args ...any) {
	if u.dry {
		return
	}
	if len(u.out.Notes) == maxNotes {
		u.out.MoreNotes++
		return
	}
	for i, a := range args {
		if name, ok := a.(string); ok {
			args[i] = short(name)
		}
	}
	u.out.Notes = append(u.out.Notes, Note{kind, u.place(pos), short(u.cuAt(pos)), tag.String(), fmt.Sprintf(format, args...)})
}

// maxShown is how many bytes of a name a message shows. Names of kernels fit; what a crafted file calls something may be a book.
const maxShown = 80

// short cuts a name for a message.
func short(name string) string {
	if len(name) <= maxShown {
		return name
	}
	n := maxShown
	for n > maxShown-4 && !utf8.RuneStart(name[n]) {
		n--
	}
	return name[:n] + "..."
}

// place names a position of the buffer by its section and the offset there.
func (u *unit) place(pos int) string {
	off := u.bufOff + uint64(pos)
	switch c := u.c; {
	case off < c.infoAt:
		return fmt.Sprintf(".debug_types+%#x", off)
	case c.altAt != 0 && off >= c.altAt:
		return fmt.Sprintf("alternate file: .debug_info+%#x", off-c.altAt)
	default:
		return fmt.Sprintf(".debug_info+%#x", off-c.infoAt)
	}
}
