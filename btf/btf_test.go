package btf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	ebtf "github.com/cilium/ebpf/btf"
	"github.com/gobtf/gobtf/internal/testinput"
	"github.com/google/go-cmp/cmp"
)

var orders = []binary.ByteOrder{binary.LittleEndian, binary.BigEndian}

func neg(v int64) uint64 { return uint64(v) }

// everyKind builds a BTF with every kind and every variant of a record in it.
func everyKind(t testing.TB, order binary.ByteOrder) *Types {
	t.Helper()
	b := NewBuilder(nil)
	b.Order = order
	i := b.AddInt("int", 4, Signed)
	b.AddIntBits("odd", 4, IntInfo{Encoding: Bool, Offset: 3, Bits: 5})
	node := b.Next() + 1
	ptr := b.AddPtr(node)
	if id := b.AddStruct("node", 24, Member{Name: "next", Type: ptr}, Member{Name: "v", Type: i, Bit: 64}, Member{Type: i, Bit: 96}); id != node {
		t.Fatalf("Next said %d, node is %d", node, id)
	}
	b.AddStruct("bits", 8, Member{Name: "a", Type: i, Bits: 3}, Member{Name: "b", Type: i, Bit: 3, Bits: 29}, Member{Name: "c", Type: i, Bit: 32})
	b.AddUnion("", 4, Member{Name: "x", Type: i})
	b.AddStruct("empty", 0)
	b.AddArray(i, i, 7)
	b.AddEnum("e", 4, false, Value{Name: "E0"}, Value{Name: "E1", Value: math.MaxUint32})
	b.AddEnum("se", 4, true, Value{Name: "S0", Value: neg(-5)}, Value{Name: "S1", Value: 5})
	b.AddEnum("fe", 4, false)
	b.AddEnum64("e64", 8, false, Value{Name: "B0", Value: 1 << 63})
	b.AddEnum64("se64", 8, true, Value{Name: "B1", Value: neg(-1 << 40)})
	b.AddFwd("fs", false)
	b.AddFwd("fu", true)
	td := b.AddTypedef("node_t", node)
	b.AddVolatile(td)
	c := b.AddConst(i)
	b.AddRestrict(ptr)
	b.AddFloat("double", 8)
	p := b.AddFuncProto(0, Param{Name: "n", Type: ptr}, Param{Name: "c", Type: c}, Param{})
	f := b.AddFunc("func", p, Global)
	b.AddFuncProto(i)
	v := b.AddVar("v", i, Static)
	v2 := b.AddVar("ext", td, Extern)
	b.AddDatasec(".data", 40, Entry{v, 0, 4}, Entry{v2, 8, 24})
	b.AddDeclTag("kfunc", f, -1, false)
	b.AddDeclTag("arg", f, 1, true)
	b.AddPtr(b.AddTypeTag("user", i, false))
	b.AddTypeTag("rcu", i, true)
	ts, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[Kind]bool{}
	for _, x := range ts.All() {
		seen[x.Kind()] = true
	}
	if len(seen) != NumKinds-1 {
		t.Fatalf("%d kinds of %d are there", len(seen), NumKinds-1)
	}
	return ts
}

func describe(ts *Types) string {
	var b strings.Builder
	for id := range ts.All() {
		b.WriteString(ts.Describe(id) + "\n")
	}
	return b.String()
}

