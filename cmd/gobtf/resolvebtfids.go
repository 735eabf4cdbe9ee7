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
// returns what follows. Its language is neither pahole's nor cli's, so it is asked for before both.
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

// resolveOption is an option of the kernel's tool, whose parser (perf's) takes unique abbreviations.
type resolveOption struct {
	long  string
	short byte
	arg   bool
}

var resolveOptions = [...]resolveOption{
	{"verbose", 'v', false}, {"btf", 0, true}, {"btf_base", 'b', true}, {"fatal_warnings", 0, false}, {"distill_base", 0, false},
	{"patch_btfids", 0, true}, {"no-fail", 0, false}, {"strict", 0, false}, {"mode", 0, true}, {"help", 'h', false},
}

// resolveArgs is a command line of resolve_btfids, taken apart. It ends at the first word that is no option.
func resolveArgs(args []string) (opts map[string]string, object string, err error) {
	bad := func(format string, a ...any) (map[string]string, string, error) {
		return nil, "", fmt.Errorf("%w: %s", errResolveUsage, fmt.Sprintf(format, a...))
	}
	opts = map[string]string{}
	i := 0
	for ; i < len(args); i++ {
		a := args[i]
		if a == "--" {
			i++
			break
		}
		if len(a) < 2 || a[0] != '-' {
			break
		}
		var o *resolveOption
		value, glued := "", false
		if strings.HasPrefix(a, "--") {
			name := a[2:]
			if name, value, glued = strings.Cut(name, "="); name == "" {
				return bad("unknown option %q", a)
			}
			if o = findResolveOption(name); o == nil {
				return bad("unknown or ambiguous option %q", a)
			}
		} else {
			for j := range resolveOptions {
				if resolveOptions[j].short == a[1] {
					o = &resolveOptions[j]
				}
			}
			if o == nil {
				return bad("unknown switch %q", a[1:2])
			}
			value, glued = a[2:], len(a) > 2
			if glued && !o.arg {
				args = append(append(append([]string(nil), args[:i]...), a[:2], "-"+a[2:]), args[i+1:]...)
				value, glued = "", false
			}
		}
		switch {
		case o.arg && !glued:
			if i++; i == len(args) {
				return bad("option %q requires a value", a)
			}
			value = args[i]
		case !o.arg && glued:
			return bad("option %q takes no value", a)
		}
		opts[o.long] = value
	}
	if _, help := opts["help"]; help {
		return opts, "", nil
	}
	if len(args)-i != 1 {
		return bad("one ELF object is wanted")
	}
	return opts, args[i], nil
}

func findResolveOption(name string) (found *resolveOption) {
	for i := range resolveOptions {
		o := &resolveOptions[i]
		if o.long == name {
			return o
		}
		if strings.HasPrefix(o.long, name) {
			if found != nil {
				return nil
			}
			found = o
		}
	}
	return found
}

// resolveBTFIDs is the whole tool: arguments in, exit code out.
func resolveBTFIDs(args []string, stderr io.Writer) int {
	opts, object, err := resolveArgs(args)
	if err != nil {
		fmt.Fprintf(stderr, "gobtf: resolve_btfids: %s\n%s", strings.TrimPrefix(err.Error(), "usage: "), resolveUsage)
		return exitResolveUsage
	}
	if _, help := opts["help"]; help {
		fmt.Fprint(stderr, resolveUsage)
		return exitResolveUsage
	}
	_, strict := opts["strict"]
	_, distill := opts["distill_base"]
	_, verbose := opts["verbose"]
	job := btfids.Job{Object: object, BTF: opts["btf"], Base: opts["btf_base"], Distill: distill, Strict: strict,
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
	if verbose {
		job.Log = func(format string, a ...any) { fmt.Fprintf(stderr, format+"\n", a...) }
	}
	if blob := opts["patch_btfids"]; blob != "" {
		err = btfids.Patch(object, blob)
	} else {
		switch mode := opts["mode"]; mode {
		case "":
			job.Files = distill || opts["btf"] != "" && filesFlow(os.LookupEnv)
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
