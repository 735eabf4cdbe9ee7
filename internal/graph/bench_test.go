package graph

import (
	"testing"

	"github.com/gobtf/gobtf/internal/btftest"
)

// BenchmarkAppendGraph measures writing a kernel's types. The bytes are those of the type section.
func BenchmarkAppendGraph(b *testing.B) {
	t := btftest.Parse(b, btftest.Vmlinux(b), nil)
	strs := NewStrings()
	section := NewStringSection(strs, 0, nil)
	g := graphOf(t, strs, section)
	keep := allOf(g)
	b.SetBytes(int64(4 * len(t.Words())))
	var out []byte
	for b.Loop() {
		out = AppendGraph(out[:0], g, keep, section.Offsets(), t.Order())
	}
}
