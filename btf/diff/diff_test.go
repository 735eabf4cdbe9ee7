package diff

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/btftest"
)

type builder = btf.Builder

func types(t testing.TB, base *btf.Types, f func(b *builder)) *btf.Types {
	t.Helper()
	b := btf.NewBuilder(base)
	f(b)
	ts, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

// lines writes a result as one line for each difference.
func lines(r *Result) []string {
	var list []string
	for _, e := range r.Removed {
		list = append(list, "- "+e.Kind+" "+e.Decl)
	}
	for _, e := range r.Added {
		list = append(list, "+ "+e.Kind+" "+e.Decl)
	}
	for _, c := range append(slices.Clone(r.Changed), r.Functions...) {
		for _, i := range c.Items {
			list = append(list, fmt.Sprintf("~ %s: %s %s %s: %s => %s", c.DeclA, i.What, i.Op, i.Name, elementLine(i.A), elementLine(i.B)))
		}
	}
	for _, m := range r.Moved {
		list = append(list, fmt.Sprintf("> %s: %s => %s", m.Name, placeLine(m.A), placeLine(m.B)))
	}
	return list
}

func elementLine(e *Element) string {
	if e == nil {
		return "-"
	}
	s := e.Text
	if e.Offset != 0 || e.Bits != 0 {
		s += fmt.Sprintf(" @%d", e.Offset)
	}
	if e.Bits != 0 {
		s += fmt.Sprintf(":%d", e.Bits)
	}
	if e.Inside != "" {
		s += " in " + e.Inside
	}
	return s
}

func placeLine(p *Place) string {
	if p == nil {
		return "-"
	}
	return fmt.Sprintf("%s+%d/%d", p.Section, p.Offset, p.Size)
}

// world is a little of everything; a case changes one field of it.
type world struct {
	intSize        uint32
	member         string
	memberBit      uint32
	memberBits     uint32
	memberTag      string
	inner          string // of an anonymous struct inside
	pointee        string // what a pointer member points to: struct NAME
	wrap           bool   // the last member is in an anonymous union
	values         []btf.Value
	loose          []string // values of an enum without a name that nothing uses
	params         []btf.Param
	ret            btf.TypeID
	linkage        uint32
	varOffset      uint32
	section        string
	extra          bool
	typedefOf      btf.TypeID
	forward        bool
	elements       uint32
	shift          int // so many types in front, which changes all ids
	float          uint32
	proto2         bool // a member points to functions with one more parameter
	unionNotStruct bool
	kfunc          bool
}

func (w world) build(b *builder) {
	if w.intSize == 0 {
		w.intSize = 4
	}
	if w.member == "" {
		w.member = "m"
	}
	if w.inner == "" {
		w.inner = "deep"
	}
	if w.pointee == "" {
		w.pointee = "one"
	}
	if w.section == "" {
		w.section = ".data"
	}
	if w.elements == 0 {
		w.elements = 3
	}
	if w.values == nil {
		w.values = []btf.Value{{Name: "A"}, {Name: "B", Value: 1}}
	}
	if w.loose == nil {
		w.loose = []string{"X", "Y", "Z", "W"}
	}
	if w.float == 0 {
		w.float = 8
	}
	for range w.shift {
		b.AddPtr(0)
	}
	i := b.AddInt("int", w.intSize, btf.Signed)
	u := b.AddInt("unsigned", 4, 0)
	one := b.AddStruct("one", 4, btf.Member{Name: "a", Type: i})
	two := b.AddStruct("two", 4, btf.Member{Name: "a", Type: i})
	to := map[string]btf.TypeID{"one": one, "two": two}[w.pointee]
	anon := b.AddStruct("", 4, btf.Member{Name: w.inner, Type: i})
	arr := b.AddArray(u, u, w.elements)
	last := btf.Member{Name: "last", Type: u, Bit: 256}
	if w.wrap {
		last = btf.Member{Type: b.AddUnion("", 4, btf.Member{Name: "last", Type: u}), Bit: 256}
	}
	ps := []btf.Param{{Name: "", Type: b.AddPtr(one)}}
	if w.proto2 {
		ps = append(ps, btf.Param{Type: i})
	}
	fn := b.AddPtr(b.AddFuncProto(i, ps...))
	members := []btf.Member{
		{Name: w.member, Type: u, Bit: w.memberBit, Bits: w.memberBits}, {Name: "in", Type: anon, Bit: 64},
		{Name: "p", Type: b.AddPtr(to), Bit: 128}, {Name: "arr", Type: arr, Bit: 512}, {Name: "fn", Type: fn, Bit: 1024}, last,
	}
	add := b.AddStruct
	if w.unionNotStruct {
		add = b.AddUnion
	}
	s := add("s", 200, members...)
	e := b.AddEnum("e", 4, false, w.values...)
	var loose []btf.Value
	for n, name := range w.loose {
		loose = append(loose, btf.Value{Name: name, Value: uint64(n)})
	}
	b.AddEnum("", 4, false, loose...)
	if w.typedefOf == 0 {
		w.typedefOf = i
	}
	td := b.AddTypedef("td", w.typedefOf)
	b.AddFloat("double", w.float)
	if w.params == nil {
		w.params = []btf.Param{{Name: "s", Type: b.AddPtr(s)}, {Name: "n", Type: td}}
	}
	f := b.AddFunc("f", b.AddFuncProto(w.ret, w.params...), w.linkage)
	if w.kfunc {
		b.AddDeclTag("bpf_kfunc", f, -1, false)
	}
	if w.memberTag != "" {
		b.AddDeclTag(w.memberTag, s, 1, false)
	}
	v := b.AddVar("v", e, btf.Global)
	b.AddDatasec(w.section, 64, btf.Entry{Var: v, Offset: w.varOffset, Size: 4})
	if w.forward {
		b.AddFwd("only", false)
	} else {
		b.AddStruct("only", 8, btf.Member{Name: "x", Type: i})
	}
	if w.extra {
		b.AddStruct("extra", 8, btf.Member{Name: "x", Type: i})
	}
}

func TestCompare(t *testing.T) {
	var plain world
	for _, c := range []struct {
		name string
		to   world
		want []string
	}{
		{"nothing", world{}, nil},
		{"ids", world{shift: 7}, nil},
		{"size of an int", world{intSize: 8}, []string{"~ int: size changed : 4 => 8", "~ int: encoding changed : signed, 32 bits => signed, 64 bits"}},
		{"member renamed", world{member: "n"}, []string{"~ struct s: member removed m: unsigned m => -", "~ struct s: member added n: - => unsigned n"}},
		{"member moved", world{memberBit: 32}, []string{"~ struct s: member moved m: unsigned m => unsigned m @32"}},
		{"member a bitfield", world{memberBits: 5}, []string{"~ struct s: member changed m: unsigned m => unsigned m @0:5"}},
		{"inside of an anonymous struct", world{inner: "deeper"}, []string{"~ struct s: member removed in.deep: int deep => -", "~ struct s: member added in.deeper: - => int deeper"}},
		{"pointee", world{pointee: "two"}, []string{"~ struct s: member changed p: struct one *p @128 => struct two *p @128"}},
		{"now in a union", world{wrap: true}, []string{"~ struct s: member changed last: unsigned last @256 => unsigned last @256 in union"}},
		{"length of an array", world{elements: 4}, []string{"~ struct s: member changed arr: unsigned arr[3] @512 => unsigned arr[4] @512"}},
		{"pointer to functions", world{proto2: true}, []string{"~ struct s: member changed fn: int (*fn)(struct one *) @1024 => int (*fn)(struct one *, int) @1024"}},
		{"tag", world{memberTag: "hot"}, []string{"~ struct s: tag added in: - => hot"}},
		{"kfunc", world{kfunc: true}, []string{"~ void f(struct s *s, td n): tag added : - => bpf_kfunc"}},
		{"enum value", world{values: []btf.Value{{Name: "A", Value: 7}, {Name: "C", Value: 1}}}, []string{
			"~ enum e: value changed A: 0 => 7", "~ enum e: value removed B: 1 => -", "~ enum e: value added C: - => 1",
		}},
		{"enum without a name", world{loose: []string{"X", "Y", "Z", "V"}}, []string{
			"~ enum { X, Y, Z, ... }: value removed W: 3 => -", "~ enum { X, Y, Z, ... }: value added V: - => 3",
		}},
		{"another enum without a name", world{loose: []string{"P", "Q"}}, []string{"- ENUM enum { X, Y, Z, ... }", "+ ENUM enum { P, Q }"}},
		{"typedef", world{typedefOf: 2}, []string{"~ typedef int td: type changed : int => unsigned"}},
		{"float", world{float: 16}, []string{"~ double: size changed : 8 => 16"}},
		{"parameter added", world{params: []btf.Param{{Name: "s", Type: 13}, {Name: "x", Type: 2}, {Name: "n", Type: 13}}}, nil}, // filled in below
		{"return", world{ret: 2}, []string{"~ void f(struct s *s, td n): return changed : void => unsigned"}},
		{"linkage", world{linkage: 1}, []string{"~ void f(struct s *s, td n): linkage changed : static => global"}},
		{"variable moved", world{varOffset: 16}, []string{"~ .data: variables changed : 1 => 1", "> v: .data+0/4 => .data+16/4"}},
		{"other section", world{section: ".bss"}, []string{"- DATASEC .data", "+ DATASEC .bss", "> v: .data+0/4 => .bss+0/4"}},
		{"type more", world{extra: true}, []string{"+ STRUCT struct extra"}},
		{"only declared", world{forward: true}, []string{"~ struct only: kind changed : defined => declared only"}},
		{"a union now", world{unionNotStruct: true}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := types(t, nil, plain.build)
			b := types(t, nil, c.to.build)
			r := Compare(a, b, Options{})
			got := lines(r)
			switch c.name {
			case "parameter added": // its types are no more than numbers here
				if len(got) == 0 || !strings.HasPrefix(got[0], "~ void f(struct s *s, td n): parameter") {
					t.Errorf("got %q", got)
				}
			case "a union now":
				if len(got) != 3 || got[0] != "- STRUCT struct s" || got[1] != "+ UNION union s" || !strings.Contains(got[2], "parameter changed s: struct s *s => union s *s") {
					t.Errorf("got %q", got)
				}
			default:
				if !slices.Equal(got, c.want) {
					t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
				}
			}
			if r.Same != (len(got) == 0) {
				t.Errorf("same is %v", r.Same)
			}
			// The other way round there are as many differences.
			if back := lines(Compare(b, a, Options{})); len(back) != len(got) {
				t.Errorf("the other way round: %q", back)
			}
		})
	}
}

