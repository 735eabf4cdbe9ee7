package diff

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/cdecl"
)

// verdicts writes what is found for each kind of users, in order.
func verdicts(r *Result) []string {
	var list []string
	for _, e := range r.Removed {
		for _, f := range e.Abi {
			list = append(list, fmt.Sprintf("%s %s %s", e.Decl, f.User, f.Verdict))
		}
	}
	for _, c := range append(slices.Clone(r.Changed), r.Functions...) {
		for _, f := range c.Abi {
			list = append(list, strings.TrimRight(fmt.Sprintf("%s %s %s %s", c.Name, f.User, f.Verdict, f.Name), " "))
		}
	}
	return list
}

// TestABI changes one thing at a time in a struct s that a kfunc k takes a pointer to, and in k.
func TestABI(t *testing.T) {
	type spec struct {
		members []btf.Member
		size    uint32
		params  []btf.Param
		ret     btf.TypeID
		untag   bool
		nofunc  bool
		values  []btf.Value
	}
	// ids: 1 int, 2 unsigned, 3 long, 4 struct x, 5 struct y, 6 *x, 7 *y, 8 *void, 9 [4]unsigned, 10 [2]unsigned, 11 enum, 12 const x, 13 *const x,
	// 14 unsigned long, 15 s, 16 *s
	plain := func() spec {
		return spec{
			members: []btf.Member{{Name: "m", Type: 2}, {Name: "p", Type: 6, Bit: 64}},
			size:    16, params: []btf.Param{{Name: "s", Type: 16}, {Name: "n__sz", Type: 2}}, ret: 1,
			values: []btf.Value{{Name: "A"}, {Name: "B", Value: 1}},
		}
	}
	build := func(c spec) *btf.Types {
		return types(t, nil, func(b *builder) {
			b.AddInt("int", 4, btf.Signed)
			b.AddInt("unsigned", 4, 0)
			b.AddInt("long", 8, btf.Signed)
			x := b.AddStruct("x", 4, btf.Member{Name: "a", Type: 1})
			y := b.AddStruct("y", 4, btf.Member{Name: "a", Type: 1})
			b.AddPtr(x)
			b.AddPtr(y)
			b.AddPtr(0)
			b.AddArray(2, 2, 4)
			b.AddArray(2, 2, 2)
			b.AddEnum("e", 4, false, c.values...)
			b.AddConst(x)
			b.AddPtr(12)
			b.AddInt("unsigned long", 8, 0)
			b.AddStruct("s", c.size, c.members...)
			b.AddPtr(15)
			if c.nofunc {
				return
			}
			f := b.AddFunc("k", b.AddFuncProto(c.ret, c.params...), btf.Static)
			if !c.untag {
				b.AddDeclTag("bpf_kfunc", f, -1, false)
			}
		})
	}
	member := func(name string, m btf.Member) func(*spec) {
		return func(c *spec) {
			for i := range c.members {
				if c.members[i].Name == name {
					c.members[i] = m
				}
			}
		}
	}
	each := func(verdict, name string) []string {
		return []string{"s co-re " + verdict + " " + name, "s fentry " + verdict + " " + name, "s kfunc " + verdict + " " + name}
	}
	both := func(verdict, name string) []string {
		return []string{strings.TrimRight("k fentry "+verdict+" "+name, " "), strings.TrimRight("k kfunc "+verdict+" "+name, " ")}
	}
	for _, c := range []struct {
		name   string
		change func(*spec)
		want   []string
	}{
		{"member gone", func(c *spec) { c.members = c.members[:1] }, each("breaks", "p")},
		{"member added", func(c *spec) { c.members = append(c.members, btf.Member{Name: "z", Type: 2, Bit: 32}) }, each("harmless", "z")},
		{"member moved", member("m", btf.Member{Name: "m", Type: 2, Bit: 32}), []string{"s co-re relocatable m", "s fentry relocatable m", "s kfunc breaks m"}},
		{"size", func(c *spec) { c.size = 24 }, []string{"s co-re relocatable", "s fentry relocatable", "s kfunc breaks"}},
		{"sign", member("m", btf.Member{Name: "m", Type: 1}), each("relocatable", "m")},
		{"wider unsigned", member("m", btf.Member{Name: "m", Type: 14}), each("relocatable", "m")},
		{"wider signed", member("m", btf.Member{Name: "m", Type: 3}), each("breaks", "m")},
		{"a pointer", member("m", btf.Member{Name: "m", Type: 6}), each("breaks", "m")},
		{"a bitfield", member("m", btf.Member{Name: "m", Type: 2, Bits: 3}), each("breaks", "m")},
		{"another pointee", member("p", btf.Member{Name: "p", Type: 7, Bit: 64}), each("breaks", "p")},
		{"a const pointee", member("p", btf.Member{Name: "p", Type: 13, Bit: 64}), each("harmless", "p")},
		{"a pointer to void", member("p", btf.Member{Name: "p", Type: 8, Bit: 64}), each("harmless", "p")},
		{"value changed", func(c *spec) { c.values[1].Value = 2 }, []string{"e co-re relocatable B"}},
		{"value gone", func(c *spec) { c.values = c.values[:1] }, []string{"e co-re breaks B"}},
		{"value added", func(c *spec) { c.values = append(c.values, btf.Value{Name: "C", Value: 9}) }, []string{"e co-re harmless C"}},
		{"parameter added", func(c *spec) { c.params = append(c.params, btf.Param{Name: "x", Type: 1}) }, both("breaks", "x")},
		{"parameter gone", func(c *spec) { c.params = c.params[:1] }, both("breaks", "n__sz")},
		{"parameter renamed", func(c *spec) { c.params[0].Name = "t" }, both("harmless", "s")},
		{"suffix gone", func(c *spec) { c.params[1].Name = "n" }, []string{"k fentry harmless n__sz", "k kfunc breaks n__sz"}},
		{"other sign", func(c *spec) { c.params[1].Type = 1 }, both("harmless", "n__sz")},
		{"wider", func(c *spec) { c.params[1].Type = 14 }, both("breaks", "n__sz")},
		{"other struct", func(c *spec) { c.params[0].Type = 6 }, both("breaks", "s")},
		{"returns", func(c *spec) { c.ret = 3 }, both("breaks", "")},
		{"no kfunc", func(c *spec) { c.untag = true }, []string{"k fentry harmless", "k kfunc breaks"}},
		{"no function", func(c *spec) { c.nofunc = true }, []string{"int k(struct s *s, unsigned n__sz) fentry breaks", "int k(struct s *s, unsigned n__sz) kfunc breaks"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			to := plain()
			c.change(&to)
			r := Compare(build(plain()), build(to), Options{ABI: true})
			if got := verdicts(r); !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s\nof\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"), strings.Join(lines(r), "\n"))
			}
		})
	}
	swapped := plain()
	from := plain()
	from.params = []btf.Param{{Name: "a", Type: 1}, {Name: "b", Type: 1}}
	swapped.params = []btf.Param{{Name: "b", Type: 1}, {Name: "a", Type: 1}}
	r := Compare(build(from), build(swapped), Options{ABI: true})
	if got := verdicts(r); !slices.Equal(got, []string{"k fentry breaks a", "k kfunc breaks a", "k fentry breaks b", "k kfunc breaks b"}) {
		t.Errorf("parameters changed places: %q", got)
	}
	if r.ABI.Fentry.Breaks != 1 || r.ABI.Kfunc.Breaks != 1 || r.ABI.CORE != (Counts{}) {
		t.Errorf("counts %+v", *r.ABI)
	}
}

