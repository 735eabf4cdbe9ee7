// Command demo shows the main job: bin/gobtf encodes objects that testdata bundles, with the flags of a kernel build, and what
// it wrote is the same as what the reference wrote when the fixtures were made. It needs no network and no compiler.
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

	"github.com/gobtf/gobtf/btf"
)

const features = "--btf_features=encode_force,var,float,enum64,decl_tag,type_tag,optimized_func,consistent_func,decl_tag_kfuncs,attributes"

// job is one call of gobtf and the stored output that it must equal.
type job struct {
	what, object, golden string
	args                 []string
}

var jobs = []job{
	{"a program of several units, linked as vmlinux is", "obj/merged.elf", "golden/merged.kbuild.btf", []string{"--lang_exclude=rust", features}},
	{"one with kfuncs, which get their tags", "obj/kfunc_arena.elf", "golden/kfunc_arena.kbuild.btf", []string{"--lang_exclude=rust", features}},
	{"one for a big-endian machine", "obj/types_s390x.elf", "golden/types_s390x.kbuild.btf", []string{"--lang_exclude=rust", features}},
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
	for _, j := range jobs {
		if err := show(w, j, filepath.Join(tmp, "out.btf")); err != nil {
			return fmt.Errorf("%s: %w", j.object, err)
		}
	}
	fmt.Fprintf(w, "%d of %d equal what pahole 1.32 wrote, byte for byte\n", len(jobs), len(jobs))
	return nil
}

func show(w io.Writer, j job, out string) error {
	object := filepath.Join("testdata", j.object)
	in, err := os.Stat(object)
	if err != nil {
		return err
	}
	args := slices.Concat(j.args, []string{"--btf_encode_detached=" + out, object})
	fmt.Fprintf(w, "%s\n  bin/gobtf %s\n", j.what, strings.Replace(strings.Join(args, " "), out, "out.btf", 1))
	start := time.Now()
	if msg, err := exec.Command("bin/gobtf", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(msg))
	}
	took := time.Since(start)

	types, err := btf.ReadFile(out, nil)
	if err != nil {
		return err
	}
	own, err := os.ReadFile(out)
	if err != nil {
		return err
	}
	golden, err := os.ReadFile(filepath.Join("testdata", j.golden))
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "  %d bytes of ELF -> %d bytes of BTF in %.1f ms; %d types: %s\n",
		in.Size(), len(own), float64(took)/1e6, types.Len(), byKind(types))
	if !bytes.Equal(own, golden) {
		return errors.New("differs from the stored output of the reference, testdata/" + j.golden)
	}
	fmt.Fprintf(w, "  equal to the reference's output in testdata/%s\n\n", j.golden)
	return nil
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
