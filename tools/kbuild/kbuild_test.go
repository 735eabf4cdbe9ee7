package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// program writes a shell script that stands for gobtf or the reference. $out is the file to write.
func program(t *testing.T, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	text := "#!/bin/sh\nfor a; do case $a in --btf_encode_detached=*) out=${a#*=} ;; --pahole_quirks) quirks=1 ;; esac; done\n" + body + "\n"
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSame(t *testing.T) {
	const good = "printf same >$out"
	tests := []struct {
		name, reference, gobtf, meaning string
		split                           bool
		want                            string // part of the error, "" when there is none
	}{
		{"kernel", good, good, "another", false, ""},
		{"kernel, a byte differs", good, "printf sane >$out", "", false, "not the reference's"},
		{"module", good, good, "", true, ""},
		{"module, smaller than the reference's", good, "[ -n \"$quirks\" ] && printf same >$out || printf s >$out", "", true, ""},
		{"module, a byte differs with quirks", good, "[ -n \"$quirks\" ] && printf sane >$out || printf same >$out", "", true, "not the reference's"},
		{"module, larger than the reference's", good, "[ -n \"$quirks\" ] && printf same >$out || printf larger >$out", "", true, "more than with --pahole_quirks"},
		{"module, another meaning", good, good, "another", true, "not equal in meaning"},
		{"reference fails", "echo no >&2; exit 1", good, "", false, "exit status 1: no"},
		{"gobtf writes nothing", good, ":", "", false, "wrote nothing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := &call{dir: t.TempDir(), cwd: t.TempDir()}
			if tt.split {
				k.base = "vmlinux"
			}
			c := &cell{m: &matrix{gobtf: program(t, tt.gobtf), reference: program(t, tt.reference), differ: func(string, string, string) (string, error) { return tt.meaning, nil }}}
			checkError(t, c.same(k), tt.want)
		})
	}
}

func checkError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Error(err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("error %v, want one with %q", err, want)
	}
}

func TestHeld(t *testing.T) {
	const withBTF = "../../testdata/image/x86_64-bfd-old.elf"
	own, err := section(withBTF, ".BTF")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		change func(tree string, calls []call) []call
		want   string
	}{
		{"as written", func(_ string, calls []call) []call { return calls }, ""},
		{"kernel changed after gobtf", func(_ string, calls []call) []call {
			write(t, filepath.Join(calls[0].dir, "own.btf"), append([]byte("x"), own...))
			return calls
		}, "vmlinux: .BTF is not what gobtf wrote"},
		{"module changed after gobtf", func(_ string, calls []call) []call {
			write(t, filepath.Join(calls[1].dir, "own.btf"), own[:len(own)-1])
			return calls
		}, "m.ko: .BTF is not what gobtf wrote"},
		{"module without .BTF", func(tree string, calls []call) []call {
			write(t, filepath.Join(tree, "m.ko"), noBTF(t))
			return calls
		}, "m.ko has no .BTF"},
		{"module that PAHOLE never saw", func(tree string, calls []call) []call { return calls[:1] }, "PAHOLE was not called for it"},
		{"no modules", func(tree string, calls []call) []call { os.Remove(filepath.Join(tree, "m.ko")); return calls }, "no module was built"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree := t.TempDir()
			file, err := os.ReadFile(withBTF)
			if err != nil {
				t.Fatal(err)
			}
			calls := []call{{dir: t.TempDir(), file: ".tmp_vmlinux1"}, {dir: t.TempDir(), file: "m.ko", base: "vmlinux"}}
			for i, name := range []string{"vmlinux", "m.ko"} {
				write(t, filepath.Join(tree, name), file)
				write(t, filepath.Join(calls[i].dir, "argv"), nil)
				write(t, filepath.Join(calls[i].dir, "own.btf"), own)
			}
			c := &cell{series: "6.12", tree: tree, way: &way{}}
			checkError(t, c.held(tt.change(tree, calls)), tt.want)
		})
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// noBTF is an ELF header for x86-64 and nothing behind it.
func noBTF(t *testing.T) []byte {
	b := make([]byte, 64)
	copy(b, "\x7fELF\x02\x01\x01")
	b[16], b[18], b[20], b[52] = 1, 62, 1, 64
	return b
}

func TestTableKeepsRowsOfOtherCells(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "page.md")
	write(t, page, []byte("before\n"+mark+mark+"after\n"))
	save := func(to string, r result) {
		t.Helper()
		if err := r.save(filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
		if err := writeDocs(page, filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	save("one", result{Series: "7", Way: "gcc", Title: "gcc", Kernel: "7.2.13-gobtf", Status: "passed", Flow: "detached", Modules: 4, Booted: true, Date: "2026-11-26", Seconds: 200})
	save("two", result{Series: "6.12", Way: "llvm", Title: "LLVM", Status: "not run", Why: "no clang | here", Date: "2026-11-26"})
	save("three", result{Series: "6.12", Way: "gcc", Title: "gcc", Kernel: "6.12.118-gobtf", Status: "failed", Why: "two\nlines", Date: "2026-11-26"})
	save("four", result{Series: "6.12", Way: "gcc", Title: "gcc", Kernel: "6.12.119-gobtf", Status: "passed", Flow: "in place", Modules: 4, Date: "2026-11-27", Seconds: 100})
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	want := "before\n" + mark + tableHead +
		"| 6.12.119 | `gcc` | gcc | in place: vmlinux and 4 modules = reference |  | 2026-11-27 | 100 s |\n" +
		"| 6.12 | `llvm` | LLVM | not run: no clang / here |  | 2026-11-26 | 0 s |\n" +
		"| 7.2.13 | `gcc` | gcc | detached: vmlinux and 4 modules = reference | yes, sysfs shows what was written | 2026-11-26 | 200 s |\n" +
		mark + "after\n"
	if string(got) != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestOutcomes(t *testing.T) {
	c := &cell{m: &matrix{work: "/here/build/kbuild"}, way: &way{name: "gcc"}, series: "6.12"}
	if r := c.result(time.Now(), errors.New("see /here/build/kbuild/6.12/gcc/log")); r.Why != "see build/kbuild/6.12/gcc/log" {
		t.Errorf("%q names the machine's folder", r.Why)
	}
	for _, tt := range []struct {
		err  error
		want string
	}{{nil, "passed"}, {notRun("no clang"), "not run"}, {os.ErrNotExist, "failed"}} {
		if r := c.result(time.Now(), tt.err); r.Status != tt.want {
			t.Errorf("%v: %q, want %q", tt.err, r.Status, tt.want)
		}
	}
	// What is missing must never look like a pass.
	c.m = &matrix{}
	if err := c.possible(); err == nil || !strings.Contains(err.Error(), "reference") {
		t.Errorf("without a reference: %v", err)
	}
	c.m = &matrix{reference: "pahole"}
	c.way = &way{needs: []need{{"/nowhere/clang", "clang-0"}}}
	if err := c.possible(); err == nil {
		t.Error("without a compiler the cell is possible")
	}
}

func TestWays(t *testing.T) {
	seen := map[string]bool{}
	for _, w := range ways {
		if seen[w.name] {
			t.Errorf("%s: twice", w.name)
		}
		// A tree is there before the ways that begin with it.
		if w.from != "" && !seen[w.from] {
			t.Errorf("%s: begins with %s, which does not come before it", w.name, w.from)
		}
		seen[w.name] = true
	}
	if _, err := plan([]string{"6.12"}, []string{"gcc", "none"}); err == nil {
		t.Error("a way that is not there is planned")
	}
	cells, err := plan([]string{"6.12", "7"}, []string{"llvm", "gcc"})
	if err != nil || len(cells) != 4 {
		t.Errorf("%d cells, %v", len(cells), err)
	}
	if !olderThan("5.10", "6.1") || !olderThan("6.1", "6.12") || olderThan("7", "6.12") {
		t.Error("series are not compared by their numbers")
	}
}

func TestSameAsBuilt(t *testing.T) {
	const withBTF, other = "../../testdata/image/x86_64-bfd-old.elf", "../../testdata/image/aarch64-lld-empty.elf"
	file, err := os.ReadFile(withBTF)
	if err != nil {
		t.Fatal(err)
	}
	tree, to := t.TempDir(), t.TempDir()
	write(t, filepath.Join(tree, "m.ko"), file)
	write(t, filepath.Join(to, "stripped.ko"), noBTF(t))
	c := &cell{tree: tree}
	tests := []struct {
		name string
		list map[string]string
		want string
	}{
		{"packed as built", map[string]string{"m": withBTF}, ""},
		{"not packed", map[string]string{"n": withBTF}, "m is not among"},
		{"stripped", map[string]string{"m": filepath.Join(to, "stripped.ko")}, "has no .BTF"},
		{"another BTF", map[string]string{"m": other}, "is not that of"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { checkError(t, c.sameAsBuilt(tt.list), tt.want) })
	}
}

// What the last command said is what silent and verbose look at.
func TestLastOutput(t *testing.T) {
	c := &cell{way: &way{}, m: &matrix{}, dir: t.TempDir()}
	if err := c.run("sh", "-c", "echo first"); err != nil {
		t.Fatal(err)
	}
	if err := c.run("sh", "-c", "echo second; echo third"); err != nil {
		t.Fatal(err)
	}
	if got := string(c.lastOutput()); got != "second\nthird\n" {
		t.Errorf("%q", got)
	}
	err := c.run("sh", "-c", "echo 'gobtf: f: p: cause'; exit 1")
	checkError(t, err, "gobtf: f: p: cause")
}

// A failed call of PAHOLE fails the cell, even where the build went on.
func TestCallsThatFailed(t *testing.T) {
	c := &cell{dir: t.TempDir()}
	rec := filepath.Join(c.dir, "rec", "a")
	if err := os.MkdirAll(rec, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(rec, "argv"), []byte("-J\n-j\n--btf_base\nvmlinux\nm.ko\n"))
	write(t, filepath.Join(rec, "cwd"), []byte("/tree\n"))
	write(t, filepath.Join(rec, "rc"), []byte("0\n"))
	list, err := c.calls()
	if err != nil || len(list) != 1 || list[0].base != "vmlinux" || list[0].file != "m.ko" || strings.Join(list[0].args, " ") != "-j --btf_base vmlinux" {
		t.Errorf("%+v, %v", list, err)
	}
	write(t, filepath.Join(rec, "rc"), []byte("1\n"))
	write(t, filepath.Join(rec, "said"), []byte("gobtf: m.ko: no\n"))
	_, err = c.calls()
	checkError(t, err, "gobtf: m.ko: no")
}
