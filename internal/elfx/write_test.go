package elfx

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// checkUnchanged verifies what SetSections promises about everything it was not asked for.
func checkUnchanged(t testing.TB, before, after *File, touched map[string]bool) {
	t.Helper()
	if len(after.Sections) < len(before.Sections)-len(touched) {
		t.Fatalf("%d sections, %d before", len(after.Sections), len(before.Sections))
	}
	for i := range before.Sections {
		a := &before.Sections[i]
		if touched[a.Name] || i == 0 || i >= len(after.Sections) || i == before.hdr.shstrndx {
			continue
		}
		b := after.Sections[i]
		if b.Type == uint32(elf.SHT_NULL) && touched[before.Sections[min(int(a.Info), len(before.Sections)-1)].Name] {
			continue // relocations of what was replaced
		}
		b.name, b.LayoutAddr = a.name, a.LayoutAddr // offsets of names may change, addresses follow sizes
		if b != *a {
			t.Fatalf("section %d: %+v, before %+v", i, b, *a)
		}
		x, errX := before.Raw(a)
		y, errY := after.Raw(&after.Sections[i])
		if errX == nil && (errY != nil || !bytes.Equal(x, y)) {
			t.Fatalf("section %s changed, %v", a.Name, errY)
		}
	}
}

func reopen(t testing.TB, b []byte) *File {
	t.Helper()
	f, err := FromBytes("result", b)
	if err != nil {
		t.Fatalf("the result cannot be read: %v", err)
	}
	return f
}

