package dwarfgen

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// A Case makes a file whose size grows with n and that some way of reading DWARF takes far more than linear time or memory for.
type Case struct {
	Name string
	N    int // the size that tests begin with; they go to four times that
	Make func(n int) *Object
	// Refused is what gobtf says of it, when it says more than that nothing is in it.
	Refused string
}

const text = 0x1000 // where functions are

func object(units ...*Unit) *Object {
	return &Object{Units: units, Sections: []Section{
		{Name: ".text", Type: 1, Flags: 6, Addr: text, Data: make([]byte, 4096)},
		{Name: ".data..percpu", Type: 8, Flags: 3, Addr: 1 << 24, Size: 1 << 24},
	}}
}

// symbol is a global function's.
func symbol(name string, at uint64) Symbol {
	return Symbol{Name: name, Value: at, Size: 1, Info: 0x12, Section: 1}
}

// chain makes n entries of a tag, each with the type of the one before; the last one has the name "last".
func chain(tag uint64, n int, named bool) *Object {
	last := Int()
	kids := []*DIE{last}
	for i := range n {
		d := New(tag, Type(last))
		if named {
			d.Attrs = append(d.Attrs, Name(fmt.Sprintf("t%d", i)))
		}
		kids, last = append(kids, d), d
	}
	return object(CU(append(kids, New(TagTypedef, Name("last"), Type(last)))...))
}

// ring is chain whose first entry has the last one's type.
func ring(tag uint64, n int) *Object {
	o := chain(tag, n, tag == TagTypedef)
	kids := o.Units[0].Root.Kids
	kids[1].Attrs[0] = Type(kids[n])
	return o
}

func funcsAndSymbols(n int, name func(i int) string) *Object {
	i := Int()
	kids := []*DIE{i}
	o := object()
	for k := range n {
		at := uint64(text + 4*k)
		kids = append(kids, Func(name(k), i, at, New(TagParameter, Name("a"), Type(i))))
		o.Symbols = append(o.Symbols, symbol(name(k), at))
	}
	o.Units = []*Unit{CU(kids...)}
	return o
}

// tables are n units that each enter one table of 5 n abbreviations at another place.
func tables(n int, place func(i int) int) *Object {
	o := object()
	var ab []byte
	var at []uint32
	for i := range 5 * n {
		at = append(at, uint32(len(ab)))
		ab = Abbrev(ab, uint64(1000+i), TagTypedef, false, AtName, FormString)
	}
	ab = Abbrev(ab, 1, TagCompileUnit, true, AtName, FormString, AtLanguage, FormData1)
	ab = Abbrev(ab, 2, TagBase, false, AtName, FormString, AtByteSize, FormData1, AtEncoding, FormData1)
	o.Abbrev = append(ab, 0)
	for i := range n {
		u := CU(Int())
		u.AbbrevAt = at[place(i)]
		o.Units = append(o.Units, u)
	}
	return o
}

