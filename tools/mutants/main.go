// Command mutants measures how much the tests notice: it changes the source in one place at a time, at random places, and runs the
// tests that could see it.
//
//	mutants [-n 200] [-seed 1] [-packages REGEXP] [-jobs 1] [-min PERCENT]
//
// A mutant is a condition turned round, a comparison or operator exchanged, a number larger or smaller by one, two arguments swapped, or
// a statement left out. It is killed when a test fails, does not end within two minutes, or panics; it survives when all pass. The
// tests that run are those of its own package, and then of the packages that import it, up to the first that fails. The source is not
// touched: go test sees the change through -overlay. A seed always takes the same places of the same source.
//
// Mutants that change nothing which anybody could see stand in equivalent.txt, each with its reason, and do not count. The status is 1
// when fewer than -min percent of the others are killed.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

func main() {
	ctx := context.Background()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// fate is what became of a mutant.
type fate int

const (
	killed fate = iota
	survived
	broken // it does not compile
)

func (f fate) String() string { return [...]string{"killed", "SURVIVED", "does not compile"}[f] }

func run(ctx context.Context, args []string, out io.Writer) error {
	fl := flag.NewFlagSet("mutants", flag.ContinueOnError)
	n := fl.Int("n", 200, "mutants that compile")
	seed := fl.Uint64("seed", 1, "which ones")
	only := fl.String("packages", "", "only in packages whose path matches this regular expression")
	jobs := fl.Int("jobs", 1, "mutants at once")
	least := fl.Float64("min", 0, "fail when fewer percent than this are killed")
	timeout := fl.Duration("timeout", 2*time.Minute, "time for one package's tests")
	verbose := fl.Bool("v", false, "a line for every mutant")
	list := fl.Bool("list", false, "print the mutants, and run nothing")
	if err := fl.Parse(args); err != nil {
		return err
	}
	pick, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	tree, err := readTree()
	if err != nil {
		return err
	}
	sites, err := tree.sites(pick)
	if err != nil {
		return err
	}
	if len(sites) == 0 {
		return errors.New("there is no place to change")
	}
	rand.New(rand.NewPCG(*seed, 0)).Shuffle(len(sites), func(i, j int) { sites[i], sites[j] = sites[j], sites[i] })
	if *list {
		for i := range sites[:min(*n, len(sites))] {
			fmt.Fprintf(out, "%s:%d: %s\n", sites[i].file, sites[i].line, sites[i].key())
		}
		return nil
	}
	equivalent, err := readEquivalent("tools/mutants/equivalent.txt")
	if err != nil {
		return err
	}
	r := &runner{ctx: ctx, tree: tree, out: out, timeout: *timeout, verbose: *verbose, equivalent: equivalent, want: *n, rows: map[string]*row{}}
	if r.tmp, err = os.MkdirTemp("", "gobtf-mutants"); err != nil {
		return err
	}
	defer os.RemoveAll(r.tmp)
	if err := r.all(sites, max(1, *jobs)); err != nil {
		return err
	}
	return r.summary(*least)
}

// row counts the mutants of one package.
type row struct{ killed, survived, equivalent, broken int }

type runner struct {
	ctx        context.Context
	tree       *tree
	out        io.Writer
	tmp        string
	timeout    time.Duration
	verbose    bool
	equivalent map[string]bool
	want       int

	mu      sync.Mutex
	next    int
	done    int // that compiled
	rows    map[string]*row
	stopped error
}

// all runs sites in order until enough of them compiled.
func (r *runner) all(sites []site, jobs int) error {
	var wg sync.WaitGroup
	for w := range jobs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				r.mu.Lock()
				i := r.next
				r.next++
				stop := r.done >= r.want || i >= len(sites) || r.stopped != nil
				r.mu.Unlock()
				if stop {
					return
				}
				f, by, err := r.one(&sites[i], w)
				r.mu.Lock()
				if err != nil {
					r.stopped = errors.Join(r.stopped, err)
				} else {
					r.count(&sites[i], f, by)
				}
				r.mu.Unlock()
			}
		}()
	}
	wg.Wait()
	return r.stopped
}