func add(t *testing.T, b []byte, set ...NamedData) []byte {
	t.Helper()
	out, err := AddSections("m.ko", b, set, WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	touched := map[string]bool{}
	for _, d := range set {
		touched[d.Name] = true
	}
	before, after := reopen(t, b), reopen(t, out)
	checkUnchanged(t, before, after, touched)
	for _, d := range set {
		s := after.Section(d.Name)
		if d.Remove {
			if s != nil {
				t.Fatalf("%s is still there", d.Name)
			}
			continue
		}
		if s == nil || s.Type != uint32(elf.SHT_PROGBITS) {
			t.Fatalf("%s: %+v", d.Name, s)
		}
		if got, err := after.Data(s); err != nil || !bytes.Equal(got, d.Data) {
			t.Fatalf("%s: %q %v", d.Name, got, err)
		}
	}
	return out
}

func TestSetSections(t *testing.T) {
	forEachForm(t, func(t *testing.T, e testELF) {
		b0 := module(e).build()
		btf, base := NamedData{Name: ".BTF", Data: []byte("types")}, NamedData{Name: ".BTF.base", Data: []byte("a few types")}
		b1 := add(t, b0, btf, base)
		f := reopen(t, b1)
		if s := f.Section(".BTF"); s.Index != 9 || s.Flags != 0 || s.Addr != 0 || s.Align != 1 || s.Link|s.Info != 0 {
			t.Errorf("%+v", s)
		}
		if again := add(t, b1, btf, base); !bytes.Equal(again, b1) {
			t.Error("writing the same once more changes the file")
		}
		small := add(t, b1, NamedData{Name: ".BTF", Data: []byte("t")})
		large := add(t, small, NamedData{Name: ".BTF", Data: bytes.Repeat([]byte("types"), 100)})
		larger := add(t, large, NamedData{Name: ".BTF", Data: bytes.Repeat([]byte("types"), 200)})
		if n := len(larger) - len(large); n < 500 || n > 507 {
			t.Errorf("500 bytes more make the file %d larger", n)
		}
		if n := len(reopen(t, add(t, b1, NamedData{Name: ".BTF.base", Remove: true})).Sections); n != 10 {
			t.Errorf("removed from the end: %d sections left", n)
		}
		gone := add(t, b1, NamedData{Name: ".BTF", Remove: true})
		if f := reopen(t, gone); len(f.Sections) != 11 || f.Section(".BTF.base").Index != 10 {
			t.Error("removing a section moved another")
		}
		add(t, gone, btf)
		if same := add(t, b0, NamedData{Name: ".none", Remove: true}); !bytes.Equal(same, b0) {
			t.Error("removing what is not there changes the file")
		}
		add(t, b0, NamedData{Name: ".BTF"})                                              // empty
		add(t, b0, NamedData{Name: ".debug_str", Data: bytes.Repeat([]byte("xyz"), 99)}) // from the middle to the end
		add(t, b0, NamedData{Name: ".debug_str", Data: []byte("z")})                     // stays
		add(t, b0, NamedData{Name: ".text"}, NamedData{Name: ".bss", Data: []byte("now")})
		odd := append(bytes.Clone(b0), "something appended"...)
		if out := add(t, odd, btf); !bytes.Contains(out, []byte("something appended")) {
			t.Error("what was appended is lost")
		}
		bare := e
		add(t, bare.build(), btf)
		if _, err := AddSections("m.ko", b0, []NamedData{{Name: ".shstrtab"}}, WriteOptions{}); err == nil {
			t.Error("the name section was replaced")
		}
	})
}

// A file without sections gets a section table.
func TestSetSectionsNoTable(t *testing.T) {
	forEachForm(t, func(t *testing.T, e testELF) {
		b := e.build()
		w := &planner{f: reopen(t, b)}
		h := w.elfHeader(0)
		clear(h[pick(e.class64, 60, 48):])
		add(t, h, NamedData{Name: ".BTF", Data: []byte("types")})
	})
}

func TestSetSectionsRelocations(t *testing.T) {
	e := relocFile(testELF{class64: true, typ: elf.ET_REL, machine: elf.EM_BPF}, []byte("contents"), true, []reloc{{0, 1, 2, 0}})
	e.sections[2].name = ".BTF"
	b := add(t, e.build(), NamedData{Name: ".BTF", Data: []byte("types")})
	if s := reopen(t, b).Sections[6]; s.Type != 0 || s.Info != 0 {
		t.Errorf("relocations of the old contents are still there: %+v", s)
	}
}

func TestSetSectionsLoaded(t *testing.T) {
	forEachForm(t, func(t *testing.T, e testELF) {
		e = module(e)
		e.typ = elf.ET_EXEC
		e.sections[2] = testSection{name: ".BTF", typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC, addr: 0x400, data: []byte("typetype"), align: 4}
		e.segment = []int{1, 4}
		b := e.build()
		out := add(t, b, NamedData{Name: ".BTF", Data: []byte("TYPETYPE")})
		if len(out) != len(b) {
			t.Error("the file changed its size")
		}
		out, err := AddSections("vmlinux", b, []NamedData{{Name: ".BTF", Data: []byte("T")}}, WriteOptions{})
		if err != nil || !bytes.Contains(out, []byte("T\x00\x00\x00\x00\x00\x00\x00")) {
			t.Error(err)
		}
		if s := reopen(t, out).Section(".BTF"); s.Size != 1 || s.Addr != 0x400 || s.Flags != uint64(elf.SHF_ALLOC) || s.Align != 4 {
			t.Errorf("%+v", s)
		}
		if _, err := AddSections("vmlinux", b, []NamedData{{Name: ".BTF", Data: make([]byte, 9)}}, WriteOptions{}); !errors.Is(err, ErrNoRoom) {
			t.Error(err)
		}
		if _, err := AddSections("vmlinux", b, []NamedData{{Name: ".BTF", Remove: true}}, WriteOptions{}); err == nil {
			t.Error("a loaded section was removed")
		}
		add(t, b, NamedData{Name: ".BTF.base", Data: make([]byte, 9)})
	})
}

// Around 0xff00 sections the numbers move from the ELF header to section 0.
func TestSetSectionsMany(t *testing.T) {
	forEachForm(t, func(t *testing.T, e testELF) {
		counts := []int{0xfefd, 0xfefe, 0xfeff, 0x10004}
		if !e.class64 || e.big {
			counts = counts[1:2]
		}
		for _, n := range counts {
			f := reopen(t, testELF{class64: e.class64, big: e.big, typ: e.typ, machine: e.machine, extra: n}.build())
			out := add(t, f.Bytes(), NamedData{Name: ".BTF", Data: []byte("types")})
			g := reopen(t, out)
			if len(g.Sections) != n+3 || g.Section(".BTF").Index != n+2 || g.Section(".shstrtab").Index != n+1 {
				t.Errorf("%#x sections", len(g.Sections))
			}
			back := reopen(t, add(t, out, NamedData{Name: ".BTF", Remove: true}))
			if len(back.Sections) != n+2 {
				t.Errorf("%#x sections after removing", len(back.Sections))
			}
		}
	})
}

func sign(b []byte) []byte {
	b = append(bytes.Clone(b), "the signature"...)
	b = append(b, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 13)
	return append(b, SignatureMark...)
}

func TestSigned(t *testing.T) {
	b := module(testELF{class64: true, typ: elf.ET_REL, machine: elf.EM_X86_64}).build()
	set := []NamedData{{Name: ".BTF", Data: []byte("types")}}
	if _, err := AddSections("m.ko", sign(b), set, WriteOptions{}); !errors.Is(err, ErrSigned) {
		t.Error(err)
	}
	want := add(t, b, set...)
	if got, err := AddSections("m.ko", sign(b), set, WriteOptions{StripSignature: true}); err != nil || !bytes.Equal(got, want) {
		t.Errorf("with the signature cut off: %v", err)
	}
	short := append([]byte{0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255}, SignatureMark...)
	if n := signatureSize(short); n != uint64(len(SignatureMark)) {
		t.Error(n)
	}
}

func TestSetSectionsFile(t *testing.T) {
	b := module(testELF{class64: true, typ: elf.ET_REL, machine: elf.EM_X86_64}).build()
	set := []NamedData{{Name: ".BTF", Data: bytes.Repeat([]byte("types"), 1000)}}
	want := add(t, b, set...)
	for _, kind := range []string{"", "gzip", "zstd", "xz"} {
		t.Run("compressed="+kind, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "m.ko")
			if err := os.WriteFile(path, compressAs(t, kind, b), 0o640); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, 0o751); err != nil {
				t.Fatal(err)
			}
			// A killed run has left this one.
			stale := filepath.Join(dir, ".gobtf-00112233445566778899aabbccddeeff.tmp")
			if err := os.WriteFile(stale, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("m.ko", filepath.Join(dir, "link")); err != nil {
				t.Fatal(err)
			}
			note, err := SetSections(filepath.Join(dir, "link"), set, WriteOptions{})
			if err != nil || note != "" {
				t.Fatalf("%q %v", note, err)
			}
			checkFile(t, path, kind, want)
			if st, _ := os.Lstat(path); st.Mode() != 0o751 {
				t.Errorf("mode %v", st.Mode())
			}
			checkFolder(t, dir, "link", "m.ko")
			if err := os.Link(path, filepath.Join(dir, "second")); err != nil {
				t.Fatal(err)
			}
			note, err = SetSections(path, []NamedData{{Name: ".BTF", Data: []byte("few")}}, WriteOptions{})
			if err != nil || note != "it had 2 hard links: the new contents are under this name alone" {
				t.Fatalf("%q %v", note, err)
			}
			few := add(t, want, NamedData{Name: ".BTF", Data: []byte("few")})
			checkFile(t, path, kind, few)
			checkFile(t, filepath.Join(dir, "second"), kind, want)
			checkFolder(t, dir, "link", "m.ko", "second")
		})
	}
}

