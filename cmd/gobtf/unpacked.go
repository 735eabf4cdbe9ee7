package main

import (
	"math/bits"
	"strconv"
	"strings"

	"github.com/gobtf/gobtf/internal/argp"
	"github.com/gobtf/gobtf/module"
)

const maxUnpackedHelp = "compressed files and sections may unpack to `SIZE` bytes (with K, M or G: times 1024, ...), not only to 100 times theirs"

// maxUnpackedOption is --max_unpacked of a command.
var maxUnpackedOption = argp.Option{Long: "max_unpacked", Arg: argp.Required, Value: "SIZE", Help: maxUnpackedHelp}

// setMaxUnpacked takes --max_unpacked of a line.
func setMaxUnpacked(l *argp.Line) error {
	s := l.String("max_unpacked")
	if s == "" {
		return nil
	}
	n, ok := parseSize(s)
	if !ok {
		return usagef("--max_unpacked: %q is not a size: a number of bytes, or one with K, M or G", s)
	}
	module.SetMaxUnpacked(n)
	return nil
}

// parseSize reads a number of bytes that is not 0, as 4096, 512K, 64M or 16G.
func parseSize(s string) (uint64, bool) {
	shift := 0
	if i := strings.IndexAny("KMG", s[len(s)-1:]); i >= 0 {
		s, shift = s[:len(s)-1], 10*(i+1)
	}
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || n == 0 || bits.Len64(n)+shift > 63 {
		return 0, false
	}
	return n << shift, true
}
