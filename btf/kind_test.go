package btf

import (
	"fmt"
	"strings"
	"testing"
)

// The numbers of the format once more, written down independently of the table: bytes behind the common 12, bytes of an
// element, which words of a record with two elements are references and names, whether the third is a size.
func TestKindTable(t *testing.T) {
	want := []struct {
		kind        Kind
		name        string
		extra, elem uint8
		refs, names string
		sized       bool
	}{
		{0, "UNKN", 0, 0, "", "0", false},
		{1, "INT", 4, 0, "", "0", true},
		{2, "PTR", 0, 0, "2", "0", false},
		{3, "ARRAY", 12, 0, "3 4", "0", false},
		{4, "STRUCT", 0, 12, "4 7", "0 3 6", true},
		{5, "UNION", 0, 12, "4 7", "0 3 6", true},
		{6, "ENUM", 0, 8, "", "0 3 5", true},
		{7, "FWD", 0, 0, "", "0", false},
		{8, "TYPEDEF", 0, 0, "2", "0", false},
		{9, "VOLATILE", 0, 0, "2", "0", false},
		{10, "CONST", 0, 0, "2", "0", false},
		{11, "RESTRICT", 0, 0, "2", "0", false},
		{12, "FUNC", 0, 0, "2", "0", false},
		{13, "FUNC_PROTO", 0, 8, "2 4 6", "0 3 5", false},
		{14, "VAR", 4, 0, "2", "0", false},
		{15, "DATASEC", 0, 12, "3 6", "0", true},
		{16, "FLOAT", 0, 0, "", "0", true},
		{17, "DECL_TAG", 4, 0, "2", "0", false},
		{18, "TYPE_TAG", 0, 0, "2", "0", false},
		{19, "ENUM64", 0, 12, "", "0 3 6", true},
	}
	if len(want) != NumKinds {
		t.Fatalf("the format has %d kinds, and this test knows %d", NumKinds, len(want))
	}
	layout := appendLayout(nil)
	for i, w := range want {
		k := Kind(i)
		if w.kind != k || k.String() != w.name || k.Sized() != w.sized {
			t.Errorf("kind %d is %v, sized %v; want %+v", i, k, k.Sized(), w)
		}
		if n := 3 + int(w.extra)/4 + 2*int(w.elem)/4; k.Words(2) != n || RecordWords(InfoWord(k, 2, true)) != n {
			t.Errorf("%v with two elements has %d words, want %d", k, k.Words(2), n)
		}
		rec := make([]uint32, k.Words(2))
		rec[1] = InfoWord(k, 2, false)
		places := func(each func([]uint32, func(*uint32))) string {
			var at []string
			each(rec, func(w *uint32) {
				for i := range rec {
					if &rec[i] == w {
						at = append(at, fmt.Sprint(i))
					}
				}
			})
			return strings.Join(at, " ")
		}
		if got := places(EachRef); got != w.refs {
			t.Errorf("%v: words %s are references, want %s", k, got, w.refs)
		}
		if got := places(EachName); got != w.names {
			t.Errorf("%v: words %s are names, want %s", k, got, w.names)
		}
		if l := layout[4*i:][:4]; l[0] != w.extra || l[1] != w.elem || l[2] != 0 || l[3] != 0 {
			t.Errorf("layout of %s: %v", w.name, l)
		}
	}
	if len(layout) != 80 {
		t.Errorf("layout section has %d bytes, want 80", len(layout))
	}
	for _, k := range []Kind{NumKinds, 31, 200} {
		if k.String() != "UNKN" || k.Words(3) != 3 || k.Sized() {
			t.Errorf("kind %d is no kind, and is %v of %d words", uint8(k), k, k.Words(3))
		}
	}
}

// TestForms: what no record can be is not taken for one.
func TestForms(t *testing.T) {
	for _, f := range []form{{extra: "N"}, {extra: "x"}, {elem: "NN"}, {elem: "RR"}, {elem: "x"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v is taken", f)
				}
			}()
			newKindInfo(f)
		}()
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
