package core

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/dump"
	"github.com/gobtf/gobtf/internal/testinput"
)

var update = flag.Bool("update_core", false, "write testdata/core/*.txt with GOBTF_BPFTOOL")

func object(t testing.TB, path string) Object {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	section := func(name string) []byte {
		b, err := f.Section(name).Data()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	ts, err := btf.Parse(section(".BTF"), nil)
	if err != nil {
		t.Fatal(err)
	}
	list, err := Relocations(section(".BTF.ext"), ts)
	if err != nil {
		t.Fatal(err)
	}
	return Object{Name: filepath.Base(path), Types: ts, Relocations: list}
}

func objects(t testing.TB) []string {
	list, err := filepath.Glob("../../testdata/core/*.bpf.o")
	if err != nil || len(list) < 13 {
		t.Fatalf("%d objects, %v", len(list), err)
	}
	return list
}

func raw(t testing.TB, ts *btf.Types) string {
	t.Helper()
	ids, err := dump.Select(ts, dump.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := dump.Raw(&b, ts, ids); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func kernel(t testing.TB) *btf.Types {
	ts, err := btf.Parse(testinput.Read(t, "vmlinux.btf"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

// TestGolden: the types that are left, line for line, are those that bpftool gen min_core_btf leaves of the same kernel.
func TestGolden(t *testing.T) {
	vmlinux := kernel(t)
	for _, path := range objects(t) {
		golden := strings.TrimSuffix(path, ".bpf.o") + ".txt"
		if *update {
			if err := os.WriteFile(golden, reference(t, testinput.File(t, "vmlinux.btf"), path), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		res, err := Minimal([]*btf.Types{vmlinux}, []Object{object(t, path)})
		if err != nil {
			t.Fatal(err)
		}
		if got := raw(t, res.Types); got != string(want) {
			t.Errorf("%s:\n%s\nbpftool's:\n%s", path, got, want)
		}
	}
}

// reference returns what bpftool leaves, as it prints it.
func reference(t *testing.T, vmlinux string, objects ...string) []byte {
	t.Helper()
	tool := os.Getenv("GOBTF_BPFTOOL")
	out := filepath.Join(t.TempDir(), "min.btf")
	if b, err := exec.Command(tool, append([]string{"gen", "min_core_btf", vmlinux, out}, objects...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	b, err := exec.Command(tool, "btf", "dump", "file", out).Output()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBpftool compares with the tool itself, each object and all of them at once.
func TestBpftool(t *testing.T) {
	if os.Getenv("GOBTF_BPFTOOL") == "" {
		t.Skip("no GOBTF_BPFTOOL: scripts/fetch/bpftool makes one")
	}
	vmlinux, path := kernel(t), testinput.File(t, "vmlinux.btf")
	all := objects(t)
	sets := [][]string{all}
	for _, o := range all {
		sets = append(sets, []string{o})
	}
	for _, set := range sets {
		var list []Object
		for _, o := range set {
			list = append(list, object(t, o))
		}
		res, err := Minimal([]*btf.Types{vmlinux}, list)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := raw(t, res.Types), string(reference(t, path, set...)); got != want {
			t.Errorf("%v:\n%s\nbpftool's:\n%s", set, got, want)
		}
	}
}

// TestModule: types that only a module has come from there; what the kernel has is not taken from the module.
func TestModule(t *testing.T) {
	vmlinux := kernel(t)
	split, err := btf.Parse(testinput.Read(t, "gobtf_demo.split.btf"), vmlinux)
	if err != nil {
		t.Fatal(err)
	}
	o := object(t, "../../testdata/core/module.bpf.o")
	alone, err := Minimal([]*btf.Types{vmlinux}, []Object{o})
	if err != nil {
		t.Fatal(err)
	}
	if len(alone.Missing) != 3 || alone.Missing[0].What != "offset of demo_obj.stats" || alone.Missing[0].Section != "kprobe/a" {
		t.Errorf("without the module: %v", alone.Missing)
	}
	both, err := Minimal([]*btf.Types{vmlinux, split}, []Object{o})
	if err != nil {
		t.Fatal(err)
	}
	if len(both.Missing) != 0 || both.Asked != 4 {
		t.Errorf("with the module: %d asked, missing %v", both.Asked, both.Missing)
	}
	got := raw(t, both.Types)
	for _, want := range []string{"STRUCT 'demo_obj' size=", "STRUCT 'demo_stats' size=", "ENUM64 'demo_state'", "STRUCT 'task_struct' size="} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%q is in it %d times", want, strings.Count(got, want))
		}
	}
	if strings.Count(got, "'list_head'") != 1 || strings.Contains(got, "'release'") {
		t.Errorf("got:\n%s", got)
	}
}

// local makes the object of a program that asks one thing of struct s { int a; int b; }, union u or enum e.
func local(t *testing.T, build func(b *btf.Builder) btf.TypeID, access string, k Kind) Object {
	t.Helper()
	b := btf.NewBuilder(nil)
	id := build(b)
	ts, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	return Object{Name: "prog", Types: ts, Relocations: []Relocation{{"sec", 8, id, access, k}}}
}

func types(t *testing.T, build func(b *btf.Builder)) *btf.Types {
	t.Helper()
	b := btf.NewBuilder(nil)
	build(b)
	ts, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

func two(b *btf.Builder) btf.TypeID {
	i := b.AddInt("int", 4, btf.Signed)
	return b.AddStruct("s", 8, btf.Member{Name: "a", Type: i}, btf.Member{Name: "b", Type: i, Bit: 32})
}

// TestAmbiguous: two types of one name are taken when they give the same answer, and refused when they do not.
func TestAmbiguous(t *testing.T) {
	twice := func(bit uint32) *btf.Types {
		return types(t, func(b *btf.Builder) {
			i := b.AddInt("int", 4, btf.Signed)
			b.AddStruct("s", 8, btf.Member{Name: "b", Type: i, Bit: 32})
			b.AddStruct("s", 16, btf.Member{Name: "b", Type: i, Bit: bit})
		})
	}
	for _, c := range []struct {
		bit    uint32
		kind   Kind
		access string
		bad    string
	}{
		{32, FieldByteOffset, "0:1", ""},
		{64, FieldByteOffset, "0:1", "offset of s.b: ambiguous: type 2 gives 4, but type 3 of the same name gives 8"},
		{64, FieldExists, "0:1", "existence of s.b: ambiguous"}, // libbpf asks for one place even then
		{32, TypeSize, "0", "size of s: ambiguous: type 2 gives 8, but type 3 of the same name gives 16"},
		{32, TypeExists, "0", ""},
		{32, TypeIDTarget, "0", "ambiguous: type 2 gives 2, but type 3"},
	} {
		_, err := Minimal([]*btf.Types{twice(c.bit)}, []Object{local(t, two, c.access, c.kind)})
		if c.bad == "" && err != nil || c.bad != "" && (err == nil || !strings.Contains(err.Error(), "prog: section sec, instruction at 0x8: ") || !strings.Contains(err.Error(), c.bad)) {
			t.Errorf("%v: %v", c, err)
		}
	}
}

// TestAnswers: what is asked of members, in both byte orders. The numbers are those that libbpf puts into instructions.
func TestAnswers(t *testing.T) {
	build := func(b *btf.Builder) btf.TypeID {
		i := b.AddInt("int", 4, btf.Signed)
		u := b.AddInt("unsigned int", 4, 0)
		e := b.AddEnum("neg", 4, true, btf.Value{Name: "N", Value: 1<<64 - 1})
		a := b.AddArray(i, u, 4)
		return b.AddStruct("s", 40, btf.Member{Name: "i", Type: i, Bit: 32}, btf.Member{Name: "bits", Type: u, Bit: 77, Bits: 5},
			btf.Member{Name: "wide", Type: u, Bit: 84, Bits: 20}, btf.Member{Name: "arr", Type: a, Bit: 160}, btf.Member{Name: "e", Type: e, Bit: 288})
	}
	for _, c := range []struct {
		access      string
		kind        Kind
		little, big uint64
	}{
		{"0:0", FieldByteOffset, 4, 4},
		{"0:0", FieldByteSize, 4, 4},
		{"0:0", FieldExists, 1, 1},
		{"0:0", FieldSigned, 1, 1},
		{"0:0", FieldLShift, 32, 32},
		{"0:0", FieldRShift, 32, 32},
		{"0:1", FieldByteOffset, 8, 8},
		{"0:1", FieldByteSize, 4, 4},
		{"0:1", FieldSigned, 0, 0},
		{"0:1", FieldLShift, 46, 45},
		{"0:1", FieldRShift, 59, 59},
		{"0:2", FieldByteOffset, 8, 8}, // 20 bits from 84 on: read as 8 bytes
		{"0:2", FieldByteSize, 8, 8},
		{"0:3", FieldByteSize, 16, 16},
		{"0:3:2", FieldByteOffset, 28, 28},
		{"0:3:2", FieldByteSize, 4, 4},
		{"0:4", FieldSigned, 1, 1},
		{"1:0", FieldByteOffset, 44, 44}, // of the next struct
	} {
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			want := c.little
			b := btf.NewBuilder(nil)
			if b.Order = order; order == binary.BigEndian {
				want = c.big
			}
			id := build(b)
			ts, err := b.Types()
			if err != nil {
				t.Fatal(err)
			}
			p, err := localPlace(ts, &Relocation{Type: id, Access: c.access, Kind: c.kind}, 8)
			if err != nil {
				t.Fatal(err)
			}
			found, err := find(p, c.kind, ts, id, 8)
			if err != nil || found == nil {
				t.Errorf("%s: not found in itself: %v", c.access, err)
				continue
			}
			if got, err := found.answer(c.kind); err != nil || got != want {
				t.Errorf("%s of %s, %v: %d, %v; want %d", c.kind, c.access, order, got, err, want)
			}
		}
	}
}

// TestCompatible: which members a program may read, and which types stand for each other.
func TestCompatible(t *testing.T) {
	b := btf.NewBuilder(nil)
	i := b.AddInt("int", 4, btf.Signed)
	l := b.AddInt("long", 8, btf.Signed)
	odd := b.AddIntBits("odd", 4, btf.IntInfo{Offset: 3, Bits: 5})
	u := b.AddInt("unsigned int", 4, 0)
	f := b.AddFloat("double", 8)
	s := b.AddStruct("s", 4, btf.Member{Name: "a", Type: i})
	un := b.AddUnion("s", 4, btf.Member{Name: "a", Type: i})
	p, q := b.AddPtr(s), b.AddPtr(un)
	e := b.AddEnum("e", 4, false, btf.Value{Name: "X"}, btf.Value{Name: "Y"})
	e1 := b.AddEnum("e___old", 4, false, btf.Value{Name: "X"})
	e64 := b.AddEnum64("e", 8, false, btf.Value{Name: "X___v2"}, btf.Value{Name: "Y"})
	other := b.AddEnum("other", 4, false, btf.Value{Name: "Z"})
	anon := b.AddEnum("", 4, false, btf.Value{Name: "Z"})
	ai, al, ai2 := b.AddArray(i, i, 4), b.AddArray(l, i, 4), b.AddArray(i, i, 5)
	fwd, ufwd := b.AddFwd("s", false), b.AddFwd("s", true)
	pf := b.AddPtr(fwd)
	proto := b.AddFuncProto(i, btf.Param{Type: p})
	proto2 := b.AddFuncProto(i, btf.Param{Type: i})
	proto3 := b.AddFuncProto(i, btf.Param{Type: p}, btf.Param{Type: i})
	pp := b.AddPtr(proto)
	td := b.AddTypedef("s_t", b.AddConst(s))
	more := b.AddStruct("s", 8, btf.Member{Name: "b", Type: l, Bit: 0}, btf.Member{Name: "a", Type: i, Bit: 64})
	wrong := b.AddStruct("s", 8, btf.Member{Name: "a", Type: l})
	empty := b.AddStruct("s", 0)
	ts, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	const yes, no = true, false
	for _, c := range []struct {
		a, b                    btf.TypeID
		field, compat, wholeAsB bool
	}{
		{i, i, yes, yes, yes}, {i, l, yes, yes, no}, {i, u, yes, yes, no}, {i, odd, no, no, no}, {odd, i, no, no, no}, {i, f, no, no, no}, {f, f, yes, no, no},
		{s, s, yes, yes, yes}, {s, un, yes, no, no}, {s, more, yes, yes, yes}, {more, s, yes, yes, no}, {s, wrong, yes, yes, no}, {empty, s, yes, yes, yes},
		{p, p, yes, yes, yes}, {p, q, yes, no, no}, {p, pf, yes, no, yes}, {pf, p, yes, no, yes},
		{e, e, yes, yes, yes}, {e1, e, yes, yes, yes}, {e, e1, yes, yes, no}, {e, e64, yes, yes, yes}, {e, other, no, yes, no}, {e, anon, yes, yes, no},
		{ai, ai, yes, yes, yes}, {ai, al, yes, yes, no}, {ai, ai2, yes, yes, no}, {ai, i, no, no, no},
		{fwd, fwd, yes, yes, yes}, {fwd, ufwd, yes, yes, no}, {fwd, s, no, no, yes}, {ufwd, s, no, no, no}, {ufwd, un, no, no, yes}, {s, fwd, no, no, no},
		{proto, proto, no, yes, yes}, {proto, proto2, no, no, no}, {proto, proto3, no, no, no}, {pp, pp, yes, yes, yes}, {td, s, yes, no, yes}, {0, 0, no, yes, yes}, {0, i, no, no, no},
	} {
		fresh := func() *comparison { return &comparison{a: ts, b: ts, left: maxEffort} }
		if got := fresh().fields(c.a, c.b); got != c.field {
			t.Errorf("%s for %s: member %v", ts.Describe(c.a), ts.Describe(c.b), got)
		}
		if got, err := fresh().compatible(c.a, c.b, maxNesting); err != nil || got != c.compat {
			t.Errorf("%s for %s: type %v, %v", ts.Describe(c.a), ts.Describe(c.b), got, err)
		}
		if got, err := fresh().matches(c.a, c.b, false, maxNesting); err != nil || got != c.wholeAsB {
			t.Errorf("%s for %s: match %v, %v", ts.Describe(c.a), ts.Describe(c.b), got, err)
		}
	}
}

func TestEssential(t *testing.T) {
	for name, want := range map[string]string{
		"task_struct": "task_struct", "task_struct___old": "task_struct", "a___b___c": "a___b", "___x": "___x", "a____x": "a____x", "a___": "a___", "a__b": "a__b", "x___1": "x", "": "",
	} {
		if got := essential(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// TestBroken: relocations that libbpf would refuse, each with a line that says why.
func TestBroken(t *testing.T) {
	target := types(t, func(b *btf.Builder) { two(b) })
	anon := func(b *btf.Builder) btf.TypeID { return b.AddStruct("", 4) }
	enum := func(b *btf.Builder) btf.TypeID { return b.AddEnum("e", 4, false, btf.Value{Name: "X"}) }
	arr := func(b *btf.Builder) btf.TypeID {
		i := b.AddInt("int", 4, 0)
		return b.AddStruct("s", 8, btf.Member{Name: "b", Type: b.AddArray(i, i, 2)})
	}
	deep := strings.Repeat("0:", maxDepth) + "0"
	for _, c := range []struct {
		build  func(b *btf.Builder) btf.TypeID
		access string
		kind   Kind
		want   string
	}{
		{two, "", FieldByteOffset, "no way to a member is given"},
		{two, "0:x", FieldByteOffset, `"0:x" is no way to a member`},
		{two, "0:-1", FieldByteOffset, `"0:-1" is no way to a member`},
		{two, "0:2", FieldByteOffset, "has no member 2"},
		{two, "0:1:0", FieldByteOffset, "has nothing inside"},
		{two, deep, FieldByteOffset, "members lie deeper than 64"},
		{two, "1", TypeSize, `"1" is no way to a whole type`},
		{two, "0", EnumValue, "is no value of an enum"},
		{enum, "1", EnumValue, "is no value of an enum"},
		{enum, "0:0", EnumValue, "is no value of an enum"},
		{anon, "0", TypeExists, "an anonymous type cannot be looked for"},
		{arr, "0:0:2", FieldByteOffset, "an array of 2 has no element 2"},
	} {
		_, err := Minimal([]*btf.Types{target}, []Object{local(t, c.build, c.access, c.kind)})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.access, err, c.want)
		}
	}
}

// TestExt: sections .BTF.ext that are cut or lie.
func TestExt(t *testing.T) {
	f, err := elf.Open("../../testdata/core/fields.bpf.o")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	good, err := f.Section(".BTF.ext").Data()
	if err != nil {
		t.Fatal(err)
	}
	own := object(t, "../../testdata/core/fields.bpf.o").Types
	list, err := Relocations(good, own)
	if err != nil || len(list) != 6 {
		t.Fatalf("%d relocations, %v", len(list), err)
	}
	for i := range len(good) {
		if list, err := Relocations(good[:i], own); err == nil && len(list) > 0 {
			t.Errorf("cut to %d of %d bytes: %d relocations", i, len(good), len(list))
		} else if err != nil && !errors.Is(err, ErrExt) {
			t.Errorf("cut to %d: %v", i, err)
		}
	}
	at := binary.LittleEndian.Uint32(good[24:]) + binary.LittleEndian.Uint32(good[4:])
	for _, c := range []struct {
		off  int
		v    uint32
		want string
	}{
		{0, 0, "its magic number is 0x0"}, {4, 1 << 30, "its header of"}, {4, 8, "its header of 8 bytes"}, {24, 1 << 31, "end behind it"}, {28, 2, "end behind it"}, {28, 7, "bytes are left"},
		{int(at), 12, "a relocation has 12 bytes"}, {int(at) + 4, 1 << 30, "name of a section"}, {int(at) + 8, 1 << 30, "do not fit"}, {int(at) + 8, 0, "do not fit"},
		{int(at) + 16, 9999, "there is no type 9999"}, {int(at) + 20, 1 << 30, "instruction at 0x"}, {int(at) + 24, 77, "kind 77 is not known"},
	} {
		b := slices.Clone(good)
		binary.LittleEndian.PutUint32(b[c.off:], c.v)
		if _, err := Relocations(b, own); !errors.Is(err, ErrExt) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%#x at %d: %v, want %q", c.v, c.off, err, c.want)
		}
	}
}

// TestEffort: types that were made to take long to compare end soon.
func TestEffort(t *testing.T) {
	nest := func(b *btf.Builder) btf.TypeID { // each level has the one below twice
		id := b.AddInt("int", 4, 0)
		for range 60 {
			id = b.AddStruct("", 8, btf.Member{Type: id}, btf.Member{Type: id})
		}
		return b.AddStruct("s", 8, btf.Member{Type: id}, btf.Member{Name: "c", Type: 1})
	}
	protos := func(b *btf.Builder) btf.TypeID {
		id := b.AddInt("int", 4, 0)
		for range 30 {
			id = b.AddFuncProto(0, btf.Param{Type: id}, btf.Param{Type: id})
		}
		return b.AddTypedef("s", id)
	}
	ring := func(b *btf.Builder) btf.TypeID {
		b.AddTypedef("s", b.Next()+1)
		return b.AddTypedef("s", b.Next()-1)
	}
	named := func(b *btf.Builder) btf.TypeID {
		id := b.AddInt("int", 4, 0)
		for range 30 {
			id = b.AddStruct("s", 8, btf.Member{Name: "a", Type: id}, btf.Member{Name: "b", Type: id})
		}
		return id
	}
	for i, c := range []struct {
		build  func(b *btf.Builder) btf.TypeID
		access string
		kind   Kind
	}{{nest, "0:1", FieldByteOffset}, {protos, "0", TypeExists}, {protos, "0", TypeMatches}, {ring, "0", TypeExists}, {ring, "0", TypeMatches}, {named, "0", TypeMatches}} {
		start := time.Now()
		target := types(t, func(b *btf.Builder) { c.build(b) })
		_, err := Minimal([]*btf.Types{target}, []Object{local(t, c.build, c.access, c.kind)})
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%d: took %v (%v)", i, d, err)
		}
	}
}

func TestKinds(t *testing.T) {
	seen := map[string]bool{}
	for k := range numKinds {
		seen[k.String()] = true
	}
	if len(seen) < 9 || fmt.Sprint(numKinds) != "kind 13" {
		t.Errorf("%v, %v", seen, numKinds)
	}
}
