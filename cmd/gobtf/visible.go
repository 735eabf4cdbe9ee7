package main

import (
	"fmt"
	"io"
	"os"
	"unicode/utf8"
)

// visible writes text, which may have names from a file in it, without what a terminal would obey: control characters, and bytes that are
// no UTF-8, are shown as \xNN. Newlines and tabs pass.
type visible struct{ w io.Writer }

func (v visible) Write(b []byte) (int, error) {
	if isClean(b) {
		return v.w.Write(b)
	}
	if _, err := v.w.Write(clean(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// isClean tells whether there is nothing to show.
func isClean(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\t' || c >= 0x7f {
			return false
		}
	}
	return true
}

func clean(b []byte) []byte {
	out := make([]byte, 0, len(b)+16)
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case r == utf8.RuneError && n == 1 && !utf8.FullRune(b[i:]):
			out, n = append(out, b[i:]...), len(b)-i // the next call has the rest
		case r == utf8.RuneError && n == 1, r < ' ' && r != '\n' && r != '\t', r >= 0x7f && r < 0xa0:
			for _, c := range b[i : i+n] {
				out = fmt.Appendf(out, "\\x%02x", c)
			}
		default:
			out = append(out, b[i:i+n]...)
		}
		i += n
	}
	return out
}

// cleaned is clean for a string.
func cleaned(s string) string {
	if b := []byte(s); !isClean(b) {
		return string(clean(b))
	}
	return s
}

// bytesTo returns where bytes that are no text are written to as they are.
func bytesTo(w io.Writer) io.Writer {
	if v, ok := w.(visible); ok {
		return v.w
	}
	return w
}

// terminal returns the terminal that is written to, nil when it is something else.
func terminal(w io.Writer) *os.File {
	if f, ok := bytesTo(w).(*os.File); ok {
		if fi, err := f.Stat(); err == nil && fi.Mode()&os.ModeCharDevice != 0 {
			return f
		}
	}
	return nil
}
