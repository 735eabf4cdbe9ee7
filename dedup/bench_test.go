package dedup_test

import (
	"testing"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/dedup"
	"github.com/gobtf/gobtf/internal/testinput"
)

// BenchmarkMerge merges a kernel's types with themselves, and puts a copy of them on a base of them; bytes are those of both type sections.
func BenchmarkMerge(b *testing.B) {
	t, err := btf.Parse(testinput.Read(b, "vmlinux.btf"), nil)
	if err != nil {
		b.Fatal(err)
	}
	for name, merge := range map[string]func() (*btf.Types, error){
		"twice":   func() (*btf.Types, error) { return dedup.Merge([]*btf.Types{t, t}, nil, dedup.Options{}) },
		"on base": func() (*btf.Types, error) { return dedup.Merge([]*btf.Types{t}, btf.NewBase(t), dedup.Options{}) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(8 * int64(len(t.Words())))
			for b.Loop() {
				if _, err := merge(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
