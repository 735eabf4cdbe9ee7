package convert

import (
	"bytes"
	"testing"

	"github.com/gobtf/gobtf/internal/dwarfscan"
	"github.com/gobtf/gobtf/internal/elfx"
	"github.com/gobtf/gobtf/internal/graph"
	"github.com/gobtf/gobtf/internal/testinput"
)

// demoSections are those of the bundled module.
func demoSections(b *testing.B) Sections {
	b.Helper()
	f, err := elfx.Open(testinput.File(b, "gobtf_demo.ko"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	get := func(name string) []byte {
		s := f.Section(name)
		if s == nil {
			return nil
		}
		data, err := f.Data(s)
		if err != nil {
			b.Fatal(err)
		}
		return data
	}
	info := get(".debug_info")
	return Sections{Info: bytes.NewReader(info), InfoBytes: info, InfoSize: uint64(len(info)), Abbrev: get(".debug_abbrev"), Str: get(".debug_str"),
		LineStr: get(".debug_line_str"), StrOffsets: get(".debug_str_offsets"), Addr: get(".debug_addr"), Loclists: get(".debug_loclists")}
}

// BenchmarkConvert converts the bundled module's units; bytes are those of .debug_info. The first round fills the tables of names and
// contents, the others find them there, as nearly all units of a kernel do.
func BenchmarkConvert(b *testing.B) {
	sec := demoSections(b)
	c, err := New(sec, graph.NewShapes(graph.NewStrings()), Options{Float: true, Enum64: true, TypeTag: true, DeclTag: true})
	if err != nil {
		b.Fatal(err)
	}
	w, types := c.NewWorker(), 0
	var u Unit
	b.SetBytes(int64(sec.InfoSize))
	for b.Loop() {
		types = 0
		for i := range c.Len() {
			if err := w.Convert(i, i, &u); err != nil {
				b.Fatal(err)
			}
			types += len(u.Shape)
		}
	}
	b.ReportMetric(float64(types)*float64(b.N)/b.Elapsed().Seconds(), "types/s")
}

// BenchmarkScan only goes over the DIEs.
func BenchmarkScan(b *testing.B) {
	sec := demoSections(b)
	units, err := dwarfscan.Units(sec.Info, sec.InfoSize, false, false)
	if err != nil {
		b.Fatal(err)
	}
	dies := 0
	var tab dwarfscan.Abbrevs
	var die dwarfscan.DIE
	b.SetBytes(int64(sec.InfoSize))
	for b.Loop() {
		dies = 0
		for _, u := range units {
			if err := tab.Compile(sec.Abbrev, u.AbbrevOff, u.Format); err != nil {
				b.Fatal(err)
			}
			r := dwarfscan.Reader{Buf: sec.InfoBytes[:u.Off+u.Size], Pos: int(u.Off) + int(u.First), Tab: &tab.Table}
			for end := int(u.Off + u.Size); r.Pos < end; {
				r.Next(&die)
				dies++
			}
			if r.Err != nil {
				b.Fatal(r.Err)
			}
		}
	}
	b.ReportMetric(float64(dies)*float64(b.N)/b.Elapsed().Seconds(), "DIEs/s")
}
