package dump

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/testinput"
)

var record = flag.Bool("update_recorded", false, "write testdata/bpftool.txt with GOBTF_BPFTOOL")

const recorded = "testdata/bpftool.txt"

func digest(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b))[:32] }

// TestRecorded: the lines and the header of each golden, of a kernel and of a module are those that bpftool gave when the file was written: known by
// their hashes, so that it needs no bpftool.
func TestRecorded(t *testing.T) {
	base, path := vmlinux(t)
	type file struct {
		name string
		ts   *btf.Types
		args []string // of bpftool
	}
	list := []file{
		{"vmlinux.btf", base, []string{"btf", "dump", "file", path}},
		{"gobtf_demo.split.btf", parse(t, testinput.Read(t, "gobtf_demo.split.btf"), base), []string{"-B", path, "btf", "dump", "file", testinput.File(t, "gobtf_demo.split.btf")}},
	}
	goldens, err := filepath.Glob("../../testdata/golden/*.kbuild.btf")
	if err != nil || len(goldens) < 50 {
		t.Fatalf("%d goldens, %v", len(goldens), err)
	}
	for _, g := range goldens {
		data, err := os.ReadFile(g)
		if err != nil {
			t.Fatal(err)
		}
		if ts, err := btf.Parse(data, nil); err == nil && ts.Len() > 1 {
			list = append(list, file{filepath.Base(g), ts, []string{"btf", "dump", "file", g}})
		}
	}
	if *record {
		var b strings.Builder
		b.WriteString("# SHA-256 (32 digits) of what bpftool dumps: FILE LINES HEADER. Written by go test ./btf/dump -run Recorded -update_recorded.\n")
		for _, f := range list {
			fmt.Fprint(&b, f.name)
			for _, more := range [][]string{nil, {"format", "c"}} {
				out, err := exec.Command(os.Getenv("GOBTF_BPFTOOL"), append(f.args, more...)...).Output()
				if err != nil {
					t.Fatalf("%s: %v", f.name, err)
				}
				fmt.Fprint(&b, " ", digest(out))
			}
			b.WriteByte('\n')
		}
		if err := os.WriteFile(recorded, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(recorded)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{}
	for _, line := range strings.Split(string(data), "\n") {
		if f := strings.Fields(line); len(f) == 3 {
			want[f[0]] = f[1:]
		}
	}
	for _, f := range list {
		w := want[f.name]
		if w == nil {
			t.Errorf("%s: not in %s: go test -update_recorded", f.name, recorded)
			continue
		}
		if got := digest([]byte(raw(t, f.ts))); got != w[0] {
			t.Errorf("%s: the lines are others than bpftool's (GOBTF_BPFTOOL=... go test -run TestBpftool shows the first)", f.name)
		}
		var b bytes.Buffer
		if err := C(&b, f.ts, nil, f.ts.AddressSize()); err != nil {
			t.Fatal(err)
		}
		if got := digest(b.Bytes()); got != w[1] {
			t.Errorf("%s: the header is another than bpftool's (GOBTF_BPFTOOL=... go test -run TestBpftool shows the first line)", f.name)
		}
	}
}

func raw(t *testing.T, ts *btf.Types) string {
	t.Helper()
	ids, err := Select(ts, Selection{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := Raw(&b, ts, ids); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
