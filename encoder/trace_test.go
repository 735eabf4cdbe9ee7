package encoder_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/encoder"
)

// TestTrace compares -V with the reference's, line by line, for every fixture of which there is a golden: without one the
// reference writes nothing, or nonsense that gobtf does not repeat (type units). It runs the reference, whose path
// GOBTF_REFERENCE has (scripts/fetch/reference prints it); CI does.
func TestTrace(t *testing.T) {
	reference := os.Getenv("GOBTF_REFERENCE")
	if reference == "" {
		t.Skip("GOBTF_REFERENCE is not set: the reference's -V is not at hand")
	}
	var objects []string
	for _, fx := range readFixtures(t) {
		if _, err := os.Stat(filepath.Join(testdata, "golden", fx.name+".btf")); err == nil {
			objects = append(objects, fx.inputs...)
		}
	}
	slices.Sort(objects)
	objects = slices.Compact(objects)
	for _, set := range []string{"default", "all"} {
		opt := encoder.Options{}
		opt.Features, _ = encoder.ParseFeatures(set)
		for _, path := range objects {
			if name := filepath.Base(path); strings.HasPrefix(name, "oddtypes") || strings.HasPrefix(name, "attrforms") {
				continue // a signed enumerator past its four bytes, or in an enum without a type: the reference prints what DWARF has, gobtf what BTF has
			}
			t.Run(set+"/"+filepath.Base(path), func(t *testing.T) {
				t.Parallel()
				out := filepath.Join(t.TempDir(), "out.btf")
				want, err := exec.Command(reference, "-V", "-J", "--btf_features="+set, "--btf_encode_detached="+out, path).Output()
				if err != nil {
					t.Skipf("the reference fails: %v", err)
				}
				if _, err := os.Stat(out); err != nil {
					t.Skip("the reference writes nothing")
				}
				var got bytes.Buffer
				opt := opt
				opt.Trace = &got
				if _, err := encoder.EncodeFiles(context.Background(), []string{path}, opt); err != nil {
					t.Fatal(err)
				}
				if where := firstOther(got.String(), string(want)); where != "" {
					t.Error(where)
				}
			})
		}
	}
}

// firstOther says where two texts part, "" when they do not.
func firstOther(got, want string) string {
	if got == want {
		return ""
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	i := 0
	for i < min(len(g), len(w)) && g[i] == w[i] {
		i++
	}
	g, w = slices.Concat(g, []string{"(end)"}), slices.Concat(w, []string{"(end)"})
	return fmt.Sprintf("line %d:\n got %s\nwant %s", i+1, g[i], w[i])
}
