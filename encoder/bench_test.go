package encoder_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
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

// BenchmarkVmlinux is the whole way of a real kernel, and of its largest module on it, with one worker. scripts/pgo profiles it.
func BenchmarkVmlinux(b *testing.B) {
	path := os.Getenv("GOBTF_VMLINUX")
	if path == "" {
		b.Skip("GOBTF_VMLINUX is not set")
	}
	encode := func(b *testing.B, path string, opt encoder.Options) []byte {
		f, err := module.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		res, err := encoder.Encode(context.Background(), []*module.File{f}, opt)
		if err != nil {
			b.Fatal(err)
		}
		return res.BTF
	}
	opt := encoder.Options{Features: encoder.DefaultFeatures, Jobs: 1}
	var vmlinux []byte
	b.Run("vmlinux", func(b *testing.B) {
		for b.Loop() {
			vmlinux = encode(b, path, opt)
		}
	})
	b.Run("module", func(b *testing.B) {
		var largest string
		var size int64
		err := filepath.WalkDir(filepath.Join(filepath.Dir(path), "modules"), func(p string, d fs.DirEntry, err error) error {
			if err == nil && filepath.Ext(p) == ".ko" {
				if fi, err := d.Info(); err == nil && fi.Size() > size {
					largest, size = p, fi.Size()
				}
			}
			return err
		})
		if err != nil || largest == "" || vmlinux == nil {
			b.Skip("no modules beside it: ", err)
		}
		t, err := btf.Parse(vmlinux, nil)
		if err != nil {
			b.Fatal(err)
		}
		opt.Base, opt.Quirks = btf.NewBase(t), true
		b.SetBytes(size)
		for b.Loop() {
			encode(b, largest, opt)
		}
	})
}
