package encoder_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/encoder"
)

// lowered encodes a fixture's object and returns the BTF and the notes.
func lowered(t *testing.T, name string, opt encoder.Options) (*btf.Types, []string) {
	t.Helper()
	var notes []string
	opt.Notes = func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	res, err := encoder.EncodeFiles(context.Background(), []string{filepath.Join(testdata, "obj", name+".elf")}, opt)
	if err != nil {
		t.Fatal(err)
	}
	if res.Empty {
		t.Fatal("empty: ", res.Reason)
	}
	ts, err := btf.Parse(res.BTF, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ts, notes
}

// What the reference gives up on, and what becomes of it. docs/quirks.md has the same rows.
var loweredTests = []struct {
	obj     string
	summary string   // of the only note
	listed  []string // with -V, one line each, behind place and unit
	want    []string // types, as shape writes them
	not     []string // names that are not there
}{
	{"atomic", "2 DW_TAG_atomic_type lowered",
		[]string{"DW_TAG_atomic_type: BTF has no such kind: taken for the plain type", "DW_TAG_atomic_type: BTF has no such kind: taken for the plain type"},
		[]string{"STRUCT s 16 {l INT long int 8; p PTR CONST INT int 4}", "INT int 4"}, nil},
	{"complex", "2 DW_TAG_base_type lowered",
		[]string{`DW_TAG_base_type: "complex double": BTF has no complex numbers: taken for an integer of its size`,
			`DW_TAG_base_type: "complex float": BTF has no complex numbers: taken for an integer of its size`},
		[]string{"INT complex double 16", "INT complex float 8", "STRUCT s 4 {a INT int 4}"}, nil},
	{"widecomplex", "2 DW_TAG_base_type lowered",
		[]string{`DW_TAG_base_type: "complex long double": BTF has no complex numbers: taken for an array of two floats`,
			`DW_TAG_base_type: "complex double": BTF has no complex numbers: taken for an integer of its size`},
		[]string{"STRUCT s 64 {a INT int 4; m ARRAY 2 FLOAT long double 16; n INT complex double 16}"}, nil},
	{"unnamed_fwd", "1 DW_TAG_structure_type lowered", []string{"DW_TAG_structure_type: declaration without a name: taken for one without members"},
		[]string{"TYPEDEF to_fwd PTR STRUCT  0 {}"}, nil},
	{"unnamed_typedef", "1 DW_TAG_typedef lowered", []string{"DW_TAG_typedef: has no name: taken for its type"},
		[]string{"TYPEDEF named INT int 4"}, nil},
	{"unnamed_base", "1 DW_TAG_base_type lowered", []string{"DW_TAG_base_type: has no name: named __SANITIZED_FAKE_INT__"},
		[]string{"TYPEDEF to_base INT __SANITIZED_FAKE_INT__ 4"}, nil},
	{"unnamed_enum", "1 DW_TAG_enumerator left out", []string{"DW_TAG_enumerator: has no name: left out"},
		[]string{"ENUM64 en 8 {EA 1}"}, nil},
	{"badsizes", "1 DW_TAG_base_type lowered, 1 DW_TAG_enumeration_type lowered",
		[]string{"DW_TAG_enumeration_type: size 3 is no enum's: taken for 4", `DW_TAG_base_type: "float9": BTF has no FLOAT of 9 bytes: taken for an integer`},
		[]string{"ENUM three 4 {EB 1}", "INT __SANITIZED_FAKE_INT__ 4"}, nil},
	{"adabits", "6 DW_TAG_subrange_type lowered", slices.Repeat([]string{"DW_TAG_subrange_type: BTF has no such kind: taken for the plain type"}, 6),
		[]string{"STRUCT adabits__flags 2 {level INT integer 4; ready INT boolean 1; count INT integer 4}", "ARRAY 5 INT integer 4", "FUNC c_function"}, nil},
	{"nokind", "1 unit left out: nokind.f (DW_TAG_string_type)", []string{"DW_TAG_string_type: BTF has no such kind: the unit is left out"},
		[]string{"STRUCT c_only 8 {l INT long int 8}", "FUNC c_function"}, []string{"iface", "to_atomic", "to_string"}},
	{"nokind_linked", "1 DW_TAG_atomic_type lowered, 1 DW_TAG_interface_type lowered, 1 DW_TAG_ptr_to_member_type lowered, 1 DW_TAG_reference_type lowered, 1 DW_TAG_string_type lowered",
		[]string{"DW_TAG_atomic_type: BTF has no such kind: taken for the plain type", "DW_TAG_string_type: BTF has no such kind: taken for an array of 5 char",
			"DW_TAG_interface_type: BTF has no such kind: taken for a struct", "DW_TAG_reference_type: BTF has no such kind: taken for a pointer",
			"DW_TAG_ptr_to_member_type: BTF has no such kind: taken for a pointer"},
		[]string{"TYPEDEF to_atomic INT int 4", "TYPEDEF to_string ARRAY 5 INT char 1", "STRUCT iface 4 {m INT int 4}", "TYPEDEF to_reference PTR INT int 4",
			"TYPEDEF to_member PTR INT int 4", "TYPEDEF to_atomic_pointer PTR TYPEDEF to_atomic INT int 4", "FUNC c_function"}, nil},
	{"cxxref", "1 unit left out: cxxref.cc (DW_TAG_reference_type)", []string{"DW_TAG_reference_type: BTF has no such kind: the unit is left out"},
		nil, []string{"byref"}},
	{"cxxunits", "2 units left out: cxxunits.cc (DW_TAG_reference_type), cxxunits.cc (DW_TAG_ptr_to_member_type)",
		[]string{"DW_TAG_reference_type: BTF has no such kind: the unit is left out", "DW_TAG_ptr_to_member_type: BTF has no such kind: the unit is left out"},
		[]string{"FUNC c_function", "FUNC plain", "STRUCT c_only 8 {l INT long int 8}"}, []string{"byref", "member"}},
}

func TestLowered(t *testing.T) {
	for _, tt := range loweredTests {
		t.Run(tt.obj, func(t *testing.T) {
			ts, notes := lowered(t, tt.obj, encoder.Options{Features: encoder.DefaultFeatures})
			if len(notes) != 1 || !strings.Contains(notes[0], ".elf: "+tt.summary) {
				t.Errorf("notes %q, want one: %s", notes, tt.summary)
			}
			have := shapes(ts)
			for _, w := range tt.want {
				if !slices.Contains(have, w) {
					t.Errorf("no %s in\n%s", w, strings.Join(have, "\n"))
				}
			}
			for _, name := range tt.not {
				for id := btf.TypeID(1); int(id) < ts.Len(); id++ {
					if ts.Type(id).Name() == name {
						t.Errorf("%s is there", name)
					}
				}
			}
			// -V lists each, with its place.
			var trace bytes.Buffer
			_, notes = lowered(t, tt.obj, encoder.Options{Features: encoder.DefaultFeatures, Trace: &trace})
			if len(notes) != len(tt.listed)+1 {
				t.Fatalf("-V: notes %q, want %d and the summary", notes, len(tt.listed))
			}
			for i, w := range tt.listed {
				if n := notes[i]; !strings.HasSuffix(n, ": "+w) || !strings.Contains(n, ": .debug_info+0x") || !strings.Contains(n, ": CU ") {
					t.Errorf("-V: %q, want the place and %q", n, w)
				}
			}
			_, err := encoder.EncodeFiles(context.Background(), []string{filepath.Join(testdata, "obj", tt.obj+".elf")},
				encoder.Options{Features: encoder.DefaultFeatures, Strict: true})
			if err == nil || !strings.Contains(err.Error(), tt.listed[0]) || strings.Contains(err.Error(), "\n") {
				t.Errorf("--strict: error %v", err)
			}
		})
	}
}

// Types that are named by their signature are those that a program without type units has.
func TestTypeUnits(t *testing.T) {
	opt := encoder.Options{Features: encoder.DefaultFeatures, Strict: true}
	plain, _ := lowered(t, "typeunits_none", opt)
	want := strings.Join(functions(plain), "\n")
	if !strings.Contains(want, "PTR STRUCT deep") {
		t.Fatalf("the program without type units has no struct deep:\n%s", want)
	}
	for _, name := range []string{"typeunits", "typeunits_d5", "typeunits_rel", "typeunits_d5_rel", "typeunits_clang"} {
		ts, notes := lowered(t, name, opt)
		want := want
		if name == "typeunits_clang" { // C++: without g, and an empty struct
			want, _, _ = strings.Cut(want, "\n")
		}
		if got := strings.Join(functions(ts), "\n"); got != want {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", name, got, want)
		}
		if len(notes) != 0 {
			t.Errorf("%s: notes %q", name, notes)
		}
	}
}

// functions returns all FUNCs with their prototypes, sorted.
func functions(ts *btf.Types) (all []string) {
	for id := btf.TypeID(1); int(id) < ts.Len(); id++ {
		if x := ts.Type(id); x.Kind() == btf.Func {
			all = append(all, x.Name()+" "+shape(ts, x.Ref(), 7))
		}
	}
	slices.Sort(all)
	return all
}

func shapes(ts *btf.Types) (all []string) {
	for id := btf.TypeID(1); int(id) < ts.Len(); id++ {
		all = append(all, shape(ts, id, 5))
	}
	return all
}

// shape writes a type out, references followed so deep.
func shape(ts *btf.Types, id btf.TypeID, depth int) string {
	if id == 0 {
		return "void"
	}
	x := ts.Type(id)
	s := x.Kind().String()
	var parts []string
	switch x.Kind() {
	case btf.Func:
		return s + " " + x.Name()
	case btf.Int, btf.Float:
		return fmt.Sprintf("%s %s %d", s, x.Name(), x.Size())
	case btf.Enum, btf.Enum64:
		for v := range x.Values() {
			parts = append(parts, fmt.Sprintf("%s %d", v.Name, v.Value))
		}
		return fmt.Sprintf("%s %s %d {%s}", s, x.Name(), x.Size(), strings.Join(parts, "; "))
	}
	if depth == 0 {
		return s + " " + x.Name() + " ..."
	}
	switch x.Kind() {
	case btf.Struct, btf.Union:
		for m := range x.Members() {
			parts = append(parts, m.Name+" "+shape(ts, m.Type, depth-1))
		}
		return fmt.Sprintf("%s %s %d {%s}", s, x.Name(), x.Size(), strings.Join(parts, "; "))
	case btf.FuncProto:
		for p := range x.Params() {
			parts = append(parts, p.Name+" "+shape(ts, p.Type, depth-1))
		}
		return s + " " + shape(ts, x.Ref(), depth-1) + " (" + strings.Join(parts, ", ") + ")"
	case btf.Array:
		elem, _, n := x.Array()
		return fmt.Sprintf("%s %d %s", s, n, shape(ts, elem, depth-1))
	case btf.Typedef:
		return s + " " + x.Name() + " " + shape(ts, x.Ref(), depth-1)
	}
	return s + " " + shape(ts, x.Ref(), depth-1)
}

// Units that refer to each other, across files too, may be damaged: BTF or one line of error, never a panic or a hang.
func TestDamagedUnits(t *testing.T) {
	opt := encoder.Options{Features: encoder.AllFeatures}
	for _, name := range []string{"dwz.elf", "dwzalt.elf", "dwzalt.alt", "typeunits.elf", "typeunits_d5_rel.elf", "nokind_linked.elf", "tags_gcc16.elf"} {
		dir := t.TempDir()
		whole, err := os.ReadFile(filepath.Join(testdata, "obj", name))
		if err != nil {
			t.Fatal(err)
		}
		main := filepath.Join(dir, name)
		if alt, err := os.ReadFile(filepath.Join(testdata, "obj", "dwzalt.alt")); strings.HasPrefix(name, "dwzalt") && err == nil {
			elf, err := os.ReadFile(filepath.Join(testdata, "obj", "dwzalt.elf"))
			if err != nil {
				t.Fatal(err)
			}
			main = filepath.Join(dir, "dwzalt.elf")
			write(t, filepath.Join(dir, "dwzalt.alt"), alt)
			write(t, main, elf)
		}
		try := func(what string, data []byte) {
			write(t, filepath.Join(dir, name), data)
			res, err := encoder.EncodeFiles(context.Background(), []string{main}, opt)
			if err != nil && strings.Contains(err.Error(), "\n") || err == nil && res == nil {
				t.Errorf("%s: result %v, error %q", what, res, err)
			}
		}
		for n := 0; n < len(whole); n += 1 + len(whole)/10 {
			try(fmt.Sprintf("%s cut to %d bytes", name, n), whole[:n])
		}
		for i, n := 0, 64; n < len(whole); i, n = i+1, n+1+len(whole)/40 {
			bad := bytes.Clone(whole)
			bad[n] ^= [...]byte{0xff, 1}[i%2]
			try(fmt.Sprintf("%s with byte %d changed", name, n), bad)
		}
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
