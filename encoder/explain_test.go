package encoder

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
)

// TestExplain: what is explained as written is what the BTF has, no more and no less; each other function has a reason and a rule, and
// every copy that a unit has of one has its prototype.
func TestExplain(t *testing.T) {
	reasons := map[string]bool{}
	for _, name := range []string{"params", "statics", "clones", "sig_clang", "packed", "reordered", "lto", "weak"} {
		path := "../testdata/obj/" + name + ".elf"
		var written []string
		res, err := EncodeFiles(context.Background(), []string{path}, Options{Features: DefaultFeatures, Jobs: 1, Explain: func(x *Explained) {
			if x.Why == "" || !strings.Contains(x.Rule, "/") || len(x.Copies) == 0 {
				t.Errorf("%s: %+v", name, x)
			}
			if x.Written {
				written = append(written, x.Name)
			} else {
				reasons[x.Rule] = true
			}
			for _, c := range x.Copies {
				if x.Rule != "functions/saved" && !strings.Contains(c.Proto, x.Name+"(") {
					t.Errorf("%s: %s: prototype %q", name, x.Name, c.Proto)
				}
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		ts, err := btf.Parse(res.BTF, nil)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, x := range ts.All() {
			if x.Kind() == btf.Func {
				want = append(want, x.Name())
			}
		}
		slices.Sort(want)
		slices.Sort(written)
		if !slices.Equal(written, want) {
			t.Errorf("%s: explained as written: %v, in BTF: %v", name, written, want)
		}
	}
	for _, rule := range []string{"params/registers", "functions/inconsistent", "params/uncertain", "functions/reordered", "functions/left-out", "functions/table", "functions/saved"} {
		if !reasons[rule] {
			t.Errorf("no function is left out by rule %s", rule)
		}
	}
}