// TestEveryWord: no word of any record can change without a difference, but for what has no meaning.
func TestEveryWord(t *testing.T) {
	for _, order := range btftest.Orders {
		a := btftest.EveryKind(t, order)
		words := a.Words()
		used := map[btf.Kind]int{}
		p := 0
		for id, x := range a.All() {
			rec := x.Record()
			for w := range rec {
				change := slices.Clone(words)
				change[p+w] ^= 1
				b, err := btf.New(change, a.Strings(), nil, order)
				if err != nil {
					continue // no BTF any more
				}
				used[x.Kind()]++
				if r := Compare(a, b, Options{ArrayIndex: true}); r.Same && !meaningless(a, b, id) {
					t.Errorf("%s: word %d: no difference to\n%s", a.Describe(id), w, b.Describe(id))
				}
			}
			p += len(rec)
		}
		for k := btf.Kind(1); k < btf.NumKinds; k++ {
			if used[k] == 0 {
				t.Errorf("no word of %v was changed", k)
			}
		}
	}
}

// meaningless tells what may change: a type without a name to which nothing with a name leads is not compared.
func meaningless(a, b *btf.Types, id btf.TypeID) bool {
	for _, ts := range []*btf.Types{a, b} {
		used := map[btf.TypeID]bool{}
		var visit func(id btf.TypeID)
		visit = func(id btf.TypeID) {
			if !used[id] {
				used[id] = true
				for r := range ts.Type(id).Refs() {
					visit(r)
				}
			}
		}
		for n, t := range ts.All() {
			switch t.Kind() {
			case btf.Ptr, btf.Array, btf.Volatile, btf.Const, btf.Restrict, btf.FuncProto, btf.TypeTag:
			case btf.DeclTag: // its vlen is nothing
				if a.Describe(id) != b.Describe(id) {
					visit(n)
				}
			default: // other kinds: they are compared, used or not
				visit(n)
			}
		}
		if used[id] {
			return false
		}
	}
	return true
}