func checkFile(t *testing.T, path, kind string, want []byte) {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Compression != kind || !bytes.Equal(f.Bytes(), want) {
		t.Errorf("%s: compression %q, %d bytes, want %q, %d", path, f.Compression, len(f.Bytes()), kind, len(want))
	}
}

func checkFolder(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the folder has %v, want %v", got, want)
	}
}

func TestSetSectionsErrors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.ko")
	set := []NamedData{{Name: ".BTF", Data: []byte("types")}}
	if _, err := SetSections(path, set, WriteOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, err := SetSections(dir, set, WriteOptions{}); err == nil || !strings.HasSuffix(err.Error(), "is a directory") {
		t.Error(err)
	}
	if _, err := SetSections("/dev/null", set, WriteOptions{}); err == nil || err.Error() != "/dev/null: is a character device" {
		t.Error(err)
	}
	b := sign(module(testELF{class64: true, typ: elf.ET_REL, machine: elf.EM_X86_64}).build())
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := SetSections(path, set, WriteOptions{}); !errors.Is(err, ErrSigned) || !strings.HasPrefix(err.Error(), path+": ") {
		t.Error(err)
	}
	if got, _ := os.ReadFile(path); !bytes.Equal(got, b) {
		t.Error("the file was changed")
	}
	checkFolder(t, dir, "m.ko")
}

