package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/verify"
	"github.com/gobtf/gobtf/btfids"
	"github.com/gobtf/gobtf/internal/argp"
)

// resolveBTFIDsName is the name under which kernel builds call it.
const resolveBTFIDsName = "resolve_btfids"

// The exit codes of the kernel's tool, which its makefiles and scripts know.
const (
	exitResolveFailed = 255
	exitResolveUsage  = 129
)

const resolveUsage = `usage: gobtf resolve_btfids [<options>] <ELF object>
   or: gobtf resolve_btfids --patch_btfids <.BTF_ids file> <ELF object>

    -v, --verbose            say more
        --btf <file>         BTF of the object, if it is not in the object
    -b, --btf_base <file>    what that BTF continues
        --fatal_warnings     as the kernel's: exit status 0 all the same
        --strict             an unresolved symbol, and BTF that a kernel refuses, is an error (gobtf's own)
        --distill_base       write <object>.BTF.base, and .BTF on it
        --patch_btfids <file> write this .BTF_ids into the object
        --no-fail            taken and without effect
        --mode <mode>        inplace or files (gobtf's own); see below

Kernels up to 6.19 have .BTF_ids patched in the object. From 7.0 on the object stays as it is, and <object>.BTF,
<object>.BTF_ids and <object>.BTF.base are written beside it. Which of the two: files with --distill_base, or with --btf in
the environment of such a build (RESOLVE_BTFIDS_FLAGS, or VERSION 7 and later); else in place.
`

// errResolveUsage is wrapped by errors about the command line of resolve_btfids.
var errResolveUsage = errors.New("usage")

// resolveCommand tells whether the program is called as resolve_btfids, by its own name or by its first argument, and
// returns what follows. Its language is not pahole's, so it is asked for first.
func resolveCommand(argv []string) (rest []string, ok bool) {
	switch {
	case len(argv) == 0:
		return nil, false
	case filepath.Base(argv[0]) == resolveBTFIDsName:
		return argv[1:], true
	case len(argv) > 1 && argv[1] == resolveBTFIDsName && filepath.Base(argv[0]) != "pahole":
		return argv[2:], true
	}
	return nil, false
}

// resolveTable has the options of the kernel's tool, and two of ours.
var resolveTable = argp.Table{
	{Long: "verbose", Short: 'v'}, {Long: "btf", Arg: argp.Required}, {Long: "btf_base", Short: 'b', Arg: argp.Required}, {Long: "fatal_warnings"},
	{Long: "distill_base"}, {Long: "patch_btfids", Arg: argp.Required}, {Long: "no-fail"}, {Long: "strict"}, {Long: "mode", Arg: argp.Required},
	{Long: "help", Short: 'h'},
}

// resolveArgs is a command line of resolve_btfids, taken apart as the kernel's tools do: it ends at the first word that is no option.
func resolveArgs(args []string) (*argp.Line, error) {
	l, err := resolveTable.Line(args, argp.Syntax{Front: true})
	var e *argp.Error
	switch long := errors.As(err, &e) && strings.HasPrefix(e.Word, "--"); {
	case err == nil:
	case e.Kind == argp.NoValue:
		return nil, fmt.Errorf("%w: option %q requires a value", errResolveUsage, e.Word)
	case e.Kind == argp.HasValue:
		return nil, fmt.Errorf("%w: option %q takes no value", errResolveUsage, e.Word)
	case long:
		return nil, fmt.Errorf("%w: unknown or ambiguous option %q", errResolveUsage, e.Word)
	default:
		return nil, fmt.Errorf("%w: unknown switch %q", errResolveUsage, e.Word[1:])
	}
	if !l.Has("help") && len(l.Operands) != 1 {
		return nil, fmt.Errorf("%w: one ELF object is wanted", errResolveUsage)
	}
	return l, nil
}

// resolveBTFIDs is the whole tool: arguments in, exit code out.
func resolveBTFIDs(args []string, stderr io.Writer) int {
	l, err := resolveArgs(args)
	if err != nil {
		fmt.Fprintf(stderr, "gobtf: resolve_btfids: %s\n%s", strings.TrimPrefix(err.Error(), "usage: "), resolveUsage)
		return exitResolveUsage
	}
	if l.Has("help") {
		fmt.Fprint(stderr, resolveUsage)
		return exitResolveUsage
	}
	object, strict, distill := l.Operands[0], l.Has("strict"), l.Has("distill_base")
	job := btfids.Job{Object: object, BTF: l.String("btf"), Base: l.String("btf_base"), Distill: distill, Strict: strict,
		Warn: func(format string, a ...any) { fmt.Fprintf(stderr, "WARN: resolve_btfids: "+format+"\n", a...) },
	}
	job.Verify = func(own, small []byte, base *btf.Types) error {
		found, err := verify.CheckOn(own, small, base, verify.Options{Max: 1})
		if err != nil || len(found) == 0 {
			return err
		}
		if err = fmt.Errorf("Linux %v does not take this BTF: %v", verify.Newest, found[0]); strict {
			return err
		}
		job.Warn("%s: %v", object, err)
		return nil
	}
	if l.Has("verbose") {
		job.Log = func(format string, a ...any) { fmt.Fprintf(stderr, format+"\n", a...) }
	}
	if blob := l.String("patch_btfids"); blob != "" {
		err = btfids.Patch(object, blob)
	} else {
		switch mode := l.String("mode"); mode {
		case "":
			job.Files = distill || l.String("btf") != "" && filesFlow(os.LookupEnv)
		case "inplace", "files":
			job.Files = mode == "files"
		default:
			fmt.Fprintf(stderr, "gobtf: resolve_btfids: --mode: %q is neither inplace nor files\n", mode)
			return exitResolveUsage
		}
		err = job.Run()
	}
	if err != nil {
		fmt.Fprintf(stderr, "gobtf: %s\n", oneLine(err))
		return exitResolveFailed
	}
	return exitOK
}

// filesFlow tells whether a kernel build from 7.0 on calls.
func filesFlow(lookup func(string) (string, bool)) bool {
	if _, ok := lookup("RESOLVE_BTFIDS_FLAGS"); ok {
		return true
	}
	r := kernelRelease(lookup, nil)
	return r.known() && !r.before(7, 0)
}
