// Command bench measures gobtf against the reference: wall time, user and system cpu, and peak memory, with the runs taken
// in turn so that a noisy machine is unfair to both. It prints medians and how many times more the reference takes.
//
//	go run ./tools/bench [-n 5] [-kernel DIR] [-ref PAHOLE] [-gobtf FILE] [-cases REGEXP]
//	go run ./tools/bench -before FILE ...    against an older gobtf, with the cases that only gobtf has
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gobtf/gobtf/tools/fetched"
	"github.com/gobtf/gobtf/tools/flagsets"
	"github.com/gobtf/gobtf/tools/measure"
)

var kbuildFlags = flagsets.Get("kbuild")

type benchCase struct {
	name   string
	n      int
	args   []string // for both
	gobtf  []string // for gobtf alone
	equal  bool     // both must write the same bytes
	target string   // what is encoded; "" and args are all that the program gets
	step   bool     // as the kernel's build does: in place, and then what comes behind it
	batch  []string // modules: one run of gobtf for all, the reference in a loop
}

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// known ends the name of a case where gobtf has seen the base before, as in all of a build but the first module.
const known = " split, base known"

func run(w io.Writer) error {
	n := flag.Int("n", 5, "runs of each program on vmlinux; four times as many on a module")
	kernel := flag.String("kernel", "", "folder with vmlinux and modules/, as scripts/fetch/kernel makes it (default: its newest 6.12)")
	ref := flag.String("ref", "", "the reference pahole (default: what scripts/fetch/reference prints)")
	before := flag.String("before", "", "an older gobtf, which takes the reference's place")
	gobtf := flag.String("gobtf", "bin/gobtf", "the program to measure")
	only := flag.String("cases", "", "only the cases whose name matches this regular expression")
	ids := flag.String("resolve_btfids", "", "the kernel's resolve_btfids, to be part of the BTF step (default: one in the PATH, if any)")
	module := flag.String("module", "dummy.ko", "name of the small module")
	flag.Parse()
	pick, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	if *kernel == "" {
		if *kernel, err = script("scripts/fetch/kernel", "6.12"); err != nil {
			return err
		}
	}
	if *before != "" {
		if *ref, err = filepath.Abs(*before); err != nil {
			return err
		}
	}
	if *ref == "" {
		if *ref, err = script("scripts/fetch/reference"); err != nil {
			return err
		}
	}
	refCmd := unwrap(*ref)
	if *gobtf, err = filepath.Abs(*gobtf); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "gobtf-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)

	vmlinux := filepath.Join(*kernel, "vmlinux")
	small, err := find(filepath.Join(*kernel, "modules"), *module)
	if err != nil {
		return err
	}
	large, err := largest(filepath.Join(*kernel, "modules"))
	if err != nil {
		return err
	}
	onBase := "--btf_base=" + filepath.Join(tmp, "base")
	cases := []benchCase{
		{name: "vmlinux -j1", n: *n, args: []string{"-j1"}, equal: true, target: vmlinux},
		{name: "vmlinux -j2", n: *n, args: []string{"-j2"}, equal: true, target: vmlinux},
		{name: "vmlinux -j16", n: *n, args: []string{"-j16"}, equal: true, target: vmlinux},
		{name: "BTF step -j1", n: *n, args: []string{"-j1"}, equal: true, target: vmlinux, step: true},
		{name: "BTF step -j2", n: *n, args: []string{"-j2"}, equal: true, target: vmlinux, step: true},
		{name: *module + " split", n: 4 * *n, args: []string{"-j1", onBase}, gobtf: []string{"--pahole_quirks"}, equal: true, target: small},
		{name: *module + known, n: 4 * *n, args: []string{"-j1", onBase}, gobtf: []string{"--pahole_quirks", "--base_cache=" + filepath.Join(tmp, "cache")}, equal: true, target: small},
		{name: filepath.Base(large) + " -j1 split", n: *n, args: []string{"-j1", onBase}, gobtf: []string{"--pahole_quirks"}, equal: true, target: large},
		{name: filepath.Base(large) + " -j2 split", n: *n, args: []string{"-j2", onBase}, gobtf: []string{"--pahole_quirks"}, equal: true, target: large},
		{name: *module + " standalone", n: 4 * *n, args: []string{"-j1"}, equal: true, target: small},
	}
	os.Setenv("GOBTF_BASE_CACHE", "no") // but in the case that asks for one
	modules := filepath.Join(*kernel, "modules")
	all, err := fetched.Modules(modules)
	if err != nil {
		return err
	}
	cases = append(cases, benchCase{name: fmt.Sprintf("batch of %d, in a loop", len(all)), n: 1, args: []string{"--btf_base=" + vmlinux}, gobtf: []string{"--pahole_quirks"}, equal: true, target: modules, batch: all})
	if *before != "" {
		cases = cases[:len(cases)-1]
		cases = slices.DeleteFunc(cases, func(c benchCase) bool { return strings.HasSuffix(c.name, known) }) // an older one has no such option
		for i := range cases {
			cases[i].args, cases[i].gobtf = append(cases[i].args, cases[i].gobtf...), nil
		}
		cases = append(cases,
			benchCase{name: "verify all modules", n: *n, args: []string{"verify", "--btf_base=" + vmlinux}, target: ""},
			benchCase{name: "rebase --all, what fits", n: *n, args: []string{"rebase", "--check", "--onto=" + vmlinux, "--all=" + modules}},
			benchCase{name: "rebase, from DWARF", n: *n, args: []string{"rebase", "--check", "--form=shifted", "--onto=" + vmlinux, "--all=" + filepath.Join(modules, "net", "ipv4")}})
		v := &cases[len(cases)-3]
		v.args = append(v.args, all...)
	}
	cases = slices.DeleteFunc(cases, func(c benchCase) bool { return !pick.MatchString(c.name) })
	if len(cases) == 0 {
		return errors.New("no case has such a name")
	}
	if slices.ContainsFunc(cases, func(c benchCase) bool { return slices.Contains(c.args, onBase) }) {
		base := slices.Concat(refCmd, []string{"-j", "--btf_encode_detached=" + filepath.Join(tmp, "base")}, kbuildFlags, []string{vmlinux})
		if _, err := measure.Run(base); err != nil {
			return err
		}
	}

	steps := stepTools{folder: tmp, ids: *ids}
	if slices.ContainsFunc(cases, func(c benchCase) bool { return c.step }) {
		if err := steps.prepare(w, vmlinux); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "kernel %s, reference %s; medians, the reference's and gobtf's runs in turn\n", filepath.Base(*kernel), version(refCmd))
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	other := "pahole"
	if *before != "" {
		other = "before"
	}
	fmt.Fprintf(tw, "case\t%s wall\tgobtf\tratio\t%[1]s cpu\tgobtf\tratio\t%[1]s peak\tgobtf\tratio\t\n", other)
	for _, c := range cases {
		var a, b measure.Sample
		if c.batch != nil {
			a, b, err = loop(c, refCmd, *gobtf, tmp)
		} else {
			a, b, err = inTurn(c, refCmd, *gobtf, tmp, &steps)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", c.name,
			ms(a.Wall), ms(b.Wall), ratio(a.Wall, b.Wall), ms(a.CPU), ms(b.CPU), ratio(a.CPU, b.CPU),
			mb(a.Peak), mb(b.Peak), ratio(a.Peak, b.Peak))
	}
	return tw.Flush()
}

