// Command parity compares gobtf with the reference, byte for byte, on a Debian debug kernel.
//
//	parity                                    vmlinux of the newest 6.12 cloud kernel, with every flag set
//	parity vmlinux [DIR [SET...]]             those flag sets (kbuild default all global_var plus true_signature old none jobs)
//	parity modules [DIR [N|all [FORM...]]]    N modules spread over the list (default 150), in those forms:
//	                                          standalone; quirks (split, on a base by the reference); default (split, on the package's
//	                                          own vmlinux: equal in meaning to the quirks output, and its size against the .BTF that
//	                                          Debian ships); inplace (as default, written into the module itself); distilled (quirks,
//	                                          in place with distilled_base, both sections; without quirks they must not be larger)
//	parity files FILE...                      these files, kbuild's flags, standalone
//
// DIR is a folder as scripts/fetch/kernel makes it; - is the newest 6.12. The options -gobtf, -reference, -jobs and -v come first. What
// the reference wrote is kept in build/cache, keyed by the contents of file and base, the flags and the reference's version. A case that
// differs is shown with what differs; the last line counts. The status is 1 on any difference, and when nothing was compared.
//
// Before it: scripts/fetch/kernel and scripts/fetch/reference. After it: nothing, it is a test.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/gobtf/gobtf/tools/fetched"
	"github.com/gobtf/gobtf/tools/flagsets"
	"github.com/gobtf/gobtf/tools/meaning"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "parity:", err)
		os.Exit(1)
	}
}

// parity is one run.
type parity struct {
	gobtf   string
	ref     *reference
	work    string // folder for this run's files
	jobs    int
	verbose bool
	out     io.Writer

	meanings meaning.Comparer

	mu    sync.Mutex
	count map[state]int
	sizes sizes
}

func run(args []string, out io.Writer) error {
	fl := flag.NewFlagSet("parity", flag.ContinueOnError)
	gobtf := fl.String("gobtf", env("GOBTF", "bin/gobtf"), "the program under test; $GOBTF")
	refPath := fl.String("reference", env("REFERENCE", ""), "the reference pahole; $REFERENCE (default: what scripts/fetch/reference prints)")
	jobs := fl.Int("jobs", 2, "modules that are compared at once")
	verbose := fl.Bool("v", os.Getenv("VERBOSE") > "0", "a line for every case; $VERBOSE")
	if err := fl.Parse(args); err != nil {
		return err
	}
	p := &parity{jobs: max(1, *jobs), verbose: *verbose, out: out, count: map[state]int{}}
	var err error
	if p.gobtf, err = filepath.Abs(*gobtf); err != nil {
		return err
	}
	if _, err := os.Stat(p.gobtf); err != nil {
		return fmt.Errorf("no %s: run make build", *gobtf)
	}
	if err := os.MkdirAll("build", 0o755); err != nil {
		return err
	}
	if p.work, err = os.MkdirTemp("build", "parity."); err != nil {
		return err
	}
	defer os.RemoveAll(p.work)
	if p.work, err = filepath.Abs(p.work); err != nil {
		return err
	}
	if *refPath == "" {
		if *refPath, err = script("scripts/fetch/reference"); err != nil {
			return err
		}
	}
	if p.ref, err = newReference(*refPath, p.work); err != nil {
		return err
	}
	what := "vmlinux"
	rest := fl.Args()
	if len(rest) > 0 {
		what, rest = rest[0], rest[1:]
	}
	if err := p.compare(what, rest); err != nil {
		return err
	}
	return p.summary(what)
}

func (p *parity) compare(what string, rest []string) error {
	if what == "files" {
		var cases []func()
		for _, f := range rest {
			cases = append(cases, func() { p.plain(f, "", f, append([]string{"-j1"}, flagsets.Get("kbuild")...), false) })
		}
		p.all(cases)
		return nil
	}
	dir, err := kernelDir(rest)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		rest = rest[1:]
	}
	switch what {
	case "vmlinux":
		return p.vmlinux(dir, rest)
	case "modules":
		return p.modules(dir, rest)
	}
	return fmt.Errorf("parity of %s? There are: vmlinux, modules, files", what)
}

func kernelDir(rest []string) (string, error) {
	if len(rest) > 0 && rest[0] != "-" {
		return filepath.Abs(rest[0])
	}
	return script("scripts/fetch/kernel", "6.12")
}

