package dedup_test

import (
	"encoding/binary"
	"fmt"
	"log"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/dedup"
)

// object makes the BTF of a file that uses a struct of two integers, and one that only it has.
func object(own string) *btf.Types {
	b := btf.NewBuilder(nil)
	b.Order = binary.LittleEndian
	i := b.AddInt("int", 4, btf.Signed)
	b.AddStruct("point", 8, btf.Member{Name: "x", Type: i}, btf.Member{Name: "y", Type: i, Bit: 32})
	b.AddStruct(own, 4, btf.Member{Name: "n", Type: i})
	t, err := b.Types()
	if err != nil {
		log.Fatal(err)
	}
	return t
}

func ExampleMerge() {
	all, err := dedup.Merge([]*btf.Types{object("a"), object("b")}, nil, dedup.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for id, t := range all.All() {
		fmt.Println(id, t.Kind(), t.Name())
	}
	// A third file on these: what they have is not its own.
	split, err := dedup.Merge([]*btf.Types{object("c")}, btf.NewBase(all), dedup.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for id, t := range split.All() {
		fmt.Println(id, t.Kind(), t.Name())
	}
	// Output:
	// 1 INT int
	// 2 STRUCT point
	// 3 STRUCT a
	// 4 STRUCT b
	// 5 STRUCT c
}
