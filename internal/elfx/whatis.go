package elfx

import (
	"bytes"
	"unicode/utf8"
)

// WhatIs says what a file is that is no ELF file: what somebody may take for a module or a vmlinux. It is empty for what it does not know.
func WhatIs(b []byte) string {
	at := func(off int, magic string) bool { return len(b) >= off && bytes.HasPrefix(b[off:], []byte(magic)) }
	switch {
	case len(b) == 0:
		return "it is empty"
	case at(0, "!<arch>\n"), at(0, "!<thin>\n"):
		return "it is a static library (ar), whose members are"
	case at(0x202, "HdrS"), at(56, "ARM\x64"), at(56, "RISCV"), at(56, "RSC\x05"), at(4, "zimg"), at(36, "\x18\x28\x6f\x01"):
		return "it is a kernel image to boot from (vmlinuz); the debug information is in the vmlinux it was made from"
	case at(0, "\x9f\xeb"), at(0, "\xeb\x9f"):
		return "it is BTF already"
	case at(0, "BC\xc0\xde"):
		return "it is LLVM bitcode, of which the linker makes one"
	case at(0, "070701"), at(0, "070702"):
		return "it is a cpio archive"
	}
	start := b[:min(len(b), 512)]
	if len(start) == 512 {
		start = start[:512-utf8.UTFMax] // a character may be cut
	}
	for _, c := range start {
		if c < ' ' && c != '\n' && c != '\t' && c != '\r' && c != '\f' {
			return ""
		}
	}
	return "it is text"
}
