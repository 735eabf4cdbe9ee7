package main

import (
	"slices"
	"strings"
	"testing"
)

func TestSameSeedSameSet(t *testing.T) {
	seen := map[string]uint64{}
	for seed := range uint64(200) {
		var text strings.Builder
		s := generate(seed)
		if n := len(s.Units); n < 2 || n > 6 {
			t.Fatalf("seed %d: %d units", seed, n)
		}
		again := generate(seed)
		for i, u := range s.Units {
			if u.text() != again.Units[i].text() {
				t.Fatalf("seed %d: unit %d differs the second time", seed, i)
			}
			text.WriteString(u.text())
		}
		if other, ok := seen[text.String()]; ok {
			t.Errorf("seeds %d and %d give the same set", other, seed)
		}
		seen[text.String()] = seed
	}
}

// Every form that the comparison is for has to come out of the generator.
func TestEveryFormOccurs(t *testing.T) {
	var all strings.Builder
	for seed := range uint64(300) {
		for _, u := range generate(seed).Units {
			all.WriteString(u.text())
		}
	}
	for _, form := range []string{"packed", "aligned(16)", " : 64;", "_Bool : 0", "[0]", "[];", "enum e1;", "...)", "alias(", "weak", "percpu", "__thread", "static inline",
		"0x123456789abLL", "__restrict", "const volatile", "I128", "a9", "__BTF_ID__set8__", "_Complex double", "_Atomic int", "TAG(\"rcu\")", "->m", "union  {", "struct local"} {
		if !strings.Contains(all.String(), form) {
			t.Errorf("%q never occurs", form)
		}
	}
}

func TestTypeText(t *testing.T) {
	i := &typ{base: "int"}
	for _, tc := range []struct {
		t    *typ
		want string
	}{
		{&typ{ptr: &typ{elem: i, n: 3}}, "int (*x)[3]"},
		{&typ{elem: &typ{ptr: i}, n: 3}, "int *x[3]"},
		{&typ{elem: &typ{elem: i, n: 2}, n: 3}, "int x[3][2]"},
		{&typ{ptr: &typ{ret: &typ{ptr: i, quals: "const"}, params: []*typ{i}, dots: true}}, "int *const (*x)(int, ...)"},
		{&typ{elem: i, n: -1}, "int x[]"},
		{&typ{base: "int", quals: "volatile"}, "volatile int x"},
	} {
		if got := tc.t.text("x"); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}

func TestReduce(t *testing.T) {
	s := set{Units: []unit{
		{Chunks: []chunk{{Head: "a"}, {Head: "b"}}},
		{Chunks: []chunk{{Head: "c"}, {Head: "d", Parts: []string{"1", "2", "3", "4", "5"}}, {Head: "e"}}},
		{Chunks: []chunk{{Head: "f"}}},
	}}
	// The difference needs declaration d with parts 2 and 5, in the unit that is kept.
	differs := func(t set, keep int) bool {
		for _, c := range t.Units[keep].Chunks {
			if c.Head == "d" && slices.Contains(c.Parts, "2") && slices.Contains(c.Parts, "5") {
				return true
			}
		}
		return false
	}
	never := func() bool { return false }
	got, keep := reduce(s, 1, differs, never)
	if keep != 0 || len(got.Units) != 1 || got.Units[0].text() != "d25\n" {
		t.Errorf("got %+v, unit %d", got, keep)
	}
	if got, _ := reduce(s, 1, differs, func() bool { return true }); got.size() != s.size() {
		t.Errorf("reduced from %d pieces to %d when there was no time", s.size(), got.size())
	}
}

func TestChecksCoverEveryFile(t *testing.T) {
	used := map[string]bool{}
	for turn := range 50 {
		kinds := map[string]int{}
		for _, k := range checks(4, turn, false) {
			kinds[k.Kind]++
			used[k.Features] = true
			if k.Base != "" {
				kinds["split"]++
			}
		}
		if kinds["object"] < 4 || kinds["joined"] == 0 || kinds["linked"] == 0 || kinds["split"] < 2 {
			t.Errorf("turn %d: %v", turn, kinds)
		}
	}
	if len(used) != len(features) {
		t.Errorf("%d of %d feature sets are used", len(used), len(features))
	}
}
