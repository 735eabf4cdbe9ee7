package dwarf2btf_test

import (
	"debug/elf"
	"fmt"
	"log"

	"github.com/gobtf/gobtf/dwarf2btf"
)

// The sections may come from any reader; debug/elf's decompresses them.
func Example() {
	f, err := elf.Open("../testdata/obj/statics.elf")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	section := func(name string) []byte {
		if s := f.Section(name); s != nil {
			b, err := s.Data()
			if err != nil {
				log.Fatal(err)
			}
			return b
		}
		return nil
	}
	conv, err := dwarf2btf.New(dwarf2btf.Sections{
		Info: section(".debug_info"), Abbrev: section(".debug_abbrev"), Str: section(".debug_str"), LineStr: section(".debug_line_str"),
		Loc: section(".debug_loc"), Loclists: section(".debug_loclists"),
	}, dwarf2btf.Options{Float: true})
	if err != nil {
		log.Fatal(err)
	}
	for i := range conv.Len() {
		u, err := conv.Convert(i)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %d types\n", u.Name, u.Types.Len()-1)
		for _, fn := range u.Functions {
			fmt.Printf("\t%s(", fn.Name)
			for j, p := range fn.Params {
				if j > 0 {
					fmt.Print(", ")
				}
				fmt.Printf("%s %s", u.Types.Type(p.Type).Name(), p.Name)
			}
			fmt.Printf(") %s\n", u.Types.Type(fn.Ret).Name())
		}
	}
	// Output:
	// statics.c: 3 types
	// 	aa_last_by_place_only() int
	// 	ub(int a) int
	// 	zz(int b) int
	// 	diff( a) int
	// 	dup(int b) int
	// 	diff( a) int
	// statics.c: 1 types
	// 	ua(int a) int
	// 	zz(int a) int
	// 	diff(int a) int
	// 	dup(int a) int
	// 	lead() int
}
