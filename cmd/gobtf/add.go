package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/argp"
	"github.com/gobtf/gobtf/internal/basecache"
	"github.com/gobtf/gobtf/module"
	"github.com/gobtf/gobtf/refit"
)

// runningBTF is the BTF of the kernel that runs.
const runningBTF = "/sys/kernel/btf/vmlinux"

// refitTable has the options that add and rebase share.
func refitTable() argp.Table {
	return argp.Table{
		{Long: "json", Help: "as JSON, a line for each module (docs/json.md)"},
		{Long: "strip_signature", Help: "drop a module's signature, which new BTF would break"},
		signKeyOption, signCertOption, signHashOption, signOption,
		{Long: "debug_dir", Arg: argp.Required, Many: true, Value: "DIR", Help: "look for separate debug files in `DIR` first (repeatable)"},
		debuginfodOption, baseCacheOption,
		{Long: "jobs", Short: 'j', Arg: argp.Required, Value: "N", Help: "`N` workers; 0: chosen from the input's size (default: 0)"},
		maxUnpackedOption,
	}
}

// kernelOption says which kernel is meant.
var kernelOption = argp.Option{Long: "kernel", Arg: argp.Required, Value: "RELEASE", Help: "the base is of kernel `RELEASE` (running, or as uname -r prints it); without a base, the BTF of that kernel on this machine"}

func refitOptions(c *argp.Line, stderr io.Writer) (opt refitting, err error) {
	if err = setMaxUnpacked(c); err != nil {
		return opt, err
	}
	jobs, err := c.Number("jobs")
	if err != nil {
		return opt, usageError(err.Error())
	}
	signer, err := signer(c)
	if err != nil {
		return opt, err
	}
	fetch, err := fetchDebug(c, stderr)
	if err != nil {
		return opt, err
	}
	return refitting{refit.Options{
		FetchDebug: fetch,
		Signer:     signer, StripSignature: c.Has("strip_signature"), DebugDirs: c.Strings("debug_dir"), Jobs: jobs,
		Notes: func(format string, args ...any) { fmt.Fprintf(stderr, "gobtf: "+format+"\n", args...) },
	}}, nil
}

// refitting are the options that add and rebase share.
type refitting struct{ refit.Options }

// vermagic finds out which modules the base's kernel takes. Where nothing says of which kernel the base is, a note says so.
func (o *refitting) vermagic(base, release string) {
	if release == "" {
		o.Notes("%s: of which kernel it is is not known, so no vermagic is compared (--kernel=RELEASE)", base)
		return
	}
	o.Vermagic = module.KernelVermagic(base, release)
}

var addCommand = command{
	name: "add", summary: "give BTF to modules that were built without", usage: "[OPTION...] MODULE...",
	text: `What a build with vmlinux at hand does: encodes the module's DWARF, fills in .BTF_ids and verifies. For modules that were
built with "Skipping BTF generation ... due to unavailability of vmlinux". A module that the base's
kernel would not load by its vermagic is refused.`,
	options: append(refitTable(),
		argp.Option{Long: "btf_base", Short: 'b', Arg: argp.Required, Value: "FILE", Default: runningBTF, Help: "split BTF on `FILE` (BTF, ELF with .BTF, compressed or not, or vmlinuz)"},
		kernelOption,
		argp.Option{Long: "force", Help: "also give BTF to a module that the base's kernel would not load"},
		argp.Option{Long: "form", Arg: argp.Required, Value: "FORM", Default: "split", Help: "`FORM` is split, distilled, portable, shifted or raw"}),
	run: add,
}

func add(ctx context.Context, c *argp.Line, stdout, stderr io.Writer) error {
	form := refit.Form(c.String("form"))
	switch form {
	case refit.Split, refit.Distilled, refit.Portable, refit.Shifted, refit.Raw:
	default:
		return usagef("add: --form: %q is not split, distilled, portable, shifted or raw", form)
	}
	files := c.Operands
	if len(files) == 0 {
		return usagef("add: no module")
	}
	opt, err := refitOptions(c, stderr)
	if err != nil {
		return err
	}
	cache := openBaseCache(c)
	onto, base, err := chosenBase(c, "btf_base", cache)
	if err != nil {
		return err
	}
	defer cache.Keep(onto)
	release, err := baseRelease(onto, base, c.String("kernel"))
	if err != nil {
		return err
	}
	opt.vermagic(base, release)
	opt.Force = c.Has("force")
	return eachModule(files, &moduleShow{stdout: stdout, stderr: stderr, json: c.Has("json")}, func(path string) (*refit.Report, error) {
		return refit.AddFile(ctx, path, onto, release, form, opt.Options)
	})
}

// chosenBase reads the base that an option names, and returns its path as well. Where only --kernel is given, it is a file on this machine
// that has that kernel's BTF.
func chosenBase(c *argp.Line, option string, cache *basecache.Cache) (*btf.Base, string, error) {
	release, path := c.String("kernel"), c.String(option)
	if !c.Has(option) && release != "" && release != "running" {
		base, path, err := module.ReadKernelBase("/", release, cache)
		if err != nil {
			err = fmt.Errorf("%w (--%s FILE)", err, option)
		}
		return base, path, err
	}
	base, err := module.ReadBaseCached(path, cache)
	if errors.Is(err, fs.ErrNotExist) && !c.Has(option) {
		return nil, "", fmt.Errorf("%w: the running kernel shows no BTF (--kernel RELEASE or --%s FILE gives another)", at(err, path), option)
	}
	return base, path, at(err, path)
}

// inModules finds a kernel's folder in a path.
var inModules = regexp.MustCompile(`/(?:lib/modules/|usr/src/linux-headers-)([^/]+)/`)

// baseRelease finds out of which kernel a base is: the option says it, or the base is the running kernel's, or a vmlinux with a
// banner, or in the folder of a kernel.
func baseRelease(base *btf.Base, path, option string) (string, error) {
	if option == "running" || option == "" && path == runningBTF {
		data, err := os.ReadFile("/proc/sys/kernel/osrelease")
		if err != nil {
			return "", at(err, path)
		}
		return strings.TrimSpace(string(data)), nil
	}
	if option != "" {
		return option, nil
	}
	if base.Release != "" {
		return base.Release, nil
	}
	if m := inModules.FindStringSubmatch(path); m != nil {
		return m[1], nil
	}
	return "", nil
}

// eachModule does one thing to each file and shows what became of it. With one file its error is the program's; with more,
// each has its line and the last says how many.
func eachModule(files []string, show *moduleShow, do func(path string) (*refit.Report, error)) error {
	failed := 0
	for _, path := range files {
		r, err := do(path)
		if err = at(err, path); err == nil {
			show.done(path, r)
			continue
		}
		show.failed(path, r, err)
		if len(files) == 1 {
			return err
		}
		show.error(err)
		failed++
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d modules failed", failed, len(files))
	}
	return nil
}
