package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// inRoot runs a test in the repository's root, where the program runs, with a cache of its own.
func inRoot(t *testing.T) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(root, "testdata"), filepath.Join(dir, "testdata")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
}

// program writes a shell script. Its argument $OUT is what --btf_encode_detached names.
func program(t *testing.T, name, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	head := "#!/bin/sh\nfor a; do case $a in --btf_encode_detached=*) OUT=${a#*=} ;; esac; last=$a; done\n"
	if err := os.WriteFile(path, []byte(head+body+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	says  = "[ \"$1\" = --version ] && { echo v1.32; exit; }\n"
	proof = "case $last in */types.elf) cat testdata/golden/types.default.btf >$OUT; exit ;; esac\n"
)

func TestReferenceIsProven(t *testing.T) {
	inRoot(t)
	for _, c := range []struct{ name, body, want string }{
		{"no version", "echo", "is no version of pahole"},
		{"fails", "exit 3", "does not start"},
		{"writes nothing", says + "exit 0", "wrote nothing for"},
		{"does not encode", says + "echo no >&2; exit 1", "does not encode"},
		{"other bytes", says + "echo another >$OUT", "does not write"},
		{"good", says + proof, ""},
	} {
		_, err := newReference(program(t, "pahole", c.body), t.TempDir())
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// TestFiles runs the whole program on one file, with programs whose output is known.
func TestFiles(t *testing.T) {
	inRoot(t)
	if err := os.WriteFile("x.ko", []byte("a module"), 0o644); err != nil {
		t.Fatal(err)
	}
	const (
		good   = "printf 'BTF of the module' >$OUT"
		other  = "printf 'another BTF......' >$OUT"
		header = "printf '%025d' 0 >$OUT"
		giveUp = "echo 'Unsupported DW_TAG_atomic_type(0x47): type: 0x1' >&2; echo 'btf_encoder__encode_cu: error encoding x' >&2; echo 'Error while encoding BTF.' >&2"
		odd    = "echo 'no such thing' >&2; echo 'btf_encoder__encode_cu: error encoding x' >&2; echo 'Error while encoding BTF.' >&2"
	)
	for _, c := range []struct{ name, ref, own, want, err string }{
		{"equal", good, good, "1 passed, 0 failed", ""},
		{"other bytes", good, other, "DIFF  x.ko: bytes differ", "there are differences"},
		{"gobtf fails", good, "echo gobtf: no >&2; exit 1", "DIFF  x.ko: status 1: gobtf: no", "there are differences"},
		{"gobtf writes nothing", good, "exit 0", "DIFF  x.ko: gobtf ends with status 0", "there are differences"},
		{"the reference writes nothing", "exit 0", good, "DIFF  x.ko: the reference writes nothing", "there are differences"},
		{"both have nothing", "exit 0", header, "0 passed, 0 failed; 1 where both have nothing", "nothing was compared"},
		{"the reference gives up", giveUp, good, "1 where the reference gives up for a known reason", "nothing was compared"},
		{"for another reason", odd, good, "not known: no such thing", "there are differences"},
		{"the reference fails", "echo bad >&2; exit 1", good, "DIFF  x.ko: the reference fails: bad", "there are differences"},
	} {
		os.RemoveAll("build")
		var out bytes.Buffer
		err := run([]string{"-reference", program(t, "pahole", says+proof+c.ref), "-gobtf", program(t, "gobtf", c.own), "files", "x.ko"}, &out)
		if !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: %q is not in %s", c.name, c.want, &out)
		}
		if (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%s: error %v, want %q", c.name, err, c.err)
		}
	}
}

// TestUnrelocated: only objects of machines that elfutils does not relocate are excused, and only where the reference lost their names.
func TestUnrelocated(t *testing.T) {
	header := func(strings uint32) []byte {
		b := make([]byte, 24)
		copy(b, []byte{0x9f, 0xeb, 1, 0, 24})
		binary.LittleEndian.PutUint32(b[20:], strings)
		return append(b, make([]byte, strings)...)
	}
	for _, c := range []struct {
		file           string
		reference, own uint32
		want           bool
	}{
		{"mips64el.o", 30, 400, true},
		{"mips64el.o", 300, 400, false},
		{"mips64.o", 30, 400, false},
		{"mipsel.o", 30, 400, false},
		{"x86_64.o", 30, 400, false},
		{"README", 30, 400, false},
	} {
		if got := unrelocated("../../testdata/machines/"+c.file, header(c.reference), header(c.own)); got != c.want {
			t.Errorf("%s, %d bytes of names and %d: %v", c.file, c.reference, c.own, got)
		}
	}
}

// TestCache: what the reference wrote once is not asked for again, and other flags are another entry.
func TestCache(t *testing.T) {
	inRoot(t)
	if err := os.WriteFile("x.ko", []byte("a module"), 0o644); err != nil {
		t.Fatal(err)
	}
	ref := &reference{path: program(t, "pahole", "echo once >>calls; printf BTF >$OUT"), version: "v0.0"}
	for _, flags := range [][]string{{"-j1", "-x"}, {"-j8", "-x"}, {"-y"}} {
		if e := ref.encode("x.ko", "", flags); e.outcome != wrote {
			t.Errorf("%q: %+v", flags, e)
		}
	}
	if b, err := os.ReadFile("calls"); err != nil || string(b) != "once\nonce\n" {
		t.Errorf("the reference ran %q times, %v", b, err)
	}
}

func TestSample(t *testing.T) {
	list := []string{"a", "b", "c", "d", "e"}
	for n, want := range map[int]string{1: "e", 2: "ce", 5: "abcde"} {
		if got := strings.Join(sample(list, n), ""); got != want {
			t.Errorf("%d of 5: %s, want %s", n, got, want)
		}
	}
	if got := sample(list, 9); len(got) != 5 {
		t.Errorf("9 of 5: %v", got)
	}
}

func TestSizes(t *testing.T) {
	s := sizes{own: 103, shipped: 100, quirks: 500}
	if s.print(io.Discard) {
		t.Error("3 % more than the package's own is good")
	}
	s.own = 102
	if !s.print(io.Discard) {
		t.Error("2 % more is not good")
	}
}
