package btf_test

import (
	"encoding/binary"
	"testing"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/btftest"
)

func BenchmarkParse(b *testing.B) {
	data := btftest.Vmlinux(b)
	b.SetBytes(int64(len(data)))
	types := 0
	for b.Loop() {
		types = btftest.Parse(b, data, nil).Len()
	}
	b.ReportMetric(float64(types), "types")
}

func BenchmarkAppend(b *testing.B) {
	t := btftest.Parse(b, btftest.Vmlinux(b), nil)
	out := t.Append(nil)
	b.SetBytes(int64(len(out)))
	for b.Loop() {
		out = t.Append(out[:0])
	}
}

// BenchmarkOffset measures the index of the strings, which the first call makes. The strings are those of the kernel.
func BenchmarkOffset(b *testing.B) {
	strs := btftest.Parse(b, btftest.Vmlinux(b), nil).Strings()
	b.SetBytes(int64(len(strs)))
	for b.Loop() {
		t, err := btf.New(nil, strs, nil, binary.LittleEndian)
		if err != nil {
			b.Fatal(err)
		}
		t.Offset([]byte("task_struct"))
	}
}
