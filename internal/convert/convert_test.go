package convert

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/dwarfscan"
	"github.com/gobtf/gobtf/internal/graph"
)

// The abbreviations of the hand-made units here: two tables that give the same codes to other tags.
var (
	tableA = []byte{
		1, 0x11, 1, 0, 0, // compile_unit
		2, 0x24, 0, 0x03, 0x08, 0x3e, 0x0b, 0x0b, 0x0b, 0, 0, // base_type name encoding byte_size
		3, 0x16, 0, 0x03, 0x08, 0x49, 0x10, 0, 0, // typedef name type (ref_addr)
		4, 0x04, 1, 0x03, 0x08, 0x0b, 0x0b, 0x49, 0x10, 0, 0, // enumeration_type name byte_size type (ref_addr)
		5, 0x28, 0, 0x03, 0x08, 0x1c, 0x0d, 0, 0, // enumerator name const_value
		6, 0x3d, 0, 0x18, 0x10, 0, 0, // imported_unit import (ref_addr)
		7, 0x3c, 1, 0, 0, // partial_unit
		8, 0x10, 0, 0x49, 0x13, 0, 0, // reference_type type
		9, 0x16, 0, 0x03, 0x08, 0x49, 0x20, 0, 0, // typedef name type (ref_sig8)
		10, 0x41, 1, 0, 0, // type_unit
		0,
	}
	tableB = []byte{
		1, 0x3c, 1, 0, 0, // partial_unit
		4, 0x24, 0, 0x03, 0x08, 0x3e, 0x0b, 0x0b, 0x0b, 0, 0, // base_type name encoding byte_size
		0,
	}
	abbrevs = append(bytes.Clone(tableA), tableB...)
)

// info joins units (DWARF 4) of the tables at the given offsets. A DIE at index i of a unit's content is at 11+i there.
type unitBytes struct {
	abbrev int
	dies   []byte
}

func info(units ...unitBytes) []byte {
	var b []byte
	for _, u := range units {
		b = binary.LittleEndian.AppendUint32(b, uint32(7+len(u.dies)))
		b = binary.LittleEndian.AppendUint16(b, 4)
		b = binary.LittleEndian.AppendUint32(b, uint32(u.abbrev))
		b = append(append(b, 8), u.dies...)
	}
	return b
}

func cat(parts ...[]byte) []byte { return slices.Concat(parts...) }

func base(code byte, name string, enc, size byte) []byte {
	return cat([]byte{code}, []byte(name), []byte{0, enc, size})
}

func addr(off int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(off)) }

// convertAll converts everything and returns the units, or the error.
func convertAll(sec Sections, opt Options) ([]*Unit, *graph.Shapes, error) {
	shapes := graph.NewShapes(graph.NewStrings())
	c, err := New(sec, shapes, opt)
	if err != nil {
		return nil, nil, err
	}
	var all []*Unit
	w := c.NewWorker()
	for i := range c.Len() {
		u := &Unit{}
		if err := w.Convert(i, i, u); err != nil {
			return nil, nil, err
		}
		all = append(all, u)
	}
	return all, shapes, nil
}

func sections(b []byte) Sections {
	return Sections{Info: bytes.NewReader(b), InfoBytes: b, InfoSize: uint64(len(b)), Abbrev: abbrevs}
}

func kinds(u *Unit) (all []btf.Kind) {
	for _, sh := range u.Shape {
		all = append(all, sh.Kind())
	}
	return all
}

