package report

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/diff"
)

var record = flag.Bool("update_recorded", false, "write testdata/diffs.txt")

const recorded = "testdata/diffs.txt"

// TestRecorded: the whole text for pairs of goldens, with --abi and --exact, in full and brief, alone and in colour. There is no other tool whose
// words these could be: who changes them looks at the difference in the file.
func TestRecorded(t *testing.T) {
	goldens, err := filepath.Glob("../../../testdata/golden/*.kbuild.btf")
	if err != nil || len(goldens) < 150 {
		t.Fatalf("%d goldens, %v", len(goldens), err)
	}
	var out bytes.Buffer
	n := 0
	for i := 0; i+1 < len(goldens) && n < 30; i += 5 {
		var data [2][]byte
		var ts [2]*btf.Types
		bad := false
		for j := range ts {
			if data[j], err = os.ReadFile(goldens[i+j]); err != nil {
				t.Fatal(err)
			}
			if ts[j], err = btf.Parse(data[j], nil); err != nil {
				bad = true // split
			}
		}
		if bad || len(data[0])+len(data[1]) > 3000 {
			continue
		}
		n++
		r := &Report{A: filepath.Base(goldens[i]), B: filepath.Base(goldens[i+1])}
		r.Add("", diff.Compare(ts[0], ts[1], diff.Options{ABI: true, NameA: r.A, NameB: r.B}), diff.CompareBytes(data[0], data[1], ts[0], ts[1]))
		r.Finish()
		fmt.Fprintf(&out, "== %s %s\n", r.A, r.B)
		for _, opt := range []TextOptions{{}, {Brief: true}} {
			if err := r.Text(&out, opt); err != nil {
				t.Fatal(err)
			}
		}
		if n == 1 {
			if err := r.Text(&out, TextOptions{Colour: true}); err != nil {
				t.Fatal(err)
			}
			if err := r.JSON(&out); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n < 15 {
		t.Errorf("only %d pairs", n)
	}
	if *record {
		if err := os.WriteFile(recorded, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(recorded)
	if err != nil {
		t.Fatal(err)
	}
	got, lines := strings.Split(out.String(), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(got), len(lines)) {
		if i >= len(got) || i >= len(lines) || got[i] != lines[i] {
			t.Fatalf("line %d of %s differs: go test ./btf/diff/report -run Recorded -update_recorded shows it in git diff", i+1, recorded)
		}
	}
}
