package refit_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"github.com/gobtf/gobtf/module"
	"github.com/gobtf/gobtf/refit"
)

// A module that was built without BTF gets it, and fits its kernel then.
func Example() {
	dir, err := os.MkdirTemp("", "gobtf-example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	d, err := zstd.NewReader(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer d.Close()
	for _, name := range []string{"vmlinux.btf", "gobtf_demo.ko"} {
		packed, err := os.ReadFile(filepath.Join("..", "testdata", "module", name+".zst"))
		if err != nil {
			log.Fatal(err)
		}
		data, err := d.DecodeAll(packed, nil)
		if err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			log.Fatal(err)
		}
	}
	ko := filepath.Join(dir, "gobtf_demo.ko")
	kernel, err := module.ReadBase(filepath.Join(dir, "vmlinux.btf"))
	if err != nil {
		log.Fatal(err)
	}
	r, err := refit.AddFile(context.Background(), ko, kernel, "", refit.Split, refit.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r)
	if r, err = refit.RebaseFile(context.Background(), ko, kernel, refit.Options{Check: true}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(r)
	// Output:
	// none -> split, from its DWARF: 22 types of its own, 15 of the base, .BTF_ids renumbered
	// split BTF fits as it is
}
