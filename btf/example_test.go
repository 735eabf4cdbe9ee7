package btf_test

import (
	"encoding/binary"
	"fmt"
	"log"

	"github.com/gobtf/gobtf/btf"
)

// Types are made one after the other; each gets the next number.
func ExampleBuilder() {
	b := btf.NewBuilder(nil)
	b.Order = binary.LittleEndian
	i := b.AddInt("int", 4, btf.Signed)
	node := b.Next() + 1 // a pointer to a struct that comes behind it
	next := b.AddPtr(node)
	b.AddStruct("node", 16, btf.Member{Name: "next", Type: next}, btf.Member{Name: "value", Type: i, Bit: 64})
	t, err := b.Types()
	if err != nil {
		log.Fatal(err)
	}
	data := t.Append(nil) // what a .BTF section holds
	again, err := btf.Parse(data, nil)
	if err != nil {
		log.Fatal(err)
	}
	for id, x := range again.All() {
		fmt.Println(id, x.Kind(), x.Name(), x.Size())
		for m := range x.Members() {
			fmt.Printf("\t%s: type %d at byte %d\n", m.Name, m.Type, m.Bit/8)
		}
	}
	// Output:
	// 1 INT int 4
	// 2 PTR  0
	// 3 STRUCT node 16
	// 	next: type 2 at byte 0
	// 	value: type 1 at byte 8
}
