package graph

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/gobtf/gobtf/btf"
)

// graphOf puts t's own types into a graph, and every string into the section in the
// order of the records.
func graphOf(t *btf.Types, strs *Strings, section *StringSection) *Graph {
	start := btf.TypeID(0)
	if t.Base() != nil {
		start = t.Start()
	}
	g := NewGraph(NewShapes(strs), start, t.Len(), 0)
	for _, x := range t.All() {
		rec := slices.Clone(x.Record())
		btf.EachName(rec, func(w *uint32) {
			id := strs.Intern(t.StringBytes(*w))
			section.Add(id)
			*w = uint32(id)
		})
		var refs []uint32
		btf.EachRef(rec, func(w *uint32) { refs = append(refs, *w) })
		k := x.Kind()
		content := []uint32{rec[1], rec[0], x.Size()}
		rest := rec[3:]
		for len(rest) > 0 {
			switch k {
			case btf.Array:
				content, rest = append(content, rest[2]), nil
			case btf.Struct, btf.Union:
				content, rest = append(content, rest[0], rest[2]), rest[3:]
			case btf.FuncProto:
				content, rest = append(content, rest[0]), rest[2:]
			case btf.Datasec:
				content, rest = append(content, rest[1], rest[2]), rest[3:]
			default:
				content, rest = append(content, rest...), nil
			}
		}
		g.Add(g.Shapes.Intern(content), refs...)
	}
	return g
}

func allOf(g *Graph) (keep []btf.TypeID) {
	for id := max(g.Start, 1); id < g.Len(); id++ {
		keep = append(keep, id)
	}
	return keep
}

func TestAppendGraph(t *testing.T) {
	for _, order := range orders {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			want := everyKind(t, order)
			strs := NewStrings()
			section := NewStringSection(strs, 0, nil)
			g := graphOf(want, strs, section)
			types := AppendGraph([]byte("x"), g, allOf(g), nil, section.Offsets(), order)[1:]
			if !bytes.Equal(btf.AppendFile(nil, btf.Header24, types, section.Bytes(), order), want.Append(nil)) {
				t.Error("through a graph the bytes differ")
			}
			// Without type 2, which nothing refers to: ids move down.
			newID := make([]uint32, g.Len())
			for id := range newID {
				newID[id] = uint32(id)
				if id > 2 {
					newID[id]--
				}
			}
			keep := slices.DeleteFunc(allOf(g), func(id btf.TypeID) bool { return id == 2 })
			types = AppendGraph(nil, g, keep, newID, section.Offsets(), order)
			got := parse(t, btf.AppendFile(nil, btf.Header24, types, section.Bytes(), order), nil)
			if got.Len() != want.Len()-1 {
				t.Fatalf("%d types", got.Len())
			}
			for id, x := range got.All() {
				old := id
				if id > 1 {
					old++
				}
				w := slices.Clone(want.Record(old))
				btf.EachRef(w, func(r *uint32) { *r = newID[*r] })
				if !slices.Equal(w, x.Record()) {
					t.Errorf("%s was %s", got.Describe(id), want.Describe(old))
				}
			}
		})
	}
}

func TestAppendSplitGraph(t *testing.T) {
	base := everyKind(t, binary.LittleEndian)
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
	newID := []uint32{uint32(g.Start), uint32(g.Start) + 1, uint32(g.Start) + 2}
	types := AppendGraph(nil, g, allOf(g), newID, section.Offsets(), base.Order())
	if !bytes.Equal(btf.AppendFile(nil, btf.Header24, types, section.Bytes(), base.Order()), want.Append(nil)) {
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

func everyKind(t testing.TB, order binary.ByteOrder) *btf.Types {
	t.Helper()
	b := btf.NewBuilder(nil)
	b.Order = order
	i := b.AddInt("int", 4, btf.Signed)
	b.AddIntBits("odd", 4, btf.IntInfo{Encoding: btf.Bool, Offset: 3, Bits: 5})
	node := b.Next() + 1
	ptr := b.AddPtr(node)
	if id := b.AddStruct("node", 24, btf.Member{Name: "next", Type: ptr}, btf.Member{Name: "v", Type: i, Bit: 64}, btf.Member{Type: i, Bit: 96}); id != node {
		t.Fatalf("Next said %d, node is %d", node, id)
	}
	b.AddStruct("bits", 8, btf.Member{Name: "a", Type: i, Bits: 3}, btf.Member{Name: "b", Type: i, Bit: 3, Bits: 29}, btf.Member{Name: "c", Type: i, Bit: 32})
	b.AddUnion("", 4, btf.Member{Name: "x", Type: i})
	b.AddStruct("empty", 0)
	b.AddArray(i, i, 7)
	b.AddEnum("e", 4, false, btf.Value{Name: "E0"}, btf.Value{Name: "E1", Value: math.MaxUint32})
	b.AddEnum("se", 4, true, btf.Value{Name: "S0", Value: neg(-5)}, btf.Value{Name: "S1", Value: 5})
	b.AddEnum("fe", 4, false)
	b.AddEnum64("e64", 8, false, btf.Value{Name: "B0", Value: 1 << 63})
	b.AddEnum64("se64", 8, true, btf.Value{Name: "B1", Value: neg(-1 << 40)})
	b.AddFwd("fs", false)
	b.AddFwd("fu", true)
	td := b.AddTypedef("node_t", node)
	b.AddVolatile(td)
	c := b.AddConst(i)
	b.AddRestrict(ptr)
	b.AddFloat("double", 8)
	p := b.AddFuncProto(0, btf.Param{Name: "n", Type: ptr}, btf.Param{Name: "c", Type: c}, btf.Param{})
	f := b.AddFunc("func", p, btf.Global)
	b.AddFuncProto(i)
	v := b.AddVar("v", i, btf.Static)
	v2 := b.AddVar("ext", td, btf.Extern)
	b.AddDatasec(".data", 40, btf.Entry{Var: v, Size: 4}, btf.Entry{Var: v2, Offset: 8, Size: 24})
	b.AddDeclTag("kfunc", f, -1, false)
	b.AddDeclTag("arg", f, 1, true)
	b.AddPtr(b.AddTypeTag("user", i, false))
	b.AddTypeTag("rcu", i, true)
	ts, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[btf.Kind]bool{}
	for _, x := range ts.All() {
		seen[x.Kind()] = true
	}
	if len(seen) != btf.NumKinds-1 {
		t.Fatalf("%d kinds of %d are there", len(seen), btf.NumKinds-1)
	}
	return ts
}

func parse(t testing.TB, data []byte, base *btf.Types) *btf.Types {
	t.Helper()
	ts, err := btf.Parse(data, base)
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

var orders = []binary.ByteOrder{binary.LittleEndian, binary.BigEndian}

func neg(v int64) uint64 { return uint64(v) }
