package encoder

import (
	"errors"
	"fmt"
	"io"

	"github.com/gobtf/gobtf/btf"
)

// Options say what is encoded and how. The zero value works: standalone BTF without any feature, from all units.
type Options struct {
	Features            Features
	Jobs                int      // workers; 0 is chosen from the input's size
	JobsLimit           int      // at most so many when Jobs is 0; 0 is no limit but the processors
	Lang, LangExclude   []uint16 // DW_LANG codes of the units to take, or to leave out; nil is no filter
	CUExclude           string   // units whose name starts so are left out; "" is none
	KabiPrefix          string   // a name that starts so becomes just this; "" is none
	FixupSillyBitfields bool     // int x:32 is an int

	Header         HeaderForm
	Base           *btf.Types // split BTF on it; nil is standalone
	Quirks         bool       // split BTF as pahole 1.32 makes it, its defects included (docs/quirks.md)
	Strict         bool       // what is a note otherwise is an error
	StripSignature bool       // a module's appended signature goes when its BTF is written in place
	DebugDirs      []string   // where separate debug files are looked for, before /usr/lib/debug

	Trace io.Writer                        // the reference's -V lines; nil is none
	Notes func(format string, args ...any) // one line each, without prefix; nil drops them
}

func (o *Options) note(format string, args ...any) {
	if o.Notes != nil {
		o.Notes(format, args...)
	}
}

// HeaderForm is the form of the BTF header.
type HeaderForm int

const (
	Header24     HeaderForm = iota // 24 bytes, as libbpf 1.7 writes
	Header32                       // 32 bytes, as libbpf 1.8 writes
	HeaderLayout                   // 32 bytes and, without a base, the table of kinds' sizes
)

// ParseHeaderForm reads what --btf_header takes.
func ParseHeaderForm(s string) (HeaderForm, error) {
	switch s {
	case "24":
		return Header24, nil
	case "32":
		return Header32, nil
	case "layout":
		return HeaderLayout, nil
	}
	return 0, fmt.Errorf("unknown header form %q: 24, 32 or layout", s)
}

// What callers may want to tell from other failures.
var (
	ErrNoDWARF  = errors.New("no DWARF")
	ErrFiltered = errors.New("every unit is filtered out")
	ErrSigned   = errors.New("module has a signature that would no longer hold")
	ErrNotYet   = errors.New("not built yet")
)
