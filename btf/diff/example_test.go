package diff_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/diff"
)

// task builds BTF with a struct task, whose pid is that many bytes behind its beginning.
func task(base *btf.Types, pid uint32) *btf.Types {
	b := btf.NewBuilder(base)
	i := b.AddInt("int", 4, btf.Signed)
	b.AddStruct("task", 12, btf.Member{Name: "state", Type: i}, btf.Member{Name: "pid", Type: i, Bit: 8 * pid})
	ts, err := b.Types()
	if err != nil {
		log.Fatal(err)
	}
	return ts
}

// Two kernels' BTF is compared by meaning, whatever numbers their types have.
func ExampleCompare() {
	r := diff.Compare(task(nil, 4), task(nil, 8), diff.Options{ABI: true})
	for _, c := range r.Changed {
		for _, i := range c.Items {
			fmt.Println(c.Kind, c.Name, i.Op, i.What, i.Name, "from bit", i.A.Offset, "to bit", i.B.Offset)
		}
	}
	// Output:
	// STRUCT task moved member pid from bit 32 to bit 64
}

// A module has a copy of a type that the kernel has, too: what keeps it from being shared?
func ExampleCopies() {
	kernel := task(nil, 4)
	for _, c := range diff.Copies(task(kernel, 8)) {
		fmt.Printf("%s %s: %s: %s, not %s\n", c.Noun, c.Name, strings.Join(c.Path, " -> "), c.Here, c.Base)
	}
	// Output:
	// struct task: struct task: int pid at bit 64, not int pid at bit 32
}
