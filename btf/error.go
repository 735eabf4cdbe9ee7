package btf

import (
	"errors"
	"fmt"
	"strings"
)

// What callers may want to tell apart, with errors.Is.
var (
	ErrNotBTF    = errors.New("not BTF")         // the magic number is another
	ErrNoBTF     = errors.New("no .BTF section") // of an ELF file
	ErrTruncated = errors.New("truncated")       // something goes beyond the end
)

// Error says what is wrong with a BTF, and where.
type Error struct {
	Name    string // file, empty when Parse was given bytes
	Section string // header, types, strings, or a name of an ELF section
	Off     int    // in bytes, in that section
	ID      TypeID // the type in question, or 0
	Err     error
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Name != "" {
		b.WriteString(e.Name + ": ")
	}
	switch e.Section {
	case "":
	case "header", "types", "strings":
		fmt.Fprintf(&b, "BTF %s+%#x: ", e.Section, e.Off)
	default:
		fmt.Fprintf(&b, "%s: ", e.Section)
	}
	if e.ID != 0 {
		fmt.Fprintf(&b, "type %d: ", e.ID)
	}
	b.WriteString(e.Err.Error())
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }
