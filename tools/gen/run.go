package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A bench is where one job works: a folder in each tree of compilers.
type bench struct {
	gobtf, ref string
	roots      []string // "" is the machine itself
	dirs       map[string]string
}

// What came out of one comparison.
type verdict int

const (
	same     verdict = iota
	refused          // the reference writes nothing, gobtf does or says why not
	differs          // the bytes differ
	fails            // gobtf fails where the reference does not, or is killed
	silent           // the reference writes nothing, gobtf fails without a word
	larger           // the repaired split BTF is larger than the reference's
	notBuilt         // the set does not compile or link
)

var verdicts = [...]string{"same", "refused", "differs", "fails", "silent", "larger", "not built"}

func (v verdict) bad() bool { return v >= differs && v <= larger }

// A check is one file of a set, encoded with one set of features.
type check struct {
	Kind     string // object, joined, linked
	Unit     int    // of an object, else -1
	Features string
	Base     string // the kind of file whose BTF it is split on; "" for none
}

const timeLimit = time.Minute

func newBench(gobtf, ref string, roots []string) (*bench, error) {
	b := &bench{gobtf: gobtf, ref: ref, roots: roots, dirs: map[string]string{}}
	for _, r := range roots {
		d, err := os.MkdirTemp(filepath.Join(r, "/tmp"), "gobtf-gen.")
		if err != nil {
			return nil, err
		}
		b.dirs[r] = d
	}
	return b, nil
}

func (b *bench) close() {
	for _, d := range b.dirs {
		os.RemoveAll(d)
	}
}

// root is the tree that has the program: the first one.
func (b *bench) root(prog string) (string, bool) {
	for _, r := range b.roots {
		if _, err := os.Stat(filepath.Join(r, "/usr/bin", prog)); err == nil {
			return r, true
		}
	}
	return "", false
}

// run runs a program of a tree in the work folder there.
func (b *bench) run(root, prog string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeLimit)
	defer cancel()
	dir := b.dirs[root]
	c := exec.CommandContext(ctx, "/usr/bin/"+prog, args...)
	c.Path, c.Err, c.Dir = "/usr/bin/"+prog, nil, strings.TrimPrefix(dir, root)
	if root != "" {
		c.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	}
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", prog, strings.Join(args, " "), err, out)
	}
	return nil
}

// percpu keeps the section that has a meaning to BTF apart, as the kernel's script does.
const percpu = "SECTIONS { .data..percpu : { *(.data..percpu*) } } INSERT BEFORE .data;\n"

// build compiles every unit of a set, and joins and links them; kinds says what of it is wanted ("": all).
func (b *bench) build(s set, c combo, kind string) error {
	root, _ := b.root(c.CC)
	dir := b.dirs[root]
	old, _ := filepath.Glob(dir + "/*")
	for _, f := range old {
		os.RemoveAll(f)
	}
	args := append([]string{"-w", "-c"}, strings.Fields(c.Flags)...)
	objs := []string{}
	for i, u := range s.Units {
		if err := os.WriteFile(filepath.Join(dir, source(i)), []byte(u.text()), 0o644); err != nil {
			return err
		}
		args = append(args, source(i))
		objs = append(objs, object(i))
	}
	if err := b.run(root, c.CC, args...); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "percpu.ld"), []byte(percpu), 0o644); err != nil {
		return err
	}
	ld := "ld"
	if c.clang() {
		ld = strings.Replace(c.CC, "clang-", "ld.lld-", 1)
	}
	common := []string{"-z", "muldefs"}
	if strings.Contains(c.Flags, "-m32") {
		common = append(common, "-m", "elf_i386")
	}
	common = append(common, strings.Fields(c.LD)...)
	if !c.LTO && kind != "linked" && kind != "object" {
		if err := b.run(root, ld, append(append([]string{"-r", "-o", "joined"}, common...), objs...)...); err != nil {
			return err
		}
	}
	if kind == "joined" || kind == "object" {
		return nil
	}
	if c.LTO {
		link := append([]string{"-w", "-nostdlib", "-static", "-o", "linked"}, strings.Fields(c.Flags)...)
		if c.clang() {
			link = append(link, "-fuse-ld="+"/usr/bin/"+ld)
		}
		link = append(link, "-Wl,-N,-e0,-z,muldefs,--unresolved-symbols=ignore-all,-T,percpu.ld")
		return b.run(root, c.CC, append(link, objs...)...)
	}
	return b.run(root, ld, append(append([]string{"-static", "-N", "-e", "0", "--unresolved-symbols=ignore-all", "-T", "percpu.ld", "-o", "linked"}, common...), objs...)...)
}

