// Command gen compares gobtf with the reference on C programs that it makes: a seed gives a set of units that share randomly varied
// headers, a compiler makes objects of them, joined ones and a linked one, and both programs encode each. What differs is reduced.
// Before it: scripts/generate, which finds compilers and the reference. After it: nothing, it is a test.
//
//	gen -gobtf FILE -ref FILE [-roots DIR,...] [-seed N] [-n SETS] [-combos PER SET] [-jobs N] [-csmith] [-out DIR]
//	gen -print SEED          the units of a seed
//	gen -repeat DIR          one folder that an earlier run has written
//
// Status 0: everything is identical; 1: something differs, or a set did not compile, or no compiler was there.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

type options struct {
	gobtf, ref, out string
	roots           []string
	seed            uint64
	n, per, jobs    int
	csmith, only    string
	limit           time.Duration
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	var o options
	var roots, again string
	var printed int64
	var csmith bool
	fs := flag.NewFlagSet("gen", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&o.gobtf, "gobtf", "", "the program under test")
	fs.StringVar(&o.ref, "ref", "", "the reference")
	fs.StringVar(&o.out, "out", "build/gen", "where differences are written")
	fs.StringVar(&roots, "roots", "", "trees with compilers, besides the machine's")
	fs.Uint64Var(&o.seed, "seed", 1, "the first seed")
	fs.IntVar(&o.n, "n", 2000, "how many sets")
	fs.IntVar(&o.per, "combos", 1, "how many compilers and flags each set is built with")
	fs.IntVar(&o.jobs, "jobs", 1, "how many sets at once")
	fs.StringVar(&o.only, "only", "", "only compilers and flags whose name contains this")
	fs.BoolVar(&csmith, "csmith", false, "sets by csmith, two programs each")
	fs.DurationVar(&o.limit, "reduce", 2*time.Minute, "how long one difference is reduced")
	fs.Int64Var(&printed, "print", -1, "print the units of a seed")
	fs.StringVar(&again, "repeat", "", "a folder that an earlier run has written")
	if err := fs.Parse(args); err != nil {
		return 2
	}
	if printed >= 0 {
		for i, u := range generate(uint64(printed)).Units {
			fmt.Fprintf(stdout, "/* %s */\n%s", source(i), u.text())
		}
		return 0
	}
	for _, r := range strings.Split(roots, ",") {
		if r != "" {
			r, err := filepath.EvalSymlinks(r)
			if err != nil {
				fmt.Fprintln(stderr, "gen:", err)
				return 1
			}
			o.roots = append(o.roots, r)
		}
	}
	o.roots = append(o.roots, "")
	for _, p := range []*string{&o.gobtf, &o.ref} { // both are run in other folders
		f, err := filepath.Abs(*p)
		if err == nil {
			_, err = os.Stat(f)
		}
		if err != nil {
			fmt.Fprintln(stderr, "gen:", err)
			return 1
		}
		*p = f
	}
	if csmith {
		o.csmith = "csmith"
	}
	var ok bool
	var err error
	if again != "" {
		ok, err = repeat(o, again, stdout)
	} else {
		ok, err = all(o, stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, "gen:", err)
	}
	if err != nil || !ok {
		return 1
	}
	return 0
}

// A row counts what came out with one combo.
type row struct {
	sets  int
	count [notBuilt + 1]int
}

