// Command demo shows the main job: bin/gobtf encodes a real module and some programs that testdata bundles, with the flags of a
// kernel build, and what it wrote is the same as what the reference wrote when the fixtures were made. It needs no network and no
// C compiler.
package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/tools/flagsets"
	"github.com/gobtf/gobtf/tools/meaning"
)

// kbuild are the flags of a kernel build since 6.12.
var kbuild = flagsets.Get("kbuild")

// job is one call of gobtf and the stored output that it must equal: byte for byte, or in meaning.
type job struct {
	what, object, golden string
	args                 []string
	split, meaning       bool
}

const (
	module  = "module/gobtf_demo.ko.zst" // ours, built on Debian's kernel headers
	vmlinux = "module/vmlinux.btf.zst"   // what Debian ships for that kernel
)

var jobs = []job{
	{what: "a kernel module, split BTF on the vmlinux it was built for", object: module, golden: "module/gobtf_demo.split.btf.zst", split: true, meaning: true},
	{what: "the same with pahole 1.32's defects", object: module, golden: "module/gobtf_demo.split.btf.zst", split: true, args: []string{"--pahole_quirks"}},
	{what: "the same module, standalone BTF", object: module, golden: "module/gobtf_demo.standalone.btf"},
	{what: "a program of several units, linked as vmlinux is", object: "obj/merged.elf", golden: "golden/merged.kbuild.btf"},
	{what: "one with kfuncs, which get their tags", object: "obj/kfunc_arena.elf", golden: "golden/kfunc_arena.kbuild.btf"},
	{what: "one for a big-endian machine", object: "obj/types_s390x.elf", golden: "golden/types_s390x.kbuild.btf"},
}

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(w io.Writer) error {
	tmp, err := os.MkdirTemp("", "gobtf-demo")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	d := &demo{w: w, base: filepath.Join(tmp, "vmlinux.btf"), out: filepath.Join(tmp, "out.btf"), golden: filepath.Join(tmp, "golden.btf")}
	if err := unpack(vmlinux, d.base); err != nil {
		return err
	}
	fmt.Fprintf(w, "KBUILD=%q\n\n", strings.Join(kbuild, " "))
	bytes := 0
	for _, j := range jobs {
		if err := d.show(j); err != nil {
			return fmt.Errorf("%s: %w", j.object, err)
		}
		if !j.meaning {
			bytes++
		}
	}
	fmt.Fprintf(w, "%d of %d equal what pahole 1.32 wrote, %d of them byte for byte\n", len(jobs), len(jobs), bytes)
	return nil
}

// demo is where one run keeps its files.
type demo struct {
	w                 io.Writer
	base, out, golden string
}

func (d *demo) show(j job) error {
	object := filepath.Join("testdata", j.object)
	in, err := os.Stat(object)
	if err != nil {
		return err
	}
	args := slices.Concat(kbuild, j.args)
	var base *btf.Types
	if j.split {
		args = append(args, "--btf_base="+d.base)
		if base, err = btf.ReadFile(d.base, nil); err != nil {
			return err
		}
	}
	args = append(args, "--btf_encode_detached="+d.out, object)
	fmt.Fprintf(d.w, "%s\n  bin/gobtf %s\n", j.what, strings.NewReplacer(strings.Join(kbuild, " "), "$KBUILD", filepath.Dir(d.out)+"/", "").Replace(strings.Join(args, " ")))
	start := time.Now()
	if msg, err := exec.Command("bin/gobtf", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(msg))
	}
	took := time.Since(start)

	types, err := btf.ReadFile(d.out, base)
	if err != nil {
		return err
	}
	own, err := os.ReadFile(d.out)
	if err != nil {
		return err
	}
	if err := unpack(j.golden, d.golden); err != nil {
		return err
	}
	golden, err := os.ReadFile(d.golden)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.w, "  %d bytes of ELF -> %d bytes of BTF in %.1f ms; %d types: %s\n",
		in.Size(), len(own), float64(took)/1e6, types.Len()-int(types.Start()), byKind(types))
	if j.meaning {
		said, err := new(meaning.Comparer).Differ(d.base, d.out, d.golden)
		if err != nil {
			return err
		}
		if said != "" {
			return fmt.Errorf("is not equal in meaning to testdata/%s: %s", j.golden, said)
		}
		fmt.Fprintf(d.w, "  equal in meaning to the reference's output in testdata/%s, which has %d bytes\n\n", j.golden, len(golden))
		return nil
	}
	if !bytes.Equal(own, golden) {
		return errors.New("differs from the stored output of the reference, testdata/" + j.golden)
	}
	fmt.Fprintf(d.w, "  equal to the reference's output in testdata/%s\n\n", j.golden)
	return nil
}

// unpack copies a file of testdata to a path, decompressed.
func unpack(name, to string) error {
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		return err
	}
	if strings.HasSuffix(name, ".zst") {
		z, err := zstd.NewReader(nil)
		if err != nil {
			return err
		}
		defer z.Close()
		if data, err = z.DecodeAll(data, nil); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return os.WriteFile(to, data, 0o600)
}

func byKind(types *btf.Types) string {
	count := map[btf.Kind]int{}
	for _, t := range types.All() {
		count[t.Kind()]++
	}
	var kinds []btf.Kind
	for k := range count {
		kinds = append(kinds, k)
	}
	slices.SortFunc(kinds, func(a, b btf.Kind) int { return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b)) })
	var s []string
	for _, k := range kinds {
		s = append(s, fmt.Sprintf("%d %v", count[k], k))
	}
	return strings.Join(s, ", ")
}
