package encoder

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/verify"
	"github.com/gobtf/gobtf/internal/dwarfgen"
	"github.com/gobtf/gobtf/internal/elfx"
	"github.com/gobtf/gobtf/module"
)

// TestSized puts each entry that BTF has no kind for, types and what is no type at all, in each place that needs a size. With a bitfield
// of such a type in the file, where pahole ends by a signal, a kernel takes what is written, and nothing has lost its size; without one
// the places are of type 0, as pahole writes them.
// Rule units/sized.
func TestSized(t *testing.T) {
	tags := map[uint64]string{0x20: "set", 0x21: "subrange", 0x29: "file", 0x2d: "packed", 0x31: "thrown", 0x40: "shared", 0x43: "template alias", 0x44: "coarray",
		0x45: "generic subrange", 0x46: "dynamic", 0x4300: "ptrauth", 0x3b: "unspecified", 0x0a: "label", 0x2e: "subprogram", 0x34: "variable", 0x1234: "unknown"}
	for tag, name := range tags {
		for _, made := range []string{"of a type", "of a size", "of both", "of nothing"} {
			for _, bitfield := range []string{"", "of no size", "of a size"} {
				t.Run(fmt.Sprintf("%s %s, bitfield %s", name, made, bitfield), func(t *testing.T) { sized(t, tag, made, bitfield) })
			}
		}
	}
}

func sized(t *testing.T, tag uint64, made, bitfield string) {
	i := dwarfgen.Int()
	odd := dwarfgen.New(tag)
	if made != "of a size" && made != "of nothing" {
		odd.Attrs = append(odd.Attrs, dwarfgen.Type(i))
	}
	if made == "of a size" || made == "of both" {
		odd.Attrs = append(odd.Attrs, dwarfgen.Num(dwarfgen.AtByteSize, 2))
	}
	alias := dwarfgen.New(dwarfgen.TagTypedef, dwarfgen.Name("alias"), dwarfgen.Type(odd))
	fixed := dwarfgen.New(dwarfgen.TagConst, dwarfgen.Type(odd))
	inner := dwarfgen.New(tag, odd.Attrs...)
	kids := []*dwarfgen.DIE{i, odd, alias, fixed,
		dwarfgen.Struct("plain", 64, dwarfgen.Member("m", odd, 0)),
		dwarfgen.Struct("by_alias", 64, dwarfgen.Member("m", alias, 0)),
		dwarfgen.Struct("by_const", 64, dwarfgen.Member("m", fixed, 0)),
		dwarfgen.New(dwarfgen.TagUnion, dwarfgen.Name("in_union"), dwarfgen.Num(dwarfgen.AtByteSize, 64)),
		dwarfgen.New(dwarfgen.TagArray, dwarfgen.Type(odd)),
	}
	kids[7].Kids = append(kids[7].Kids, dwarfgen.Member("m", odd, 0))
	if tag != 0x3b { // within a struct pahole knows it
		within := dwarfgen.Struct("within", 64, dwarfgen.Member("m", inner, 0))
		within.Kids = append(within.Kids, inner)
		kids = append(kids, within)
	}
	if bitfield != "" {
		m := dwarfgen.Member("bits", alias, 0)
		m.Attrs = append(m.Attrs, dwarfgen.Num(dwarfgen.AtBitSize, 3), dwarfgen.Num(dwarfgen.AtDataBitOffset, 2))
		if bitfield == "of a size" { // which pahole takes, and does not ask the type
			m.Attrs = append(m.Attrs, dwarfgen.Num(dwarfgen.AtByteSize, 4))
		}
		kids = append(kids, dwarfgen.Struct("bitfields", 64, m))
	}
	f := madeFile(t, "x", dwarfgen.CU(kids...))
	var notes []string
	res, err := Encode(context.Background(), []*module.File{f}, Options{Features: DefaultFeatures, Notes: func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }})
	if err != nil {
		t.Fatal(err)
	}
	found := verify.Check(res.BTF, nil, verify.Options{Full: true})
	if bitfield != "of no size" {
		if len(found) == 0 {
			t.Errorf("pahole writes type 0, and this is not what it writes: %v", notes)
		}
		return
	}
	if len(found) > 0 {
		t.Fatal(found[0])
	}
	if len(notes) != 1 || !strings.Contains(notes[0], " lowered") {
		t.Errorf("it says %q", notes)
	}
	types, err := btf.Parse(res.BTF, nil)
	if err != nil {
		t.Fatal(err)
	}
	structs := 0
	for id, x := range types.All() {
		if k := x.Kind(); k != btf.Struct && k != btf.Union {
			continue
		}
		structs++
		for m := range x.Members() {
			if types.SizeOf(m.Type, 8) == 0 {
				t.Errorf("type %d, %s: member %s has no size", id, x.Name(), m.Name)
			}
		}
	}
	if want := len(kids) - 5; structs != want {
		t.Errorf("%d structs and unions, want %d", structs, want)
	}
}

// Options.Explain is told of a function once, though the file is begun again.
func TestSizedExplain(t *testing.T) {
	i := dwarfgen.Int()
	gone := dwarfgen.CU(i, dwarfgen.Func("gone", i, 0), dwarfgen.Func("there", i, 4))
	j, label := dwarfgen.Int(), dwarfgen.New(0x0a)
	m := dwarfgen.Member("bits", label, 0)
	m.Attrs = append(m.Attrs, dwarfgen.Num(dwarfgen.AtBitSize, 3), dwarfgen.Num(dwarfgen.AtDataBitOffset, 2))
	bits := dwarfgen.CU(j, label, dwarfgen.Struct("s", 4, m), dwarfgen.Func("gone", j, 0))
	f := madeFile(t, "there", gone, bits)
	told := map[string]int{}
	if _, err := Encode(context.Background(), []*module.File{f}, Options{Features: DefaultFeatures, Explain: func(x *Explained) { told[x.Name]++ }}); err != nil {
		t.Fatal(err)
	}
	if told["gone"] != 2 || told["there"] != 1 || len(told) != 2 {
		t.Errorf("told %v, want twice of gone, once for each unit, and once of there", told)
	}
}

// madeFile is made.elf with these units, and one function symbol at address 4.
func madeFile(t *testing.T, symbol string, units ...*dwarfgen.Unit) *module.File {
	t.Helper()
	o := &dwarfgen.Object{Units: units, Sections: []dwarfgen.Section{{Name: ".text", Type: 1, Flags: 6, Data: make([]byte, 64)}},
		Symbols: []dwarfgen.Symbol{{Name: symbol, Value: 4, Size: 1, Info: 0x12, Section: 1}}}
	b, err := o.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	e, err := elfx.FromBytes("made.elf", b)
	if err != nil {
		t.Fatal(err)
	}
	return module.FromELF(e)
}
