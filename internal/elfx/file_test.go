package elfx

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// module is a small relocatable file: .text, .debug_info, .debug_str, .note, .bss, .symtab, .strtab.
func module(e testELF) testELF {
	e.sections = []testSection{
		{name: ".text", typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC | elf.SHF_EXECINSTR, data: make([]byte, 33), align: 16},
		{name: ".debug_info", typ: elf.SHT_PROGBITS, data: []byte("information about it"), align: 1},
		{name: ".debug_str", typ: elf.SHT_PROGBITS, data: []byte("a\x00b\x00"), align: 1},
		{name: ".note.x", typ: elf.SHT_NOTE, flags: elf.SHF_ALLOC, align: 4,
			data: e.words(nil, uint32(6), uint32(4), uint32(0x101), []byte("Linux\x00\x00\x00"), uint32(7),
				uint32(4), uint32(3), uint32(3), []byte("GNU\x00"), []byte{1, 2, 3, 0})},
		{name: ".bss", typ: elf.SHT_NOBITS, flags: elf.SHF_ALLOC | elf.SHF_WRITE, size: 4096, align: 64},
	}
	e.sections = append(e.sections, e.symtabSections(7, [][]byte{
		e.sym(0, 0, 0, 0, 0),
		e.sym(1, byte(elf.STT_FUNC), 1, 0x20, 9),
		e.sym(5, byte(elf.STT_OBJECT), uint16(elf.SHN_ABS), 77, 0),
		e.sym(500, 0, 0, 0, 0),
	}, []byte("\x00fun\x00abs\x00"))...)
	return e
}

func TestRead(t *testing.T) {
	forEachForm(t, func(t *testing.T, e testELF) {
		e = module(e)
		f, err := FromBytes("m.ko", e.build())
		if err != nil {
			t.Fatal(err)
		}
		if f.Class64 != e.class64 || f.BigEndian != e.big || f.Machine != uint16(e.machine) || f.Type != uint16(e.typ) || f.Order() != e.order() {
			t.Errorf("header: %+v", f)
		}
		if n := len(f.Sections); n != 9 {
			t.Fatalf("%d sections", n)
		}
		for i, want := range e.sections {
			s := f.Section(want.name)
			if s == nil || s.Index != i+1 || s.Type != uint32(want.typ) || s.Flags != uint64(want.flags) || s.Align != want.align {
				t.Errorf("section %s: %+v", want.name, s)
				continue
			}
			b, err := f.Data(s)
			if err != nil || !bytes.Equal(b, want.data) {
				t.Errorf("section %s: %q %v", want.name, b, err)
			}
			if want.typ == elf.SHT_NOBITS {
				continue
			}
			r, err := f.ReaderAt(s)
			got := make([]byte, len(b))
			if r == nil || err != nil {
				t.Fatal("no ReaderAt")
			}
			if _, err := r.ReadAt(got, 0); err != nil || !bytes.Equal(got, b) {
				t.Errorf("section %s by ReaderAt: %q %v", want.name, got, err)
			}
		}
		syms, err := f.Symbols()
		if err != nil {
			t.Fatal(err)
		}
		want := []Symbol{{}, {Name: []byte("fun"), Value: 0x20, Size: 9, Info: 2, Shndx: 1}, {Name: []byte("abs"), Value: 77, Info: 1, Shndx: 0xfff1}, {}}
		for i, s := range syms {
			if string(s.Name) != string(want[i].Name) || s.Value != want[i].Value || s.Size != want[i].Size || s.Info != want[i].Info || s.Shndx != want[i].Shndx {
				t.Errorf("symbol %d: %+v", i, s)
			}
		}
		var notes []string
		if err := f.Notes(func(owner string, typ uint32, desc []byte) {
			if owner == "Linux" && typ == 0x101 && f.Order().Uint32(desc) == 7 {
				notes = append(notes, owner)
			}
		}); err != nil || len(notes) != 1 {
			t.Errorf("notes %v %v", notes, err)
		}
		if id := f.BuildID(); !bytes.Equal(id, []byte{1, 2, 3}) {
			t.Errorf("build id %x", id)
		}
		if f.LastOfType(uint32(elf.SHT_SYMTAB)) != f.Section(".symtab") || f.LastOfType(99) != nil {
			t.Error("LastOfType")
		}
	})
}

