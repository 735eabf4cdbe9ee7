package graph

import (
	"testing"

	"github.com/gobtf/gobtf/internal/btftest"
)

// BenchmarkAppendRecords measures making the records of a kernel's types from their contents. The bytes are those of the type section.
func BenchmarkAppendRecords(b *testing.B) {
	t := btftest.Parse(b, btftest.Vmlinux(b), nil)
	strs := NewStrings()
	section := NewStringSection(strs, 0, nil)
	g := graphOf(t, strs, section)
	keep := allOf(g)
	b.SetBytes(int64(4 * len(t.Words())))
	var out []uint32
	for b.Loop() {
		out = AppendRecords(out[:0], g, keep, section.Offsets())
	}
}