// vmlinux compares flag sets one at a time: each run uses all cores, and two at once would only double the memory.
func (p *parity) vmlinux(dir string, sets []string) error {
	if len(sets) == 0 {
		sets = []string{"kbuild", "default", "all", "global_var", "plus", "true_signature", "old", "none", "jobs"}
	}
	for _, set := range sets {
		if set == "jobs" { // the reference's one result against other numbers of workers
			for _, j := range []string{"-j1", "-j2", "-j8"} {
				p.plain(dir+"/vmlinux", "", short(dir)+" vmlinux kbuild "+j, append([]string{j}, flagsets.Get("kbuild")...), false)
			}
			continue
		}
		flags, ok := flagsets.Lookup(set)
		if !ok {
			return fmt.Errorf("no flag set %s in tools/flagsets", set)
		}
		p.plain(dir+"/vmlinux", "", short(dir)+" vmlinux "+set, append([]string{"-j"}, flags...), false)
	}
	return nil
}

func (p *parity) modules(dir string, rest []string) error {
	list, err := fetched.Modules(filepath.Join(dir, "modules"))
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("%s has no modules", filepath.Join(dir, "modules"))
	}
	if err != nil {
		return err
	}
	n := 150
	if len(rest) > 0 {
		if rest[0] == "all" {
			n = len(list)
		} else if n, err = strconv.Atoi(rest[0]); err != nil || n < 1 {
			return fmt.Errorf("%q is no number of modules", rest[0])
		}
		rest = rest[1:]
	}
	if len(rest) == 0 {
		rest = []string{"standalone", "quirks", "default"}
	}
	kbuild := append([]string{"-j1"}, flagsets.Get("kbuild")...)
	for _, form := range rest {
		base := dir + "/vmlinux"
		if form == "quirks" || form == "distilled" {
			b := p.ref.encode(base, "", append([]string{"-j"}, flagsets.Get("kbuild")...))
			if b.outcome != wrote {
				return fmt.Errorf("the reference made no base of %s: %s", base, b.why)
			}
			base = b.path
		}
		var cases []func()
		for _, m := range sample(list, n) {
			name := short(m) + " " + form
			switch form {
			case "standalone":
				cases = append(cases, func() { p.plain(m, "", name, kbuild, false) })
			case "quirks":
				cases = append(cases, func() { p.plain(m, base, name, kbuild, true) })
			case "default":
				cases = append(cases, func() { p.meaning(m, base, name, kbuild) })
			case "inplace":
				cases = append(cases, func() { p.inPlace(m, base, name, kbuild) })
			case "distilled":
				cases = append(cases, func() { p.distilled(m, base, name, flagsets.Get("kbuild")) })
			default:
				return fmt.Errorf("no form %s; there are: standalone quirks default inplace distilled", form)
			}
		}
		p.all(cases)
	}
	return nil
}

// all runs cases, so many at a time as -jobs says.
func (p *parity) all(cases []func()) {
	var wg sync.WaitGroup
	room := make(chan struct{}, p.jobs)
	for _, c := range cases {
		room <- struct{}{}
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer func() { <-room }()
			c()
		}()
	}
	wg.Wait()
}

// summary prints the last line. A run that compared no bytes at all has failed: its reference wrote nothing.
func (p *parity) summary(what string) error {
	if !p.sizes.print(p.out) {
		p.count[differs]++
	}
	text := fmt.Sprintf("parity %s with %s: %d passed, %d failed", what, p.ref.version, p.count[equal], p.count[differs])
	if n := p.count[alone]; n > 0 {
		text += fmt.Sprintf("; %d where the reference gives up for a known reason and gobtf writes", n)
	}
	if n := p.count[garbage]; n > 0 {
		text += fmt.Sprintf("; %d that the reference does not relocate", n)
	}
	if n := p.count[nothing]; n > 0 {
		text += fmt.Sprintf("; %d where both have nothing to encode", n)
	}
	fmt.Fprintln(p.out, text)
	switch {
	case p.count[differs] > 0:
		return errors.New("there are differences")
	case p.count[equal] == 0:
		return errors.New("nothing was compared")
	}
	return nil
}

func env(name, other string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return other
}

// script runs one of scripts/fetch and returns the path that it prints. What is here already is taken.
func script(argv ...string) (string, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "FETCH_KERNEL_KNOWN="+env("FETCH_KERNEL_KNOWN", "1"))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", argv[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}

// sample returns n of a list, spread over it.
func sample(list []string, n int) (some []string) {
	for i := range list {
		if (i+1)*n/len(list) > i*n/len(list) {
			some = append(some, list[i])
		}
	}
	return some
}

// short is a path as a report shows it.
func short(path string) string {
	if _, rest, ok := strings.Cut(path, "/build/kernels/"); ok {
		path = rest
	}
	return strings.Replace(path, "linux-image-", "", 1)
}