// inTurn runs both programs c.n times, one after the other, after one run of each that only warms the page cache.
func inTurn(c benchCase, ref []string, gobtf, tmp string, steps *stepTools) (a, b measure.Sample, err error) {
	once := func(program, more []string, out string) (measure.Sample, error) {
		argv := slices.Concat(program, c.args, more)
		switch {
		case c.step:
			return steps.run(slices.Concat(argv, kbuildFlags), out)
		case c.target == "":
			return measure.Run(argv)
		}
		return measure.Run(slices.Concat(argv, kbuildFlags, []string{"--btf_encode_detached=" + out, c.target}))
	}
	outA, outB := filepath.Join(tmp, "a"), filepath.Join(tmp, "b")
	var as, bs []measure.Sample
	for i := -1; i < c.n; i++ {
		if a, err = once(ref, nil, outA); err != nil {
			return a, b, err
		}
		if b, err = once([]string{gobtf}, c.gobtf, outB); err != nil {
			return a, b, err
		}
		if i >= 0 {
			as, bs = append(as, a), append(bs, b)
		}
	}
	if c.equal {
		x, err := os.ReadFile(outA)
		if err != nil {
			return a, b, err
		}
		y, err := os.ReadFile(outB)
		if err != nil {
			return a, b, err
		}
		if !bytes.Equal(x, y) {
			return a, b, errors.New("the two programs wrote different bytes, so a comparison of their speed says nothing")
		}
	}
	return medians(as), medians(bs), nil
}

// looped is how many modules there are for each that the reference encodes in a loop, whose figures stand for all.
const looped = 24

// loop runs gobtf once on all modules, on two processors, and the reference in a loop on a part of them, one after the other. Its times are
// scaled to all. Both must write the same bytes.
func loop(c benchCase, ref []string, gobtf, tmp string) (a, b measure.Sample, err error) {
	out := filepath.Join(tmp, "batch")
	defer os.RemoveAll(out)
	// The kernel's flags are batch's own default.
	if b, err = measure.Run(slices.Concat([]string{gobtf, "batch", "-j2", "-o", out}, c.args, c.gobtf, []string{c.target})); err != nil {
		return a, b, err
	}
	count := 0
	for i := looped / 2; i < len(c.batch); i += looped {
		one := filepath.Join(tmp, "one")
		s, err := measure.Run(slices.Concat(ref, []string{"-j1"}, c.args, kbuildFlags, []string{"--btf_encode_detached=" + one, c.batch[i]}))
		if err != nil {
			return a, b, err
		}
		a.Wall, a.CPU, a.Peak = a.Wall+s.Wall, a.CPU+s.CPU, max(a.Peak, s.Peak)
		count++
		x, err := os.ReadFile(one)
		if err != nil {
			return a, b, err
		}
		y, err := os.ReadFile(filepath.Join(out, filepath.Base(c.batch[i])+".btf"))
		if err != nil {
			return a, b, err
		}
		if !bytes.Equal(x, y) {
			return a, b, fmt.Errorf("%s: the two programs wrote different bytes", c.batch[i])
		}
	}
	a.Wall = a.Wall * time.Duration(len(c.batch)) / time.Duration(count)
	a.CPU = a.CPU * time.Duration(len(c.batch)) / time.Duration(count)
	return a, b, nil
}

