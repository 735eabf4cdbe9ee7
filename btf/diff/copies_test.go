package diff

import (
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
)

// addTypes adds, for one side, what differs in every way; own says whether it is the split BTF's.
func addTypes(b *btf.Builder, own bool) {
	pick := func(a, other uint32) uint32 {
		if own {
			return a
		}
		return other
	}
	i := b.AddInt("int", 4, btf.Signed)
	b.AddStruct("same", 4, btf.Member{Name: "a", Type: i})
	inner := b.AddStruct("inner", pick(8, 12), btf.Member{Name: "a", Type: i}, btf.Member{Name: "b", Type: i, Bit: 32})
	b.AddStruct("outer", 8, btf.Member{Name: "in", Type: b.AddPtr(b.AddConst(inner))})
	b.AddStruct("moved", 8, btf.Member{Name: "m", Type: i, Bit: pick(0, 32)})
	if own {
		b.AddStruct("longer", 4, btf.Member{Name: "a", Type: i}, btf.Member{Name: "b", Type: i})
	} else {
		b.AddStruct("longer", 4, btf.Member{Name: "a", Type: i})
	}
	b.AddEnum("state", 4, false, btf.Value{Name: "ON", Value: uint64(pick(1, 2))})
	b.AddTypedef("arr", b.AddArray(i, i, pick(3, 4)))
	other := i
	if own {
		other = b.AddInt("unsigned int", 4, 0)
	}
	b.AddTypedef("num", other)
	// Two that lead to each other, the same on both sides.
	b.AddStruct("loop", 8, btf.Member{Name: "next", Type: b.AddPtr(b.Next() + 1)})
}

func TestCopies(t *testing.T) {
	b := btf.NewBuilder(nil)
	addTypes(b, false)
	base, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	o := btf.NewBuilder(base)
	addTypes(o, true)
	o.AddStruct("only_here", 4)
	ts, err := o.Types()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	last := 1 << 30
	for _, c := range Copies(ts) {
		if c.Bytes > last {
			t.Errorf("%s of %d bytes stands behind smaller ones", c.Name, c.Bytes)
		}
		last = c.Bytes
		got[c.Noun+" "+c.Name] = strings.Join(c.Path, " -> ") + ": " + c.What + ": " + c.Here + " | " + c.Base
		if ts.Type(c.ID).Name() != c.Name || ts.Type(c.Of).Name() != c.Name || c.Of >= ts.Start() || c.ID < ts.Start() {
			t.Errorf("%+v", c)
		}
	}
	want := map[string]string{
		"struct same":   ": :  | ",
		"struct inner":  "struct inner: size: 8 bytes | 12 bytes",
		"struct outer":  "struct outer -> member in -> struct inner: size: 8 bytes | 12 bytes",
		"struct moved":  "struct moved: member: int m at bit 0 | int m at bit 32",
		"struct longer": "struct longer: member: int b at bit 0 | none",
		"enum state":    "enum state: enumerator: ON = 1 | ON = 2",
		"typedef arr":   "arr: type: int [3] | int [4]",
		"typedef num":   "num: type: unsigned int | int",
		"struct loop":   ": :  | ",
	}
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s: %q, want %q", name, got[name], text)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d copies, want %d: %v", len(got), len(want), got)
	}
	if Copies(base) != nil {
		t.Error("BTF that stands alone has copies")
	}
}

// TestCopiesDeep: a way through very many types is neither followed for ever nor copied at each step.
func TestCopiesDeep(t *testing.T) {
	build := func(b *btf.Builder, size uint32) {
		i := b.AddInt("int", size, btf.Signed)
		at := i
		for range 100000 {
			at = b.AddPtr(at)
		}
		b.AddStruct("deep", 8, btf.Member{Name: "p", Type: at})
	}
	b := btf.NewBuilder(nil)
	build(b, 4)
	base, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	o := btf.NewBuilder(base)
	build(o, 8)
	ts, err := o.Types()
	if err != nil {
		t.Fatal(err)
	}
	if list := Copies(ts); len(list) != 1 || list[0].What != "" {
		t.Errorf("%+v", list)
	}
}
