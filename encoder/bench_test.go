package encoder_test

import (
	"context"
	"testing"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/encoder"
	"github.com/gobtf/gobtf/internal/testinput"
	"github.com/gobtf/gobtf/module"
)

// BenchmarkEncode is the whole way of the bundled module; bytes are those of .debug_info.
func BenchmarkEncode(b *testing.B) {
	t, err := btf.Parse(testinput.Read(b, "vmlinux.btf"), nil)
	if err != nil {
		b.Fatal(err)
	}
	f, err := module.Open(testinput.File(b, "gobtf_demo.ko"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	info, err := f.Section(".debug_info")
	if err != nil || len(info) == 0 {
		b.Fatalf("no .debug_info: %v", err)
	}
	size := int64(len(info))
	for name, opt := range map[string]encoder.Options{
		"standalone": {Features: encoder.DefaultFeatures, Jobs: 1},
		"split":      {Features: encoder.DefaultFeatures, Jobs: 1, Base: btf.NewBase(t)},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			types := 0
			for b.Loop() {
				res, err := encoder.Encode(context.Background(), []*module.File{f}, opt)
				if err != nil {
					b.Fatal(err)
				}
				types = res.Stats.TypesBefore
			}
			b.ReportMetric(float64(types)*float64(b.N)/b.Elapsed().Seconds(), "types/s")
		})
	}
}