// stepTools does what the kernel's build does for BTF (scripts/link-vmlinux.sh): the encoder writes into vmlinux, objcopy cuts the section
// out to be linked in, and resolve_btfids fills in .BTF_ids.
type stepTools struct {
	folder string
	ids    string // "": there is no resolve_btfids here
}

// prepare makes what each run starts from: a vmlinux that has no BTF yet.
func (s *stepTools) prepare(w io.Writer, vmlinux string) error {
	if s.ids == "" {
		s.ids, _ = exec.LookPath("resolve_btfids")
	}
	if s.ids == "" {
		fmt.Fprintln(w, "BTF step: no resolve_btfids here, so without it")
	}
	_, err := measure.Run([]string{"objcopy", "--remove-section=.BTF", vmlinux, filepath.Join(s.folder, "bare")})
	return err
}

// run does the whole step with an encoder, and leaves the section in a file of its own.
func (s *stepTools) run(encoder []string, section string) (measure.Sample, error) {
	bare, vmlinux := filepath.Join(s.folder, "bare"), filepath.Join(s.folder, "vmlinux")
	if _, err := measure.Run([]string{"cp", bare, vmlinux}); err != nil {
		return measure.Sample{}, err
	}
	list := [][]string{
		append(encoder, "-J", vmlinux),
		{"objcopy", "-O", "binary", "--only-section=.BTF", "--set-section-flags=.BTF=alloc,readonly", vmlinux, section},
	}
	if s.ids != "" {
		list = append(list, []string{s.ids, vmlinux})
	}
	var sum measure.Sample
	for _, argv := range list {
		one, err := measure.Run(argv)
		if err != nil {
			return measure.Sample{}, err
		}
		sum.Wall, sum.CPU, sum.Peak = sum.Wall+one.Wall, sum.CPU+one.CPU, max(sum.Peak, one.Peak)
	}
	return sum, nil
}

func medians(s []measure.Sample) measure.Sample {
	return measure.Sample{
		Wall: median(s, func(s measure.Sample) time.Duration { return s.Wall }),
		CPU:  median(s, func(s measure.Sample) time.Duration { return s.CPU }),
		Peak: median(s, func(s measure.Sample) int64 { return s.Peak }),
	}
}

func median[T time.Duration | int64](s []measure.Sample, of func(measure.Sample) T) T {
	v := make([]T, len(s))
	for i := range s {
		v[i] = of(s[i])
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

func ms(d time.Duration) string { return fmt.Sprintf("%.0f ms", float64(d)/1e6) }

func mb(kib int64) string { return fmt.Sprintf("%.0f MB", float64(kib)*1024/1e6) }

func ratio[T time.Duration | int64](ref, own T) string {
	return fmt.Sprintf("%.1fx", float64(ref)/float64(own))
}

// unwrap starts the reference without its shell wrapper, whose own start would count as the reference's.
func unwrap(ref string) []string {
	root := filepath.Join(filepath.Dir(ref), "root", "usr")
	lib := filepath.Join(root, "lib", "x86_64-linux-gnu")
	loader := filepath.Join(lib, "ld-linux-x86-64.so.2")
	if _, err := os.Stat(loader); err != nil {
		return []string{ref}
	}
	return []string{loader, "--library-path", lib, filepath.Join(root, "bin", "pahole")}
}

func version(argv []string) string {
	out, err := exec.Command(argv[0], append(argv[1:], "--version")...).Output()
	if err != nil {
		return "of unknown version"
	}
	return filepath.Base(argv[len(argv)-1]) + " " + string(bytes.TrimSpace(out))
}

func script(argv ...string) (string, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "FETCH_KERNEL_KNOWN=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", argv[0], err)
	}
	return string(bytes.TrimSpace(out)), nil
}

// largest returns the largest module below dir: mlx5_core in a cloud kernel (70 MB), amdgpu in a full one (800 MB).
func largest(dir string) (string, error) {
	list, err := fetched.Modules(dir)
	var found string
	size := int64(-1)
	for _, path := range list {
		if fi, err := os.Stat(path); err == nil && fi.Size() > size {
			found, size = path, fi.Size()
		}
	}
	if err == nil && found == "" {
		err = fmt.Errorf("%s: there is no module in it", dir)
	}
	return found, err
}

// find returns the first file of this name below dir.
func find(dir, name string) (string, error) {
	var found string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Name() == name {
			found = path
			return fs.SkipAll
		}
		return nil
	})
	if err == nil && found == "" {
		err = fmt.Errorf("%s: there is no %s in it", dir, name)
	}
	return found, err
}