// A partial unit is walked where it is imported for the first time and in its own turn; references lead to the last copy.
func TestImportedUnit(t *testing.T) {
	partial := cat([]byte{7}, base(2, "int", 5, 4), []byte{0})
	own := 11 + len(partial) // of the second unit
	user := cat([]byte{1, 6}, addr(11), []byte{3, 't', 0}, addr(12), []byte{0})
	for _, tt := range []struct {
		name string
		b    []byte
		want []btf.Kind
		ref  uint32 // of the typedef
	}{
		{"partial unit first", info(unitBytes{0, partial}, unitBytes{0, user}), []btf.Kind{btf.Int, btf.Int, btf.Typedef}, 2},
		{"partial unit last", info(unitBytes{0, cat([]byte{1, 6}, addr(11+25), []byte{3, 't', 0}, addr(12+25), []byte{0})}, unitBytes{0, partial}),
			[]btf.Kind{btf.Int, btf.Typedef, btf.Int}, 3},
		{"imported twice", info(unitBytes{0, partial}, unitBytes{0, user}, unitBytes{0, user}),
			[]btf.Kind{btf.Int, btf.Int, btf.Typedef, btf.Typedef}, 2},
		{"imports itself", info(unitBytes{0, cat([]byte{7, 6}, addr(11), base(2, "int", 5, 4), []byte{3, 't', 0}, addr(17), []byte{0})}),
			[]btf.Kind{btf.Int, btf.Typedef, btf.Int, btf.Typedef}, 3},
		{"no such unit", info(unitBytes{0, partial}, unitBytes{0, cat([]byte{1, 6}, addr(0xffffff), []byte{3, 't', 0}, addr(12), []byte{0})}),
			[]btf.Kind{btf.Int, btf.Typedef}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all, _, err := convertAll(sections(tt.b), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if len(all) != 1 {
				t.Fatalf("%d units, want one of all (the second begins at %#x)", len(all), own)
			}
			u := all[0]
			if got := kinds(u); !slices.Equal(got, tt.want) {
				t.Fatalf("kinds %v, want %v", got, tt.want)
			}
			i := slices.Index(tt.want, btf.Typedef)
			if got := u.Refs[u.RefOff[i]]; got != tt.ref {
				t.Errorf("the typedef is of type %d, want %d", got, tt.ref)
			}
		})
	}
}

// An enum's base type in another unit, with another table, says whether its values are signed.
func TestForeignDIE(t *testing.T) {
	for _, enc := range []byte{5, 7} { // signed, unsigned
		partial := cat([]byte{1}, base(4, "l", enc, 8), []byte{0})
		user := cat([]byte{1, 4, 'e', 0, 8}, addr(12), []byte{5, 'A', 0, 1, 0, 0})
		all, shapes, err := convertAll(sections(info(unitBytes{len(tableA), partial}, unitBytes{0, user})), Options{Enum64: true})
		if err != nil {
			t.Fatal(err)
		}
		u := all[0]
		i := slices.Index(kinds(u), btf.Enum64)
		if i < 0 {
			t.Fatalf("kinds %v: no ENUM64", kinds(u))
		}
		if got, want := btf.InfoKflag(shapes.Content(u.Shape[i])[0]), enc == 5; got != want {
			t.Errorf("encoding %d: signed %v, want %v", enc, got, want)
		}
	}
}

// A unit with a reference is left out without a trace: the next one's strings and shapes are logged as if it were not there.
func TestLeftOut(t *testing.T) {
	bad := cat([]byte{1}, base(2, "int", 5, 4), []byte{8}, addr(12), []byte{0})
	good := cat([]byte{1}, base(2, "int", 5, 4), []byte{0})
	all, _, err := convertAll(sections(info(unitBytes{0, bad}, unitBytes{0, good})), Options{ForceMerging: false})
	if err != nil {
		t.Fatal(err)
	}
	// The table has ref_addr: all is one unit and nothing is left out, but lowered.
	if len(all) != 1 || !slices.Equal(kinds(all[0]), []btf.Kind{btf.Int, btf.Ptr, btf.Int}) {
		t.Fatalf("linked units: %d, kinds %v", len(all), kinds(all[0]))
	}
	sec := sections(info(unitBytes{0, bad}, unitBytes{0, good}))
	sec.Abbrev = []byte{1, 0x11, 1, 0, 0, 2, 0x24, 0, 0x03, 0x08, 0x3e, 0x0b, 0x0b, 0x0b, 0, 0, 8, 0x10, 0, 0x49, 0x13, 0, 0, 0}
	if all, _, err = convertAll(sec, Options{}); err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || !all[0].Left || len(all[0].Log) != 0 || len(all[0].Notes) != 1 || all[0].Notes[0].Kind != NoteUnit {
		t.Fatalf("first unit: %+v", all[0])
	}
	if all[1].Left || len(all[1].Log) != 1 || all[1].FirstInt != 1 {
		t.Errorf("second unit: %+v", all[1])
	}
	if all, _, err = convertAll(sec, Options{ForceMerging: true}); err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || all[0].Left || !slices.Equal(kinds(all[0]), []btf.Kind{btf.Int}) || len(all[0].Log) != 1 || all[0].Log[0].Pos != 1 {
		t.Errorf("merged: %+v", all[0])
	}
}

