// Package testinput gives tests and benchmarks the bundled module and the BTF of its kernel (testdata/README.md).
package testinput

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// Read returns a file of testdata/module, unpacked: "gobtf_demo.ko", a module with DWARF 5, "gobtf_demo.standalone.btf", or
// "vmlinux.btf", the BTF of Debian's kernel.
func Read(tb testing.TB, name string) []byte {
	tb.Helper()
	_, here, _, _ := runtime.Caller(0)
	path := filepath.Join(filepath.Dir(here), "..", "..", "testdata", "module", name)
	if data, err := os.ReadFile(path); err == nil {
		return data // small ones are not packed
	}
	packed, err := os.ReadFile(path + ".zst")
	if err != nil {
		tb.Fatal(err)
	}
	d, err := zstd.NewReader(nil)
	if err != nil {
		tb.Fatal(err)
	}
	defer d.Close()
	data, err := d.DecodeAll(packed, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// File writes it into a folder of the test's own.
func File(tb testing.TB, name string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(path, Read(tb, name), 0o644); err != nil {
		tb.Fatal(err)
	}
	return path
}
