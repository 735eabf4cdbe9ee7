package dedup

import (
	"testing"

	"github.com/gobtf/gobtf/internal/btftest"
)

// BenchmarkBase measures the index of a kernel's types. The bytes are those of the kernel's BTF.
func BenchmarkBase(b *testing.B) {
	data := btftest.Vmlinux(b)
	t := btftest.Parse(b, data, nil)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		NewBase(t)
	}
}
