package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/gobtf/gobtf/batch"
	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/verify"
	"github.com/gobtf/gobtf/internal/argp"
	"github.com/gobtf/gobtf/module"
	"github.com/gobtf/gobtf/refit"
)

var verifyCommand = command{
	name: "verify", summary: "say what a kernel would say of a file's BTF", usage: "[OPTION...] FILE...\n[OPTION...] --all DIR",
	text: `Checks what a kernel checks when it loads the BTF of a vmlinux or a module. A finding is one line: type, name, member, what
should hold, the kernel's own words. --all takes all modules below a folder and lists those with findings. Ends with 0 when nothing is
found. docs/verify.md has the rules.`,
	options: argp.Table{
		{Long: "btf_base", Short: 'b', Arg: argp.Required, Value: "FILE", Help: "what split BTF continues: `FILE` (BTF, or ELF with .BTF, compressed or not; with --all by default the kernel's vmlinux, as dump finds it)"},
		{Long: "kernel", Arg: argp.Required, Value: "VERSION", Help: "as kernel `VERSION` (5.10 ... or running) would (default: the module's, or the newest known)"},
		{Long: "json", Help: "as JSON, a line for each file (docs/json.md)"},
		{Long: "full", Help: "also what BPF_BTF_LOAD checks, relations that break users, and which libraries do not read it"},
		{Long: "pointer_size", Arg: argp.Required, Value: "N", Help: "pointers have `N` bytes, 4 or 8, where no ELF file says it (default: 8)"},
		{Long: "all", Arg: argp.Required, Value: "DIR", Help: "all modules below `DIR` (/lib/modules/RELEASE), several at once; those that are good, or have no BTF, are only counted"},
		{Long: "jobs", Short: 'j', Arg: argp.Required, Value: "N", Help: "with --all: `N` modules at once (default: as many as there are processors)"},
		maxUnpackedOption,
	},
	run: verifyFiles,
}

func verifyFiles(ctx context.Context, c *argp.Line, stdout, stderr io.Writer) error {
	files, dir := c.Operands, c.String("all")
	switch {
	case dir != "" && len(files) > 0:
		return usagef("verify: give files, or --all with a folder of modules")
	case dir == "" && len(files) == 0:
		return usagef("verify: no file")
	}
	if err := setMaxUnpacked(c); err != nil {
		return err
	}
	size, err := c.Number("pointer_size")
	if err != nil {
		return usagef("verify: %v", err)
	}
	if size != 0 && size != 4 && size != 8 {
		return usagef("verify: --pointer_size: %d is not 4 or 8", size)
	}
	var kernel *verify.Kernel
	if s := c.String("kernel"); s != "" {
		k, err := verify.ParseKernel(s)
		switch {
		case err != nil:
			return usagef("verify: --kernel: %v; %v to %v are known", err, verify.Oldest, verify.Newest)
		case k.Before(verify.Oldest.Major, verify.Oldest.Minor):
			return usagef("verify: --kernel: Linux %v has no BTF of its own: %v to %v are known", k, verify.Oldest, verify.Newest)
		case verify.Newest.Before(k.Major, k.Minor):
			fmt.Fprintf(stderr, "gobtf: Linux %v is not known (%v to %v are): the rules of %v are taken\n", k, verify.Oldest, verify.Newest, verify.Newest)
			k = verify.Newest
		}
		kernel = &k
	}
	var base *btf.Types
	if path := c.String("btf_base"); path != "" {
		t, err := module.ReadBase(path)
		if err != nil {
			return at(err, path)
		}
		base = t.Types
	}
	one := func(path string) (*refit.Verdict, error) {
		return refit.Verify(path, base, kernel, c.Has("full"), size)
	}
	if dir != "" {
		list, err := batch.Modules(dir)
		if err != nil {
			return at(err, dir)
		}
		linked, err := batch.Links(dir) // weak-updates has nothing else
		if err != nil {
			return at(err, dir)
		}
		if list = append(list, linked...); len(list) == 0 {
			return at(errNoModules, dir)
		}
		if base == nil {
			base = baseOfAll(list[0].Path, stderr)
		}
		return verifyAll(ctx, c, dir, list, one, stdout, stderr)
	}
	bad, in := 0, newInputs()
	for _, path := range files {
		v, err := one(path)
		if errors.Is(err, refit.ErrNeedsBase) {
			if found := in.findBase(path, stderr); found != nil {
				v, err = refit.Verify(path, found, kernel, c.Has("full"), size)
			}
		}
		switch {
		case err != nil && len(files) == 1:
			return at(err, path)
		case err != nil:
			fmt.Fprintf(stderr, "gobtf: %s\n", oneLine(at(err, path)))
			bad++
		default:
			if err := showVerdict(stdout, v, c.Has("json")); err != nil {
				return err
			}
			if len(v.Findings) > 0 {
				bad++
			}
		}
	}
	if bad > 0 {
		return notGood(bad, len(files))
	}
	return nil
}

// baseOfAll finds the vmlinux of a kernel's modules by one of them, as dump does. nil: there is none, and modules that need one say so.
func baseOfAll(path string, stderr io.Writer) *btf.Types {
	m, err := module.Open(path)
	if err != nil {
		return nil
	}
	defer m.Close()
	p, base := newInputs().baseOf(m)
	sayBase(stderr, p, base)
	return base
}