// Cases returns all of them.
func Cases() []Case {
	return []Case{
		{"typedefs in a chain", 20000, func(n int) *Object { return chain(TagTypedef, n, true) }, ""},
		{"pointers in a chain", 20000, func(n int) *Object { return chain(TagPointer, n, false) }, ""},
		{"qualifiers in a chain", 20000, func(n int) *Object { return chain(TagConst, n, false) }, ""},
		{"typedefs in a ring", 20000, func(n int) *Object { return ring(TagTypedef, n) }, ""},
		{"pointers in a ring", 20000, func(n int) *Object { return ring(TagPointer, n) }, "reference loop"},
		{"structs in structs", 5000, func(n int) *Object { // each holds the one before twice
			last := Struct("s", 0)
			kids := []*DIE{Int(), last}
			for i := range n {
				last = Struct(fmt.Sprintf("s%d", i), 0, Member("a", last, 0), Member("b", last, 0))
				kids = append(kids, last)
			}
			return object(CU(kids...))
		}, ""},
		{"structs with bit fields in structs", 25, func(n int) *Object { // n levels, 2^n ways to the innermost
			last := Struct("s", 8, Member("x", nil, 0))
			i := Int()
			last.Kids[0] = New(TagMember, Name("x"), Type(i), Num(AtBitSize, 3), Num(AtDataBitOffset, 1))
			kids := []*DIE{i, last}
			for k := range n {
				last = Struct(fmt.Sprintf("s%d", k), 16, Member("a", last, 0), Member("b", last, 8))
				kids = append(kids, last)
			}
			return object(CU(kids...))
		}, ""},
		{"structs defined in structs", 5000, func(n int) *Object {
			top := Struct("s", 4)
			for d, i := top, 0; i < n; i++ {
				k := Struct(fmt.Sprintf("s%d", i), 4)
				d.Kids, d = []*DIE{k}, k
			}
			return object(CU(Int(), top))
		}, ""},
		{"blocks in blocks", 5000, func(n int) *Object {
			i := Int()
			f := Func("f", i, text)
			d := f
			for range n {
				k := New(TagLexicalBlock)
				d.Kids, d = []*DIE{k}, k
			}
			d.Open = true
			o := object(CU(i, f))
			o.Symbols = []Symbol{symbol("f", text)}
			return o
		}, ""},
		{"members", 20000, func(n int) *Object { // more than a record can count from 65,536 on
			i, s := Int(), Struct("s", uint64(4*n))
			for k := range n {
				s.Kids = append(s.Kids, Member(fmt.Sprintf("m%d", k), i, uint64(4*k)))
			}
			return object(CU(i, s))
		}, ""},
		{"enumerators", 20000, func(n int) *Object {
			e := New(TagEnum, Name("e"), Attr{AtByteSize, FormData1, uint64(4)})
			for k := range n {
				e.Kids = append(e.Kids, New(TagEnumerator, Name(fmt.Sprintf("e%d", k)), Num(AtConst, uint64(k))))
			}
			return object(CU(Int(), e))
		}, ""},
		{"parameters", 20000, func(n int) *Object {
			i := Int()
			f := Func("f", i, text)
			for k := range n {
				f.Kids = append(f.Kids, New(TagParameter, Name(fmt.Sprintf("p%d", k)), Type(i)))
			}
			o := object(CU(i, f))
			o.Symbols = []Symbol{symbol("f", text)}
			return o
		}, ""},
		{"dimensions", 10000, func(n int) *Object {
			i := Int()
			a := New(TagArray, Type(i))
			for range n {
				a.Kids = append(a.Kids, New(TagSubrange, Type(i), Num(AtUpperBound, 0)))
			}
			return object(CU(i, a, New(TagTypedef, Name("t"), Type(a))))
		}, ""},
		{"units", 10000, func(n int) *Object {
			o := object()
			for range n {
				o.Units = append(o.Units, CU(New(TagTypedef, Name("t"))))
			}
			return o
		}, ""},
		{"units of their own", 10000, func(n int) *Object {
			o := object()
			for i := range n {
				d := Int()
				o.Units = append(o.Units, CU(d, Struct(fmt.Sprintf("s%d", i), 4, Member("m", d, 0))))
			}
			return o
		}, ""},
		{"empty units", 100000, func(n int) *Object {
			o := object(CU(Int()))
			for range n {
				o.Units = append(o.Units, &Unit{})
			}
			return o
		}, ""},
		{"entries of one byte", 100000, func(n int) *Object {
			o := object(CU(Int()))
			for range n {
				o.Units[0].Root.Kids = append(o.Units[0].Root.Kids, New(TagPointer))
			}
			return o
		}, ""},
		{"abbreviations", 50000, func(n int) *Object { return tables(n/5, func(int) int { return 0 }) }, ""},
		{"tables entered upwards", 2000, func(n int) *Object { return tables(n, func(i int) int { return i }) }, ""},
		{"tables entered downwards", 2000, func(n int) *Object { return tables(n, func(i int) int { return n - i }) }, ""},
		{"names that are ends of one", 20000, func(n int) *Object {
			o := object(CU(Int()))
			for i := range n {
				o.Units[0].Root.Kids = append(o.Units[0].Root.Kids, New(TagTypedef, Attr{AtName, FormStrp, uint64(i)}))
			}
			o.Str = append(bytes.Repeat([]byte{'a'}, n), 0)
			return o
		}, "names are longer together"},
		{"symbols' names that are ends of one", 20000, func(n int) *Object {
			o := funcsAndSymbols(1, func(int) string { return "f" })
			for i := range n {
				o.Symbols = append(o.Symbols, symbol("", uint64(text+4*i)))
			}
			o.StrTab = append(append([]byte{0}, bytes.Repeat([]byte{'a'}, n+1)...), 0)
			return o
		}, "names are longer together"},
		{"functions and symbols of one name", 10000, func(n int) *Object { return funcsAndSymbols(n, func(int) string { return "f" }) }, ""},
		{"functions and symbols", 10000, func(n int) *Object { return funcsAndSymbols(n, func(i int) string { return fmt.Sprintf("f%d", i) }) }, ""},
		{"functions with tags", 2000, func(n int) *Object {
			o := funcsAndSymbols(n, func(i int) string { return fmt.Sprintf("f%d", i/8) })
			for _, f := range o.Units[0].Root.Kids[1:] {
				for k := range 20 {
					f.Kids = append(f.Kids, New(TagLLVMAnnotation, Name("btf_decl_tag"), Attr{AtConst, FormString, fmt.Sprintf("tag%d", k)}))
				}
			}
			return o
		}, ""},
		{"one function with many tags", 20000, func(n int) *Object {
			o := funcsAndSymbols(1, func(int) string { return "f" })
			f := o.Units[0].Root.Kids[1]
			for k := range n {
				f.Kids = append(f.Kids, New(TagLLVMAnnotation, Name("btf_decl_tag"), Attr{AtConst, FormString, fmt.Sprintf("tag%d", k)}))
			}
			return o
		}, ""},
		{"one location list for all parameters", 4000, func(n int) *Object {
			o := funcsAndSymbols(n, func(i int) string { return fmt.Sprintf("f%d", i) })
			var list []byte
			for i := range n {
				list = binary.LittleEndian.AppendUint64(list, uint64(i+1))
				list = binary.LittleEndian.AppendUint64(list, uint64(i+2))
				list = append(list, 1, 0, 0x9f)
			}
			o.Sections = append(o.Sections, Section{Name: ".debug_loc", Type: 1, Data: append(list, make([]byte, 16)...)})
			for _, f := range o.Units[0].Root.Kids[1:] {
				f.Kids[0].Attrs = append(f.Kids[0].Attrs, Attr{AtLocation, FormSecOffset, uint64(0)})
			}
			return o
		}, ""},
		{"variables", 10000, func(n int) *Object {
			i := Int()
			o := object(CU(i))
			for k := range n {
				at, name := uint64(1<<24+4*k), fmt.Sprintf("v%d", k)
				o.Units[0].Root.Kids = append(o.Units[0].Root.Kids, Var(name, i, at))
				o.Symbols = append(o.Symbols, Symbol{Name: name, Value: at, Size: 4, Info: 0x11, Section: 2})
			}
			return o
		}, ""},
		{"variables of one name", 10000, func(n int) *Object {
			i := Int()
			o := object(CU(i))
			for k := range n {
				at := uint64(1<<24 + 4*k)
				o.Units[0].Root.Kids = append(o.Units[0].Root.Kids, Var("v", i, at))
				o.Symbols = append(o.Symbols, Symbol{Name: "v", Value: at, Size: 4, Info: 0x11, Section: 2})
			}
			return o
		}, ""},
		{"sections", 2000, func(n int) *Object { // gobtf takes at most 65,279, as ELF does without extensions
			i := Int()
			o := object(CU(i))
			for k := range n {
				at, name := uint64(1<<26+16*k), fmt.Sprintf("v%d", k)
				o.Sections = append(o.Sections, Section{Name: fmt.Sprintf(".data.%d", k), Type: 1, Flags: 3, Addr: at, Data: make([]byte, 4)})
				o.Units[0].Root.Kids = append(o.Units[0].Root.Kids, Var(name, i, at))
				o.Symbols = append(o.Symbols, Symbol{Name: name, Value: at, Size: 4, Info: 0x11, Section: uint16(3 + k)})
			}
			return o
		}, ""},
		{"type units", 2000, func(n int) *Object {
			o := object()
			main := CU(Int())
			for k := range n {
				s := Struct(fmt.Sprintf("s%d", k), 4)
				u := CU(s)
				u.Signature, u.Type = uint64(k+1), s
				o.Units = append(o.Units, u)
				main.Root.Kids = append(main.Root.Kids, New(TagTypedef, Name(fmt.Sprintf("t%d", k)), Attr{AtTyp, FormRefSig8, uint64(k + 1)}))
			}
			o.Units = append(o.Units, main)
			return o
		}, ""},
		{"units that import one", 2000, func(n int) *Object {
			part := &Unit{Root: New(TagPartialUnit)}
			i := Int()
			part.Root.Kids = []*DIE{i}
			o := object(part)
			for k := range n {
				o.Units = append(o.Units, CU(New(TagImportedUnit, Attr{AtImport, FormRefAddr, part.Root}),
					New(TagTypedef, Name(fmt.Sprintf("t%d", k)), Attr{AtTyp, FormRefAddr, i})))
			}
			return o
		}, ""},
		{"imports in a chain", 2000, func(n int) *Object {
			o := object()
			var last *DIE
			for k := range n {
				root := New(TagPartialUnit)
				root.Kids = []*DIE{New(TagTypedef, Name(fmt.Sprintf("t%d", k)))}
				if last != nil {
					root.Kids = append(root.Kids, New(TagImportedUnit, Attr{AtImport, FormRefAddr, last}))
				}
				o.Units, last = append(o.Units, &Unit{Root: root}), root
			}
			o.Units = append(o.Units, CU(Int(), New(TagImportedUnit, Attr{AtImport, FormRefAddr, last})))
			return o
		}, ""},
		{"origins in a chain", 5000, func(n int) *Object {
			i := Int()
			first := New(TagSubprogram, Name("f"), Flag(AtPrototyped), Type(i), Flag(AtExternal))
			kids, last := []*DIE{i, first}, first
			for range n {
				d := New(TagSubprogram, Ref(AtOrigin, last))
				kids, last = append(kids, d), d
			}
			last.Attrs = append(last.Attrs, Attr{AtLowPC, FormAddr, uint64(text)}, Attr{AtHighPC, FormData4, uint64(1)})
			o := object(CU(kids...))
			o.Symbols = []Symbol{symbol("f", text)}
			return o
		}, ""},
		{"a long name", 1 << 18, func(n int) *Object {
			s := string(bytes.Repeat([]byte{'n'}, n))
			i := Int()
			return object(CU(i, Struct(s, 4, Member(s, i, 0))))
		}, ""},
	}
}
