package encoder_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/encoder"
	"github.com/gobtf/gobtf/module"
)

// unpackFile writes a file of testdata, unpacked, into a folder.
func unpackFile(dir, name string) (string, error) {
	packed, err := os.ReadFile(filepath.Join("..", "testdata", "module", name+".zst"))
	if err != nil {
		return "", err
	}
	d, err := zstd.NewReader(nil)
	if err != nil {
		return "", err
	}
	defer d.Close()
	data, err := d.DecodeAll(packed, nil)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	return path, os.WriteFile(path, data, 0o644)
}

// A module gets BTF that continues its kernel's.
func Example() {
	dir, err := os.MkdirTemp("", "gobtf-example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	vmlinux, err := unpackFile(dir, "vmlinux.btf")
	if err != nil {
		log.Fatal(err)
	}
	ko, err := unpackFile(dir, "gobtf_demo.ko")
	if err != nil {
		log.Fatal(err)
	}
	if err := encodeModule(context.Background(), vmlinux, ko); err != nil {
		log.Fatal(err)
	}
	// Output:
	// ENUM64 demo_state
	// STRUCT demo_stats
	// STRUCT demo_obj
}

// encodeModule is what the README shows.
func encodeModule(ctx context.Context, vmlinux, ko string) error {
	t, err := btf.ReadFile(vmlinux, nil) // an ELF file with .BTF, or BTF itself
	if err != nil {
		return err
	}
	base := btf.NewBase(t)
	f, err := module.Open(ko)
	if err != nil {
		return err
	}
	defer f.Close()
	opt := encoder.Options{Features: encoder.DefaultFeatures, Base: base}
	res, err := encoder.Encode(ctx, []*module.File{f}, opt)
	if err != nil {
		return err
	}
	types, err := btf.Parse(res.BTF, base.Types)
	if err != nil {
		return err
	}
	for _, t := range types.All() {
		if k := t.Kind(); t.Name() != "" && (k == btf.Struct || k == btf.Union || k == btf.Enum || k == btf.Enum64) {
			fmt.Println(k, t.Name())
		}
	}
	_, err = encoder.WriteInPlace(f, res, opt)
	return err
}
