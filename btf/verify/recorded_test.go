package verify

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

var record = flag.Bool("update_recorded", false, "ask the running kernel (root), and write testdata/mutations.txt")

const recorded = "testdata/mutations.txt"

// mutants returns so many goldens with seeded damage. Only goldens that verify finds nothing in are damaged.
func mutants(t *testing.T, n int) [][]byte {
	var good [][]byte
	for name, data := range samples(t) {
		if len(data) > 200 && len(data) < 8000 && strings.HasSuffix(name, ".kbuild.btf") && len(Check(data, nil, Options{})) == 0 {
			good = append(good, data)
		}
	}
	slices.SortFunc(good, bytes.Compare)
	rng := rand.New(rand.NewPCG(3, 4))
	var list [][]byte
	for range n {
		list = append(list, mutate(bytes.Clone(good[rng.IntN(len(good))]), rng))
	}
	return list
}

// TestRecorded: what verify says of damaged BTF is what a kernel said of it when the file was written: that it takes it, or why it does not, in
// its own words. So it is known without root, too.
func TestRecorded(t *testing.T) {
	list := mutants(t, 1500)
	if *record {
		k := running(t)
		log := make([]byte, 1<<20)
		var b strings.Builder
		fmt.Fprintf(&b, "# What kernel %d.%d said of %d damaged BTFs: nothing, or its words. Written by go test ./btf/verify -run Recorded -update_recorded as root.\n", k.Major, k.Minor, len(list))
		for i, data := range list {
			err, message := kernelLoad(data, log)
			differs, _, first := agree(data, log, k)
			switch {
			case differs != "":
				t.Fatalf("mutation %d: %s", i, differs)
			case err != nil && strings.Contains(message, first):
				fmt.Fprintf(&b, "%d %s\n", i, first)
			case err != nil:
				fmt.Fprintf(&b, "%d other words\n", i)
			}
		}
		if err := os.WriteFile(recorded, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(recorded)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(data), "\n")
	var k Kernel
	if _, err := fmt.Sscanf(head, "# What kernel %d.%d", &k.Major, &k.Minor); err != nil {
		t.Fatal(err)
	}
	want := map[int]string{}
	for _, line := range strings.Split(strings.TrimSpace(rest), "\n") {
		var i int
		number, words, _ := strings.Cut(line, " ")
		if _, err := fmt.Sscan(number, &i); err != nil {
			t.Fatal(err)
		}
		want[i] = words
	}
	if len(want) < 500 {
		t.Errorf("only %d of them were refused", len(want))
	}
	for i, data := range list {
		got := ""
		for _, f := range Check(data, nil, Options{Kernel: k, Full: true}) {
			if f.Message != "" {
				got = f.Message
				break
			}
		}
		if w := want[i]; got != w && (w != "other words" || got == "") {
			t.Errorf("mutation %d: %q, the kernel said %q", i, got, w)
		}
	}
}
