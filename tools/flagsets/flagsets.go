// Package flagsets is the one list of the flags that tests, tools and scripts give to gobtf and to the reference.
//
// Before it: flagsets.txt, which shell scripts read too. After it: tools/parity, tools/bench, tools/demo and others.
package flagsets

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed flagsets.txt
var text string

// Get returns the flags of a set, without -J, -j and an output. It panics for a name that flagsets.txt does not have: names are
// written in code.
func Get(name string) []string {
	flags, ok := Lookup(name)
	if !ok {
		panic(fmt.Sprintf("flagsets.txt has no set %q", name))
	}
	return flags
}

// Lookup is Get for a name that a user gave; ok says whether there is such a set.
func Lookup(name string) (flags []string, ok bool) {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 0 && f[0] == name && !strings.HasPrefix(line, "#") {
			return f[1:], true
		}
	}
	return nil, false
}
