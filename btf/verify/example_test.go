package verify_test

import (
	"fmt"
	"log"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/verify"
)

// Linux 5.10 knows no FLOAT, and says so in its own words.
func ExampleCheck() {
	b := btf.NewBuilder(nil)
	b.AddFloat("double", 8)
	t, err := b.Types()
	if err != nil {
		log.Fatal(err)
	}
	kernel, err := verify.ParseKernel("5.10")
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range verify.Check(t.Append(nil), nil, verify.Options{Kernel: kernel}) {
		fmt.Println(f)
	}
	fmt.Println(len(verify.Check(t.Append(nil), nil, verify.Options{})), "findings of the newest kernel")
	// Output:
	// type 1, FLOAT: Linux 5.10 does not know this kind (kernel: Invalid kind:16; since 5.13)
	// 0 findings of the newest kernel
}
