package btf

import "testing"

// The numbers of the format once more, written down independently of the table:
// bytes behind the common 12, bytes of an element, references, names in elements.
func TestKindTable(t *testing.T) {
	want := []struct {
		kind        Kind
		name        string
		extra, elem uint8
		refs        RefStyle
		sized       bool
		named       bool
	}{
		{0, "UNKN", 0, 0, NoRefs, false, false},
		{1, "INT", 4, 0, NoRefs, true, false},
		{2, "PTR", 0, 0, OneRef, false, false},
		{3, "ARRAY", 12, 0, ArrayRefs, false, false},
		{4, "STRUCT", 0, 12, MemberRefs, true, true},
		{5, "UNION", 0, 12, MemberRefs, true, true},
		{6, "ENUM", 0, 8, NoRefs, true, true},
		{7, "FWD", 0, 0, NoRefs, false, false},
		{8, "TYPEDEF", 0, 0, OneRef, false, false},
		{9, "VOLATILE", 0, 0, OneRef, false, false},
		{10, "CONST", 0, 0, OneRef, false, false},
		{11, "RESTRICT", 0, 0, OneRef, false, false},
		{12, "FUNC", 0, 0, OneRef, false, false},
		{13, "FUNC_PROTO", 0, 8, ProtoRefs, false, true},
		{14, "VAR", 4, 0, OneRef, false, false},
		{15, "DATASEC", 0, 12, VarRefs, true, false},
		{16, "FLOAT", 0, 0, NoRefs, true, false},
		{17, "DECL_TAG", 4, 0, OneRef, false, false},
		{18, "TYPE_TAG", 0, 0, OneRef, false, false},
		{19, "ENUM64", 0, 12, NoRefs, true, true},
	}
	if len(want) != NumKinds {
		t.Fatalf("%d kinds, want %d", NumKinds, len(want))
	}
	layout := appendLayout(nil)
	for i, w := range want {
		k := kinds[i]
		if int(w.kind) != i || k.name != w.name || 4*k.extra != w.extra || 4*k.elem != w.elem || k.refs != w.refs || k.sized != w.sized || k.named != w.named {
			t.Errorf("kind %d: %+v, want %+v", i, k, w)
		}
		if l := layout[4*i:][:4]; l[0] != w.extra || l[1] != w.elem || l[2] != 0 || l[3] != 0 {
			t.Errorf("layout of %s: %v", w.name, l)
		}
		if Kind(i).String() != w.name || Kind(i).Refs() != w.refs {
			t.Errorf("kind %d: methods disagree with the table", i)
		}
	}
	if len(layout) != 80 {
		t.Errorf("layout section has %d bytes, want 80", len(layout))
	}
	if s := Kind(31).String(); s != "UNKN" {
		t.Errorf("kind 31 is called %s", s)
	}
}

func TestInfoWord(t *testing.T) {
	for _, k := range []Kind{Int, Struct, Enum64} {
		for _, n := range []int{0, 1, MaxVlen} {
			for _, f := range []bool{false, true} {
				if w := InfoWord(k, n, f); InfoKind(w) != k || InfoVlen(w) != n || InfoKflag(w) != f {
					t.Errorf("%v %d %v came back as %v %d %v", k, n, f, InfoKind(w), InfoVlen(w), InfoKflag(w))
				}
			}
		}
	}
}
