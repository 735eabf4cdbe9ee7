package btf_test

import (
	"fmt"
	"log"

	"github.com/gobtf/gobtf/btf"
)

// list builds the types of
//
//	struct list { struct list *next; int value; };
func list() *btf.Types {
	b := btf.NewBuilder(nil)
	i := b.AddInt("int", 4, btf.Signed)
	ptr := b.AddPtr(b.Next() + 1) // to the struct, which comes next
	b.AddStruct("list", 16,
		btf.Member{Name: "next", Type: ptr},
		btf.Member{Name: "value", Type: i, Bit: 64},
	)
	t, err := b.Types()
	if err != nil {
		log.Fatal(err)
	}
	return t
}

// A BTF is built type by type. An id may be used before its type is there.
func ExampleBuilder() {
	t := list()
	for id := range t.All() {
		fmt.Println(t.Describe(id))
	}
	fmt.Println(len(t.Append(nil)), "bytes")
	// Output:
	// [1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED
	// [2] PTR '(anon)' type_id=3
	// [3] STRUCT 'list' size=16 vlen=2
	// 	'next' type_id=2 bits_offset=0
	// 	'value' type_id=1 bits_offset=64
	// 109 bytes
}

// What is in a BTF is looked at through views, which copy nothing.
func ExampleParse() {
	data := list().Append(nil) // or the contents of /sys/kernel/btf/vmlinux
	types, err := btf.Parse(data, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range types.All() {
		for m := range t.Members() {
			fmt.Printf("%s.%s: a %v at byte %d\n", t.Name(), m.Name, types.Type(m.Type).Kind(), m.Bit/8)
		}
	}
	// Output:
	// list.next: a PTR at byte 0
	// list.value: a INT at byte 8
}

// The BTF of a module continues that of the kernel: its ids and strings begin where the kernel's end.
func ExampleNewBuilder_split() {
	kernel := list()
	b := btf.NewBuilder(kernel)
	b.AddTypedef("list_t", 3)
	module, err := b.Types()
	if err != nil {
		log.Fatal(err)
	}
	for id, t := range module.All() {
		fmt.Println(id, t.Kind(), t.Name(), "is", module.Type(t.Ref()).Name())
	}
	// Output:
	// 4 TYPEDEF list_t is list
}

// A search goes over all references, whatever the kind.
func ExampleType_Refs() {
	t := list()
	for id, x := range t.All() {
		for to := range x.Refs() {
			fmt.Println(id, "->", to)
		}
	}
	// Output:
	// 2 -> 3
	// 3 -> 2
	// 3 -> 1
}

// Whoever has many modules on one kernel makes one Base: what is looked up in it is indexed once.
func ExampleBase() {
	base := btf.NewBase(list())
	for _, id := range base.StructsNamed("list") {
		fmt.Println(id, base.Type(id).Size(), "bytes")
	}
	// Output:
	// 3 16 bytes
}