// A type that is named by its signature is found in .debug_types and in type units of .debug_info's further sections.
func TestSignature(t *testing.T) {
	typeUnit := func() []byte { // DWARF 4: signature and the type's offset in the header
		dies := cat([]byte{10}, base(2, "int", 5, 4), []byte{0})
		b := binary.LittleEndian.AppendUint32(nil, uint32(7+12+len(dies)))
		b = append(b, 4, 0, 0, 0, 0, 0, 8)
		b = binary.LittleEndian.AppendUint64(b, 0x1122334455667788)
		return append(append(b, 24, 0, 0, 0), dies...)
	}
	user := info(unitBytes{0, cat([]byte{1, 9, 't', 0, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11}, []byte{0})})
	sec := sections(user)
	sec.Types = typeUnit()
	all, _, err := convertAll(sec, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if u := all[0]; !slices.Equal(kinds(u), []btf.Kind{btf.Int, btf.Typedef}) || u.Refs[0] != 1 {
		t.Errorf("kinds %v, references %v", kinds(u), u.Refs)
	}
}

// FuzzConvert: whatever the sections hold, a conversion ends with units whose references are in range, or with an error.
func FuzzConvert(f *testing.F) {
	partial := cat([]byte{7}, base(2, "int", 5, 4), []byte{0})
	user := cat([]byte{1, 6}, addr(11), []byte{3, 't', 0}, addr(12), []byte{0})
	f.Add(info(unitBytes{0, partial}, unitBytes{0, user}), abbrevs, []byte{}, []byte{}, uint8(0xff))
	f.Add(info(unitBytes{0, user}), abbrevs, []byte{}, info(unitBytes{0, partial}), uint8(0))
	f.Add(info(unitBytes{0, cat([]byte{1, 4, 'e', 0, 8}, addr(12), []byte{5, 'A', 0, 1, 0, 0})}), abbrevs, info(unitBytes{0, partial}), []byte{}, uint8(3))
	f.Fuzz(func(t *testing.T, b, abbrev, types, alt []byte, flags uint8) {
		sec := sections(b)
		sec.Abbrev, sec.Types, sec.Str = abbrev, types, []byte("\x00int\x00name\x00")
		if len(alt) > 0 {
			sec.Alt = &Sections{InfoBytes: alt, Abbrev: abbrev, Str: sec.Str}
		}
		opt := Options{Float: flags&1 != 0, Enum64: flags&2 != 0, TypeTag: flags&4 != 0, DeclTag: flags&8 != 0, ForceMerging: flags&16 != 0, FlatArrays: flags&32 != 0}
		all, _, err := convertAll(sec, opt)
		if err != nil {
			return
		}
		for _, u := range all {
			if u.Left {
				continue
			}
			if len(u.RefOff) != len(u.Shape)+1 {
				t.Fatalf("%d types, %d offsets", len(u.Shape), len(u.RefOff))
			}
			for _, r := range u.Refs {
				if r != ArrayIndex && r > uint32(len(u.Shape)) {
					t.Fatalf("reference %#x of %d types", r, len(u.Shape))
				}
			}
		}
	})
}

// TestAddress reads an address in each of its forms: itself, an index of .debug_addr, an index and an offset (clang's, which readers of
// DWARF other than LLVM's do not know). What lies outside the section is 0.
func TestAddress(t *testing.T) {
	sec := &Sections{Addr: make([]byte, 8+3*8)}
	for i := range 3 {
		binary.LittleEndian.PutUint64(sec.Addr[8+8*i:], 0x1000*uint64(i+1))
	}
	u := &walker{}
	u.sec, u.cu = sec, cuInfo{addrBase: 8, format: dwarfscan.Format{AddrSize: 8}}
	for _, c := range []struct {
		form dwarfscan.Form
		val  uint64
		want uint64
	}{
		{dwarfscan.FormAddr, 0x1234, 0x1234},
		{dwarfscan.FormAddrx, 1, 0x2000},
		{dwarfscan.FormAddrx, 3, 0},
		{dwarfscan.FormLLVMAddrxOffset, 2 | 0x10<<32, 0x3010},
		{dwarfscan.FormLLVMAddrxOffset, 0, 0x1000},
		{dwarfscan.FormLLVMAddrxOffset, 3 | 0x10<<32, 0},
		{dwarfscan.FormData4, 5, 0},
	} {
		var d dwarfscan.DIE
		d.Val[dwarfscan.LowPC], d.Form[dwarfscan.LowPC] = c.val, c.form
		if got := u.address(&d, dwarfscan.LowPC); got != c.want {
			t.Errorf("form %#x, %#x: %#x, want %#x", c.form, c.val, got, c.want)
		}
	}
}
