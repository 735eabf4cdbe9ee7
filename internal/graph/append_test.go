package graph

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/btftest"
)

// graphOf puts t's own types into a graph, and every string into the section in the
// order of the records.
func graphOf(t *btf.Types, strs *Strings, section *StringSection) *Graph {
	start := btf.TypeID(0)
	if t.Base() != nil {
		start = t.Start()
	}
	g := NewGraph(NewShapes(strs), start, t.Len(), 0)
	g.AddTypes(t)
	for _, sh := range g.Shape[max(1, start)-start:] {
		section.AddContent(g.Shapes.Content(sh))
	}
	return g
}

func allOf(g *Graph) (keep []btf.TypeID) {
	for id := max(g.Start, 1); id < g.Len(); id++ {
		keep = append(keep, id)
	}
	return keep
}

func TestTypes(t *testing.T) {
	for _, order := range btftest.Orders {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			want := btftest.EveryKind(t, order)
			strs := NewStrings()
			section := NewStringSection(strs, 0, nil)
			g := graphOf(want, strs, section)
			got, err := g.Types(allOf(g), section, nil, order)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Append(nil), want.Append(nil)) {
				t.Error("through a graph the bytes differ")
			}
			// Without type 2, which nothing refers to: ids move down.
			newID := func(id uint32) uint32 {
				if id > 2 {
					id--
				}
				return id
			}
			for i, r := range g.Refs {
				g.Refs[i] = newID(r)
			}
			keep := slices.DeleteFunc(allOf(g), func(id btf.TypeID) bool { return id == 2 })
			got, err = g.Types(keep, section, nil, order)
			if err != nil {
				t.Fatal(err)
			}
			if got.Len() != want.Len()-1 || got.Order() != order {
				t.Fatalf("%d types in %v", got.Len(), got.Order())
			}
			for id, x := range got.All() {
				old := id
				if id > 1 {
					old++
				}
				w := slices.Clone(want.Record(old))
				btf.EachRef(w, func(r *uint32) { *r = newID(*r) })
				if !slices.Equal(w, x.Record()) {
					t.Errorf("%s was %s", got.Describe(id), want.Describe(old))
				}
			}
		})
	}
}

// TestAddTwice: the types of a second BTF refer to each other, and not to the first's.
func TestAddTwice(t *testing.T) {
	want := btftest.EveryKind(t, binary.LittleEndian)
	strs := NewStrings()
	section := NewStringSection(strs, 0, nil)
	g := graphOf(want, strs, section)
	g.AddTypes(want)
	up := uint32(want.Len() - 1)
	got, err := g.Types(allOf(g), section, nil, binary.LittleEndian)
	if err != nil {
		t.Fatal(err)
	}
	if got.Len() != 2*want.Len()-1 {
		t.Fatalf("%d types, and there are two of %d", got.Len()-1, want.Len()-1)
	}
	for id, x := range want.All() {
		rec := slices.Clone(x.Record())
		btf.EachRef(rec, func(w *uint32) {
			if *w != 0 {
				*w += up
			}
		})
		if second := got.Record(id + btf.TypeID(up)); !slices.Equal(got.Record(id), x.Record()) || !slices.Equal(second, rec) {
			t.Errorf("%s became %s and %s", want.Describe(id), got.Describe(id), got.Describe(id+btf.TypeID(up)))
		}
	}
}

func TestSplitTypes(t *testing.T) {
	base := btftest.EveryKind(t, binary.LittleEndian)
	b := btf.NewBuilder(base)
	b.AddPtr(b.AddStruct("s", 8, btf.Member{Name: "next", Type: 3}, btf.Member{Name: "n", Type: b.Next() + 1}, btf.Member{Name: "mine", Type: 4, Bit: 64}))
	b.AddVar("w", b.Next()-1, btf.Global)
	want, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	strs := NewStrings()
	section := NewStringSection(strs, uint32(len(base.Strings())), base.Offset)
	g := graphOf(want, strs, section)
	got, err := g.Types(allOf(g), section, base, base.Order())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Append(nil), want.Append(nil)) {
		t.Error("through a graph the bytes differ")
	}
	if got := section.Len(); got != uint64(len(base.Strings())+len(want.Strings())) {
		t.Errorf("strings end at %d", got)
	}
}

func TestStringSection(t *testing.T) {
	strs := NewStrings()
	never, b, a := strs.InternString("never"), strs.InternString("b"), strs.InternString("a")
	s := NewStringSection(strs, 0, nil)
	for _, tt := range []struct {
		id   StrID
		want uint32
	}{{b, 1}, {a, 3}, {0, 0}, {b, 1}, {strs.InternString("late"), 5}, {a, 3}} {
		if off := s.Add(tt.id); off != tt.want {
			t.Errorf("%q is at %d, want %d", strs.String(tt.id), off, tt.want)
		}
	}
	if string(s.Bytes()) != "\x00b\x00a\x00late\x00" || s.Len() != uint64(len(s.Bytes())) {
		t.Errorf("section is %q", s.Bytes())
	}
	if off := s.Offsets()[never]; off != noOffset {
		t.Errorf("what was never added is at %d", off)
	}
	split := NewStringSection(strs, 100, func(b []byte) (uint32, bool) { return 42, string(b) == "a" })
	if split.Add(a) != 42 || split.Add(0) != 0 || split.Add(b) != 100 || string(split.Bytes()) != "b\x00" {
		t.Errorf("split section is %q", split.Bytes())
	}
}
