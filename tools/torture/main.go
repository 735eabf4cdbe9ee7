// Command torture runs gobtf on damaged and senseless files, and with system calls that fail, and looks for what must never happen.
//
//	torture [-gobtf bin/gobtf] [-for 2m] [-seed 1] [-runs N] [-jobs 2]
//
// Two things take turns. Mutants: a file (an object, a module, BTF, or one that internal/dwarfgen makes) is damaged in some bytes, and
// one of gobtf's commands is run on it. Faults: a command that writes is run while strace makes its n-th system call of a kind fail, or
// kills it there, for every n.
//
// A run is a loss when it ends in any way but status 0 or 1, says nothing with status 1, says more than a few lines, writes control
// characters, takes more than 20 seconds or more memory than 64 MiB and 8 times its files, leaves a file behind, or changes its input
// although it failed. After a fault, the file has its old or its new contents, whole, under each of its names. After a run that wrote
// BTF, verify finds it good.
//
// It prints how many runs there were, how many faults, and each loss, whose input it keeps. The status is 1 when there was a loss.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
}

// tally is what all workers found.
type tally struct {
	mu      sync.Mutex
	runs    int // of mutants
	good    int // of them, with status 0
	faults  int // that were injected
	kills   int // of them, those that ended the process
	losses  []string
	keepDir string
}

// loss notes that something happened which must not, and keeps the file that it happened with.
func (t *tally) loss(what string, input []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	kept := ""
	if len(input) > 0 {
		kept = filepath.Join(t.keepDir, fmt.Sprintf("loss%d", len(t.losses)))
		if err := os.WriteFile(kept, input, 0o644); err != nil {
			kept = err.Error()
		}
		kept = " (kept as " + kept + ")"
	}
	t.losses = append(t.losses, what+kept)
	fmt.Printf("LOSS: %s%s\n", what, kept)
}

func run(args []string) error {
	fl := flag.NewFlagSet("torture", flag.ContinueOnError)
	gobtf := fl.String("gobtf", "bin/gobtf", "the program")
	usual := 2 * time.Minute
	if s, err := strconv.Atoi(os.Getenv("TORTURE_S")); err == nil {
		usual = time.Duration(s) * time.Second
	}
	span := fl.Duration("for", usual, "how long; TORTURE_S says it in seconds")
	seed := fl.Uint64("seed", 1, "which mutants")
	runs := fl.Int("runs", 0, "so many mutants and no longer (0: as many as there is time for)")
	only := fl.String("only", "", "the number of one mutant, as a loss was reported with: nothing else is done")
	jobs := fl.Int("jobs", runtime.NumCPU(), "at once")
	if err := fl.Parse(args); err != nil {
		return err
	}
	program, err := filepath.Abs(*gobtf)
	if err != nil {
		return err
	}
	if _, err := exec.LookPath(program); err != nil {
		return fmt.Errorf("there is no gobtf to torture: %w", err)
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		return fmt.Errorf("faults are injected by strace: %w", err)
	}
	tmp, err := os.MkdirTemp("", "torture")
	if err != nil {
		return err
	}
	t := &tally{keepDir: filepath.Join(tmp, "losses")}
	if err := os.Mkdir(t.keepDir, 0o755); err != nil {
		return err
	}
	pool, err := readPool(program, tmp)
	if err != nil {
		return err
	}
	if *only != "" {
		number, err := strconv.ParseUint(*only, 10, 64)
		if err != nil {
			return fmt.Errorf("the number of a mutant: %w", err)
		}
		m := &mutants{program: program, dir: filepath.Join(tmp, "m0"), pool: pool, t: t}
		if err := m.one(context.Background(), rand.New(rand.NewPCG(number>>32, number&math.MaxUint32)), number); err != nil {
			return err
		}
		if len(t.losses) > 0 {
			return fmt.Errorf("a loss, in %s", t.keepDir)
		}
		fmt.Printf("torture: mutant %d: no loss\n", number)
		return os.RemoveAll(tmp)
	}
	// The faults are always done in full, so that their number means something; mutants get the rest of the time.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	begin := time.Now()
	if err := eachFault(ctx, &faults{program, strace, tmp, pool, t}, *jobs); err != nil {
		return err
	}
	tookFaults := time.Since(begin)
	end := begin.Add(*span)
	var next struct {
		sync.Mutex
		n uint64
	}
	var wg sync.WaitGroup
	var failed []error
	for j := range *jobs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			m := &mutants{program: program, dir: filepath.Join(tmp, fmt.Sprintf("m%d", j)), pool: pool, t: t}
			for {
				next.Lock()
				n := next.n
				next.n++
				next.Unlock()
				if *runs > 0 && n >= uint64(*runs) || *runs == 0 && time.Now().After(end) {
					return
				}
				if err := m.one(ctx, rand.New(rand.NewPCG(*seed, n)), *seed<<32+n); err != nil {
					next.Lock()
					failed = append(failed, err)
					next.Unlock()
					return
				}
			}
		}()
	}
	wg.Wait()
	if err := errors.Join(failed...); err != nil {
		return err
	}
	fmt.Printf("torture: %d faults injected in %.0f s, %d of them deadly; %d mutants in %.0f s, %d of them converted; %d losses\n",
		t.faults, tookFaults.Seconds(), t.kills, t.runs, time.Since(begin).Seconds()-tookFaults.Seconds(), t.good, len(t.losses))
	switch own := ownPeak(); {
	case own > memoryFloor:
		return fmt.Errorf("this program took %d MB itself: what the others took cannot be seen below that", own>>20)
	case len(t.losses) > 0:
		return fmt.Errorf("%d losses, in %s", len(t.losses), t.keepDir)
	case t.faults < 100 || t.good == 0:
		return fmt.Errorf("that shows nothing: faults must be injected, and some mutants be taken")
	}
	return os.RemoveAll(tmp)
}
