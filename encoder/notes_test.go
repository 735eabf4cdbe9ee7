package encoder

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gobtf/gobtf/btf/verify"
	"github.com/gobtf/gobtf/internal/dwarfgen"
	"github.com/gobtf/gobtf/module"
)

// What is said of odd entries names them, once each, with the numbers that are theirs.
func TestNotes(t *testing.T) {
	enum := func(size uint64, values ...uint64) *dwarfgen.DIE {
		e := dwarfgen.New(dwarfgen.TagEnum, dwarfgen.Name("e"), dwarfgen.Num(dwarfgen.AtByteSize, size))
		for i, v := range values {
			e.Kids = append(e.Kids, dwarfgen.New(dwarfgen.TagEnumerator, dwarfgen.Name(fmt.Sprint("E", i)), dwarfgen.Num(dwarfgen.AtConst, v)))
		}
		return e
	}
	const last = 1<<32 - 1 // that 32 bits can hold
	for _, c := range []struct {
		name string
		kids []*dwarfgen.DIE
		opt  Options
		want []string
	}{
		{"values that fit", []*dwarfgen.DIE{enum(8, 0, last)}, Options{Features: DefaultFeatures &^ Enum64, Kernel: verify.Kernel{Major: 5, Minor: 15}, Targeted: true}, nil},
		{"values that do not", []*dwarfgen.DIE{enum(8, 0, last, last+1, last+2)}, Options{Features: DefaultFeatures &^ Enum64, Kernel: verify.Kernel{Major: 5, Minor: 15}, Targeted: true},
			[]string{"x.elf: enum \"e\": 2 of its 4 values do not fit in 32 bits, and the low 32 are kept: Linux 5.15 has no ENUM64"}},
		{"a value too large for its enum", []*dwarfgen.DIE{enum(4, 0, last)}, Options{Features: DefaultFeatures}, nil},
		{"the same by one", []*dwarfgen.DIE{enum(4, 0, last+1)}, Options{Features: DefaultFeatures},
			[]string{"x.elf: 1 DW_TAG_enumeration_type lowered: .debug_info+0x18: CU a.c: DW_TAG_enumeration_type: value 4294967296 of \"E1\" does not fit: its low 32 bits are kept"}},
		{"an imaginary number of six bytes", []*dwarfgen.DIE{dwarfgen.New(dwarfgen.TagBase, dwarfgen.Name("odd"), dwarfgen.Num(dwarfgen.AtByteSize, 6), dwarfgen.Num(dwarfgen.AtEncoding, 9))}, Options{Features: DefaultFeatures},
			[]string{"x.elf: 1 DW_TAG_base_type lowered: .debug_info+0x18: CU a.c: DW_TAG_base_type: \"odd\": BTF has no complex numbers: taken for an integer named __SANITIZED_FAKE_INT__"}},
		{"a unit that is left out", []*dwarfgen.DIE{
			dwarfgen.New(dwarfgen.TagBase, dwarfgen.Num(dwarfgen.AtByteSize, 4), dwarfgen.Num(dwarfgen.AtEncoding, 5)), // without a name: of a unit that is left out nothing more is said
			dwarfgen.New(0x12, dwarfgen.Num(dwarfgen.AtByteSize, 4)),                                                   // DW_TAG_string_type
		}, Options{Features: DefaultFeatures}, []string{"x.elf: 1 unit left out: a.c (DW_TAG_string_type) (-V lists each)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := &dwarfgen.Object{Units: []*dwarfgen.Unit{dwarfgen.CU(append([]*dwarfgen.DIE{dwarfgen.Int()}, c.kids...)...), dwarfgen.CU(dwarfgen.Int())},
				Sections: []dwarfgen.Section{{Name: ".text", Type: 1, Flags: 6, Data: make([]byte, 64)}}, Symbols: []dwarfgen.Symbol{{Name: "x", Value: 4, Size: 1, Info: 0x12, Section: 1}}}
			b, err := o.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			path := filepath.Join(dir, "x.elf")
			if err := os.WriteFile(path, b, 0o644); err != nil {
				t.Fatal(err)
			}
			f, err := module.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			var notes []string
			c.opt.Notes = func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)[len(dir)+1:]) }
			if _, err := Encode(context.Background(), []*module.File{f}, c.opt); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(notes, c.want) {
				t.Errorf("%q\nwant\n%q", notes, c.want)
			}
		})
	}
}
