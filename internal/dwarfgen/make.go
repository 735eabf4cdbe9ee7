package dwarfgen

// Name is a name in DW_FORM_string.
func Name(s string) Attr { return Attr{AtName, FormString, s} }

// Num is a number in DW_FORM_udata.
func Num(at, v uint64) Attr { return Attr{at, FormUdata, v} }

// Flag is a flag that is set.
func Flag(at uint64) Attr { return Attr{at, FormFlagPresent, nil} }

// Ref is a reference within the unit.
func Ref(at uint64, to *DIE) Attr { return Attr{at, FormRef4, to} }

// Type is the reference to a DIE's type.
func Type(to *DIE) Attr { return Ref(AtTyp, to) }

// New makes an entry.
func New(tag uint64, attrs ...Attr) *DIE { return &DIE{Tag: tag, Attrs: attrs} }

// Int is the type int.
func Int() *DIE {
	return New(TagBase, Name("int"), Attr{AtByteSize, FormData1, uint64(4)}, Attr{AtEncoding, FormData1, uint64(5)})
}

// Struct is a struct of a size with members.
func Struct(name string, size uint64, members ...*DIE) *DIE {
	d := New(TagStruct, Num(AtByteSize, size))
	if name != "" {
		d.Attrs = append(d.Attrs, Name(name))
	}
	d.Kids, d.Open = members, true
	return d
}

// Member is a member at an offset.
func Member(name string, typ *DIE, off uint64) *DIE {
	return New(TagMember, Name(name), Type(typ), Num(AtMemberLoc, off))
}

// Func is a function at an address, with parameters.
func Func(name string, ret *DIE, addr uint64, params ...*DIE) *DIE {
	d := New(TagSubprogram, Flag(AtExternal), Name(name), Flag(AtPrototyped), Type(ret), Attr{AtLowPC, FormAddr, addr}, Attr{AtHighPC, FormData4, uint64(1)})
	d.Kids = params
	return d
}

// Var is a variable at an address.
func Var(name string, typ *DIE, addr uint64) *DIE {
	loc := []byte{3}
	for i := range 8 {
		loc = append(loc, byte(addr>>(8*i)))
	}
	return New(TagVariable, Name(name), Type(typ), Flag(AtExternal), Attr{AtLocation, FormExprloc, loc})
}

// CU is a unit of C with these entries.
func CU(kids ...*DIE) *Unit {
	root := New(TagCompileUnit, Name("a.c"), Attr{AtLanguage, FormData1, uint64(12)})
	root.Kids, root.Open = kids, true
	return &Unit{Root: root}
}
