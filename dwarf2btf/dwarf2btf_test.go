package dwarf2btf_test

import (
	"debug/dwarf"
	"debug/elf"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/dwarf2btf"
)

// TestSecondOpinion: debug/dwarf, which shares no code with gobtf, finds the same structs: size, names and places of members.
func TestSecondOpinion(t *testing.T) {
	files, err := filepath.Glob("../testdata/obj/*.elf")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d objects, %v", len(files), err)
	}
	compared, structs := 0, 0
	for _, path := range files {
		if strings.HasPrefix(filepath.Base(path), "tags") {
			continue // debug/dwarf passes over members that have an annotation
		}
		f, err := elf.Open(path)
		if err != nil || f.Type == elf.ET_REL {
			continue // debug/elf's relocation is not gobtf's business here
		}
		data, err := f.DWARF()
		if err != nil {
			continue // what debug/dwarf does not read
		}
		theirs, ok := theirStructs(data)
		if !ok {
			continue
		}
		compared++
		ours := ourStructs(t, path, f)
		for _, s := range theirs {
			structs++
			if !ours[s] {
				t.Errorf("%s: debug/dwarf has %s, and it is not in BTF", path, s)
			}
		}
		f.Close()
	}
	if compared < 40 || structs < 200 {
		t.Errorf("%d files with %d structs were compared", compared, structs)
	}
}

// theirStructs renders the named structs of C units.
func theirStructs(data *dwarf.Data) (list []string, ok bool) {
	r := data.Reader()
	for {
		e, err := r.Next()
		switch {
		case err != nil:
			return nil, false
		case e == nil:
			return list, true
		case e.Tag == dwarf.TagCompileUnit:
			// C++ and Rust members have forms of their own.
			if lang, _ := e.Val(dwarf.AttrLanguage).(int64); !slices.Contains([]int64{1, 2, 0xc, 0x1d}, lang) {
				r.SkipChildren()
			}
			continue
		case e.Tag != dwarf.TagStructType || e.Val(dwarf.AttrName) == nil || e.Val(dwarf.AttrDeclaration) != nil:
			continue
		}
		typ, err := data.Type(e.Offset)
		if err != nil {
			return nil, false
		}
		st, isStruct := typ.(*dwarf.StructType)
		if !isStruct {
			continue
		}
		s := fmt.Sprintf("struct %s, %d bytes:", st.StructName, st.ByteSize)
		bits := false
		for _, m := range st.Field {
			bits = bits || m.BitSize != 0
			s += fmt.Sprintf(" %s@%d", m.Name, m.ByteOffset)
		}
		if !bits { // the place of a bitfield is told in more ways than one
			list = append(list, s)
		}
	}
}

func ourStructs(t *testing.T, path string, f *elf.File) map[string]bool {
	t.Helper()
	section := func(name string) []byte {
		for _, n := range []string{"." + name, ".z" + name} {
			if s := f.Section(n); s != nil {
				b, err := s.Data()
				if err != nil {
					t.Fatal(err)
				}
				return b
			}
		}
		return nil
	}
	conv, err := dwarf2btf.New(dwarf2btf.Sections{
		Info: section("debug_info"), Abbrev: section("debug_abbrev"), Str: section("debug_str"), LineStr: section("debug_line_str"),
		StrOffsets: section("debug_str_offsets"), Addr: section("debug_addr"), Loc: section("debug_loc"), Loclists: section("debug_loclists"),
		Types: section("debug_types"), BigEndian: f.Data == elf.ELFDATA2MSB,
	}, dwarf2btf.Options{Float: true, Enum64: true, TypeTag: true, DeclTag: true})
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	found := map[string]bool{}
	for i := range conv.Len() {
		u, err := conv.Convert(i)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, x := range u.Types.All() {
			if x.Kind() != btf.Struct {
				continue
			}
			s := fmt.Sprintf("struct %s, %d bytes:", x.Name(), x.Size())
			for m := range x.Members() {
				s += fmt.Sprintf(" %s@%d", m.Name, m.Bit/8)
			}
			found[s] = true
		}
	}
	return found
}
