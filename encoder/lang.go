package encoder

import (
	"fmt"
	"sort"
	"strings"
)

// langs are the names that --lang and --lang_exclude take, with their DW_LANG codes.
var langs = map[string]uint16{
	"ada83": 0x03, "ada95": 0x0d, "asm": 0x8001, "bliss": 0x25, "c": 0x02, "c89": 0x01, "c99": 0x0c, "c11": 0x1d,
	"c++": 0x04, "c++03": 0x19, "c++11": 0x1a, "c++14": 0x21, "cobol74": 0x05, "cobol85": 0x06, "d": 0x13, "dylan": 0x20,
	"fortran03": 0x22, "fortran08": 0x23, "fortran77": 0x07, "fortran90": 0x08, "fortran95": 0x0e, "go": 0x16, "haskell": 0x18,
	"java": 0x0b, "julia": 0x1f, "modula2": 0x0a, "modula3": 0x17, "objc": 0x10, "objc++": 0x11, "ocaml": 0x1b, "opencl": 0x15,
	"pascal83": 0x09, "pli": 0x0f, "python": 0x14, "renderscript": 0x24, "rust": 0x1c, "swift": 0x1e, "upc": 0x12,
}

// LangNames returns the names that ParseLang knows, sorted.
func LangNames() []string {
	names := make([]string, 0, len(langs))
	for name := range langs {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// ParseLang reads a list of languages separated by commas, in upper or lower case, and returns their DW_LANG codes.
func ParseLang(list string) ([]uint16, error) {
	var codes []uint16
	for _, name := range strings.Split(list, ",") {
		code, ok := langs[strings.ToLower(name)]
		if !ok {
			return nil, fmt.Errorf("unknown language %q", name)
		}
		codes = append(codes, code)
	}
	return codes, nil
}
