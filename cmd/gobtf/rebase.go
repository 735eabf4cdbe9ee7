package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/gobtf/gobtf/batch"
	"github.com/gobtf/gobtf/internal/argp"
	"github.com/gobtf/gobtf/module"
	"github.com/gobtf/gobtf/refit"
	"github.com/schollz/progressbar/v3"
)

var rebaseCommand = command{
	name: "rebase", summary: "make built modules fit another kernel", usage: "[OPTION...] MODULE...\n[OPTION...] --all DIR",
	text: `Makes a module's BTF and .BTF_ids valid for BASE, by the best source it has: its DWARF, its .BTF.base, standalone BTF, or
split BTF together with --from. Refused where a struct that the module embeds or reaches into differs. Ends with 0 when
every module fits. docs/module-btf.md has recipes.`,
	options: append(refitTable(),
		argp.Option{Long: "onto", Arg: argp.Required, Value: "BASE", Default: runningBTF, Help: "the `BASE` to fit (BTF, ELF with .BTF, compressed or not, or vmlinuz)"},
		argp.Option{Long: "from", Arg: argp.Required, Value: "OLD", Help: "the base `OLD` that split BTF was built on"},
		kernelOption,
		argp.Option{Long: "form", Arg: argp.Required, Value: "FORM", Help: "write `FORM`: split, or shifted (standalone BTF moved up, nothing shared)"},
		argp.Option{Long: "check", Help: "report only, write nothing"},
		argp.Option{Long: "force", Help: "write where structs differ, too, and where the base's kernel would not load the module"},
		argp.Option{Long: "ignore_vermagic", Help: "also where that kernel would load the module only by force (modprobe --force-vermagic)"},
		argp.Option{Long: "all", Arg: argp.Required, Value: "DIR", Help: "all modules below `DIR` (/lib/modules/RELEASE), several at once (-j)"}),
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
	onto, target, err := chosenBase(c, "onto")
	if err != nil {
		return err
	}
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
	one := func(path string, notes func(string, ...any)) (*refit.Report, error) {
		o := opt.Options
		o.Notes = notes
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
	jobs := cmp.Or(opt.Jobs, runtime.GOMAXPROCS(0))
	opt.Jobs = 1 // of each module: there are several at once
	return rebaseAll(ctx, dir, jobs, show, one)
}

// rebased is what became of a module, and what was to be said meanwhile.
type rebased struct {
	report *refit.Report
	notes  []string
}

// allMemory is what modules may take together that --all works on, by estimate.
const allMemory = 1 << 30

// allModules returns the modules of the folder that --all names.
func allModules(dir string) ([]batch.Input, error) {
	list, err := batch.Modules(dir)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("%s: no modules", dir)
	}
	return list, at(err, dir)
}

// rebaseAll takes all modules of a tree. What fits, and what has no BTF, is only counted.
func rebaseAll(ctx context.Context, dir string, jobs int, show *moduleShow, one func(path string, notes func(string, ...any)) (*refit.Report, error)) error {
	list, err := allModules(dir)
	if err != nil {
		return err
	}
	show.bar = progress(show.stderr, len(list), "modules")
	fit, done, none, failed := 0, 0, 0, 0
	err = batch.InOrder(ctx, list, jobs, allMemory, func(path string) (r rebased, err error) {
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
