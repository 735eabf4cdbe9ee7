// Command growth measures how gobtf's time and memory grow with its input, and draws it: modules of all sizes and the vmlinux files of the
// kernels that are given, each standing alone, with one worker.
//
//	go run ./tools/growth [-n 3] [-gobtf FILE] [-o docs/growth.svg] KERNEL...
//
// KERNEL is a folder as scripts/fetch/kernel makes it. An input's size is that of its .debug_info, decompressed. It prints a line for each
// input, and how time grows: the exponent of a power of the size, fitted to the inputs of 10 MB and more. It is an error when that is more
// than -most, so that a quadratic step does not go unseen.
package main

import (
	"cmp"
	"debug/elf"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/gobtf/gobtf/tools/fetched"
	"github.com/gobtf/gobtf/tools/flagsets"
	"github.com/gobtf/gobtf/tools/measure"
)

// point is one input, and what it took.
type point struct {
	name      string
	mb        float64 // of .debug_info
	seconds   float64 // processor time
	peak      float64 // MB
	isVmlinux bool
}

func bySize(a, b point) int { return cmp.Compare(a.mb, b.mb) }

func main() {
	n := flag.Int("n", 3, "runs of each input, of which the fastest counts")
	gobtf := flag.String("gobtf", "bin/gobtf", "the program to measure")
	out := flag.String("o", "docs/growth.svg", "where the picture goes")
	most := flag.Float64("most", 1.15, "the largest exponent that is no error")
	flag.Parse()
	if err := run(os.Stdout, *gobtf, *out, *n, *most, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "growth:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, gobtf, out string, n int, most float64, kernels []string) error {
	if len(kernels) == 0 {
		return errors.New("no kernel is given")
	}
	var points []point
	for _, k := range kernels {
		list, err := inputs(k)
		if err != nil {
			return err
		}
		for _, p := range list {
			if err := p.measure(gobtf, n); err != nil {
				return err
			}
			points = append(points, p)
		}
	}
	slices.SortFunc(points, bySize)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "input\t.debug_info\tcpu\tpeak\ts/GB\t")
	for _, p := range points {
		fmt.Fprintf(tw, "%s\t%.1f MB\t%.2f s\t%.0f MB\t%.1f\t\n", label(p), p.mb, p.seconds, p.peak, p.seconds/p.mb*1000)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	e, err := exponent(points)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "processor time grows as size to the power of %.2f (inputs of %d MB and more)\n", e, fitFrom)
	if err := os.WriteFile(out, []byte(picture(points)), 0o644); err != nil {
		return err
	}
	if e > most {
		return fmt.Errorf("that is more than %.2f", most)
	}
	return nil
}

// inputs returns a kernel's vmlinux and a dozen of its modules, spread evenly over the sizes by their logarithm.
func inputs(kernel string) (list []point, err error) {
	vmlinux := filepath.Join(kernel, "vmlinux")
	mb, err := debugInfo(vmlinux)
	if err != nil {
		return nil, err
	}
	paths, err := fetched.Modules(filepath.Join(kernel, "modules"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var modules []point
	for _, path := range paths {
		if mb, err := debugInfo(path); err == nil && mb >= 0.1 {
			modules = append(modules, point{name: path, mb: mb})
		}
	}
	slices.SortFunc(modules, bySize)
	const steps = 12
	if len(modules) > 0 {
		low, high := math.Log(modules[0].mb), math.Log(modules[len(modules)-1].mb)
		for i := range steps {
			want := math.Exp(low + (high-low)*float64(i)/(steps-1))
			at, _ := slices.BinarySearchFunc(modules, want, func(p point, want float64) int { return cmp.Compare(p.mb, want) })
			p := modules[min(at, len(modules)-1)]
			if len(list) == 0 || list[len(list)-1].name != p.name {
				list = append(list, p)
			}
		}
	}
	return append(list, point{name: vmlinux, mb: mb, isVmlinux: true}), nil
}

// debugInfo returns the size of a file's .debug_info in MB.
func debugInfo(path string) (float64, error) {
	f, err := elf.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	s := f.Section(".debug_info")
	if s == nil {
		return 0, fmt.Errorf("%s: no .debug_info", path)
	}
	return float64(s.Size) / 1e6, nil
}

func (p *point) measure(gobtf string, n int) error {
	p.seconds = math.Inf(1)
	for range n {
		one, err := measure.Run(append([]string{gobtf, "-J", "-j1", "--btf_encode_detached=/dev/null", p.name}, flagsets.Get("kbuild")...))
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		p.seconds = min(p.seconds, one.CPU.Seconds())
		p.peak = max(p.peak, float64(one.Peak)*1024/1e6)
		if one.CPU > time.Minute {
			break
		}
	}
	return nil
}

// fitFrom is the size in MB from which on the start of the program and what it costs to have a table at all no longer show.
const fitFrom = 10

// exponent returns e of time = c * size^e, by least squares over the logarithms.
func exponent(points []point) (float64, error) {
	var n, x, y, xx, xy float64
	for _, p := range points {
		if p.mb < fitFrom {
			continue
		}
		a, b := math.Log(p.mb), math.Log(p.seconds)
		n, x, y, xx, xy = n+1, x+a, y+b, xx+a*a, xy+a*b
	}
	if n < 3 {
		return 0, fmt.Errorf("only %.0f inputs of %d MB and more: they say nothing of growth", n, fitFrom)
	}
	return (n*xy - x*y) / (n*xx - x*x), nil
}
