package btf_test

import (
	"slices"
	"testing"

	. "github.com/gobtf/gobtf/btf"
)

func TestBase(t *testing.T) {
	make := func(nested bool) *Base {
		b := NewBuilder(nil)
		i := b.AddInt("int", 4, Signed)
		b.AddStruct("s", 4, Member{Name: "a", Type: i})
		b.AddUnion("s", 4, Member{Name: "b", Type: i})
		b.AddStruct("", 4, Member{Name: "c", Type: i})
		b.AddTypedef("s", i)
		row := b.AddArray(i, i, 2)
		if nested {
			row = b.AddArray(row, i, 3)
		}
		b.AddStruct("m", 24, Member{Name: "rows", Type: row})
		ts, err := b.Types()
		if err != nil {
			t.Fatal(err)
		}
		return NewBase(ts)
	}
	for _, nested := range []bool{false, true} {
		b := make(nested)
		if b.OnlyFlatArrays() == nested {
			t.Errorf("nested arrays %v: OnlyFlatArrays %v", nested, b.OnlyFlatArrays())
		}
		if got := b.StructsNamed("s"); !slices.Equal(got, []TypeID{2, 3}) {
			t.Errorf("named s: %v", got)
		}
		if got := b.StructsNamed(""); got != nil {
			t.Errorf("without a name: %v", got)
		}
		calls := 0
		for range 2 {
			got := b.Index(func(ts *Types) any { calls++; return ts.Len() })
			if got != b.Len() {
				t.Errorf("index %v", got)
			}
		}
		if calls != 1 {
			t.Errorf("the index was made %d times", calls)
		}
	}
}

// TestOnlyFlatArraysFirst: every type counts, also the first.
func TestOnlyFlatArraysFirst(t *testing.T) {
	b := NewBuilder(nil)
	b.AddArray(2, 3, 4)
	b.AddArray(3, 3, 4)
	b.AddInt("int", 4, Signed)
	ts, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	if NewBase(ts).OnlyFlatArrays() {
		t.Error("the first type is an array of arrays")
	}
}
