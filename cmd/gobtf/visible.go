package main

import (
	"fmt"
	"io"
	"unicode/utf8"
)

// visible writes text, which may have names from a file in it, without what a terminal would obey: control characters, and bytes that are
// no UTF-8, are shown as \xNN. Newlines and tabs pass.
type visible struct{ w io.Writer }

func (v visible) Write(b []byte) (int, error) {
	clean := true
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\t' || c >= 0x7f {
			clean = false
			break
		}
	}
	if clean {
		return v.w.Write(b)
	}
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
	if _, err := v.w.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}