func mustParse(t testing.TB, data []byte, base *Types) *Types {
	t.Helper()
	ts, err := Parse(data, base)
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

func TestRoundTrip(t *testing.T) {
	want := describe(everyKind(t, binary.LittleEndian))
	for _, order := range orders {
		for _, form := range []HeaderForm{Header24, Header32, HeaderLayout} {
			t.Run(fmt.Sprint(order, form), func(t *testing.T) {
				data := everyKind(t, order).AppendForm(nil, form)
				ts := mustParse(t, data, nil)
				if ts.Order() != order || ts.BigEndian() != (order == orders[1]) || ts.Form() != form {
					t.Errorf("read as %v %v", ts.Order(), ts.Form())
				}
				if d := cmp.Diff(want, describe(ts)); d != "" {
					t.Error(d)
				}
				if out := ts.Append([]byte("before")); !bytes.Equal(out[6:], data) || string(out[:6]) != "before" {
					t.Error("written again, the bytes differ")
				}
				// Data that does not lie at a multiple of 4 has to be copied.
				odd := append([]byte{0}, data...)[1:]
				if d := cmp.Diff(ts.Words(), mustParse(t, odd, nil).Words()); d != "" {
					t.Error(d)
				}
			})
		}
	}
}

func TestDescribe(t *testing.T) {
	want := strings.TrimPrefix(`
[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED
[2] INT 'odd' size=4 bits_offset=3 nr_bits=5 encoding=BOOL
[3] PTR '(anon)' type_id=4
[4] STRUCT 'node' size=24 vlen=3
	'next' type_id=3 bits_offset=0
	'v' type_id=1 bits_offset=64
	'(anon)' type_id=1 bits_offset=96
[5] STRUCT 'bits' size=8 vlen=3
	'a' type_id=1 bits_offset=0 bitfield_size=3
	'b' type_id=1 bits_offset=3 bitfield_size=29
	'c' type_id=1 bits_offset=32
[6] UNION '(anon)' size=4 vlen=1
	'x' type_id=1 bits_offset=0
[7] STRUCT 'empty' size=0 vlen=0
[8] ARRAY '(anon)' type_id=1 index_type_id=1 nr_elems=7
[9] ENUM 'e' encoding=UNSIGNED size=4 vlen=2
	'E0' val=0
	'E1' val=4294967295
[10] ENUM 'se' encoding=SIGNED size=4 vlen=2
	'S0' val=-5
	'S1' val=5
[11] ENUM 'fe' encoding=UNSIGNED size=4 vlen=0
[12] ENUM64 'e64' encoding=UNSIGNED size=8 vlen=1
	'B0' val=9223372036854775808ULL
[13] ENUM64 'se64' encoding=SIGNED size=8 vlen=1
	'B1' val=-1099511627776LL
[14] FWD 'fs' fwd_kind=struct
[15] FWD 'fu' fwd_kind=union
[16] TYPEDEF 'node_t' type_id=4
[17] VOLATILE '(anon)' type_id=16
[18] CONST '(anon)' type_id=1
[19] RESTRICT '(anon)' type_id=3
[20] FLOAT 'double' size=8
[21] FUNC_PROTO '(anon)' ret_type_id=0 vlen=3
	'n' type_id=3
	'c' type_id=18
	'(anon)' type_id=0
[22] FUNC 'func' type_id=21 linkage=global
[23] FUNC_PROTO '(anon)' ret_type_id=1 vlen=0
[24] VAR 'v' type_id=1, linkage=static
[25] VAR 'ext' type_id=16, linkage=extern
[26] DATASEC '.data' size=40 vlen=2
	type_id=24 offset=0 size=4 (VAR 'v')
	type_id=25 offset=8 size=24 (VAR 'ext')
[27] DECL_TAG 'kfunc' type_id=22 component_idx=-1
[28] DECL_TAG 'arg' type_id=22 component_idx=1 kflag=1
[29] TYPE_TAG 'user' type_id=1
[30] PTR '(anon)' type_id=29
[31] TYPE_TAG 'rcu' type_id=1 kflag=1
`, "\n")
	ts := everyKind(t, binary.BigEndian)
	if d := cmp.Diff(want, describe(ts)); d != "" {
		t.Error(d)
	}
	if s := ts.Describe(0); s != "[0] UNKN '(anon)'" {
		t.Errorf("void is %q", s)
	}
	if s := ts.Describe(1000); s != "[1000] UNKN '(anon)'" {
		t.Errorf("no type is %q", s)
	}
}

// cilium/ebpf reads what we write, in either order, and sees the same.
func TestSecondReader(t *testing.T) {
	for _, order := range orders {
		ts := everyKind(t, order)
		spec, err := ebtf.LoadSpecFromReader(bytes.NewReader(ts.Append(nil)))
		if err != nil {
			t.Fatalf("%v: %v", order, err)
		}
		for id, x := range ts.All() {
			theirs, err := spec.TypeByID(ebtf.TypeID(id))
			if err != nil {
				t.Errorf("%v: type %d: %v", order, id, err)
				continue
			}
			if k := x.Kind(); theirs.TypeName() != x.Name() && k != DeclTag && k != TypeTag { // they have tags apart
				t.Errorf("%v: type %d is called %q, they say %q", order, id, x.Name(), theirs.TypeName())
			}
			ref := func(name string, got ebtf.Type, want TypeID) {
				t.Helper()
				if _, void := got.(*ebtf.Void); void && want == 0 {
					return
				}
				if other, err := spec.TypeID(got); err != nil || TypeID(other) != want {
					t.Errorf("%v: type %d: %s is %d, they say %d (%v)", order, id, name, want, other, err)
				}
			}
			members := func(theirs []ebtf.Member) {
				ours := slices.Collect(x.Members())
				if len(ours) != len(theirs) {
					t.Errorf("%v: type %d has %d members, they say %d", order, id, len(ours), len(theirs))
					return
				}
				for i, m := range ours {
					n := theirs[i]
					if m.Name != n.Name || m.Bit != uint32(n.Offset) || m.Bits != uint32(n.BitfieldSize) {
						t.Errorf("%v: type %d: member %+v, they say %+v", order, id, m, n)
					}
					ref(m.Name, n.Type, m.Type)
				}
			}
			switch y := theirs.(type) {
			case *ebtf.Int:
				if y.Size != x.Size() {
					t.Errorf("%v: INT %d: size %d, they say %d", order, id, x.Size(), y.Size)
				}
			case *ebtf.Struct:
				members(y.Members)
			case *ebtf.Union:
				members(y.Members)
			case *ebtf.Pointer:
				ref("target", y.Target, x.Ref())
			case *ebtf.Typedef:
				ref("target", y.Type, x.Ref())
			case *ebtf.Array:
				elem, index, n := x.Array()
				ref("element", y.Type, elem)
				ref("index", y.Index, index)
				if n != y.Nelems {
					t.Errorf("%v: ARRAY %d: %d elements, they say %d", order, id, n, y.Nelems)
				}
			case *ebtf.Enum:
				var got []Value
				for _, v := range y.Values {
					got = append(got, Value{Name: v.Name, Value: v.Value})
				}
				want := slices.Collect(x.Values())
				for i := range want {
					want[i].NameOff = 0
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("%v: enum %d: %s", order, id, d)
				}
			case *ebtf.FuncProto:
				ref("return", y.Return, x.Ref())
				for i, p := range slices.Collect(x.Params()) {
					ref(p.Name, y.Params[i].Type, p.Type)
				}
			case *ebtf.Var:
				ref("type", y.Type, x.Ref())
			case *ebtf.Datasec:
				for i, e := range slices.Collect(x.Entries()) {
					ref("variable", y.Vars[i].Type, e.Var)
					if y.Vars[i].Offset != e.Offset || y.Vars[i].Size != e.Size {
						t.Errorf("%v: DATASEC %d: %+v, they say %+v", order, id, e, y.Vars[i])
					}
				}
			}
		}
	}
}

func TestAccessors(t *testing.T) {
	ts := everyKind(t, binary.LittleEndian)
	for id, x := range ts.All() {
		var each, names []uint32
		EachRef(x.Record(), func(w *uint32) { each = append(each, *w) })
		EachName(x.Record(), func(w *uint32) { names = append(names, *w) })
		var refs []uint32
		for r := range x.Refs() {
			refs = append(refs, uint32(r))
		}
		if !slices.Equal(each, refs) {
			t.Errorf("type %d: Refs %v, EachRef %v", id, refs, each)
		}
		var typed, typedNames []uint32
		typedNames = append(typedNames, x.NameOff())
		if kinds[x.Kind()].third == 'R' {
			typed = append(typed, uint32(x.Ref()))
		} else if x.Ref() != 0 {
			t.Errorf("type %d (%s) has a Ref", id, x.Kind())
		}
		if elem, index, _ := x.Array(); x.Kind() == Array {
			typed = append(typed, uint32(elem), uint32(index))
		}
		for m := range x.Members() {
			typed, typedNames = append(typed, uint32(m.Type)), append(typedNames, m.NameOff)
		}
		for p := range x.Params() {
			typed, typedNames = append(typed, uint32(p.Type)), append(typedNames, p.NameOff)
		}
		for v := range x.Values() {
			typedNames = append(typedNames, v.NameOff)
		}
		for e := range x.Entries() {
			typed = append(typed, uint32(e.Var))
		}
		if !slices.Equal(each, typed) || !slices.Equal(names, typedNames) {
			t.Errorf("type %d: %v %v, by accessor %v %v", id, each, names, typed, typedNames)
		}
		for range x.Refs() {
			break // must not go on after that
		}
	}
	if off, ok := ts.Offset([]byte("node")); !ok {
		t.Error("node is not found")
	} else if s, err := ts.String(off); s != "node" || err != nil || string(ts.StringBytes(off)) != "node" {
		t.Errorf("offset of node gives %q, %v", s, err)
	}
	if off, ok := ts.Offset([]byte("ode")); ok {
		t.Errorf("the end of a string counts as one: %d", off)
	}
	if _, err := ts.String(uint32(len(ts.Strings()))); err == nil {
		t.Error("a string behind the last one")
	}
	if b := ts.StringBytes(1 << 30); b != nil {
		t.Errorf("a string far behind the last one: %q", b)
	}
}

func TestSplit(t *testing.T) {
	for _, order := range orders {
		base := everyKind(t, order)
		b := NewBuilder(base)
		s := b.AddStruct("split", 8, Member{Name: "next", Type: 3}, Member{Name: "own", Type: b.Next()})
		f := b.AddFunc("f", 21, Static)
		ts, err := b.Types()
		if err != nil {
			t.Fatal(err)
		}
		data := ts.Append(nil)
		if want := "split\x00own\x00f\x00"; string(ts.Strings()) != want {
			t.Errorf("strings are %q, want %q", ts.Strings(), want)
		}
		ts = mustParse(t, data, base)
		if ts.Start() != TypeID(base.Len()) || s != ts.Start() || ts.Len() != base.Len()+2 || ts.StringsStart() != uint32(len(base.Strings())) {
			t.Errorf("starts at %d, %d types, strings at %d", ts.Start(), ts.Len(), ts.StringsStart())
		}
		if n := ts.Type(f).Name(); n != "f" {
			t.Errorf("f is called %q", n)
		}
		if n := ts.Type(4).Name(); n != "node" || ts.Describe(4) != base.Describe(4) {
			t.Errorf("the base's type is %s", ts.Describe(4))
		}
		if !bytes.Equal(ts.Append(nil), data) {
			t.Error("written again, the bytes differ")
		}
		if _, err := Parse(data, nil); err == nil || !strings.Contains(err.Error(), "needs its base") {
			t.Errorf("without base: %v", err)
		}
		other := everyKind(t, orders[(slices.Index(orders, order)+1)%2])
		if _, err := Parse(data, other); err == nil || !strings.Contains(err.Error(), "byte order") {
			t.Errorf("on a base of the other order: %v", err)
		}
		// Three levels, the middle one without strings of its own.
		m := NewBuilder(ts)
		m.AddPtr(s)
		mid, err := m.Types()
		if err != nil {
			t.Fatal(err)
		}
		top := NewBuilder(mid)
		top.AddTypedef("top", top.AddTypedef("own", 1))
		tt, err := top.Types()
		if err != nil {
			t.Fatal(err)
		}
		if got := string(tt.Strings()); got != "top\x00" {
			// "own" is in ts
			t.Errorf("strings of the third level are %q", got)
		}
		if n := tt.Type(tt.Start()).Name(); n != "own" {
			t.Errorf("a name of the second level is %q", n)
		}
		if _, err := Parse(AppendFile(nil, Header24, nil, nil, order), base); err != nil {
			t.Errorf("empty split BTF: %v", err)
		}
	}
}

// valid is a small BTF that the tests of errors break.
func valid(t testing.TB) []byte {
	b := NewBuilder(nil)
	i := b.AddInt("int", 4, Signed)
	b.AddStruct("s", 4, Member{Name: "m", Type: i})
	ts, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	return ts.Append(nil)
}

func TestParseErrors(t *testing.T) {
	set := func(off int, v uint32) func([]byte) []byte {
		return func(b []byte) []byte { binary.LittleEndian.PutUint32(b[off:], v); return b }
	}
	const types = 24 // of the file; the struct's record is at +16
	tests := []struct {
		name   string
		change func([]byte) []byte
		want   string
		is     error
	}{
		{"empty", func(b []byte) []byte { return nil }, "BTF header+0x0: truncated: 0 bytes of at least 24", ErrTruncated},
		{"other file", func(b []byte) []byte { return []byte("#!/bin/sh") }, "BTF header+0x0: not BTF: it starts with 0x2321", ErrNotBTF},
		{"half a header", func(b []byte) []byte { return b[:13] }, "BTF header+0x0: truncated: 13 bytes of at least 24", ErrTruncated},
		{"version", func(b []byte) []byte { b[2] = 2; return b }, "BTF header+0x2: version 2 is not known", nil},
		{"short header", set(4, 20), "BTF header+0x4: header length 20 is less than 24", nil},
		{"long header", set(4, 4000), "BTF header+0x4: truncated: header length 4000, but there are 73 bytes", ErrTruncated},
		{"unknown header", set(4, 48), "BTF header+0x20: header of 48 bytes has fields that are not known", nil},
		{"type section", set(12, 1<<31), "BTF header+0x8: truncated: type section ends at 0x80000000, but 0x31 bytes follow the header", ErrTruncated},
		{"string section", set(20, 1<<32-1), "BTF header+0x10: truncated: string section ends at 0x100000027, but 0x31 bytes follow the header", ErrTruncated},
		{"type offset", set(8, 2), "BTF header+0x8: type section offset 0x2 is not a multiple of 4", nil},
		{"type length", set(12, 41), "BTF header+0xc: type section length 0x29 is not a multiple of 4", nil},
		{"overlap", set(16, 8), "BTF header+0x10: string section starts at 0x8, inside or before the type section", nil},
		{"no strings", set(20, 0), "BTF strings+0x0: truncated: string section is empty", ErrTruncated},
		{"first string", func(b []byte) []byte { b[types+40] = 'x'; return b }, "BTF strings+0x0: first string is not empty: is this a split BTF, which needs its base?", nil},
		{"last string", func(b []byte) []byte { b[len(b)-1] = 'x'; return b }, "BTF strings+0x8: last string has no end", nil},
		{"kind 0", set(types+16+4, 0), "BTF types+0x10: type 2: kind 0 is not known", nil},
		{"kind 20", set(types+16+4, 20<<24), "BTF types+0x10: type 2: kind 20 is not known", nil},
		{"vlen", set(types+16+4, 4<<24|0xffff), "BTF types+0x10: type 2: truncated: record has 786432 bytes, but 24 are left", ErrTruncated},
		{"no whole record", set(12, 24), "BTF types+0x10: type 2: truncated: record has 12 bytes, but 8 are left", ErrTruncated},
		{"name", set(types, 9), "BTF types+0x0: type 1: name offset 0x9 is outside of the strings, which end at 0x9: is this a split BTF, which needs its base?", nil},
		{"member name", set(types+28, 1<<32-1), "BTF types+0x10: type 2: name offset 0xffffffff is outside of the strings, which end at 0x9: is this a split BTF, which needs its base?", nil},
		{"reference", set(types+32, 3), "BTF types+0x10: type 2: refers to type 3, but the last one is 2: is this a split BTF, which needs its base?", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(tt.change(valid(t)), nil)
			if err == nil || err.Error() != tt.want {
				t.Fatalf("error is\n%v, want\n%s", err, tt.want)
			}
			var e *Error
			if !errors.As(err, &e) || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("error is a %T", err)
			}
		})
	}
}