func TestDeclare(t *testing.T) {
	ts := types(t, nil, func(b *builder) {
		i := b.AddInt("int", 4, btf.Signed)                                // 1
		s := b.AddStruct("s", 4)                                           // 2
		p := b.AddPtr(s)                                                   // 3
		b.AddConst(p)                                                      // 4
		b.AddPtr(b.AddConst(s))                                            // 5, 6
		b.AddArray(p, i, 3)                                                // 7
		b.AddPtr(7)                                                        // 8
		f := b.AddFuncProto(i, btf.Param{Name: "x", Type: p}, btf.Param{}) // 9
		b.AddPtr(f)                                                        // 10
		b.AddArray(10, i, 2)                                               // 11
		b.AddFuncProto(10)                                                 // 12
		b.AddPtr(b.AddTypeTag("user", s, false))                           // 13, 14
		b.AddUnion("", 4)                                                  // 15
		b.AddArray(7, i, 5)                                                // 16
		b.AddPtr(18)                                                       // 17
		b.AddPtr(17)                                                       // 18
		b.AddEnum("e", 4, false)                                           // 19
		b.AddFwd("u", true)                                                // 20
		b.AddPtr(b.AddVolatile(b.AddConst(i)))                             // 21, 22, 23
		b.AddPtr(b.AddRestrict(b.AddPtr(b.AddTypeTag("rcu", i, true))))    // 24 ... 27
	})
	for id, want := range map[btf.TypeID]string{
		0: "void v", 1: "int v", 3: "struct s *v", 4: "struct s *const v", 6: "const struct s *v", 7: "struct s *v[3]", 8: "struct s *(*v)[3]",
		9: "int v(struct s *x, ...)", 10: "int (*v)(struct s *x, ...)", 11: "int (*v[2])(struct s *x, ...)", 12: "int (*v(void))(struct s *x, ...)",
		14: "__user struct s *v", 15: "union {...} v", 16: "struct s *v[5][3]", 19: "enum e v", 20: "union u v", 23: "volatile const int *v",
		27: "__attribute__((rcu)) int *restrict *v",
	} {
		if got := cdecl.Declare(ts, id, "v"); got != want {
			t.Errorf("%d: %q, want %q", id, got, want)
		}
	}
	if got := cdecl.Declare(ts, 17, "v"); !strings.Contains(got, "...") {
		t.Errorf("a pointer to itself: %q", got)
	}
}

