package encoder_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/encoder"
)

// The module in testdata/module, as the kernel build would encode it, on the BTF that Debian has in the vmlinux it was built for.
func TestModule(t *testing.T) {
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(testdata, "module", name))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, ".zst") {
			return data
		}
		d, err := zstd.NewReader(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if data, err = d.DecodeAll(data, nil); err != nil {
			t.Fatal(err)
		}
		return data
	}
	base, err := btf.Parse(read("vmlinux.btf.zst"), nil)
	if err != nil {
		t.Fatal(err)
	}
	ko := filepath.Join(testdata, "module", "gobtf_demo.ko.zst")
	features := encoder.DefaultFeatures | encoder.Attributes
	encode := func(opt encoder.Options) []byte {
		opt.Features = features
		res, err := encoder.EncodeFiles(context.Background(), []string{ko}, opt)
		if err != nil {
			t.Fatal(err)
		}
		return res.BTF
	}
	if got, want := encode(encoder.Options{}), read("gobtf_demo.standalone.btf"); !bytes.Equal(got, want) {
		t.Errorf("standalone: %s", firstDifference(got, want, nil))
	}
	quirks := read("gobtf_demo.split.btf.zst")
	if got := encode(encoder.Options{Base: btf.NewBase(base), Quirks: true}); !bytes.Equal(got, quirks) {
		t.Errorf("split: %s", firstDifference(got, quirks, base))
	}
	split := encode(encoder.Options{Base: btf.NewBase(base)})
	if len(split)*4 > len(quirks) {
		t.Errorf("without pahole's defects %d bytes, with them %d", len(split), len(quirks))
	}
	types, err := btf.Parse(split, base)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"'gobtf_demo_acquire'", "'demo_obj'", "'demo_stats'", "'.data..percpu'", "'bpf_kfunc'"} {
		found := false
		for id := types.Start(); int(id) < types.Len() && !found; id++ {
			found = strings.Contains(types.Describe(id), want)
		}
		if !found {
			t.Errorf("the split BTF has no %s", want)
		}
	}
}
