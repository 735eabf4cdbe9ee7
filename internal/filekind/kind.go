// Package filekind says what a file is by its first bytes, where it is not what was expected, and finds the kernel in an image to boot from.
package filekind

import "unicode/utf8"

// What says what a file is that is neither ELF nor BTF: what somebody may take for a module or a vmlinux. It is empty for what it does not
// know. b is the file, or its beginning: 1,024 bytes are enough.
func What(b []byte) string {
	switch {
	case len(b) == 0:
		return "it is empty"
	case at(b, 0, "!<arch>\ndebian-binary"):
		return "it is a Debian package (gobtf from-package reads it)"
	case at(b, 0, "\xed\xab\xee\xdb"):
		return "it is an RPM package (gobtf from-package reads it)"
	case at(b, 0, "!<arch>\n"), at(b, 0, "!<thin>\n"):
		return "it is a static library (ar), whose members are"
	case IsBootImage(b):
		return "it is a kernel image to boot from (vmlinuz); the debug information is in the vmlinux it was made from"
	case IsBTF(b):
		return "it is BTF already"
	case at(b, 0, "\x7fELF"):
		return "it is an ELF file"
	case at(b, 0, "BC\xc0\xde"):
		return "it is LLVM bitcode, of which the linker makes one"
	case at(b, 0, "070701"), at(b, 0, "070702"):
		return "it is a cpio archive"
	case at(b, 257, "ustar"):
		return "it is a tar archive"
	}
	for start := b[:min(len(b), 512)]; len(start) > 0; {
		c, n := utf8.DecodeRune(start)
		switch {
		case !utf8.FullRune(start) && len(b) > 512: // it is cut
			return "it is text"
		case c == utf8.RuneError && n == 1, c < ' ' && c != '\n' && c != '\t' && c != '\r' && c != '\f':
			return ""
		}
		start = start[n:]
	}
	return "it is text"
}

// IsBTF tells whether b begins as BTF does, in either byte order.
func IsBTF(b []byte) bool {
	return len(b) >= 2 && (b[0] == 0x9f && b[1] == 0xeb || b[0] == 0xeb && b[1] == 0x9f)
}

// Neither is the error that b, a file or its beginning, is neither BTF nor an ELF file, and says what it is. errors.Is finds is in it.
func Neither(b []byte, is error) error { return neither{What(b), is} }

type neither struct {
	what string
	is   error
}

func (e neither) Error() string {
	if e.what == "" {
		return "neither BTF nor an ELF file"
	}
	return "neither BTF nor an ELF file: " + e.what
}

func (e neither) Unwrap() error { return e.is }
