package encoder_test

import (
	"context"
	"fmt"
	"log"

	"github.com/gobtf/gobtf/encoder"
	"github.com/gobtf/gobtf/module"
)

// Why is a function not in BTF?
func ExampleOptions_explain() {
	f, err := module.Open("../testdata/obj/params.elf")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	opt := encoder.Options{Features: encoder.DefaultFeatures, Explain: func(x *encoder.Explained) {
		if x.Name == "un3" {
			fmt.Println(x.Name, x.Written, x.Why, x.Rule)
		}
	}}
	if _, err := encoder.Encode(context.Background(), []*module.File{f}, opt); err != nil {
		log.Fatal(err)
	}
	// Output:
	// un3 false a parameter is in a register where the calling convention does not put it params/registers
}
