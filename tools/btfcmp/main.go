// Command btfcmp says where two raw BTF files differ: the header, the counts by kind, the first type that differs with its
// members on both sides, the names that only one side has, and the first string. It reads BTF by itself: parity must not
// be judged by the code that is on trial.
//
//	btfcmp [-base FILE] [-n TYPES] A B
//
// Status 0: same bytes, 1: they differ, 2: one of them cannot be read.
package main

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/gobtf/gobtf/btf"
)

func main() {
	base := flag.String("base", "", "raw BTF that both continue")
	n := flag.Int("n", 1, "how many differing types to show")
	flag.Parse()
	if flag.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "usage: btfcmp [-base FILE] [-n TYPES] A B")
		os.Exit(2)
	}
	same, err := run(os.Stdout, *base, flag.Arg(0), flag.Arg(1), *n)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "btfcmp:", err)
		os.Exit(2)
	case !same:
		os.Exit(1)
	}
}

func run(w io.Writer, base, nameA, nameB string, n int) (same bool, err error) {
	var b *file
	if base != "" {
		if b, err = read(base, nil); err != nil {
			return false, err
		}
	}
	x, err := read(nameA, b)
	if err != nil {
		return false, err
	}
	y, err := read(nameB, b)
	if err != nil {
		return false, err
	}
	if bytes.Equal(x.raw, y.raw) {
		fmt.Fprintf(w, "same: %d bytes, %d types\n", len(x.raw), len(x.types))
		return true, nil
	}
	fmt.Fprintf(w, "A %s: %d bytes\nB %s: %d bytes\n", nameA, len(x.raw), nameB, len(y.raw))
	compareHeaders(w, x, y)
	compareCounts(w, x, y)
	compareNames(w, x, y)
	compareTypes(w, x, y, n)
	compareStrings(w, x, y)
	return false, nil
}

func compareHeaders(w io.Writer, x, y *file) {
	if bytes.Equal(x.raw[:x.hdrLen], y.raw[:y.hdrLen]) {
		return
	}
	for _, f := range []struct {
		name string
		a, b uint32
	}{
		{"header length", x.hdrLen, y.hdrLen}, {"type offset", x.typeOff, y.typeOff}, {"type bytes", x.typeLen, y.typeLen},
		{"string offset", x.strOff, y.strOff}, {"string bytes", x.strLen, y.strLen},
	} {
		if f.a != f.b {
			fmt.Fprintf(w, "header: %s: A %d, B %d\n", f.name, f.a, f.b)
		}
	}
	if x.order != y.order {
		fmt.Fprintf(w, "header: byte order: A %v, B %v\n", x.order, y.order)
	}
}

func compareCounts(w io.Writer, x, y *file) {
	fmt.Fprintf(w, "types: A %d, B %d\n", len(x.types), len(y.types))
	a, b := x.counts(), y.counts()
	for k := range a {
		if a[k] != b[k] {
			fmt.Fprintf(w, "  %s: A %d, B %d\n", kindName(btf.Kind(k)), a[k], b[k])
		}
	}
}

// compareNames lists kind and name of what one side has more often than the other: a missing type is seen at once, while the
// first differing type may only be one that refers past it.
func compareNames(w io.Writer, x, y *file) {
	count := map[string]int{}
	for _, t := range x.types {
		count[x.label(t)]++
	}
	for _, t := range y.types {
		count[y.label(t)]--
	}
	var keys []string
	for k, c := range count {
		if c != 0 {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(max(count[b], -count[b]), max(count[a], -count[a])), cmp.Compare(a, b))
	})
	for i, k := range keys {
		if i == 12 {
			fmt.Fprintf(w, "  ... and %d more names\n", len(keys)-i)
			break
		}
		side, c := "A", count[k]
		if c < 0 {
			side, c = "B", -c
		}
		fmt.Fprintf(w, "  %d more in %s: %s\n", c, side, k)
	}
}

// compareTypes shows the first types that differ when references are read as the names they lead to. Those that differ in
// ids alone follow from such a one, and are shown only when there is no other.
func compareTypes(w io.Writer, x, y *file, n int) {
	both := min(len(x.types), len(y.types))
	shown, byID := 0, 0
	for i := 0; i < both && shown < n; i++ {
		a, b := x.render(x.types[i], false), y.render(y.types[i], false)
		if !slices.Equal(a, b) {
			if shown == 0 && byID > 0 {
				fmt.Fprintf(w, "%d types before it differ only in the ids they refer to\n", byID)
			}
			show(w, x, y, i)
			shown++
		} else if !slices.Equal(x.render(x.types[i], true), y.render(y.types[i], true)) {
			byID++
		}
	}
	switch {
	case shown > 0:
	case len(x.types) != len(y.types):
		f, side := x, "A"
		if len(y.types) > both {
			f, side = y, "B"
		}
		fmt.Fprintf(w, "first type that only %s has: %s\n", side, strings.Join(f.render(f.types[both], true), "\n    "))
	case byID > 0:
		for i := range both {
			if !slices.Equal(x.render(x.types[i], true), y.render(y.types[i], true)) {
				fmt.Fprintf(w, "%d types differ, all only in the ids they refer to\n", byID)
				show(w, x, y, i)
				return
			}
		}
	default:
		fmt.Fprintln(w, "types: equal apart from their string offsets")
	}
}

func show(w io.Writer, x, y *file, i int) {
	a, b := x.render(x.types[i], true), y.render(y.types[i], true)
	fmt.Fprintf(w, "first differing type: id %d\n", x.types[i].id)
	for _, s := range []struct {
		side        string
		own, others []string
	}{{"A", a, b}, {"B", b, a}} {
		for j, l := range s.own {
			mark := " "
			if j >= len(s.others) || s.others[j] != l {
				mark = "*"
			}
			if j == 0 {
				fmt.Fprintf(w, "  %s %s %s\n", s.side, mark, l)
			} else if j < 200 || mark == "*" {
				fmt.Fprintf(w, "    %s     %s\n", mark, l)
			}
		}
	}
}

func compareStrings(w io.Writer, x, y *file) {
	if bytes.Equal(x.strs, y.strs) {
		fmt.Fprintln(w, "strings: equal")
		return
	}
	a, b := bytes.Split(x.strs, []byte{0}), bytes.Split(y.strs, []byte{0})
	fmt.Fprintf(w, "strings: A %d, B %d\n", len(a)-1, len(b)-1)
	off := x.strBase()
	for i := range min(len(a), len(b)) {
		if !bytes.Equal(a[i], b[i]) {
			fmt.Fprintf(w, "first differing string: number %d at offset %d: A %q, B %q\n", i, off, a[i], b[i])
			return
		}
		off += len(a[i]) + 1
	}
	fmt.Fprintln(w, "strings: one side is a prefix of the other")
}