// all compares o.n sets. Every set goes to the next combos in turn, so that each gets as many.
func all(o options, w io.Writer) (bool, error) {
	probe := bench{roots: o.roots}
	var have []combo
	for _, c := range combos {
		if !strings.Contains(c.name(), o.only) {
			continue
		}
		if _, ok := probe.root(c.CC); !ok {
			fmt.Fprintf(w, "left out: %s: no such compiler\n", c.name())
			continue
		}
		have = append(have, c)
	}
	if len(have) == 0 {
		return false, fmt.Errorf("no compiler of the matrix is there")
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return false, err
	}
	rows := make([]row, len(have))
	start := time.Now()
	var mu sync.Mutex
	var wg sync.WaitGroup
	var first error
	next, done := 0, 0
	for range max(1, min(o.jobs, runtime.NumCPU())) {
		b, err := newBench(o.gobtf, o.ref, o.roots)
		if err != nil {
			return false, err
		}
		defer b.close()
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				mu.Lock()
				i := next
				next++
				stop := i >= o.n || first != nil
				mu.Unlock()
				if stop {
					return
				}
				s, err := o.set(b, o.seed+uint64(i))
				if err != nil {
					mu.Lock()
					first = err
					mu.Unlock()
					return
				}
				for j := range o.per {
					at := int((o.seed + uint64(i*o.per+j)) % uint64(len(have)))
					count, report := b.set(o, s, have[at], i)
					mu.Lock()
					rows[at].sets++
					for v, n := range count {
						rows[at].count[v] += n
					}
					fmt.Fprint(w, report)
					mu.Unlock()
				}
				mu.Lock()
				if done++; done%100 == 0 {
					fmt.Fprintf(w, "%d sets in %s\n", done, time.Since(start).Round(time.Second))
				}
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
	if first != nil {
		return false, first
	}
	return table(w, have, rows, time.Since(start)), nil
}

// table prints the rows and says whether all is well.
func table(w io.Writer, have []combo, rows []row, took time.Duration) bool {
	var sum row
	line := func(name string, r row) {
		wrong := 0
		for v, n := range r.count {
			if verdict(v).bad() {
				wrong += n
			}
		}
		fmt.Fprintf(w, "| %s | %d | %d | %d | %d | %d |\n", name, r.sets, r.count[same], wrong, r.count[refused], r.count[notBuilt])
	}
	fmt.Fprint(w, "| compiler, flags | sets | files identical | different | reference refuses | not built |\n|---|---|---|---|---|---|\n")
	for i, r := range rows {
		line(have[i].name(), r)
		sum.sets += r.sets
		for v, n := range r.count {
			sum.count[v] += n
		}
	}
	line("all", sum)
	fmt.Fprintf(w, "%s\n", took.Round(time.Second))
	for v, n := range sum.count {
		if n > 0 && (verdict(v).bad() || verdict(v) == notBuilt) {
			return false
		}
	}
	return sum.count[same] > 0
}

// set makes the set of a seed.
func (o options) set(b *bench, seed uint64) (set, error) {
	if o.csmith != "" {
		return b.csmith(seed)
	}
	return generate(seed), nil
}

// set builds one set and compares all of its files; the first difference of each set is reduced and written.
func (b *bench) set(o options, s set, c combo, turn int) (count [notBuilt + 1]int, report string) {
	if err := b.build(s, c, ""); err != nil {
		count[notBuilt]++
		return count, fmt.Sprintf("%s, %s: not built: %.600s\n", s.Name, c.name(), err)
	}
	var bad *check
	for _, k := range checks(len(s.Units), turn, c.LTO) {
		v, said := b.compare(c, k)
		count[v]++
		if v.bad() {
			report += fmt.Sprintf("%s, %s: %+v %s: %.300s\n", s.Name, c.name(), k, verdicts[v], said)
			if bad == nil {
				bad = &k
			}
		}
	}
	if bad != nil {
		report += b.reduce(o, s, c, *bad)
	}
	return count, report
}

// verdict builds what a check needs and compares it.
func (b *bench) verdict(s set, c combo, k check) verdict {
	kind := k.Kind
	if k.Base != "" {
		kind = ""
	}
	if b.build(s, c, kind) != nil {
		return notBuilt
	}
	v, _ := b.compare(c, k)
	return v
}

// saved is what a folder of a difference holds beside the units.
type saved struct {
	Set, CC, Flags, LD string
	LTO                bool
	Check              check
	Verdict            string
	Units              int
}

// reduce makes a set with a difference small, writes it to a folder and says how to see it again.
func (b *bench) reduce(o options, s set, c combo, k check) string {
	end := time.Now().Add(o.limit)
	was := b.verdict(s, c, k)
	if !was.bad() {
		return s.Name + ": the difference does not come again\n"
	}
	if k.Kind != "object" && k.Base == "" && !c.LTO {
		for i := range s.Units {
			alone := check{Kind: "object", Unit: i, Features: k.Features}
			if b.verdict(s, c, alone) == was {
				k = alone
				break
			}
		}
	}
	size := s.size()
	at := func(unit int) check {
		t := k
		t.Unit = unit
		return t
	}
	s, k.Unit = reduce(s, k.Unit, func(t set, keep int) bool { return b.verdict(t, c, at(keep)) == was }, func() bool { return time.Now().After(end) })
	dir := filepath.Join(o.out, strings.ReplaceAll(s.Name, " ", "-")+"-"+strings.Map(func(r rune) rune {
		if r == ' ' || r == '/' {
			return '_'
		}
		return r
	}, c.name()))
	os.RemoveAll(dir)
	if err := save(dir, s, c, k, was); err != nil {
		return err.Error() + "\n"
	}
	return fmt.Sprintf("  reduced from %d pieces to %d: scripts/generate -repeat %s\n", size, s.size(), dir)
}

func save(dir string, s set, c combo, k check, v verdict) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for i, u := range s.Units {
		if err := os.WriteFile(filepath.Join(dir, source(i)), []byte(u.text()), 0o644); err != nil {
			return err
		}
	}
	data, err := json.MarshalIndent(saved{s.Name, c.CC, c.Flags, c.LD, c.LTO, k, verdicts[v], len(s.Units)}, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "check.json"), append(data, '\n'), 0o644)
}

// repeat builds what a folder holds and leaves the file and both outputs there.
func repeat(o options, dir string, w io.Writer) (bool, error) {
	data, err := os.ReadFile(filepath.Join(dir, "check.json"))
	if err != nil {
		return false, err
	}
	var x saved
	if err := json.Unmarshal(data, &x); err != nil {
		return false, fmt.Errorf("%s/check.json: %w", dir, err)
	}
	s := set{Name: x.Set}
	for i := range x.Units {
		text, err := os.ReadFile(filepath.Join(dir, source(i)))
		if err != nil {
			return false, err
		}
		s.Units = append(s.Units, unit{Chunks: []chunk{{Head: string(text)}}})
	}
	b, err := newBench(o.gobtf, o.ref, o.roots)
	if err != nil {
		return false, err
	}
	defer b.close()
	c := combo{CC: x.CC, Flags: x.Flags, LD: x.LD, LTO: x.LTO}
	root, ok := b.root(c.CC)
	if !ok {
		return false, fmt.Errorf("no %s", c.CC)
	}
	kind := x.Check.Kind
	if x.Check.Base != "" {
		kind = ""
	}
	if err := b.build(s, c, kind); err != nil {
		return false, err
	}
	v, said := b.compare(c, x.Check)
	fmt.Fprintf(w, "%s, %s: %+v: %s %s\n", x.Set, c.name(), x.Check, verdicts[v], said)
	for _, f := range []string{x.Check.file(), "base", "want", "got"} {
		if data, err := os.ReadFile(filepath.Join(b.dirs[root], f)); err == nil {
			if err := os.WriteFile(filepath.Join(dir, f), data, 0o644); err != nil {
				return false, err
			}
		}
	}
	return !v.bad(), nil
}
