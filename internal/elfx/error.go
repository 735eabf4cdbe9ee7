package elfx

import (
	"errors"
	"fmt"
)

// What callers branch on. All errors of this package wrap one of these only where a caller may
// want to act on it; the text of the error says the rest.
var (
	ErrNotELF    = errors.New("not an ELF file")
	ErrTruncated = errors.New("lies outside the file (truncated?)")
	ErrNoSymtab  = errors.New("no section .symtab")
	ErrSigned    = errors.New("the module has an appended signature, which would no longer hold (--sign_key signs anew, --strip_signature drops it)")
	ErrSameFile  = errors.New("output and input are the same file")
	ErrNoRoom    = errors.New("does not fit into its place in a loaded segment")
)

// Error says in which file, and where in it, something is wrong.
type Error struct {
	Path  string
	Place string // "section .debug_info", "program headers" ...; may be empty
	Err   error
}

func (e *Error) Error() string {
	if e.Place == "" {
		return e.Path + ": " + e.Err.Error()
	}
	return e.Path + ": " + e.Place + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

func (f *File) fail(place string, format string, args ...any) error {
	return &Error{f.Path, place, fmt.Errorf(format, args...)}
}

// outside is the error for n bytes at off of which the file does not have all.
func (f *File) outside(what string, off, n uint64) error {
	return &Error{f.Path, fmt.Sprintf("%s at %#x, %#x bytes", what, off, n), ErrTruncated}
}
