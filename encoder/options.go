package encoder

import (
	"context"
	"io"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/verify"
	"github.com/gobtf/gobtf/module"
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

	Targeted       bool // what Kernel does not take is an error, and not a note (see For)
	Header         btf.HeaderForm
	Kernel         verify.Kernel  // whose rules the BTF is verified by; the zero value is the newest one known
	Base           *btf.Base      // split BTF on it; nil is standalone
	Form           Form           // what becomes of it; the zero value is split BTF
	ShareScalars   bool           // Shifted: INT and FLOAT are the base's
	Quirks         bool           // split BTF as pahole 1.32 makes it, its defects included (docs/quirks.md)
	Strict         bool           // what is a note otherwise is an error
	StripSignature bool           // a module's appended signature goes when its BTF is written in place
	Signer         *module.Signer // signs a module whose BTF is written in place; the old signature goes
	DebugDirs      []string       // where separate debug files are looked for, before /usr/lib/debug

	// FetchDebug returns the path of a file with the debug information of a build id. It is asked for a file that has none and none on this
	// machine (internal/debuginfod.Client.Fetch). nil: nobody is asked.
	FetchDebug func(ctx context.Context, buildID []byte) (path string, err error)

	// Explain is told of each function that the debug information defines: what became of it, and why. nil: nobody asks.
	Explain func(*Explained)

	CountBefore bool // Stats.Before is filled in

	Trace io.Writer                        // the reference's -V lines; nil is none
	Notes func(format string, args ...any) // one line each, without prefix; nil drops them
}
