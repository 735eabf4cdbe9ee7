package dedup_test

import (
	"testing"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/dedup"
	"github.com/gobtf/gobtf/internal/btftest"
)

// BenchmarkMerge measures merging without a base, a kernel's BTF with itself, and on a base, a small module on the kernel's. The
// bytes are those of the BTFs that go in; on a base most of the time is what looking at the base costs.
func BenchmarkMerge(b *testing.B) {
	kernel := btftest.Parse(b, btftest.Vmlinux(b), nil)
	module := btftest.Parse(b, btftest.Module(b), nil)
	base := btf.NewBase(kernel)
	for _, c := range []struct {
		name string
		list []*btf.Types
		base *btf.Base
	}{
		{"alone", []*btf.Types{kernel, kernel}, nil},
		{"base", []*btf.Types{module}, base},
	} {
		b.Run(c.name, func(b *testing.B) {
			n := 0
			for _, t := range c.list {
				n += len(t.Append(nil))
			}
			b.SetBytes(int64(n))
			types := 0
			for b.Loop() {
				t, err := dedup.Merge(c.list, c.base, dedup.Options{})
				if err != nil {
					b.Fatal(err)
				}
				types = t.Len() - int(t.Start())
			}
			b.ReportMetric(float64(types), "types")
		})
	}
}
