package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/gobtf/gobtf/batch"
	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/argp"
	"github.com/gobtf/gobtf/module"
	"github.com/gobtf/gobtf/refit"
	"github.com/schollz/progressbar/v3"
)

var rebaseCommand = command{
	name: "rebase", summary: "make built modules fit another kernel", usage: "[OPTION...] MODULE...\n[OPTION...] --all DIR",
	text: `Makes a module's BTF and .BTF_ids valid for BASE, by the best source it has: its DWARF, its .BTF.base, standalone BTF, or
split BTF together with the base it was built on (--from, or what is here of the kernel that its vermagic names). Refused
where a struct that the module embeds or reaches into differs. Ends with 0 when every module fits. docs/module-btf.md has recipes.`,
	options: append(refitTable(),
		argp.Option{Long: "onto", Arg: argp.Required, Value: "BASE", Default: runningBTF, Help: "the `BASE` to fit (BTF, ELF with .BTF, compressed or not, or vmlinuz)"},
		argp.Option{Long: "from", Arg: argp.Required, Value: "OLD", Help: "the base `OLD` that split BTF was built on"},
		kernelOption,
		argp.Option{Long: "form", Arg: argp.Required, Value: "FORM", Help: "write `FORM`: split, or shifted (standalone BTF moved up, nothing shared)"},
		argp.Option{Long: "check", Help: "report only, write nothing"},
		argp.Option{Long: "force", Help: "write where structs differ, too, and where the base's kernel would not load the module"},
		argp.Option{Long: "ignore_vermagic", Help: "also where that kernel would load the module only by force (modprobe --force-vermagic)"},
		argp.Option{Long: "all", Arg: argp.Required, Value: "DIR", Help: "all modules below `DIR` (/lib/modules/RELEASE), several at once (-j)"},
		argp.Option{Long: "copy_links", Help: "a link that leads to a module of another kernel, as weak-modules makes them, becomes a copy that fits; the module stays as it is"}),
	run: rebase,
}

func rebase(ctx context.Context, c *argp.Line, stdout, stderr io.Writer) error {
	opt, err := refitOptions(c, stderr)
	if err != nil {
		return err
	}
	opt.Check, opt.Force, opt.Form = c.Has("check"), c.Has("force"), refit.Form(c.String("form"))
	if opt.Form != "" && opt.Form != refit.Split && opt.Form != refit.Shifted {
		return usagef("rebase: --form: %q is not split or shifted", opt.Form)
	}
	files := c.Operands
	dir := c.String("all")
	if (dir == "") == (len(files) == 0) {
		return usagef("rebase: give modules, or --all with a folder of them")
	}
	cache := openBaseCache(c)
	onto, target, err := chosenBase(c, "onto", cache)
	if err != nil {
		return err
	}
	defer cache.Keep(onto)
	release, err := baseRelease(onto, target, c.String("kernel"))
	if err != nil {
		return err
	}
	opt.AnyKernel = c.Has("ignore_vermagic")
	opt.vermagic(target, release)
	if from := c.String("from"); from != "" {
		old, err := module.ReadBase(from)
		if err != nil {
			return at(err, from)
		}
		opt.From = old.Types
	}
	find := builtOn()
	links := map[string]bool{}
	one := func(path string, notes func(string, ...any)) (*refit.Report, error) {
		o := opt.Options
		if opt.From == nil {
			o.FindFrom = func(release string) *btf.Types { return find(release, notes) }
		}
		o.Notes, o.CopyLink = notes, links[path] || c.Has("copy_links") && isLink(path)
		if to := otherKernel(path); to != "" && !o.CopyLink && !o.Check {
			o.Notes("%s: is a link: %s itself is made to fit (--copy_links leaves it alone)", path, to)
		}
		r, err := refit.RebaseFile(ctx, path, onto, o)
		if err == nil && opt.Check && !r.Fits {
			err = fmt.Errorf("%s: %w %s: %s", path, errDoesNotFit, target, r.Why)
		}
		return r, err
	}
	show := &moduleShow{stdout: stdout, stderr: stderr, json: c.Has("json")}
	if dir == "" {
		return eachModule(files, show, func(path string) (*refit.Report, error) { return one(path, opt.Notes) })
	}
	linked, err := batch.Links(dir)
	if err != nil {
		return at(err, dir)
	}
	list, err := batch.Modules(dir)
	switch {
	case err != nil:
		return at(err, dir)
	case c.Has("copy_links"):
		for _, l := range linked {
			links[l.Path] = true
		}
		list = append(list, linked...)
	case len(linked) > 0:
		opt.Notes("%s: links to modules elsewhere, left alone since those are another kernel's: %d (--copy_links puts copies that fit in their place)", dir, len(linked))
	}
	if len(list) == 0 && len(linked) == 0 {
		return at(errNoModules, dir)
	}
	jobs := cmp.Or(opt.Jobs, runtime.GOMAXPROCS(0))
	opt.Jobs = 1 // of each module: there are several at once
	return rebaseAll(ctx, dir, list, jobs, show, one)
}

