package dedup

import (
	"os"
	"strconv"
	"testing"
)

// TestModel compares with the model on random inputs. GOBTF_DEDUP_CASES makes it more.
func TestModel(t *testing.T) {
	cases := uint64(6000)
	if s := os.Getenv("GOBTF_DEDUP_CASES"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		cases = n
	}
	var asked, failed int
	for seed := range cases {
		in := newGen(seed).input()
		d, err := in.compare()
		if err != nil {
			in.failWith(t, seed, err)
		}
		if d.asked > 0 {
			asked++
		}
		if d.m == nil {
			failed++
		}
	}
	t.Logf("%d inputs, %d of them ask whether types are identical", cases, asked)
}

func FuzzDedup(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) {
		in := newGen(seed).input()
		if _, err := in.compare(); err != nil {
			in.failWith(t, seed, err)
		}
	})
}