func TestTruncated(t *testing.T) {
	for _, order := range orders {
		for _, form := range []HeaderForm{Header24, HeaderLayout} {
			data := everyKind(t, order).AppendForm(nil, form)
			for n := range data {
				if _, err := Parse(data[:n:n], nil); err == nil {
					t.Fatalf("%v %v: the first %d of %d bytes are accepted", order, form, n, len(data))
				}
			}
		}
	}
}

// checkAccepted demands of what Parse accepts that it can be walked, and that it
// comes back the same when written and read again.
func checkAccepted(t testing.TB, data []byte, base *Types) {
	ts, err := Parse(data, base)
	if err != nil {
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("error %v is a %T", err, err)
		}
		return
	}
	first := describe(ts)
	for _, form := range []HeaderForm{Header24, HeaderLayout} {
		again, err := Parse(ts.AppendForm(nil, form), base)
		if err != nil {
			t.Fatalf("written again it is not accepted: %v", err)
		}
		if !slices.Equal(ts.Words(), again.Words()) || !bytes.Equal(ts.Strings(), again.Strings()) || first != describe(again) {
			t.Fatal("written again, the types differ")
		}
	}
	for id := range ts.All() {
		for r := range ts.Type(id).Refs() {
			if int(r) >= ts.Len() {
				t.Fatalf("type %d refers to %d of %d", id, r, ts.Len())
			}
		}
	}
	if off, ok := ts.Offset([]byte("node")); ok {
		if s, err := ts.String(off); s != "node" || err != nil {
			t.Fatalf("node is %q, %v", s, err)
		}
	}
}

