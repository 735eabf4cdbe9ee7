package btf

import (
	"fmt"
	"slices"
	"testing"
)

// The numbers of the format once more, written down independently of the table: bytes behind the common 12, bytes of an element, and
// where the references of a record with two elements are.
func TestKindTable(t *testing.T) {
	want := []struct {
		kind        Kind
		name        string
		extra, elem int
		refs        string
		sized       bool
		names       string // of a record with two elements
	}{
		{0, "UNKN", 0, 0, "[]", false, "[0]"},
		{1, "INT", 4, 0, "[]", true, "[0]"},
		{2, "PTR", 0, 0, "[2]", false, "[0]"},
		{3, "ARRAY", 12, 0, "[3 4]", false, "[0]"},
		{4, "STRUCT", 0, 12, "[4 7]", true, "[0 3 6]"},
		{5, "UNION", 0, 12, "[4 7]", true, "[0 3 6]"},
		{6, "ENUM", 0, 8, "[]", true, "[0 3 5]"},
		{7, "FWD", 0, 0, "[]", false, "[0]"},
		{8, "TYPEDEF", 0, 0, "[2]", false, "[0]"},
		{9, "VOLATILE", 0, 0, "[2]", false, "[0]"},
		{10, "CONST", 0, 0, "[2]", false, "[0]"},
		{11, "RESTRICT", 0, 0, "[2]", false, "[0]"},
		{12, "FUNC", 0, 0, "[2]", false, "[0]"},
		{13, "FUNC_PROTO", 0, 8, "[2 4 6]", false, "[0 3 5]"},
		{14, "VAR", 4, 0, "[2]", false, "[0]"},
		{15, "DATASEC", 0, 12, "[3 6]", true, "[0]"},
		{16, "FLOAT", 0, 0, "[]", true, "[0]"},
		{17, "DECL_TAG", 4, 0, "[2]", false, "[0]"},
		{18, "TYPE_TAG", 0, 0, "[2]", false, "[0]"},
		{19, "ENUM64", 0, 12, "[]", true, "[0 3 6]"},
	}
	if len(want) != NumKinds {
		t.Fatalf("%d kinds, want %d", NumKinds, len(want))
	}
	section := appendLayout(nil)
	for i, w := range want {
		k := Kind(i)
		if w.kind != k || k.String() != w.name || 4*k.Extra() != w.extra || 4*k.Elem() != w.elem || layouts[k].sized != w.sized {
			t.Errorf("kind %d: %+v, want %+v", i, kinds[i], w)
		}
		if l := section[4*i:][:4]; int(l[0]) != w.extra || int(l[1]) != w.elem || l[2] != 0 || l[3] != 0 {
			t.Errorf("layout of %s: %v", w.name, l)
		}
		// A record whose words are their places says which ones a function is given.
		info := InfoWord(k, 2, false)
		rec := make([]uint32, RecordWords(info))
		for p := range rec {
			rec[p] = uint32(p)
		}
		rec[1] = info
		var refs, names []uint32
		EachRef(rec, func(w *uint32) { refs = append(refs, *w) })
		EachName(rec, func(w *uint32) { names = append(names, *w) })
		if fmt.Sprint(refs) != w.refs || fmt.Sprint(names) != w.names || k.NumRefs(2) != len(refs) {
			t.Errorf("%s: references at %v, want %s; names at %v, want %s; NumRefs %d", w.name, refs, w.refs, names, w.names, k.NumRefs(2))
		}
		checkCodec(t, rec, refs, names)
	}
	if len(section) != 80 {
		t.Errorf("layout section has %d bytes, want 80", len(section))
	}
	if s := Kind(31).String(); s != "UNKN" {
		t.Errorf("kind 31 is called %s", s)
	}
}

// checkCodec takes a record apart and puts it together again, with names that are other numbers in between.
func checkCodec(t *testing.T, rec, refs, names []uint32) {
	t.Helper()
	k := InfoKind(rec[1])
	content := AppendContent(nil, rec, func(off uint32) uint32 { return off + 1000 })
	if got := AppendRefs(nil, rec); !slices.Equal(got, refs) {
		t.Errorf("%v: references %v, want %v", k, got, refs)
	}
	if third := kinds[k].third != 'R'; len(content) != len(rec)-len(refs)+map[bool]int{true: 0, false: 1}[third] {
		t.Errorf("%v: %d words of content of %d with %d references", k, len(content), len(rec), len(refs))
	}
	changed := 0
	for i, w := range content {
		if i != 0 && w >= 1000 {
			changed++
		}
	}
	if changed != len(names) {
		t.Errorf("%v: %d names in the content %v, want %d", k, changed, content, len(names))
	}
	if step := k.NameStep(); step > 0 {
		for i := 3; i < len(content); i += step {
			if content[i] < 1000 {
				t.Errorf("%v: word %d of the content %v is no name", k, i, content)
			}
		}
	}
	back := func(name uint32) uint32 { return name - 1000 }
	if got := AppendRecord(nil, content, refs, back); !slices.Equal(got, rec) {
		t.Errorf("%v: %v came back as %v", k, rec, got)
	}
	EachRef(rec, func(w *uint32) { *w = 0 })
	if got := AppendRecord(nil, content, nil, back); !slices.Equal(got, rec) {
		t.Errorf("%v without references: %v came back as %v", k, rec, got)
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