// encode runs one program and says whether it ended with status 0, what it said and wrote. Both are called alike.
func encode(prog, dir, out string, args ...string) (ok bool, said string, data []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), timeLimit)
	defer cancel()
	os.Remove(filepath.Join(dir, out))
	c := exec.CommandContext(ctx, prog, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GOMAXPROCS=2")
	text, err := c.CombinedOutput()
	if err != nil && len(text) == 0 && ctx.Err() != nil {
		text = []byte("no end in a minute")
	}
	data, _ = os.ReadFile(filepath.Join(dir, out))
	return err == nil, string(text), data
}

func (k check) file() string {
	if k.Kind == "object" {
		return object(k.Unit)
	}
	return k.Kind
}

// compare encodes one file of what was built by both.
func (b *bench) compare(c combo, k check) (verdict, string) {
	root, _ := b.root(c.CC)
	dir := b.dirs[root]
	args := append([]string{"-J"}, strings.Fields(k.Features)...)
	var quirks []string
	if k.Base != "" {
		base := check{Kind: k.Base}
		if ok, said, _ := encode(b.ref, dir, "base", append(args[:len(args):len(args)], "--btf_encode_detached=base", base.file())...); !ok {
			return refused, said
		}
		if _, err := os.Stat(filepath.Join(dir, "base")); err != nil {
			return refused, "no base"
		}
		args = append(args, "--btf_base=base")
		quirks = []string{"--pahole_quirks"}
	}
	rok, _, want := encode(b.ref, dir, "want", append(args[:len(args):len(args)], "--btf_encode_detached=want", k.file())...)
	args = append(args, "--btf_encode_detached=got", k.file())
	ok, said, got := encode(b.gobtf, dir, "got", append(args[:len(args):len(args)], quirks...)...)
	switch {
	case strings.Contains(said, "panic:") || strings.Contains(said, "goroutine ") || !ok && said == "":
		return fails, said
	case !rok || want == nil:
		if !ok || got == nil {
			return silent, said
		}
		return refused, said
	case !ok:
		return fails, said
	case !bytes.Equal(got, want):
		return differs, said
	}
	if k.Base != "" {
		ok, said, own := encode(b.gobtf, dir, "got", args...)
		if !ok {
			return fails, said
		}
		room := len(want)
		if noStrings(want) {
			room++ // the one zero byte that gobtf writes there (docs/quirks.md)
		}
		if len(own) > room {
			return larger, fmt.Sprintf("%d bytes, the reference's %d", len(own), len(want))
		}
	}
	return same, ""
}

// noStrings tells whether BTF has an empty string section: the length is the last word of its header, zero in either byte order.
func noStrings(b []byte) bool {
	return len(b) >= 24 && bytes.Equal(b[20:24], []byte{0, 0, 0, 0})
}

// checks is what is compared of a set: each object with one set of features, what is joined and linked with more.
func checks(units, turn int, lto bool) (k []check) {
	f := func(i int) string { return features[i%len(features)] }
	if !lto {
		for i := range units {
			k = append(k, check{Kind: "object", Unit: i, Features: f(turn + i)})
		}
		for _, i := range []int{kbuild, turn} {
			k = append(k, check{Kind: "joined", Unit: -1, Features: f(i)})
		}
		k = append(k, check{Kind: "object", Unit: turn % units, Features: features[kbuild], Base: "linked"},
			check{Kind: "joined", Unit: -1, Features: f(turn), Base: "linked"})
	}
	for _, i := range []int{0, 1, kbuild, 3 + turn%(len(features)-3)} {
		k = append(k, check{Kind: "linked", Unit: -1, Features: f(i)})
	}
	if !lto {
		k = append(k, check{Kind: "linked", Unit: -1, Features: features[turn%3], Base: "joined"})
	}
	return k
}
