package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gobtf/gobtf/btf/diff"
	"github.com/gobtf/gobtf/btf/diff/report"
	"github.com/gobtf/gobtf/internal/argp"
)

// exitDifferent and exitTrouble are those of diff(1).
const (
	exitDifferent = 1
	exitTrouble   = 2
)

// statusError ends the program with a status of its own. err is what is said before, nil for nothing.
type statusError struct {
	status int
	err    error
}

func (e statusError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("status %d", e.status)
	}
	return e.err.Error()
}

func (e statusError) Unwrap() error { return e.err }

// trouble makes an error end with diff's status.
func trouble(err error) error {
	if err == nil || errors.Is(err, errUsage) || errors.As(err, new(statusError)) {
		return err
	}
	return statusError{exitTrouble, err}
}

// diffOptions are those of gobtf diff, whoever parsed them.
type diffOptions struct {
	baseA, baseB string // "": found by themselves
	declarations bool
	json, abi    bool
	exact, brief bool
	html         string // a file for the page
}

var diffCommand = command{
	name: "diff", summary: "say in what two BTFs differ, by meaning", usage: "[OPTION...] A B\n--against_pahole[=PAHOLE] [OPTION...] PATH...",
	text: `Compares two files with BTF (BTF, or ELF with .BTF, compressed or not), or two folders of them, file by file. Types are matched by
kind, name and structure; ids, order and strings do not count. - is only in A, + only in B, ~ changed, > moved. The base
of split BTF is found by itself beside /sys/kernel/btf/* and for modules in a kernel's folder.
Ends with 0 when they are the same, 1 when they differ, 2 on an error. docs/json.md describes --json.

With --against_pahole each file, or each module of a folder, is encoded by gobtf and by PAHOLE (the one in PATH), with the features of
"default" that this version knows: are the bytes the same, or the meaning, and what did both take?`,
	options: argp.Table{
		{Long: "btf_base", Short: 'b', Arg: argp.Required, Value: "FILE", Help: "what split BTF in both continues: `FILE`"},
		{Long: "btf_base_a", Arg: argp.Required, Value: "FILE", Help: "the same for A alone: `FILE`"},
		{Long: "btf_base_b", Arg: argp.Required, Value: "FILE", Help: "the same for B alone: `FILE`"},
		{Long: "declarations", Help: "a declaration is as good as a definition of its tag"},
		{Long: "json", Help: "as JSON (docs/json.md)"},
		{Long: "abi", Help: "what each change does to users of CO-RE, kfuncs and fentry"},
		{Long: "exact", Help: "bytes count too, and where the first one differs is said"},
		{Long: "brief", Help: "one line a file"},
		{Long: "against_pahole", Arg: argp.Optional, Value: "PAHOLE", Help: "encode files with gobtf and with `PAHOLE`, and compare"},
		{Long: "html", Arg: argp.Required, Value: "FILE", Help: "write a page that shows all of it into `FILE`"},
		maxUnpackedOption,
	},
	run: func(ctx context.Context, l *argp.Line, stdout, stderr io.Writer) error {
		if l.Has("against_pahole") {
			if err := setMaxUnpacked(l); err != nil {
				return err
			}
			return diffAgainst(ctx, l, stdout, stderr)
		}
		if len(l.Operands) != 2 {
			return usagef("diff: give two files, or two folders")
		}
		if err := setMaxUnpacked(l); err != nil {
			return err
		}
		opt := diffOptions{
			baseA: cmp.Or(l.String("btf_base_a"), l.String("btf_base")), baseB: cmp.Or(l.String("btf_base_b"), l.String("btf_base")),
			declarations: l.Has("declarations"), json: l.Has("json"), abi: l.Has("abi"), exact: l.Has("exact"),
			brief: l.Has("brief"), html: l.String("html"),
		}
		return runDiff(opt, l.Operands[0], l.Operands[1], stdout, stderr)
	},
}

// colourful tells whether a terminal shows what is written there to someone who has nothing against colours.
func colourful(f *os.File) bool {
	return f != nil && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// runDiff compares two files or two folders. The error it returns has the status in it.
func runDiff(opt diffOptions, a, b string, stdout, stderr io.Writer) error {
	rep := &report.Report{A: a, B: b}
	if err := comparePaths(rep, opt, a, b); err != nil {
		return trouble(err)
	}
	rep.Finish()
	if opt.html != "" {
		if err := writeWhole(opt.html, rep.HTML); err != nil {
			return trouble(err)
		}
	}
	var err error
	if opt.json {
		err = rep.JSON(stdout)
	} else {
		text := report.TextOptions{Brief: opt.brief}
		if f := terminal(stdout); colourful(f) { // colours pass there only past the writer that shows control characters
			text.Colour, text.Clean, stdout = true, cleaned, f
		}
		err = rep.Text(stdout, text)
	}
	if err != nil {
		return trouble(err)
	}
	failed := 0
	for _, p := range rep.Pairs {
		if p.State == report.Failed {
			fmt.Fprintf(stderr, "gobtf: %s\n", oneLine(errors.New(p.Error)))
			failed++
		}
	}
	switch {
	case failed > 0:
		return statusError{exitTrouble, fmt.Errorf("%d of %d files could not be compared", failed, len(rep.Pairs))}
	case !rep.Same:
		return statusError{status: exitDifferent}
	}
	return nil
}

func comparePaths(rep *report.Report, opt diffOptions, a, b string) error {
	dirA, err := isFolder(a)
	if err != nil {
		return err
	}
	dirB, err := isFolder(b)
	if err != nil {
		return err
	}
	in := newInputs()
	comparer := new(diff.Comparer)
	if dirA != dirB {
		return fmt.Errorf("%s and %s: one is a folder, the other a file", a, b)
	}
	if !dirA {
		return comparePair(rep, in, comparer, opt, "", a, b)
	}
	pairs, err := pairFolders(a, b)
	if err != nil {
		return err
	}
	for _, p := range pairs {
		switch {
		case p.b == "":
			rep.Pairs = append(rep.Pairs, report.Pair{Path: p.path, State: report.OnlyA})
		case p.a == "":
			rep.Pairs = append(rep.Pairs, report.Pair{Path: p.path, State: report.OnlyB})
		default:
			if err := comparePair(rep, in, comparer, opt, p.path, p.a, p.b); err != nil {
				rep.Pairs = append(rep.Pairs, report.Pair{Path: p.path, State: report.Failed, Error: err.Error()})
			}
		}
	}
	return nil
}

func isFolder(path string) (bool, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return false, at(err, path)
	}
	return fi.IsDir(), nil
}

func comparePair(rep *report.Report, in *inputs, comparer *diff.Comparer, opt diffOptions, path, a, b string) error {
	x, err := in.read(a, opt.baseA, "--btf_base")
	if err != nil {
		return err
	}
	y, err := in.read(b, opt.baseB, "--btf_base")
	if err != nil {
		return err
	}
	res := comparer.Compare(x.types, y.types, diff.Options{ABI: opt.abi, Declarations: opt.declarations, NameA: a, NameB: b})
	var exact *diff.Exact
	if opt.exact {
		exact = diff.CompareBytes(x.raw, y.raw, x.types, y.types)
	}
	rep.Add(path, res, exact)
	return nil
}
