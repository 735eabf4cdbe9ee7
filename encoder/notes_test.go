package encoder

import (
	"context"
	"fmt"
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
	const room = 1<<16 - 1 // of a record
	i := dwarfgen.Int()
	many := func(d *dwarfgen.DIE, n int, kid func(n int) *dwarfgen.DIE) *dwarfgen.DIE {
		for k := range n {
			d.Kids = append(d.Kids, kid(k))
		}
		return d
	}
	member := func(n int) *dwarfgen.DIE { return dwarfgen.Member("m", i, uint64(4*n)) }
	param := func(int) *dwarfgen.DIE {
		return dwarfgen.New(dwarfgen.TagParameter, dwarfgen.Name("p"), dwarfgen.Type(i))
	}
	value := func(n int) *dwarfgen.DIE {
		return dwarfgen.New(dwarfgen.TagEnumerator, dwarfgen.Name("E"), dwarfgen.Num(dwarfgen.AtConst, uint64(n)))
	}
	for _, c := range []struct {
		name string
		kids []*dwarfgen.DIE
		opt  Options
		want []string
	}{
		{"values that fit", []*dwarfgen.DIE{enum(8, 0, last)}, Options{Features: DefaultFeatures &^ Enum64, Kernel: verify.Kernel{Major: 5, Minor: 15}, Targeted: true}, nil},
		{"values that do not", []*dwarfgen.DIE{enum(8, 0, last, last+1, last+2)}, Options{Features: DefaultFeatures &^ Enum64, Kernel: verify.Kernel{Major: 5, Minor: 15}, Targeted: true},
			[]string{"made.elf: enum \"e\": 2 of its 4 values do not fit in 32 bits, and the low 32 are kept: Linux 5.15 has no ENUM64"}},
		{"a value too large for its enum", []*dwarfgen.DIE{enum(4, 0, last)}, Options{Features: DefaultFeatures}, nil},
		{"the same by one", []*dwarfgen.DIE{enum(4, 0, last+1)}, Options{Features: DefaultFeatures},
			[]string{"made.elf: 1 DW_TAG_enumeration_type lowered: .debug_info+0x18: CU a.c: DW_TAG_enumeration_type: value 4294967296 of \"E1\" does not fit: its low 32 bits are kept"}},
		{"an imaginary number of six bytes", []*dwarfgen.DIE{dwarfgen.New(dwarfgen.TagBase, dwarfgen.Name("odd"), dwarfgen.Num(dwarfgen.AtByteSize, 6), dwarfgen.Num(dwarfgen.AtEncoding, 9))}, Options{Features: DefaultFeatures},
			[]string{"made.elf: 1 DW_TAG_base_type lowered: .debug_info+0x18: CU a.c: DW_TAG_base_type: \"odd\": BTF has no complex numbers: taken for an integer named __SANITIZED_FAKE_INT__"}},
		{"as many as there is room for", []*dwarfgen.DIE{many(dwarfgen.Struct("s", 4*room), room, member), many(dwarfgen.New(dwarfgen.TagSubroutine), room, param), many(enum(4), room, value)},
			Options{Features: DefaultFeatures}, nil},
		{"too many members", []*dwarfgen.DIE{many(dwarfgen.Struct("s", 4*(room+2)), room+2, member)}, Options{Features: DefaultFeatures},
			[]string{"made.elf: 1 DW_TAG_structure_type cut: .debug_info+0x18: CU a.c: DW_TAG_structure_type: 2 of \"s\"'s 65537 members are left out: a record has room for 65535"}},
		{"too many values", []*dwarfgen.DIE{many(enum(4), room+1, value)}, Options{Features: DefaultFeatures},
			[]string{"made.elf: 1 DW_TAG_enumeration_type cut: .debug_info+0x18: CU a.c: DW_TAG_enumeration_type: 1 of \"e\"'s 65536 values are left out: a record has room for 65535"}},
		{"too many parameters of a type", []*dwarfgen.DIE{many(dwarfgen.New(dwarfgen.TagSubroutine), room+3, param)}, Options{Features: DefaultFeatures},
			[]string{"made.elf: 1 DW_TAG_subroutine_type cut: .debug_info+0x18: CU a.c: DW_TAG_subroutine_type: 3 of its 65538 parameters are left out: a record has room for 65535"}},
		{"too many parameters of a function", []*dwarfgen.DIE{many(dwarfgen.Func("x", i, 4), room+3, param)}, Options{Features: DefaultFeatures},
			[]string{"made.elf: \"x\" has 65538 parameters: a FUNC_PROTO has room for 65535, and the last 3 are left out"}},
		{"a unit that is left out", []*dwarfgen.DIE{
			dwarfgen.New(dwarfgen.TagBase, dwarfgen.Num(dwarfgen.AtByteSize, 4), dwarfgen.Num(dwarfgen.AtEncoding, 5)), // without a name: of a unit that is left out nothing more is said
			dwarfgen.New(0x12, dwarfgen.Num(dwarfgen.AtByteSize, 4)),                                                   // DW_TAG_string_type
		}, Options{Features: DefaultFeatures}, []string{"made.elf: 1 unit left out: a.c (DW_TAG_string_type) (-V lists each)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := madeFile(t, "x", dwarfgen.CU(append([]*dwarfgen.DIE{i}, c.kids...)...), dwarfgen.CU(dwarfgen.Int()))
			var notes []string
			c.opt.Notes = func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
			if _, err := Encode(context.Background(), []*module.File{f}, c.opt); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(notes, c.want) {
				t.Errorf("%q\nwant\n%q", notes, c.want)
			}
		})
	}
}
