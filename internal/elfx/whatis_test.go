package elfx

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWhatIs opens what is no ELF file, and wants to be told what it is.
func TestWhatIs(t *testing.T) {
	padded := func(off int, magic string) []byte { return append(bytes.Repeat([]byte{0}, off), magic...) }
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"library":      {[]byte("!<arch>\nx.o/"), "static library"},
		"thin library": {[]byte("!<thin>\nx.o/"), "static library"},
		"bzImage":      {padded(0x202, "HdrS\x0f"), "vmlinuz"},
		"arm64 Image":  {padded(56, "ARM\x64"), "vmlinuz"},
		"zboot":        {padded(4, "zimg"), "vmlinuz"},
		"C":            {[]byte("int main(void) { return 0; }\n"), "it is text"},
		"long text":    {[]byte(strings.Repeat("grün ", 1000)), "it is text"},
		"BTF":          {[]byte{0x9f, 0xeb, 1, 0}, "it is BTF already"},
		"bitcode":      {[]byte("BC\xc0\xde"), "LLVM bitcode"},
		"cpio":         {[]byte("070701000"), "cpio"},
		"nothing":      {nil, "the file is empty"},
		"else":         {[]byte{1, 2, 3, 4}, "not an ELF file"},
	} {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		if err == nil {
			f.Close()
			t.Errorf("%s: opened", name)
			continue
		}
		if !errors.Is(err, ErrNotELF) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
