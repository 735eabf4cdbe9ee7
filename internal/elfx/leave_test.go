package elfx

import (
	"bytes"
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// images are the programs of testdata/image, whose .BTF lies in a loaded segment.
func images(t *testing.T) map[string][]byte {
	t.Helper()
	paths, _ := filepath.Glob("../../testdata/image/*.elf")
	if len(paths) != 11 {
		t.Fatalf("testdata/image has %d programs, want 11", len(paths))
	}
	all := map[string][]byte{}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(p), ".elf")] = b
	}
	return all
}

// leaveWith sets .BTF and returns the changed file and the note.
func leaveWith(t *testing.T, b, data []byte) ([]byte, string) {
	t.Helper()
	p, err := reopen(t, b).plan([]NamedData{{Name: ".BTF", Data: data, Leave: true}}, WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p.bytes(b), p.note
}

func TestLeave(t *testing.T) {
	data := bytes.Repeat([]byte("new type"), 40)
	for name, b := range images(t) {
		t.Run(name, func(t *testing.T) {
			out, note := leaveWith(t, b, data)
			checkLeft(t, b, out, data)
			if old := strings.HasSuffix(name, "-old"); strings.Contains(note, "the loaded image, which keeps the old ones as .BTF.image") != old || !old && note != "" {
				t.Errorf("note %q", note)
			}
			again, second := leaveWith(t, out, data)
			if !bytes.Equal(again, out) || second != note {
				t.Errorf("writing the same once more changes the file, or the note: %q", second)
			}
			larger, _ := leaveWith(t, out, bytes.Repeat(data, 2))
			checkLeft(t, b, larger, bytes.Repeat(data, 2))
			if grown := len(larger) - len(out) - len(data); grown < -8 || grown > 8 {
				t.Errorf("%d bytes more than needed: a hole", grown)
			}
			if back, _ := leaveWith(t, larger, data); len(back) != len(out) {
				t.Errorf("%d bytes after growing and shrinking, %d before", len(back), len(out))
			}
			// What nobody reads from the file must not leave the segment.
			if _, err := AddSections("vm", b, []NamedData{{Name: ".BTF", Data: data}}, WriteOptions{}); !errors.Is(err, ErrNoRoom) {
				t.Errorf("without Leave: %v", err)
			}
			if _, err := AddSections("vm", b, []NamedData{{Name: ".BTF", Leave: true, Remove: true}}, WriteOptions{}); err == nil {
				t.Error("a loaded section was removed")
			}
		})
	}
}

// checkLeft compares files, before and after .BTF has left its segment. It reads them with debug/elf.
func checkLeft(t *testing.T, before, after, data []byte) {
	t.Helper()
	b, err := elf.NewFile(bytes.NewReader(before))
	if err != nil {
		t.Fatal(err)
	}
	a, err := elf.NewFile(bytes.NewReader(after))
	if err != nil {
		t.Fatal(err)
	}
	raw := func(file []byte, s *elf.Section) []byte {
		if s.Type == elf.SHT_NOBITS || s.Type == elf.SHT_NULL {
			return nil
		}
		return file[s.Offset : s.Offset+s.FileSize]
	}
	if a.Entry != b.Entry || a.Type != b.Type || len(a.Progs) != len(b.Progs) || len(a.Sections) != len(b.Sections)+1 {
		t.Fatalf("entry %#x, %d segments, %d sections; before %#x, %d, %d", a.Entry, len(a.Progs), len(a.Sections), b.Entry, len(b.Progs), len(b.Sections))
	}
	// The ELF header tells where the section headers are: nothing else of it changes.
	head, size := []int{32, 36, 48, 50}, 52
	if b.Class == elf.ELFCLASS64 {
		head, size = []int{40, 48, 60, 62}, 64
	}
	for i := range size {
		if (i < head[0] || i >= head[1]) && (i < head[2] || i >= head[3]) && before[i] != after[i] {
			t.Errorf("byte %d of the ELF header changed", i)
		}
	}
	last := a.Sections[len(a.Sections)-1]
	for i, p := range b.Progs {
		q := a.Progs[i]
		if p.ProgHeader != q.ProgHeader {
			t.Errorf("segment %d: %+v, before %+v", i, q.ProgHeader, p.ProgHeader)
		}
		x, y := before[p.Off:p.Off+p.Filesz], after[p.Off:p.Off+p.Filesz]
		if p.Off < uint64(size) && p.Filesz >= uint64(size) { // the header is loaded too
			x, y = x[size:], y[size:]
		}
		if !bytes.Equal(x, y) {
			t.Errorf("segment %d changed", i)
		}
		if p.Filesz > 0 && last.Offset < p.Off+p.Filesz {
			t.Errorf("the new .BTF at %#x is not behind segment %d", last.Offset, i)
		}
	}
	for i, s := range b.Sections {
		h, want := a.Sections[i].SectionHeader, s.SectionHeader
		switch s.Name {
		case ".BTF":
			want.Name = ".BTF.image"
		case ".shstrtab":
			continue
		}
		if h != want {
			t.Errorf("section %d: %+v, before %+v", i, h, s.SectionHeader)
		}
		if !bytes.Equal(raw(after, a.Sections[i]), raw(before, s)) {
			t.Errorf("section %s changed", s.Name)
		}
		if s.Type != elf.SHT_NOBITS && s.Size > 0 && last.Offset < s.Offset+s.FileSize {
			t.Errorf("the new .BTF lies over %s", s.Name)
		}
	}
	if last.Name != ".BTF" || last.Type != elf.SHT_PROGBITS || last.Flags != 0 || last.Addr != 0 || last.Link|last.Info != 0 || last.Offset%8 != 0 {
		t.Errorf("%+v", last.SectionHeader)
	}
	if a.Section(".BTF") != last || !bytes.Equal(raw(after, last), data) {
		t.Error("the first section .BTF is not the new one")
	}
}

// An empty section at the end of its segment, one that has no bytes in the file, one in a segment with the section names, one that shares its bytes.
func TestLeaveOdd(t *testing.T) {
	forEachForm(t, func(t *testing.T, e testELF) {
		data := []byte("types that are new")
		e.typ = elf.ET_EXEC
		text := testSection{name: ".text", typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC, addr: 0x400, data: []byte("code"), align: 4}
		for _, s := range []testSection{
			{name: ".BTF", typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC, addr: 0x404, align: 1},
			{name: ".BTF", typ: elf.SHT_NOBITS, flags: elf.SHF_ALLOC, addr: 0x404, size: 100, align: 1},
		} {
			e.sections, e.segment = []testSection{text, s}, []int{1, 2}
			b := e.build()
			out, note := leaveWith(t, b, data)
			checkLeft(t, b, out, data)
			if note != "" {
				t.Errorf("%v: note %q", s.typ, note)
			}
		}
		// The segment reaches over .shstrtab, which must not make way for what is new.
		e.segment = []int{1, 3}
		b := e.build()
		out, _ := leaveWith(t, b, data)
		checkLeft(t, b, out, data)
		e.segment = []int{1, 2}
		e.sections[1] = testSection{name: ".BTF", typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC, addr: 0x404, data: bytes.Repeat([]byte("type"), 10), align: 1}
		e.sections = append(e.sections, testSection{name: ".other", typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC, addr: 0x404, data: []byte("x")})
		b = e.build()
		f := reopen(t, b)
		at := int(f.hdr.shoff) + 3*f.shSize() + pick(f.Class64, 24, 16) // .other's offset: .BTF's
		if f.Class64 {
			f.put64(b[at:], f.Sections[2].Off)
		} else {
			f.put32(b[at:], uint32(f.Sections[2].Off))
		}
		out, note := leaveWith(t, b, data)
		checkLeft(t, b, out, data)
		if note == "" {
			t.Error("no note, and the image keeps old contents")
		}
	})
}

// gnu is what the names of GNU's programs for an architecture begin with.
var gnu = map[string]string{"x86_64": "", "i386": "", "s390x": "s390x-linux-gnu-", "aarch64": "aarch64-linux-gnu-", "mips": "mips-linux-gnu-"}

// link-vmlinux.sh lists the symbols of .tmp_vmlinux1 after PAHOLE has run, and again of the next link: a letter that changes costs it one more.
func TestLeaveNM(t *testing.T) {
	for name, b := range images(t) {
		arch, _, _ := strings.Cut(name, "-")
		for _, prog := range []string{gnu[arch] + "nm", "llvm-nm", "llvm-nm-19", "llvm-nm-22"} {
			t.Run(name+"/"+prog, func(t *testing.T) {
				if _, err := exec.LookPath(prog); err != nil {
					t.Skipf("no %s here", prog)
				}
				out, _ := leaveWith(t, b, []byte("types, more than there were before"))
				_, want := runOn(t, prog, []string{"-n", "IN"}, b)
				if _, got := runOn(t, prog, []string{"-n", "IN"}, out); got != want || !strings.Contains(got, "_start") {
					t.Errorf("%s\nwithout gobtf\n%s", got, want)
				}
			})
		}
	}
}

// TestLeaveTools lets the tools that a kernel's build and its packaging run work on what was written. Each is a subtest, skipped where it is not there.
func TestLeaveTools(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: hundreds of runs")
	}
	data := bytes.Repeat([]byte("new type"), 40)
	only := []string{"--only-section=.BTF", "--set-section-flags", ".BTF=alloc,readonly", "--strip-all", "IN", "OUT"} // link-vmlinux.sh
	strip, debug, read := []string{"-o", "OUT", "IN"}, []string{"-g", "-o", "OUT", "IN"}, []string{"-a", "-W", "IN"}
	for _, tool := range []struct {
		name string
		args []string
		btf  bool // the result has the new .BTF
	}{
		{"objcopy", only, true}, {"llvm-objcopy", only, true}, {"llvm-objcopy-14", only, true}, {"llvm-objcopy-19", only, true}, {"llvm-objcopy-22", only, true},
		{"objcopy", []string{"IN", "OUT"}, true}, {"llvm-objcopy", []string{"IN", "OUT"}, true},
		{"strip", strip, true}, {"strip", debug, true}, {"llvm-strip", debug, true}, {"llvm-strip-19", debug, true}, {"llvm-strip-22", debug, true}, {"eu-strip", debug, true},
		// These take away every section that is not loaded.
		{"llvm-strip", strip, false}, {"llvm-strip-19", strip, false}, {"llvm-strip-22", strip, false}, {"eu-strip", strip, false},
		{"readelf", read, false}, {"llvm-readelf", read, false}, {"llvm-readelf-19", read, false}, {"eu-readelf", []string{"-a", "IN"}, false},
	} {
		for name, b := range images(t) {
			t.Run(tool.name+"_"+strings.Join(tool.args, "_")+"/"+name, func(t *testing.T) {
				arch, _, _ := strings.Cut(name, "-")
				prog := tool.name
				if prog == "objcopy" || prog == "strip" {
					prog = gnu[arch] + prog
				}
				if _, err := exec.LookPath(prog); err != nil {
					t.Skipf("no %s here", prog)
				}
				out, _ := leaveWith(t, b, data)
				old, oldSays := runOn(t, prog, tool.args, b)
				got, says := runOn(t, prog, tool.args, out)
				if strings.Count(says, "arning") > strings.Count(oldSays, "arning") && !isOnly(tool.args) || strings.Contains(says, "rror") && !strings.Contains(oldSays, "rror") {
					t.Errorf("it says\n%s", says)
				}
				if got == nil {
					return
				}
				f, err := elf.NewFile(bytes.NewReader(got))
				if err != nil {
					t.Fatal(err)
				}
				s := f.Section(".BTF")
				if (s != nil) != tool.btf {
					t.Fatalf("section .BTF: %v", s)
				}
				if s != nil {
					if raw, err := s.Data(); err != nil || !bytes.Equal(raw, data) {
						t.Errorf(".BTF: %q %v", raw, err)
					}
				}
				if !isOnly(tool.args) {
					if a, b := loaded(t, got), loaded(t, old); !bytes.Equal(a, b) {
						t.Errorf("the loaded bytes are %q, without gobtf %q", a, b)
					}
				}
			})
		}
	}
}

func isOnly(args []string) bool { return strings.HasPrefix(args[0], "--only-section") }

// runOn runs a tool on a file with these contents, and returns the file that it wrote, if any, and what it said.
func runOn(t *testing.T, prog string, args []string, in []byte) ([]byte, string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "IN"), in, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(prog, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", prog, args, err, said)
	}
	out, _ := os.ReadFile(filepath.Join(dir, "OUT"))
	return out, string(said)
}

// loaded returns the bytes that a loader takes from a file, by address; a loaded header of the file, which tells of its sections, as zeros.
func loaded(t *testing.T, b []byte) []byte {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD {
			part := bytes.Clone(b[p.Off : p.Off+p.Filesz])
			if p.Off == 0 {
				clear(part[:min(64, len(part))])
			}
			all = append(all, part...)
		}
	}
	return all
}
