package elfx

import (
	"bytes"
	"cmp"
	"debug/elf"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

type reloc struct {
	off      uint
	sym, typ uint32
	addend   int64
}

// relocFile has .text (laid out at 0x10000), .data at 0x10010, .debug_x with contents, and its
// relocations. Symbols: 1 .text+4, 2 .data+8, 3 absolute 0x77, 4 common, 5 undefined, 6 .debug_x.
func relocFile(e testELF, contents []byte, rela bool, recs []reloc) testELF {
	e.sections = []testSection{
		{name: ".text", typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC, data: make([]byte, 16), align: 16},
		{name: ".data", typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC, data: make([]byte, 16), align: 16},
		{name: ".debug_x", typ: elf.SHT_PROGBITS, data: contents},
	}
	e.sections = append(e.sections, e.symtabSections(5, [][]byte{
		e.sym(0, 0, 0, 0, 0),
		e.sym(0, 2, 1, 4, 0),
		e.sym(0, 1, 2, 8, 0),
		e.sym(0, 0, uint16(elf.SHN_ABS), 0x77, 0),
		e.sym(0, 0, uint16(elf.SHN_COMMON), 16, 0),
		e.sym(0, 0, 0, 99, 0),
		e.sym(0, 3, 3, 0, 0),
	}, []byte{0})...)
	var b []byte
	for _, r := range recs {
		if rela {
			b = append(b, e.rela(r.off, r.sym, r.typ, r.addend)...)
		} else {
			b = append(b, e.rel(r.off, r.sym, r.typ)...)
		}
	}
	s := testSection{name: ".rel.debug_x", typ: elf.SHT_REL, data: b, link: 4, info: 3, ent: 8}
	if e.class64 {
		s.ent = 16
	}
	if rela {
		s.name, s.typ, s.ent = ".rela.debug_x", elf.SHT_RELA, s.ent*3/2
	}
	e.sections = append(e.sections, s)
	return e
}

func TestRelocate(t *testing.T) {
	for _, tc := range []struct {
		name    string
		machine elf.Machine
		class64 bool
		big     bool
		rela    bool
		in      string
		recs    []reloc
		want    string
		fail    string
	}{
		{"x86-64", elf.EM_X86_64, true, false, true, "\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee",
			[]reloc{{0, 1, 1, 2}, {8, 2, 10, -1}}, "\x06\x00\x01\x00\x00\x00\x00\x00\x17\x00\x01\x00", ""},
		{"symbols of all kinds", elf.EM_X86_64, true, false, true, "\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee",
			[]reloc{{0, 3, 10, 0}, {4, 4, 10, 1}, {8, 5, 10, 1}, {12, 6, 10, 7}, {16, 0, 11, 9}},
			"\x77\x00\x00\x00\x01\x00\x00\x00\xee\xee\xee\xee\x07\x00\x00\x00\x09\x00\x00\x00", ""},
		{"none and thread local", elf.EM_X86_64, true, false, true, "\x01\x02\x03\x04\x05\x06\x07\x08", []reloc{{0, 1, 0, 5}, {0, 5, 17, 5}, {0, 5, 21, 5}}, "\x01\x02\x03\x04\x05\x06\x07\x08", ""},
		{"unknown type", elf.EM_X86_64, true, false, true, "\x00\x00\x00\x00", []reloc{{0, 1, 2, 5}}, "",
			"m.o: section .rela.debug_x: unknown relocation type 2 of machine EM_X86_64 for .debug_x+0x0"},
		{"outside", elf.EM_X86_64, true, false, true, "\x00\x00\x00\x00\x00", []reloc{{2, 1, 10, 5}}, "", "relocation for .debug_x+0x2 lies outside the section, which has 0x5 bytes"},
		{"far outside", elf.EM_X86_64, true, false, true, "\x00\x00\x00\x00\x00", []reloc{{^uint(0) - 1, 1, 10, 5}}, "", "lies outside"},
		{"symbol", elf.EM_X86_64, true, false, true, "\x00\x00\x00\x00\x00", []reloc{{0, 7, 10, 5}}, "", "uses symbol 7 of 7"},
		{"machine", elf.EM_VAX, true, false, true, "\x00\x00\x00\x00", []reloc{{0, 1, 1, 5}}, "", "relocations of machine EM_VAX are not known"},
		{"i386", elf.EM_386, false, false, false, "\x02\x00\x00\x00", []reloc{{0, 1, 1, 0}}, "\x06\x00\x01\x00", ""},
		{"arm", elf.EM_ARM, false, false, false, "\x02\x00\x00\x00", []reloc{{0, 2, 2, 0}}, "\x1a\x00\x01\x00", ""},
		{"arm, big endian", elf.EM_ARM, false, true, false, "\x00\x00\x00\x02", []reloc{{0, 2, 2, 0}}, "\x00\x01\x00\x1a", ""},
		{"arm64", elf.EM_AARCH64, true, false, true, "\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee",
			[]reloc{{0, 1, 257, 2}, {8, 2, 258, 1}, {0, 1, 256, 0}}, "\x06\x00\x01\x00\x00\x00\x00\x00\x19\x00\x01\x00", ""},
		{"s390x", elf.EM_S390, true, true, true, "\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee",
			[]reloc{{0, 1, 22, 2}, {8, 2, 4, 1}}, "\x00\x00\x00\x00\x00\x01\x00\x06\x00\x01\x00\x19", ""},
		{"ppc64le", elf.EM_PPC64, true, false, true, "\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee",
			[]reloc{{0, 1, 38, 2}, {8, 2, 1, 1}}, "\x06\x00\x01\x00\x00\x00\x00\x00\x19\x00\x01\x00", ""},
		{"loongarch64", elf.EM_LOONGARCH, true, false, true, "\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee",
			[]reloc{{0, 1, 2, 2}, {8, 2, 1, 1}}, "\x06\x00\x01\x00\x00\x00\x00\x00\x19\x00\x01\x00", ""},
		{"riscv64", elf.EM_RISCV, true, false, true, "\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee",
			[]reloc{{0, 1, 2, 2}, {8, 2, 1, 1}, {0, 1, 51, 0}}, "\x06\x00\x01\x00\x00\x00\x00\x00\x19\x00\x01\x00", ""},
		{"riscv64 differences", elf.EM_RISCV, true, false, true, // .data+8 - .text+4 = 0x14
			"\x00" + "\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00",
			[]reloc{{0, 2, 33, 1}, {0, 1, 37, 0}, {1, 2, 34, 0}, {1, 1, 38, 0}, {3, 2, 35, 0}, {3, 1, 39, 0}, {7, 2, 36, 0}, {7, 1, 40, 0}},
			"\x15" + "\x14\x00" + "\x14\x00\x00\x00" + "\x14\x00\x00\x00\x00\x00\x00\x00", ""},
		{"riscv64 set and six bits", elf.EM_RISCV, true, false, true, "\xc5" + "\xee\xee\xee\xee\xee\xee\xee",
			[]reloc{{0, 2, 53, 0}, {0, 1, 52, 0}, {1, 3, 54, 0}, {2, 3, 55, 0}, {4, 2, 56, 0}}, "\xd4" + "\x77\x77\x00\x18\x00\x01\x00", ""},
		{"riscv64 LEB128", elf.EM_RISCV, true, false, true, "\x00\x80\x00\x80\x80\x00", // lengths stay
			[]reloc{{0, 2, 60, 0}, {0, 1, 61, 0}, {1, 2, 60, 0x100}, {1, 1, 61, 0}, {3, 2, 60, 0}, {3, 1, 61, 0}},
			"\x14\x94\x02\x94\x80\x00", ""},
		{"riscv64 LEB128 without end", elf.EM_RISCV, true, false, true, "\x80\x80", []reloc{{0, 2, 60, 0}}, "", "unterminated LEB128"},
		{"loongarch64 differences", elf.EM_LOONGARCH, true, false, true, // 107, 108: LEB128 added to what is there
			"\x00" + "\x01\x00\x00" + "\x00\x00\x00\x00" + "\x81\x00" + "\xc0",
			[]reloc{{0, 2, 47, 1}, {0, 1, 52, 0}, {1, 2, 49, 0}, {1, 1, 54, 0}, {4, 2, 50, 0}, {4, 1, 55, 0}, {8, 2, 107, 0}, {8, 1, 108, 0}, {10, 2, 105, 0}, {10, 1, 106, 0}},
			"\x15" + "\x15\x00\x00" + "\x14\x00\x00\x00" + "\x95\x00" + "\xd4", ""},
		{"difference without addend", elf.EM_RISCV, true, false, false, "\x00\x00\x00\x00", []reloc{{0, 2, 35, 0}}, "", "without an addend"},
		{"bpf", elf.EM_BPF, true, false, false, "\x02\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00", []reloc{{0, 6, 3, 0}, {4, 1, 2, 0}}, "\x02\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00", ""}, // stays
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := testELF{class64: tc.class64, big: tc.big, typ: elf.ET_REL, machine: tc.machine}
			e = relocFile(e, []byte(tc.in), tc.rela, tc.recs)
			file := e.build()
			before := bytes.Clone(file)
			f, err := FromBytes("m.o", file)
			if err != nil {
				t.Fatal(err)
			}
			s := f.Section(".debug_x")
			r, err := f.ReaderAt(s)
			inOrder := slices.IsSortedFunc(tc.recs, func(a, b reloc) int { return cmp.Compare(a.off, b.off) }) && tc.name != "far outside"
			if err == nil && (r != nil) != inOrder {
				t.Fatalf("ReaderAt %v, in order %v", r, inOrder)
			}
			if r != nil {
				_, err = r.ReadAt(make([]byte, len(tc.in)), 0)
			}
			if r != nil && (err != nil) != (tc.fail != "") || err != nil && !strings.Contains(err.Error(), tc.fail) {
				t.Errorf("ReaderAt: %v, want %q", err, tc.fail)
			}
			for from := range len(tc.in) {
				for to := from + 1; to <= len(tc.in) && tc.fail == "" && r != nil; to++ {
					got := make([]byte, to-from)
					if n, err := r.ReadAt(got, int64(from)); err != nil || n != to-from || string(got) != tc.want[from:to] {
						t.Errorf("bytes %d to %d: % x, want % x; %v", from, to, got, tc.want[from:to], err)
					}
				}
			}
			b, err := f.Data(s)
			if tc.fail != "" {
				if err == nil || !strings.Contains(err.Error(), tc.fail) {
					t.Errorf("error %v, want %q", err, tc.fail)
				}
				return
			}
			if err != nil || string(b) != tc.want {
				t.Errorf("% x, want % x; %v", b, tc.want, err)
			}
			if again, _ := f.Data(s); &again[0] != &b[0] {
				t.Error("relocated twice")
			}
			if !bytes.Equal(file, before) {
				t.Error("the file itself was changed")
			}
		})
	}
}