// findBase finds the vmlinux that the split BTF of a file may continue, and says once which it is. nil: there is none.
func (in *inputs) findBase(path string, stderr io.Writer) *btf.Types {
	b, err := module.ReadBTF(path)
	if err != nil {
		return nil
	}
	known := len(in.bases)
	p, base := in.firstBase(b.Bases())
	if len(in.bases) > known {
		sayBase(stderr, p, base)
	}
	return base
}

func sayBase(stderr io.Writer, path string, base *btf.Types) {
	if base != nil {
		fmt.Fprintf(stderr, "gobtf: the base is %s (--btf_base names another)\n", path)
	}
}

// verifyAll takes all modules of a tree, and says what is wrong with those that are not good.
func verifyAll(ctx context.Context, c *argp.Line, dir string, list []batch.Input, one func(string) (*refit.Verdict, error), stdout, stderr io.Writer) error {
	jobs, err := c.Number("jobs")
	if err != nil {
		return usagef("verify: %v", err)
	}
	bar := progress(stderr, len(list), "modules")
	good, none, bad := 0, 0, 0
	var lost error // of what is written
	err = batch.InOrder(ctx, list, cmp.Or(jobs, runtime.GOMAXPROCS(0)), allMemory, one, func(path string, v *refit.Verdict, err error) {
		err = at(err, path)
		show := c.Has("json")
		switch {
		case errors.Is(err, refit.ErrNoBTF):
			none++
		case err != nil:
			bad++
			bar.clear()
			fmt.Fprintf(stderr, "gobtf: %s\n", oneLine(err))
		case len(v.Findings) > 0:
			bad++
			show = true
		default:
			good++
		}
		if show && v != nil {
			bar.clear()
			if err := showVerdict(stdout, v, c.Has("json")); err != nil && lost == nil {
				lost = err
			}
		}
		bar.add()
	})
	bar.clear()
	switch {
	case err != nil:
		return errors.New("interrupted")
	case lost != nil:
		return lost
	}
	w := stdout
	if c.Has("json") {
		w = stderr
	}
	fmt.Fprintf(w, "%s: %d modules: %d good, %d not good, %d without BTF\n", dir, len(list), good, bad, none)
	if bad > 0 {
		return notGood(bad, len(list))
	}
	return nil
}

// verdictJSON is a verdict as docs/json.md describes it.
type verdictJSON struct {
	Schema   string        `json:"schema"`
	Path     string        `json:"path"`
	Good     bool          `json:"good"`
	Form     refit.Form    `json:"form"`
	Kernel   string        `json:"kernel"`
	Full     bool          `json:"full"`
	Bytes    int           `json:"bytes"`
	Findings []findingJSON `json:"findings"`
	Readers  []readerJSON  `json:"readers,omitempty"`
}

type readerJSON struct {
	Name   string `json:"name"`
	Before string `json:"before"` // the first version that reads it
	Why    string `json:"why"`
}

type findingJSON struct {
	Section string     `json:"section,omitempty"`
	Level   int        `json:"level"`
	Type    btf.TypeID `json:"type,omitempty"`
	Kind    string     `json:"kind,omitempty"`
	Name    string     `json:"name,omitempty"`
	Member  string     `json:"member,omitempty"`
	Rule    string     `json:"rule"`
	Message string     `json:"message,omitempty"` // the kernel's words
	Since   string     `json:"since,omitempty"`
	Text    string     `json:"text"` // the line that is printed without --json
}

func showVerdict(w io.Writer, v *refit.Verdict, asJSON bool) error {
	if !asJSON {
		printVerdict(w, v)
		return nil
	}
	j := verdictJSON{"gobtf.verify/1", v.Path, len(v.Findings) == 0, v.Form, v.Kernel.String(), v.Full, v.Bytes, []findingJSON{}, nil}
	for _, r := range v.Readers {
		j.Readers = append(j.Readers, readerJSON(r))
	}
	for _, f := range v.Findings {
		x := findingJSON{Section: f.Section, Level: f.Level, Type: f.ID, Name: f.Name, Member: f.Member, Rule: f.Rule, Message: f.Message, Since: f.Since, Text: f.String()}
		if f.ID != 0 {
			x.Kind = f.Kind.String()
		}
		j.Findings = append(j.Findings, x)
	}
	b, err := json.Marshal(j)
	if err == nil {
		_, err = w.Write(append(b, '\n'))
	}
	return err
}

func printVerdict(w io.Writer, v *refit.Verdict) {
	for _, f := range v.Findings {
		fmt.Fprintf(w, "%s: %v\n", v.Path, f)
	}
	for _, r := range v.Readers {
		fmt.Fprintf(w, "%s: note: %v\n", v.Path, r)
	}
	if len(v.Findings) > 0 {
		return
	}
	form, what := string(v.Form), "what it checks at load"
	if v.Form == refit.Raw {
		form = "standalone"
	}
	if v.Full {
		what = "all that BPF_BTF_LOAD checks"
	}
	fmt.Fprintf(w, "%s: %d bytes of %s BTF: good for Linux %v (%s)\n", v.Path, v.Bytes, form, v.Kernel, what)
}

// notGood sums up: how many of all files have a finding.
func notGood(bad, all int) error {
	switch {
	case all == 1:
		return errors.New("1 file is not good")
	case bad == all:
		return fmt.Errorf("%d files are not good", bad)
	case bad == 1:
		return fmt.Errorf("1 of %d files is not good", all)
	}
	return fmt.Errorf("%d of %d files are not good", bad, all)
}
