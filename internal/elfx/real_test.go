package elfx

import (
	"bytes"
	"debug/elf"
	"os"
	"testing"
)

// TestReal compares with debug/elf on a file of the developer's choice.
func TestReal(t *testing.T) {
	path := os.Getenv("GOBTF_ELF")
	if path == "" {
		t.Skip("GOBTF_ELF names no file")
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want, err := elf.NewFile(bytes.NewReader(f.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range want.Sections {
		s := &f.Sections[i]
		if s.Name != w.Name || s.Off != w.Offset || s.Flags != uint64(w.Flags) {
			t.Errorf("section %d: %+v, debug/elf has %+v", i, s, w.SectionHeader)
		}
		if _, err := f.Data(s); err != nil {
			t.Error(err)
		}
		if w.Type == elf.SHT_NOBITS || len(f.relocations(s)) > 0 {
			continue
		}
		a, _ := f.Data(s)
		b, err := w.Data()
		if err == nil && !bytes.Equal(a, b) {
			t.Errorf("section %s differs", s.Name)
		}
	}
	syms, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	ws, err := want.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range syms {
		if i > 0 && (string(s.Name) != ws[i-1].Name || s.Value != ws[i-1].Value || s.Info != ws[i-1].Info) {
			t.Fatalf("symbol %d: %+v, debug/elf has %+v", i, s, ws[i-1])
		}
	}
}

func BenchmarkSymbols(b *testing.B) {
	path := os.Getenv("GOBTF_ELF")
	if path == "" {
		b.Skip("GOBTF_ELF names no file")
	}
	f, err := Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	n, names := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		syms, err := f.Symbols()
		if err != nil {
			b.Fatal(err)
		}
		n = 0
		for _, s := range syms {
			n++
			names += len(s.Name)
		}
	}
	b.ReportMetric(float64(n), "symbols")
}

func BenchmarkRelocate(b *testing.B) {
	path := os.Getenv("GOBTF_ELF")
	if path == "" {
		b.Skip("GOBTF_ELF names no file")
	}
	for b.Loop() {
		f, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		s := f.Section(".debug_info")
		if s == nil {
			b.Skip("no .debug_info")
		}
		d, err := f.Data(s)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(d)))
		f.Close()
	}
}