func TestLayout(t *testing.T) {
	alloc := func(size int, align uint64) testSection {
		return testSection{name: ".a", typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC, data: make([]byte, size), align: align, addr: 5}
	}
	other := testSection{name: ".o", typ: elf.SHT_PROGBITS, addr: 9, data: make([]byte, 100)}
	for _, tc := range []struct {
		name string
		in   []testSection
		want []uint64
	}{
		{"in order, aligned", []testSection{alloc(3, 1), other, alloc(8, 4), alloc(1, 64)}, []uint64{0x10000, 9, 0x10004, 0x10040}},
		{"odd alignments", []testSection{alloc(3, 0), alloc(3, 3), alloc(1, 1)}, []uint64{0x10000, 0x10003, 0x10006}},
		{"more than the start has", []testSection{alloc(3, 1), alloc(8, 0x40000), alloc(1, 1)}, []uint64{0x40000, 0x80000, 0x80008}},
		{"that of the first", []testSection{alloc(3, 0x40000), alloc(8, 0x40000)}, []uint64{0x40000, 0x80000}},
		{"empty first", []testSection{alloc(0, 1), alloc(0, 0x40000), alloc(8, 1)}, []uint64{0x10000, 0x40000, 0x40000}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := testELF{class64: true, typ: elf.ET_REL, machine: elf.EM_X86_64, sections: tc.in}
			f, err := FromBytes("m.o", e.build())
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range tc.want {
				if got := f.Sections[i+1].LayoutAddr; got != want {
					t.Errorf("section %d at %#x, want %#x", i+1, got, want)
				}
			}
		})
	}
	e := testELF{class64: true, typ: elf.ET_EXEC, machine: elf.EM_X86_64, sections: []testSection{alloc(1, 1)}}
	if f, err := FromBytes("vmlinux", e.build()); err != nil || f.Sections[1].LayoutAddr != 5 {
		t.Errorf("a linked file keeps its addresses: %v", err)
	}
}

func TestManySections(t *testing.T) {
	forEachForm(t, func(t *testing.T, e testELF) {
		e.extra = 0x10010
		e.sections = e.symtabSections(2, [][]byte{e.sym(0, 0, 0, 0, 0), e.sym(1, 2, 0xffff, 1, 1), e.sym(1, 2, 3, 1, 1)}, []byte("\x00f\x00"))
		e.sections = append(e.sections, testSection{name: ".symtab_shndx", typ: elf.SHT_SYMTAB_SHNDX, link: 1, data: e.words(nil, uint32(0), uint32(0x10005), uint32(0))})
		f, err := FromBytes("big.o", e.build())
		if err != nil {
			t.Fatal(err)
		}
		if n := len(f.Sections); n != 0x10015 || f.Sections[n-1].Name != ".shstrtab" {
			t.Fatalf("%d sections, last %q", n, f.Sections[n-1].Name)
		}
		syms, err := f.Symbols()
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range syms {
			if want := []uint32{0, 0x10005, 3}[i]; s.Shndx != want {
				t.Errorf("symbol %d in section %#x, want %#x", i, s.Shndx, want)
			}
		}
	})
}

