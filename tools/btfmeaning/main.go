// Command btfmeaning says whether two split BTFs on one base are equal in meaning:
// whether every FUNC, VAR, DATASEC and named type of either, expanded through the
// base with names, kinds, sizes, offsets and targets, is also in the other.
// A forward declaration (FWD, an enum without values) is equal to any definition of
// its tag, as the target of a reference and as a type of its own. What is defined is
// compared apart: where both have definitions of such a tag, or lead to them in the
// base, each must have an equal one in the other.
//
//	btfmeaning BASE A B [A B]...
//
// BASE is "-" when there is none. A line per pair says "equal" or "different"; the
// first differences follow. Status: 0 all are equal, 1 some are not, 2 failure.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/gobtf/gobtf/btf"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	if len(args) < 3 || len(args)%2 == 0 {
		fmt.Fprintln(stderr, "usage: btfmeaning BASE A B [A B]...")
		return 64
	}
	equal, err := compareFiles(args[0], args[1:], stdout)
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "btfmeaning:", err)
		return 2
	case !equal:
		return 1
	}
	return 0
}

func compareFiles(basePath string, pairs []string, out io.Writer) (bool, error) {
	var base *btf.Types
	var err error
	if basePath != "-" {
		if base, err = btf.ReadFile(basePath, nil); err != nil {
			return false, err
		}
	}
	b := newBase(base)
	all := true
	for ; len(pairs) > 0; pairs = pairs[2:] {
		x, err := btf.ReadFile(pairs[0], base)
		if err != nil {
			return false, err
		}
		y, err := btf.ReadFile(pairs[1], base)
		if err != nil {
			return false, err
		}
		diffs := b.compare(x, y)
		verdict := "equal"
		if len(diffs) > 0 {
			verdict, all = "different", false
		}
		fmt.Fprintf(out, "%s: %s %s\n", verdict, pairs[0], pairs[1])
		for i, d := range diffs {
			if i == maxShown {
				fmt.Fprintf(out, "... and %d more\n", len(diffs)-i)
				break
			}
			fmt.Fprintln(out, d)
		}
	}
	return all, nil
}
