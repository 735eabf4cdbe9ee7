package main

import (
	"os"
	"strings"
	"testing"
)

// TestMutationsFit: each mutation still finds its place in the code. Whether the fixtures notice it, make rules shows.
func TestMutationsFit(t *testing.T) {
	if len(mutations) < 30 {
		t.Fatalf("%d mutations", len(mutations))
	}
	for _, m := range mutations {
		src, err := os.ReadFile("../../" + m.file)
		if err != nil {
			t.Errorf("%s: %v", m.what, err)
			continue
		}
		if n := strings.Count(string(src), m.old); n != 1 {
			t.Errorf("%s: %s has the text %q %d times", m.what, m.file, m.old, n)
		}
	}
}
