// Command kbuild builds kernels with gobtf as PAHOLE, in every way that kbuild has, and compares and boots what comes out.
//
//	kbuild [-kernels "6.12 7"] [-ways "gcc llvm"] [-docs FILE] [-list] [-needs]
//
// A cell of the matrix is one kernel (the newest linux-source of a series that Debian has) built in one way (ways.go). Each cell is
// configured (tinyconfig and scripts/e2e/matrix.config, with what the way adds) and built with a PAHOLE that keeps every call:
// arguments, folder and input. Then the reference and gobtf encode every input again by the arguments that came: vmlinux must be the
// same bytes, a module the same bytes with --pahole_quirks, and without it equal in meaning. What gobtf wrote must be what the built
// files hold. Kernels for x86-64 and arm64 are started in qemu and must show just that in /sys/kernel/btf.
//
// A line a cell is printed, and kept in build/kbuild/results, from which -docs writes the table of docs/kbuild.md. A cell whose
// compiler, reference or emulator is not there is "not run", and never passed. The status is 1 when a cell fails, and when none passed.
//
// Before it: scripts/e2e/kbuild-test, which fetches what is missing. After it: nothing, it is a test.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gobtf/gobtf/tools/meaning"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "kbuild:", err)
		os.Exit(1)
	}
}

// matrix is one run of the program.
type matrix struct {
	root      string // of the repository
	work      string // build/kbuild
	gobtf     string
	reference string                                  // "" is none
	tools     string                                  // folder with boot
	differ    func(base, a, b string) (string, error) // says what differs in meaning, "" for nothing
	jobs      string
	keep      bool
	out       io.Writer
}

func run(args []string, out io.Writer) error {
	fl := flag.NewFlagSet("kbuild", flag.ContinueOnError)
	kernels := fl.String("kernels", "6.12", "series of kernels")
	names := fl.String("ways", "", "ways (default: those that each kernel is tried in)")
	docs := fl.String("docs", "", "write the table of all results into `FILE`, and build nothing")
	list := fl.Bool("list", false, "print the cells, and build nothing")
	jobs := fl.String("jobs", "2", "make -j")
	needs := fl.Bool("needs", false, "print FILE PACKAGE a line, what the cells want installed, and build nothing")
	keep := fl.Bool("keep", false, "leave all trees; otherwise those of cells that passed go, but for trees that others begin with")
	if err := fl.Parse(args); err != nil {
		return err
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	m := &matrix{root: root, work: filepath.Join(root, "build", "kbuild"), jobs: *jobs, keep: *keep, out: out}
	// The shared folder of downloads may be a link; a build's paths must not change with the way that led there.
	if m.work, err = realPath(m.work); err != nil {
		return err
	}
	if *docs != "" {
		return writeDocs(*docs, filepath.Join(m.work, "results"))
	}
	cells, err := plan(strings.Fields(*kernels), strings.Fields(*names))
	if err != nil {
		return err
	}
	if *list {
		for _, c := range cells {
			fmt.Fprintf(out, "%-5s %-14s %s\n", c.series, c.way.name, c.way.title)
		}
		return nil
	}
	if *needs {
		seen := map[need]bool{}
		for _, c := range cells {
			for _, n := range c.needs() {
				if !seen[n] {
					seen[n] = true
					fmt.Fprintln(out, n.file, n.pkg)
				}
			}
		}
		return nil
	}
	if err := m.prepare(); err != nil {
		return err
	}
	return m.all(cells)
}

func realPath(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}

// prepare builds the programs and finds the reference.
func (m *matrix) prepare() error {
	m.tools = filepath.Join(m.work, "tools")
	m.gobtf = os.Getenv("GOBTF")
	if m.gobtf != "" {
		abs, err := filepath.Abs(m.gobtf)
		if err != nil {
			return err
		}
		m.gobtf = abs
	} else {
		m.gobtf = filepath.Join(m.tools, "gobtf")
		if err := m.goBuild(m.gobtf, "./cmd/gobtf"); err != nil {
			return err
		}
	}
	if err := m.goBuild(filepath.Join(m.tools, "boot"), "./tools/boot"); err != nil {
		return err
	}
	m.differ = func(base, a, b string) (string, error) {
		return new(meaning.Comparer).Differ(base, a, b) // a new one each time: the base has the same path after it was built again
	}
	m.reference = os.Getenv("REFERENCE")
	if m.reference == "" {
		var err error
		m.reference, err = m.script("scripts/fetch/reference")
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == 3 { // no suite has it any more: no cell can be compared
			return nil
		}
		return err
	}
	return nil
}

func (m *matrix) goBuild(to, pkg string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-o", to, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", pkg, err, out)
	}
	return nil
}

// script runs a script of the repository, and returns what it prints.
func (m *matrix) script(argv ...string) (string, error) {
	cmd := exec.Command(filepath.Join(m.root, argv[0]), argv[1:]...)
	cmd.Dir, cmd.Stderr = m.root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}

// all builds cells one after the other: each uses all cores.
func (m *matrix) all(cells []*cell) error {
	passed, failed, notRun := 0, 0, 0
	for i, c := range cells {
		start := time.Now()
		c.m = m
		err := c.build()
		r := c.result(start, err)
		if err := r.save(filepath.Join(m.work, "results")); err != nil {
			return err
		}
		fmt.Fprintln(m.out, r.line())
		switch {
		case r.Status == "passed":
			passed++
			if err := c.pass(); err != nil {
				return err
			}
			if !m.keep {
				c.clean(cells[i+1:])
			}
		case r.Status == "not run":
			notRun++
		default:
			failed++
		}
	}
	fmt.Fprintf(m.out, "kbuild: %d passed, %d failed, %d not run\n", passed, failed, notRun)
	switch {
	case failed > 0:
		return errors.New("a cell failed")
	case passed == 0:
		return errors.New("no cell passed")
	}
	return nil
}