// TestTools lets binutils read, strip, copy and link what was written.
func TestTools(t *testing.T) {
	for _, tool := range []string{"gcc", "readelf", "objcopy", "strip", "ld"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s here", tool)
		}
	}
	dir := t.TempDir()
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil || bytes.Contains(bytes.ToLower(out), []byte("warning")) || bytes.Contains(out, []byte("Error")) {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	src := "int f(int a) { return a + 1; }\nint g = 5;\nint main(void) { return f(g); }\n"
	if err := os.WriteFile(filepath.Join(dir, "a.c"), []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	run("gcc", "-g", "-c", "-ffunction-sections", "-fno-asynchronous-unwind-tables", "a.c", "-o", "a.o")
	link := exec.Command("gcc", "-g", "a.c", "-o", "a.out")
	if link.Dir = dir; link.Run() != nil {
		t.Skip("gcc links no programs here (libc6-dev is missing)")
	}
	btf := []byte("not really types")
	for _, name := range []string{"a.o", "a.out"} {
		path := filepath.Join(dir, name)
		for _, set := range [][]NamedData{
			{{Name: ".BTF", Data: bytes.Repeat(btf, 1000)}, {Name: ".BTF.base", Data: btf}},
			{{Name: ".BTF", Data: btf}},
			{{Name: ".BTF", Remove: true}},
			{{Name: ".BTF", Data: btf}},
		} {
			if note, err := SetSections(path, set, WriteOptions{}); err != nil || note != "" {
				t.Fatal(note, err)
			}
			run("readelf", "-aW", name)
		}
		want := func(name string) {
			t.Helper()
			f, err := Open(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for _, sec := range []string{".BTF", ".BTF.base"} {
				s := f.Section(sec)
				if s == nil {
					t.Fatalf("%s: no %s", name, sec)
				}
				if got, err := f.Data(s); err != nil || !bytes.Equal(got, btf) {
					t.Errorf("%s: %s has %q, %v", name, sec, got, err)
				}
			}
		}
		want(name)
		run("objcopy", name, "copied")
		want("copied")
		run("strip", "--strip-debug", "-o", "stripped", name)
		want("stripped")
		if name == "a.o" {
			run("objcopy", "--only-section=.BTF", "--set-section-flags", ".BTF=alloc,readonly", name, "only")
		}
	}
	run("ld", "-r", "a.o", "-o", "linked.o")
	run("readelf", "-aW", "linked.o")
	run("gcc", "a.o", "-o", "from-object")
	for _, name := range []string{"a.out", "from-object"} {
		cmd := exec.Command(filepath.Join(dir, name))
		if err := cmd.Run(); cmd.ProcessState.ExitCode() != 6 {
			t.Errorf("%s does not run: %v", name, err)
		}
	}
}

func FuzzSetSections(f *testing.F) {
	for _, big := range []bool{false, true} {
		e := testELF{class64: !big, big: big, typ: elf.ET_REL, machine: elf.EM_X86_64}
		f.Add(module(e).build(), ".BTF", []byte("types"), false)
		f.Add(relocated(module(e)).build(), ".debug_info", []byte("larger than it was, clearly"), false)
		e = module(e)
		e.typ, e.segment = elf.ET_EXEC, []int{1, 3}
		f.Add(e.build(), ".debug_str", []byte("a"), true)
		f.Add(sign(e.build()), ".debug_str", []byte("a"), false)
	}
	f.Fuzz(func(t *testing.T, b []byte, name string, data []byte, remove bool) {
		checkSet(t, b, NamedData{Name: name, Data: data, Remove: remove})
		checkSet(t, b, NamedData{Name: name, Data: data, Remove: remove, Leave: true})
	})
}

// checkSet sets one section in a file that may be damaged, and checks the result if there is one.
func checkSet(t *testing.T, b []byte, d NamedData) {
	t.Helper()
	name, data := d.Name, d.Data
	before, err := FromBytes("fuzz", b)
	if err != nil || name == "" || strings.ContainsRune(name, 0) || len(before.Sections) == 0 {
		return
	}
	input := bytes.Clone(b)
	out, err := AddSections("fuzz", b, []NamedData{d}, WriteOptions{StripSignature: true})
	if !bytes.Equal(b, input) {
		t.Fatal("the input was changed")
	}
	if err != nil {
		return
	}
	after := reopen(t, out)
	// Sections that lie over a header are what that says, so they do change.
	head := uint64(before.ehSize())
	for i := range before.Sections {
		s := &before.Sections[i]
		if s.Size > 0 && (s.Off < head || s.Off < before.hdr.shoff+uint64(len(before.Sections)*before.shSize()) && s.Off+s.Size > before.hdr.shoff) {
			return
		}
	}
	checkUnchanged(t, before, after, map[string]bool{name: true})
	s := after.Section(name)
	if old := before.Section(name); d.Remove || s == nil || old != nil && s.Index != old.Index && after.Sections[old.Index].Name != name+imageSuffix {
		return
	}
	if got, err := after.Raw(s); err != nil || !bytes.Equal(got, data) {
		t.Fatalf("%s: %q, want %q, %v", name, got, data, err)
	}
}

func TestSetSectionsDamaged(t *testing.T) {
	forEachForm(t, func(t *testing.T, e testELF) {
		rel := relocated(module(e)).build()
		e = module(e)
		e.typ, e.segment = elf.ET_EXEC, []int{1, 2}
		for _, b := range [][]byte{rel, e.build()} {
			for i := range b {
				for _, x := range []byte{0xff, 0x80, 0x08, 0x01} {
					damaged := bytes.Clone(b)
					damaged[i] ^= x
					checkSet(t, damaged, NamedData{Name: ".BTF", Data: []byte("types")})
					checkSet(t, damaged, NamedData{Name: ".debug_str", Data: []byte("larger than it was before")})
					checkSet(t, damaged, NamedData{Name: e.sections[0].name, Data: []byte("larger than it was before"), Leave: true})
					checkSet(t, damaged, NamedData{Name: ".strtab", Remove: true})
				}
			}
		}
	})
}

// TestCompressXZ: what is written is as small as xz makes it, where xz is there, and right where it is not, fails, or lies.
func TestCompressXZ(t *testing.T) {
	plain := bytes.Repeat([]byte("all modules have much in common, and some numbers: "), 2000)
	for i := range plain {
		if i%7 == 0 {
			plain[i] = byte(i * i >> 3)
		}
	}
	copy(plain, "\x7fELF") // only that is unpacked
	check := func(name string) []byte {
		t.Helper()
		packed, err := compressWhole("xz", plain)
		if err != nil {
			t.Fatal(name, err)
		}
		if got, err := decompressWhole("xz", packed); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%s: %v: does not unpack to what it was", name, err)
		}
		return packed
	}
	if path, err := exec.LookPath("xz"); err == nil {
		cmd := exec.Command(path, "--check=crc32", "--lzma2=dict=1MiB", "-c")
		cmd.Stdin = bytes.NewReader(plain)
		want, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv("XZ_OPT", "-0")
		if got := check("xz"); !bytes.Equal(got, want) {
			t.Errorf("%d bytes, xz writes %d", len(got), len(want))
		}
	}
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	without := check("no xz")
	for name, script := range map[string]string{
		"xz fails":         "#!/bin/sh\nexit 1\n",
		"xz lies":          "#!/bin/sh\necho something else\n",
		"xz packs another": "#!/bin/sh\nPATH=/usr/bin:/bin\nprintf '\\177ELF other' | xz --check=crc32\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, "xz"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		if got := check(name); !bytes.Equal(got, without) {
			t.Errorf("%s: not what the library writes", name)
		}
	}
}