// builtOn finds the BTF of the kernels that modules were built for, on this machine, and reads each once. The note about it goes to the
// module that needed it first.
func builtOn() func(release string, notes func(string, ...any)) *btf.Types {
	var mu sync.Mutex
	known := map[string]*btf.Types{}
	return func(release string, notes func(string, ...any)) *btf.Types {
		mu.Lock()
		defer mu.Unlock()
		if t, ok := known[release]; ok {
			return t
		}
		known[release] = nil
		if b, path, err := module.ReadKernelBase("/", release, nil); err == nil {
			known[release] = b.Types
			notes("modules of %s are taken to be built on %s (--from names another)", release, path)
		}
		return known[release]
	}
}

func isLink(path string) bool {
	fi, err := os.Lstat(path)
	return err == nil && fi.Mode().Type() == fs.ModeSymlink
}

// otherKernel returns where a link leads to, if that is in the folder of another kernel than the link's; "" for all else.
func otherKernel(path string) string {
	if !isLink(path) {
		return ""
	}
	to, err := filepath.EvalSymlinks(path)
	if err != nil || module.ReleaseOf(to) == module.ReleaseOf(path) {
		return ""
	}
	return to
}

// rebased is what became of a module, and what was to be said meanwhile.
type rebased struct {
	report *refit.Report
	notes  []string
}

// allMemory is what modules may take together that --all works on, by estimate.
const allMemory = 1 << 30

var errNoModules = errors.New("no modules")

// rebaseAll takes all modules of a tree. What fits, and what has no BTF, is only counted.
func rebaseAll(ctx context.Context, dir string, list []batch.Input, jobs int, show *moduleShow, one func(path string, notes func(string, ...any)) (*refit.Report, error)) error {
	show.bar = progress(show.stderr, len(list), "modules")
	fit, done, none, failed := 0, 0, 0, 0
	err := batch.InOrder(ctx, list, jobs, allMemory, func(path string) (r rebased, err error) {
		r.report, err = one(path, func(format string, args ...any) { r.notes = append(r.notes, fmt.Sprintf(format, args...)) })
		return r, err
	}, func(path string, r rebased, err error) {
		err = at(err, path)
		for _, n := range r.notes {
			show.bar.clear()
			fmt.Fprintf(show.stderr, "gobtf: %s\n", n)
		}
		switch {
		case errors.Is(err, refit.ErrNoBTF):
			none++
			if show.json {
				show.failed(path, r.report, err)
			}
		case err != nil:
			show.failed(path, r.report, err)
			show.error(err)
			failed++
		case r.report.Fits && r.report.Source == "":
			fit++
			if show.json {
				show.done(path, r.report)
			}
		default:
			show.done(path, r.report)
			done++
		}
		show.bar.add()
	})
	show.bar.clear()
	if err != nil {
		return errors.New("interrupted")
	}
	w := show.stdout
	if show.json {
		w = show.stderr
	}
	fmt.Fprintf(w, "%s: %d modules: %d fit as they are, %d rebased, %d do not fit, %d without BTF\n", dir, len(list), fit, done, failed, none)
	if failed > 0 {
		return fmt.Errorf("%s: %d of %d modules do not fit", dir, failed, len(list))
	}
	return nil
}

// bar is a progress bar, or nothing where nobody watches.
type bar struct{ *progressbar.ProgressBar }

func progress(w io.Writer, n int, what string) bar {
	if f := terminal(w); f != nil {
		return bar{progressbar.NewOptions(n, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(), progressbar.OptionClearOnFinish())}
	}
	return bar{}
}

func (b bar) add() {
	if b.ProgressBar != nil {
		_ = b.Add(1)
	}
}

func (b bar) clear() {
	if b.ProgressBar != nil {
		_ = b.Clear()
	}
}