func (r *runner) count(s *site, f fate, by string) {
	pkg := filepath.Dir(s.file)
	c := r.rows[pkg]
	if c == nil {
		c = &row{}
		r.rows[pkg] = c
	}
	if f == broken {
		c.broken++
		return
	}
	if r.done++; r.done > r.want {
		return // another worker was faster
	}
	switch {
	case f == killed:
		c.killed++
	case r.equivalent[s.key()]:
		c.equivalent++
		by = "equivalent"
	default:
		c.survived++
	}
	if r.verbose || f == survived && by == "" {
		fmt.Fprintf(r.out, "%-8s %s:%d: %s%s\n", f, s.file, s.line, s.key(), suffix(by))
	}
}

func suffix(by string) string {
	if by == "" {
		return ""
	}
	return " [" + by + "]"
}

// one runs the tests that could notice a mutant, and says which package's did.
func (r *runner) one(s *site, worker int) (f fate, by string, err error) {
	src, err := os.ReadFile(filepath.Join(r.tree.root, s.file))
	if err != nil {
		return 0, "", err
	}
	path := filepath.Join(r.tmp, fmt.Sprintf("%d.go", worker))
	text := slices.Concat(src[:s.start], []byte(s.text), src[s.end:])
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return 0, "", err
	}
	overlay := filepath.Join(r.tmp, fmt.Sprintf("%d.json", worker))
	b, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(r.tree.root, s.file): path}})
	if err != nil {
		return 0, "", err
	}
	if err := os.WriteFile(overlay, b, 0o644); err != nil {
		return 0, "", err
	}
	pkg := filepath.Dir(s.file)
	if out, err := r.goTool("build", "-overlay", overlay, "-o", os.DevNull, "./"+pkg); err != nil {
		if len(out) == 0 {
			return 0, "", err
		}
		return broken, "", nil
	}
	for _, p := range r.tree.testers(pkg) {
		out, err := r.goTool("test", "-overlay", overlay, "-short", "-vet=off", "-failfast", fmt.Sprintf("-timeout=%v", r.timeout), "./"+p)
		if err == nil {
			continue
		}
		if bytes.Contains(out, []byte("[build failed]")) || bytes.Contains(out, []byte("[setup failed]")) {
			return broken, p, nil
		}
		return killed, p, nil
	}
	return survived, "", nil
}

// goTool runs go. A process that a mutant keeps alive is killed with its children some time after go test's own limit.
func (r *runner) goTool(args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(r.ctx, r.timeout+time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = r.tree.root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOMEMLIMIT=4GiB")
	cmd.WaitDelay = 10 * time.Second
	return cmd.CombinedOutput()
}

func (r *runner) summary(least float64) error {
	var pkgs []string
	for p := range r.rows {
		pkgs = append(pkgs, p)
	}
	slices.Sort(pkgs)
	var all row
	fmt.Fprintln(r.out, "| package | killed | survived | equivalent | do not compile |\n|---|---|---|---|---|")
	for _, p := range pkgs {
		c := r.rows[p]
		fmt.Fprintf(r.out, "| %s | %d | %d | %d | %d |\n", p, c.killed, c.survived, c.equivalent, c.broken)
		all.killed, all.survived, all.equivalent, all.broken = all.killed+c.killed, all.survived+c.survived, all.equivalent+c.equivalent, all.broken+c.broken
	}
	n := all.killed + all.survived
	if n == 0 {
		return errors.New("no mutant compiled that changes anything")
	}
	rate := 100 * float64(all.killed) / float64(n)
	fmt.Fprintf(r.out, "%d of %d killed, %.1f %%; %d equivalent, %d did not compile\n", all.killed, n, rate, all.equivalent, all.broken)
	if rate < least {
		return fmt.Errorf("fewer than %g %% are killed", least)
	}
	return nil
}

// readEquivalent reads the mutants that change nothing: KEY # REASON, a line each.
func readEquivalent(path string) (map[string]bool, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m := map[string]bool{}
	for i, line := range strings.Split(string(b), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, reason, ok := strings.Cut(line, " # ")
		if !ok || strings.TrimSpace(reason) == "" {
			return nil, fmt.Errorf("%s:%d: no reason behind ' # '", path, i+1)
		}
		m[strings.TrimSpace(key)] = true
	}
	return m, nil
}
