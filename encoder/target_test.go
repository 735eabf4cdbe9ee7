package encoder_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/verify"
	"github.com/gobtf/gobtf/encoder"
)

// TestFor encodes every fixture with all features for each kernel that has something of its own. What comes out is what that
// kernel takes, or Encode says why not: names and addresses do not change with the target.
func TestFor(t *testing.T) {
	all, _ := encoder.ParseFeatures("all")
	done, refused := 0, 0
	for _, path := range glob(t, filepath.Join(testdata, "obj", "*.elf")) {
		for _, k := range []verify.Kernel{{Major: 5, Minor: 10}, {Major: 5, Minor: 15}, {Major: 5, Minor: 16}, {Major: 5, Minor: 19}, {Major: 6, Minor: 1}, {Major: 6, Minor: 12}, {Major: 7, Minor: 2}} {
			opt := encoder.Options{Features: all, Header: btf.HeaderLayout, Jobs: 1}.For(k)
			res, err := encoder.EncodeFiles(context.Background(), []string{path}, opt)
			switch {
			case err != nil && strings.Contains(err.Error(), "does not take this BTF: "):
				refused++
				for _, kind := range []string{"does not know this kind", "kind_flag", "Unsupported btf_header"} {
					if strings.Contains(err.Error(), kind) {
						t.Errorf("Linux %v: %v", k, err)
					}
				}
			case err != nil && !errors.Is(err, context.Canceled):
				// What cannot be encoded at all is another test's.
			case !res.Empty:
				done++
				if found := verify.Check(res.BTF, nil, verify.Options{Kernel: k}); len(found) > 0 {
					t.Errorf("%s: Linux %v: %v", path, k, found[0])
				}
			}
		}
	}
	if done < 500 || refused == 0 || refused > done/5 {
		t.Errorf("%d encoded, %d refused", done, refused)
	}
}