func TestMutated(t *testing.T) {
	base := mustParse(t, valid(t), nil)
	for _, order := range orders {
		data := everyKind(t, order).Append(nil)
		for i := range data {
			for _, v := range []byte{0, 1, 0x13, 0x7f, 0x80, 0xff} {
				old := data[i]
				data[i] = v
				checkAccepted(t, data, nil)
				checkAccepted(t, data, base)
				data[i] = old
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, order := range orders {
		f.Add(everyKind(f, order).Append(nil))
		f.Add(everyKind(f, order).AppendForm(nil, HeaderLayout))
	}
	f.Add(valid(f))
	base := everyKind(f, binary.LittleEndian)
	f.Fuzz(func(t *testing.T, data []byte) {
		checkAccepted(t, data, nil)
		checkAccepted(t, data, base)
	})
}

func TestBuilderErrors(t *testing.T) {
	tests := []struct {
		name string
		add  func(*Builder)
		want string
	}{
		{"int", func(b *Builder) { b.AddInt("i", 17, 0) }, "BTF types+0x0: type 1: INT \"i\": size 17 is more than 16"},
		{"name", func(b *Builder) { b.AddFwd("a\x00b", false) }, "BTF types+0x0: type 1: name \"a\\x00b\" has a zero byte inside"},
		{"bitfield", func(b *Builder) { b.AddStruct("s", 4, Member{Name: "m", Bits: 256}) }, "BTF types+0x0: type 1: STRUCT \"s\": bitfield \"m\" of 256 bits at bit 0 does not fit"},
		{"value", func(b *Builder) { b.AddEnum("e", 4, false, Value{Name: "v", Value: 1 << 32}) }, "BTF types+0x0: type 1: ENUM \"e\": value \"v\" does not fit into 32 bits"},
		{"members", func(b *Builder) { b.AddUnion("u", 4, make([]Member, MaxVlen+1)...) }, "BTF types+0x0: type 1: UNION \"u\": 65536 elements are more than 65535"},
		{"record", func(b *Builder) { b.AddPtr(0); b.AddRecord([]uint32{0, InfoWord(Array, 0, false), 0}) }, "BTF types+0xc: type 2: record of 3 words is not whole"},
		{"reference", func(b *Builder) { b.AddPtr(2) }, "BTF types+0x0: type 1: refers to type 2, but the last one is 1: is this a split BTF, which needs its base?"},
	}
	for _, tt := range tests {
		b := NewBuilder(nil)
		tt.add(b)
		if _, err := b.Types(); err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestBuilderRecords(t *testing.T) {
	want := everyKind(t, binary.LittleEndian)
	b := NewBuilder(nil)
	for off := 1; off < len(want.Strings()); {
		s := want.StringBytes(uint32(off))
		b.AddString(string(s))
		off += len(s) + 1
	}
	for _, x := range want.All() {
		b.AddRecord(x.Record())
	}
	got, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Append(nil), want.Append(nil)) {
		t.Error("records copied one by one give other bytes")
	}
}

// vmlinux reads the kernel's BTF that GOBTF_VMLINUX names, or the bundled one.
func vmlinux(tb testing.TB) []byte {
	path := os.Getenv("GOBTF_VMLINUX")
	if path == "" {
		return testinput.Read(tb, "vmlinux.btf")
	}
	data, _, err := ReadSections(path)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func BenchmarkParse(b *testing.B) {
	data := vmlinux(b)
	b.SetBytes(int64(len(data)))
	types := 0
	for b.Loop() {
		types = mustParse(b, data, nil).Len()
	}
	b.ReportMetric(float64(types), "types")
}