// several has two structs of one name, told apart by their members, and users of each.
func several(first, second string, extra bool, swap bool) func(b *builder) {
	return func(b *builder) {
		i := b.AddInt("int", 4, btf.Signed)
		add := func(name string) btf.TypeID {
			m := []btf.Member{{Name: name, Type: i}, {Name: name + "2", Type: i, Bit: 32}}
			if extra && name == "x" {
				m = append(m, btf.Member{Name: "more", Type: i, Bit: 64})
			}
			return b.AddStruct("twin", 12, m...)
		}
		one, two := add(first), add(second)
		// Two structs of another name that differ only in which twin they lead to.
		p, q := b.AddStruct("holder", 8, btf.Member{Name: "t", Type: b.AddPtr(one)}), b.AddStruct("holder", 8, btf.Member{Name: "t", Type: b.AddPtr(two)})
		if swap {
			p, q = q, p
		}
		use := func(name string, of btf.TypeID) { b.AddTypedef(name, b.AddPtr(of)) }
		if first == "y" {
			p, q = q, p
		}
		use("of_x", p)
		use("of_y", q)
	}
}

func TestSeveralOfOneName(t *testing.T) {
	a := types(t, nil, several("x", "y", false, false))
	for _, c := range []struct {
		name string
		b    func(b *builder)
		want []string
	}{
		{"same", several("x", "y", false, false), nil},
		{"in another order", several("y", "x", false, false), nil},
		{"one changed", several("y", "x", true, false), []string{"~ struct twin: member added more: - => int more @64"}},
		{"users changed places", several("x", "y", false, true), []string{
			"~ typedef struct holder *of_x: type changed : struct holder * /* struct holder, 8 bytes, 1 elements */ => struct holder * /* struct holder, 8 bytes, 1 elements */",
			"~ typedef struct holder *of_y: type changed : struct holder * /* struct holder, 8 bytes, 1 elements */ => struct holder * /* struct holder, 8 bytes, 1 elements */",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := lines(Compare(a, types(t, nil, c.b), Options{})); !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// TestClosest: of several types of one name those belong together that have the most in common.
func TestClosest(t *testing.T) {
	build := func(sets ...string) *btf.Types {
		return types(t, nil, func(b *builder) {
			i := b.AddInt("int", 4, btf.Signed)
			for _, set := range sets {
				var ms []btf.Member
				for n, name := range strings.Fields(set) {
					ms = append(ms, btf.Member{Name: name, Type: i, Bit: uint32(32 * n)})
				}
				b.AddStruct("t", uint32(4*len(ms)), ms...)
			}
		})
	}
	got := lines(Compare(build("a b c", "p q r", "k l"), build("k l m", "p q z", "a b c d"), Options{}))
	want := []string{
		"~ struct t: size changed : 12 => 16", "~ struct t: member added d: - => int d @96",
		"~ struct t: member removed r: int r @64 => -", "~ struct t: member added z: - => int z @64",
		"~ struct t: size changed : 8 => 12", "~ struct t: member added m: - => int m @64",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := lines(Compare(build("a b", "c d"), build("a b"), Options{})); !slices.Equal(got, []string{"- STRUCT struct t"}) {
		t.Errorf("one of two: %q", got)
	}
}

// TestSplit: what one side shares with its base and the other has as its own is the same.
func TestSplit(t *testing.T) {
	base := types(t, nil, func(b *builder) {
		i := b.AddInt("int", 4, btf.Signed)
		s := b.AddStruct("shared", 4, btf.Member{Name: "a", Type: i})
		b.AddPtr(s)
	})
	user := func(b *builder, p btf.TypeID) {
		b.AddFunc("f", b.AddFuncProto(0, btf.Param{Name: "s", Type: p}), btf.Static)
	}
	shares := types(t, base, func(b *builder) { user(b, 3) })
	copies := types(t, base, func(b *builder) {
		s := b.AddStruct("shared", 4, btf.Member{Name: "a", Type: 1})
		user(b, b.AddPtr(s))
	})
	other := types(t, base, func(b *builder) {
		s := b.AddStruct("shared", 8, btf.Member{Name: "a", Type: 1})
		user(b, b.AddPtr(s))
		user(b, 3)
	})
	base2 := types(t, nil, func(b *builder) {
		b.AddPtr(0)
		i := b.AddInt("int", 4, btf.Signed)
		s := b.AddStruct("shared", 8, btf.Member{Name: "a", Type: i})
		b.AddPtr(s)
	})
	onOther := types(t, base2, func(b *builder) { user(b, 4) })
	var c Comparer
	if r := c.Compare(shares, copies, Options{}); !r.Same {
		t.Errorf("a copy differs: %q", lines(r))
	}
	if r := c.Compare(shares, other, Options{}); r.Same || !slices.Contains(lines(r), "+ STRUCT struct shared") {
		t.Errorf("another shared struct: %q", lines(r))
	}
	r := c.Compare(shares, onOther, Options{})
	if !r.Same || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "the bases differ in 1 types") {
		t.Errorf("on another base: %q, notes %q", lines(r), r.Notes)
	}
	// A side that leads to its own copy and not to the base's is another one than a side that does the reverse, if both are there.
	reverse := func(own bool) *btf.Types {
		return types(t, base, func(b *builder) {
			s := b.AddPtr(b.AddStruct("shared", 8, btf.Member{Name: "a", Type: 1}))
			b.AddTypedef("copy", s)
			if own {
				b.AddTypedef("user", s)
			} else {
				b.AddTypedef("user", 3)
			}
		})
	}
	if r := c.Compare(reverse(true), reverse(false), Options{Declarations: true}); len(lines(r)) != 1 {
		t.Errorf("users of two structs of one name: %q", lines(r))
	}
}

func TestDeclarations(t *testing.T) {
	build := func(fwd, def bool, size uint32) *btf.Types {
		return types(t, nil, func(b *builder) {
			i := b.AddInt("int", 4, btf.Signed)
			var to btf.TypeID
			if def {
				to = b.AddStruct("d", size, btf.Member{Name: "a", Type: i})
			}
			if fwd {
				to = b.AddFwd("d", false)
			}
			b.AddTypedef("user", b.AddPtr(to))
		})
	}
	for _, c := range []struct {
		name         string
		a, b         *btf.Types
		plain, loose int
	}{
		{"declared and defined", build(true, false, 0), build(false, true, 4), 1, 0},
		{"both, and defined", build(true, true, 4), build(false, true, 4), 0, 0},
		{"both, and defined otherwise", build(true, true, 4), build(false, true, 8), 1, 1},
		{"both, and declared", build(true, true, 4), build(true, false, 0), 1, 0},
		{"both declared", build(true, false, 4), build(true, false, 0), 0, 0},
	} {
		for _, x := range []*Result{Compare(c.a, c.b, Options{}), Compare(c.b, c.a, Options{})} {
			if got := lines(x); len(got) != c.plain {
				t.Errorf("%s: %q", c.name, got)
			}
		}
		for _, x := range []*Result{Compare(c.a, c.b, Options{Declarations: true}), Compare(c.b, c.a, Options{Declarations: true})} {
			if got := lines(x); len(got) != c.loose {
				t.Errorf("%s, declarations: %q", c.name, got)
			}
		}
	}
}

// TestCycle: types without a name may lead back to themselves, in one order or another.
func TestCycle(t *testing.T) {
	cycle := func(n int, last uint32, from int) *btf.Types {
		return types(t, nil, func(b *builder) {
			// n anonymous structs, each with a pointer to the next; the last has another size.
			first := b.Next()
			for i := range n {
				size := uint32(8)
				if i == n-1 {
					size = last
				}
				b.AddStruct("", size, btf.Member{Name: "next", Type: first + btf.TypeID(n+i)})
			}
			for i := range n {
				b.AddPtr(first + btf.TypeID((i+1)%n))
			}
			b.AddTypedef("t", first+btf.TypeID(from))
		})
	}
	if r := Compare(cycle(1, 8, 0), cycle(3, 8, 0), Options{}); !r.Same {
		t.Errorf("one that leads to itself is three that do: %q", lines(r))
	}
	if r := Compare(cycle(9, 16, 2), cycle(9, 16, 2), Options{}); !r.Same {
		t.Errorf("the same: %q", lines(r))
	}
	for _, other := range []*btf.Types{cycle(9, 24, 2), cycle(9, 16, 3), cycle(10, 16, 2)} {
		if r := Compare(cycle(9, 16, 2), other, Options{}); r.Same {
			t.Error("no difference")
		}
	}
}

// TestFlat: pahole before 1.32 wrote one array for all dimensions.
func TestFlat(t *testing.T) {
	build := func(nest bool) *btf.Types {
		return types(t, nil, func(b *builder) {
			i := b.AddInt("int", 4, btf.Signed)
			a := b.AddArray(i, i, 6)
			if nest {
				a = b.AddArray(b.AddArray(i, i, 3), i, 2)
			}
			b.AddTypedef("matrix", a)
		})
	}
	if r := Compare(build(true), build(false), Options{}); !r.Same || len(r.Notes) != 1 {
		t.Errorf("%q, notes %q", lines(r), r.Notes)
	}
}

func TestKernel(t *testing.T) {
	vmlinux := btftest.Parse(t, btftest.Vmlinux(t), nil)
	if r := Compare(vmlinux, vmlinux, Options{}); !r.Same {
		t.Errorf("not the same as itself: %d differences", len(lines(r)))
	}
}