func TestUsers(t *testing.T) {
	build := func(size uint32, extra bool) *btf.Types {
		return types(t, nil, func(b *builder) {
			i := b.AddInt("int", 4, btf.Signed)
			s := b.AddStruct("s", size, btf.Member{Name: "a", Type: i})
			p := b.AddPtr(s)
			b.AddStruct("holder", 8, btf.Member{Name: "s", Type: p}, btf.Member{Name: "again", Type: p})
			b.AddVar("v", s, btf.Global)
			b.AddTypedef("s_t", s)
			params := []btf.Param{{Name: "s", Type: p}}
			ops := b.AddPtr(b.AddFuncProto(i, btf.Param{Type: p}))
			b.AddStruct("ops", 8, btf.Member{Name: "call", Type: ops})
			if extra {
				params = append(params, btf.Param{Name: "x", Type: i})
			}
			b.AddFunc("f", b.AddFuncProto(i, params...), btf.Static)
		})
	}
	r := Compare(build(4, false), build(8, true), Options{})
	if len(r.Changed) != 1 || len(r.Functions) != 1 {
		t.Fatalf("%q", lines(r))
	}
	if u := r.Changed[0].Users; u.Functions != 1 || u.Types != 3 || u.Variables != 1 || !slices.Equal(u.Names, []string{"struct holder", "v", "s_t", "struct ops", "f"}) {
		t.Errorf("users of s: %+v", *u)
	}
	if u := r.Functions[0].Users; !slices.Equal(u.Names, []string{"struct ops.call"}) {
		t.Errorf("who could call f: %+v", *u)
	}
}