func TestOpenErrors(t *testing.T) {
	good := module(testELF{class64: true, typ: elf.ET_REL, machine: elf.EM_X86_64})
	dir := t.TempDir()
	for _, tc := range []struct {
		name string
		data []byte
		is   error
		text string
	}{
		{"empty", nil, ErrNotELF, "the file is empty: not an ELF file"},
		{"text", []byte("hello"), ErrNotELF, "not an ELF file"},
		{"magic", []byte("\x7fEL"), ErrTruncated, "ELF header at 0x0"},
		{"class", append([]byte("\x7fELF\x07\x01\x01"), make([]byte, 60)...), nil, "unknown class 7"},
		{"order", append([]byte("\x7fELF\x02\x07\x01"), make([]byte, 60)...), nil, "unknown byte order 7"},
		{"cut", good.build()[:300], ErrTruncated, "section header table at 0x"},
		{"gzip", []byte("\x1f\x8b\x08\x00"), nil, "gzip data: "},
		{"xz", []byte("\xfd7zXZ\x00"), nil, "xz data: damaged xz container"},
		{"zstd", []byte("\x28\xb5\x2f\xfd\x04"), nil, "zstd data: "},
	} {
		path := filepath.Join(dir, tc.name)
		if err := os.WriteFile(path, tc.data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(path)
		if err == nil || tc.is != nil && !errors.Is(err, tc.is) || !strings.Contains(err.Error(), tc.text) || !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	if _, err := Open(dir); err == nil || !strings.HasSuffix(err.Error(), ": is a directory") {
		t.Error(err)
	}
	if _, err := Open(dir + "/none"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	bare := testELF{class64: true, typ: elf.ET_REL, machine: elf.EM_X86_64}
	f, err := FromBytes("x", bare.build())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Symbols(); !errors.Is(err, ErrNoSymtab) {
		t.Error(err)
	}
}

// readAll uses everything a file offers, for its lack of panics.
func readAll(f *File) {
	for i := range f.Sections {
		s := &f.Sections[i]
		f.Data(s)
		f.ReaderAt(s)
		if syms, err := f.SymbolsOf(s); err == nil {
			for range syms {
			}
		}
	}
	f.Notes(func(string, uint32, []byte) {})
	f.BuildID()
	f.debugLink()
}

func TestTruncated(t *testing.T) {
	forEachForm(t, func(t *testing.T, e testELF) {
		e = relocated(module(e))
		b := e.build()
		for n := range b {
			_, err := FromBytes("cut", b[:n:n])
			if err == nil {
				t.Fatalf("the first %#x of %#x bytes are taken for a file", n, len(b))
			}
			if n >= 4 && !errors.Is(err, ErrTruncated) {
				t.Fatalf("the first %#x bytes: %v", n, err)
			}
		}
		// Every byte damaged in turn: headers that are whole, but lie.
		for i := range b {
			for _, x := range []byte{0xff, 0x80, 0x01} {
				damaged := bytes.Clone(b)
				damaged[i] ^= x
				if f, err := FromBytes("damaged", damaged); err == nil {
					readAll(f)
				}
			}
		}
	})
}

func relocated(e testELF) testELF {
	ent := uint64(12)
	if e.class64 {
		ent = 24
	}
	e.sections = append(e.sections, testSection{name: ".rela.debug_info", typ: elf.SHT_RELA, link: 6, info: 2, ent: ent,
		data: append(e.rela(0, 1, 10, 3), e.rela(8, 2, 1, -1)...)})
	return e
}

func TestSectionCompression(t *testing.T) {
	plain := bytes.Repeat([]byte("debug information "), 300)
	var zb bytes.Buffer
	zw := zlib.NewWriter(&zb)
	zw.Write(plain)
	zw.Close()
	enc, _ := zstd.NewWriter(nil)
	zs := enc.EncodeAll(plain, nil)
	forEachForm(t, func(t *testing.T, e testELF) {
		chdr := func(typ elf.CompressionType, size uint) []byte {
			if e.class64 {
				return e.words(nil, uint32(typ), uint32(0), size, uint(1))
			}
			return e.words(nil, uint32(typ), size, uint(1))
		}
		n := uint(len(plain))
		gnu := binary.BigEndian.AppendUint64([]byte("ZLIB"), uint64(n))
		for _, tc := range []struct {
			name, section string
			flags         elf.SectionFlag
			data          []byte
			fail          string
		}{
			{"zlib", ".debug_info", elf.SHF_COMPRESSED, append(chdr(1, n), zb.Bytes()...), ""},
			{"zstd", ".debug_info", elf.SHF_COMPRESSED, append(chdr(2, n), zs...), ""},
			{"gnu", ".zdebug_info", 0, append(gnu, zb.Bytes()...), ""},
			{"gnu but plain", ".zdebug_info", 0, plain, ""},
			{"zlib, more than claimed", ".debug_info", elf.SHF_COMPRESSED, append(chdr(1, n-1), zb.Bytes()...), "impossible"},
			{"zlib, less", ".debug_info", elf.SHF_COMPRESSED, append(chdr(1, n+1), zb.Bytes()...), "EOF"},
			{"zstd, more", ".debug_info", elf.SHF_COMPRESSED, append(chdr(2, n-1), zs...), "zstd data"},
			{"zstd, less", ".debug_info", elf.SHF_COMPRESSED, append(chdr(2, n+1), zs...), "impossible"},
			{"absurd", ".debug_info", elf.SHF_COMPRESSED, append(chdr(1, 0xfffffff0), zb.Bytes()...), "impossible"},
			{"zstd, absurd", ".debug_info", elf.SHF_COMPRESSED, append(chdr(2, 0xfffffff0), zs...), "impossible"},
			{"cut", ".debug_info", elf.SHF_COMPRESSED, append(chdr(1, n), zb.Bytes()[:20]...), "EOF"},
			{"no header", ".debug_info", elf.SHF_COMPRESSED, chdr(1, n)[:5], "cut off"},
			{"type", ".debug_info", elf.SHF_COMPRESSED, chdr(9, n), "unknown compression type 9"},
		} {
			e.sections = []testSection{{name: tc.section, typ: elf.SHT_PROGBITS, flags: tc.flags, data: tc.data}}
			f, err := FromBytes("x", e.build())
			if err != nil {
				t.Fatal(err)
			}
			s := f.Section(".debug_info")
			if s == nil {
				t.Fatal("not found")
			}
			if r, err := f.ReaderAt(s); r != nil || err != nil {
				t.Error(tc.name, "has a ReaderAt", err)
			}
			b, err := f.Data(s)
			if tc.fail == "" && (err != nil || !bytes.Equal(b, plain)) {
				t.Errorf("%s: %v", tc.name, err)
			}
			if tc.fail != "" && (err == nil || !strings.Contains(err.Error(), tc.fail) || !strings.Contains(err.Error(), "x: section "+tc.section)) {
				t.Errorf("%s: %v", tc.name, err)
			}
		}
	})
}

func compressAs(t *testing.T, kind string, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	switch kind {
	case "":
		return b
	case "gzip":
		w := gzip.NewWriter(&out)
		w.Write(b)
		w.Close()
	case "zstd":
		enc, _ := zstd.NewWriter(nil)
		return enc.EncodeAll(b, nil)
	case "xz":
		w, err := xz.WriterConfig{CheckSum: xz.CRC32, DictCap: 1 << 20}.NewWriter(&out)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(b)
		w.Close()
	}
	return out.Bytes()
}

func TestWholeCompression(t *testing.T) {
	e := module(testELF{class64: true, typ: elf.ET_REL, machine: elf.EM_X86_64})
	b := e.build()
	for _, kind := range []string{"", "gzip", "zstd", "xz"} {
		path := filepath.Join(t.TempDir(), "m.ko")
		if err := os.WriteFile(path, compressAs(t, kind, b), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if f.Compression != kind || !bytes.Equal(f.Bytes(), b) {
			t.Errorf("%s: read as %q", kind, f.Compression)
		}
		f.Drop(f.Bytes())
		f.WillNeed(f.Bytes()[10:])
		if r, err := f.ReaderAt(f.Section(".debug_info")); r == nil {
			t.Error("no ReaderAt", err)
		} else if got := make([]byte, 4); true {
			if _, err := r.ReadAt(got, 3); err != nil || string(got) != "orma" {
				t.Errorf("%q %v", got, err)
			}
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A dictionary of 4 GiB in a block header: nothing may be allocated for it.
func TestXZDictionary(t *testing.T) {
	b := compressAs(t, "xz", []byte("hello"))
	i := bytes.Index(b, []byte{0x21, 1}) + 2
	b[i] = 40
	if _, err := decompressWhole("xz", b); !errors.Is(err, errTooLarge) {
		t.Error(err)
	}
}

// TestXZIndex: the index of an xz stream lies between its header and its footer.
func TestXZIndex(t *testing.T) {
	for stored, want := range map[uint32]string{1: "no index at", 2: "index size 0xc", 4: "index size 0x14", 1<<32 - 1: "index size 0x400000000"} {
		b := make([]byte, 12+8+12)
		b[12] = 7 // no index begins so
		binary.LittleEndian.PutUint32(b[len(b)-8:], stored)
		copy(b[len(b)-2:], "YZ")
		if err := checkXZ(b); !errors.Is(err, errXZ) || !strings.Contains(err.Error(), want) {
			t.Errorf("index size %#x: %v, want %s", stored, err, want)
		}
	}
}

func FuzzOpen(f *testing.F) {
	for _, big := range []bool{false, true} {
		e := relocated(module(testELF{class64: !big, big: big, typ: elf.ET_REL, machine: elf.EM_X86_64}))
		f.Add(e.build())
		f.Add(compressGzip(e.build()))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if kind := sniff(b); kind != "" {
			decompressWhole(kind, b)
			return
		}
		if f, err := FromBytes("fuzz", b); err == nil {
			readAll(f)
		}
	})
}

func compressGzip(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}