// A section is read in parts as it is as a whole, with many relocations too; not when they are out of order.
func TestRelocatedReader(t *testing.T) {
	in := make([]byte, 64<<10)
	var recs []reloc
	for i := uint(0); i+12 < uint(len(in)); i += 4 + i%9 {
		recs = append(recs, reloc{i, uint32(1 + i%2), 10, int64(i)})
	}
	build := func() *File {
		f, err := FromBytes("m.o", relocFile(testELF{class64: true, typ: elf.ET_REL, machine: elf.EM_X86_64}, in, true, recs).build())
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	f := build()
	s := f.Section(".debug_x")
	want, err := f.Data(s)
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.ReaderAt(s)
	if r == nil || err != nil {
		t.Fatal("no ReaderAt", err)
	}
	if len(recs) < 10*indexStep || bytes.Equal(want, in) {
		t.Fatalf("%d relocations show nothing", len(recs))
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		from := rnd.IntN(len(in))
		n := 1 + rnd.IntN(min(len(in)-from, 1<<rnd.IntN(16)))
		got := make([]byte, n)
		if _, err := r.ReadAt(got, int64(from)); err != nil || !bytes.Equal(got, want[from:from+n]) {
			t.Fatalf("bytes %d to %d differ; %v", from, from+n, err)
		}
	}
	if n, err := r.ReadAt(make([]byte, 8), int64(len(in)-3)); n != 3 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
	recs[100], recs[2000] = recs[2000], recs[100]
	if r, err := build().ReaderAt(s); r != nil || err != nil {
		t.Errorf("out of order: %v, %v", r, err)
	}
}

// Only debug information is relocated, and only in relocatable files.
func TestNotRelocated(t *testing.T) {
	for _, name := range []string{".debug_str", ".debug_abbrev", ".debug_line_str", ".text.x"} {
		e := relocFile(testELF{class64: true, typ: elf.ET_REL, machine: elf.EM_X86_64}, []byte("contents"), true, []reloc{{0, 1, 1, 0}})
		e.sections[2].name = name
		f, err := FromBytes("m.o", e.build())
		if err != nil {
			t.Fatal(err)
		}
		if b, err := f.Data(f.Section(name)); err != nil || string(b) != "contents" {
			t.Errorf("%s: %q %v", name, b, err)
		}
	}
	e := relocFile(testELF{class64: true, typ: elf.ET_EXEC, machine: elf.EM_X86_64}, []byte("contents"), true, []reloc{{0, 1, 1, 0}})
	f, err := FromBytes("vmlinux", e.build())
	if err != nil {
		t.Fatal(err)
	}
	if b, err := f.Data(f.Section(".debug_x")); err != nil || string(b) != "contents" {
		t.Errorf("linked: %q %v", b, err)
	}
}
