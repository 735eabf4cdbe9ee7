package filekind

import (
	"bytes"
	"strings"
	"testing"
)

// TestWhat wants to be told what files are that somebody may take for a module, a vmlinux or BTF.
func TestWhat(t *testing.T) {
	padded := func(off int, magic string) []byte { return append(bytes.Repeat([]byte{0}, off), magic...) }
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"library":      {[]byte("!<arch>\nx.o/"), "it is a static library (ar), whose members are"},
		"thin library": {[]byte("!<thin>\nx.o/"), "it is a static library (ar), whose members are"},
		"Debian":       {[]byte("!<arch>\ndebian-binary   1"), "it is a Debian package (gobtf from-package reads it)"},
		"RPM":          {[]byte("\xed\xab\xee\xdb\x03"), "it is an RPM package (gobtf from-package reads it)"},
		"bzImage":      {padded(0x202, "HdrS\x0f"), "vmlinuz"},
		"arm64 Image":  {padded(56, "ARM\x64"), "vmlinuz"},
		"riscv Image":  {padded(56, "RSC\x05"), "vmlinuz"},
		"loong64":      {append([]byte("MZ"), padded(54, "\xcd\x23\x82\x81")...), "vmlinuz"},
		"zImage":       {padded(36, "\x18\x28\x6f\x01"), "vmlinuz"},
		"big zImage":   {padded(36, "\x01\x6f\x28\x18"), "vmlinuz"},
		"zboot":        {[]byte("MZ\x00\x00zimg"), "vmlinuz"},
		"C":            {[]byte("int main(void) { return 0; }\n"), "it is text"},
		"long text":    {[]byte(strings.Repeat("grün ", 1000)), "it is text"},
		"BTF":          {[]byte{0x9f, 0xeb, 1, 0}, "it is BTF already"},
		"big BTF":      {[]byte{0xeb, 0x9f, 1, 0}, "it is BTF already"},
		"ELF":          {[]byte("\x7fELF"), "it is an ELF file"},
		"bitcode":      {[]byte("BC\xc0\xde"), "it is LLVM bitcode, of which the linker makes one"},
		"cpio":         {[]byte("070701000"), "it is a cpio archive"},
		"tar":          {padded(257, "ustar"), "it is a tar archive"},
		"nothing":      {nil, "it is empty"},
		"else":         {[]byte{1, 2, 3, 4}, ""},
		"half":         {[]byte{0x9f}, ""},
	} {
		got := What(c.data)
		if c.want == "vmlinuz" {
			c.want = "it is a kernel image to boot from (vmlinuz); the debug information is in the vmlinux it was made from"
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if want := "neither BTF nor an ELF file" + strings.TrimSuffix(": "+c.want, ": "); Neither(c.data, nil).Error() != want {
			t.Errorf("%s: %q, want %q", name, Neither(c.data, nil), want)
		}
	}
}
