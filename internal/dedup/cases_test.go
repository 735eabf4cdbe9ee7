package dedup

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
)

// A case is types, one a line: "label: kind arguments". Lines before "--" are the
// base. Members, values and parameters are name=label or name=number; 0 is void.
// A dash is no name. want: "a=b" and "a!=b" say what becomes of references, "+a"
// that a survives, "-a" that it does not.
type tcase struct {
	name, types, want string
	quirks            bool
	// rules are those that, when broken in the model, make want wrong.
	rules string
}

// parse returns the input and the id of every label.
func (c tcase) parse() (*input, map[string]uint32) {
	in := &input{quirks: c.quirks}
	ids := map[string]uint32{"0": 0}
	var lines [][]string
	split := 0
	for _, l := range strings.Split(c.types, "\n") {
		f := strings.Fields(l)
		switch {
		case len(f) == 0:
		case f[0] == "--":
			split = len(lines)
			in.base = [][]uint32{nil}
		default:
			lines = append(lines, f)
			ids[strings.TrimSuffix(f[0], ":")] = uint32(len(lines))
		}
	}
	tab := newStrTab(nil)
	for i, f := range lines {
		t := parseType(f[1:], ids)
		if i < split {
			in.base = append(in.base, t.record(tab.off))
			in.strs = tab.sect
		} else {
			in.own = append(in.own, t)
		}
	}
	return in, ids
}

func parseType(f []string, ids map[string]uint32) ty {
	id := func(s string) uint32 {
		v, ok := ids[s]
		if !ok {
			panic("no label " + s)
		}
		return v
	}
	num := func(s string) uint32 {
		v, err := strconv.ParseUint(s, 0, 32)
		if err != nil {
			panic(err)
		}
		return uint32(v)
	}
	t := ty{}
	named := func(k btf.Kind) {
		t.kind = k
		if f[1] != "-" {
			t.name = f[1]
		}
	}
	pairs := func(f []string, ref bool) {
		for i, p := range f {
			n, v, _ := strings.Cut(p, "=")
			t.names = append(t.names, n)
			if ref {
				t.refs = append(t.refs, id(v))
				t.words = append(t.words, uint32(32*i))
			} else {
				t.words = append(t.words, num(v))
			}
		}
	}
	one := map[string]btf.Kind{"ptr": btf.Ptr, "const": btf.Const, "volatile": btf.Volatile, "restrict": btf.Restrict}
	two := map[string]btf.Kind{"typedef": btf.Typedef, "typetag": btf.TypeTag, "func": btf.Func, "var": btf.Var, "decltag": btf.DeclTag}
	switch k := f[0]; k {
	case "int":
		named(btf.Int)
		t.size, t.words = 4, []uint32{32}
	case "struct", "union":
		named(btf.Struct)
		if k == "union" {
			t.kind = btf.Union
		}
		pairs(f[2:], true)
		t.size = uint32(4 * len(t.names))
	case "fwd", "ufwd":
		named(btf.Fwd)
		t.kflag = k == "ufwd"
	case "enum", "enum64":
		named(btf.Enum)
		t.size = 4
		if k == "enum64" {
			t.kind, t.size = btf.Enum64, 8
		}
		pairs(f[2:], false)
	case "array":
		t.kind, t.refs, t.words = btf.Array, []uint32{id(f[1]), id(f[2])}, []uint32{num(f[3])}
	case "proto":
		t.kind, t.refs = btf.FuncProto, []uint32{id(f[1])}
		pairs(f[2:], true)
	default:
		if kind, ok := one[k]; ok {
			t.kind, t.refs = kind, []uint32{id(f[1])}
			break
		}
		named(two[k])
		t.refs = []uint32{id(f[2])}
		if t.kind == btf.Var || t.kind == btf.DeclTag {
			t.words = []uint32{0}
		}
	}
	return t
}

// wrong returns the first of the demands in want that a result does not meet.
func (c tcase) wrong(ids map[string]uint32, keep, now []uint32) string {
	for _, w := range strings.Fields(c.want) {
		ok := false
		switch a, b, ne := strings.Cut(w, "!="); {
		case ne:
			ok = now[ids[a]] != now[ids[b]]
		case strings.Contains(w, "="):
			a, b, _ := strings.Cut(w, "=")
			ok = now[ids[a]] == now[ids[b]]
		default:
			ok = slices.Contains(keep, ids[w[1:]]) == (w[0] == '+')
		}
		if !ok {
			return w
		}
	}
	return ""
}

// nested makes n structs in each other, with a pointer between or not.
func nested(prefix string, n int, ptr bool) string {
	s := ""
	for i := range n {
		next := fmt.Sprintf("%s%d", prefix, i+1)
		if i == n-1 {
			next = "i"
		}
		s += fmt.Sprintf("%s%d: struct N%d m=%s\n", prefix, i, i, map[bool]string{true: prefix + fmt.Sprint("p", i), false: next}[ptr])
		if ptr {
			s += fmt.Sprintf("%sp%d: ptr %s\n", prefix, i, next)
		}
	}
	return s
}

// twice is a canonical struct that holds one type twice, and another that holds two
// copies, which must be found identical.
func twice(n int, ptr bool) string {
	return "i: int int\n" + nested("x", n, ptr) + "S1: struct S a=x0 b=x0\nS2: struct S a=y0 b=z0\n" +
		nested("y", n, ptr) + nested("z", n, ptr)
}

// further is a struct with six levels, and with the same ones below twelve others.
func further(l string) string {
	s := nested(l+"c", 6, false) + fmt.Sprintf("%s: struct X m=%sc0 n=%sd0\n", l, l, l)
	for i := range 12 {
		next := fmt.Sprint(l+"d", i+1)
		if i == 11 {
			next = l + "c0"
		}
		s += fmt.Sprintf("%sd%d: struct D%d m=%s\n", l, i, i, next)
	}
	return s
}

func pad(prefix string, n int) string {
	s := ""
	for i := range n {
		s += fmt.Sprintf("%s%d: struct %s%d\n", prefix, i, prefix, i)
	}
	return s
}

// fourUnits is C that nobody would call strange: the second and the third unit
// define struct A differently, the others only declare it. Between them are n
// other structs.
func fourUnits(n int) string {
	return `i: int int
		F1: fwd A
		p1: ptr F1
		S1: struct S a=p1 z=i
		A2: struct A x=i
		p2: ptr A2
		S2: struct S a=p2 z=i
		l: int long
		A3: struct A x=l
		p3: ptr A3
		S3: struct S a=p3 z=i
		` + pad("P", n) + `
		F4: fwd A
		p4: ptr F4
		S4: struct S a=p4 z=i`
}

var cases = []tcase{
	{name: "newest candidate first", types: fourUnits(0),
		want:  "S1=S2 S3!=S1 S4=S3 F1=A2 F4=A2 A3!=A2",
		rules: "order-fifo no-r2 r2-both no-m1"},
	{name: "a growth turns the order around", types: fourUnits(6),
		want:  "S1=S2 S3!=S1 S4=S1",
		rules: "order-lifo"},
	{name: "two growths turn it back", types: fourUnits(18),
		want:  "S1=S2 S3!=S1 S4=S3",
		rules: "order-fifo"},
	{name: "the base's types count", types: "b1: int b1\nb2: int b2\n--\n" + fourUnits(4),
		want:  "S1=S2 S3!=S1 S4=S1",
		rules: "order-lifo count-base"},
	{name: "the last full enum takes the forward", types: `
		f: enum e
		A: enum e x=1
		B: enum e x=2`,
		want:  "f=B A!=B",
		rules: "enum-once"},
	{name: "a full enum takes all forwards", types: `
		f: enum e
		g: enum64 e
		--
		A: enum e x=1`,
		want:  "f=A g=A +A",
		rules: "enum-continue"},
	{name: "an enum forward is not replaced", types: `
		f: enum e
		S1: struct S m=f
		A: enum e x=1
		B: enum e x=2
		S2: struct S m=A`,
		want:  "f=B A!=B S2=S1",
		rules: "r2-enum"},
	{name: "an enum forward does not fit an enum64 in a comparison", types: `
		f: enum e
		S1: struct S m=f
		A: enum64 e x=1
		B: enum64 e x=2
		S2: struct S m=A`,
		want:  "f=B A!=B S2!=S1",
		rules: "enum64-kind"},
	{name: "two types for one may look the same", types: `
		i: int int
		p: ptr i
		S1: struct S a=p b=p
		q: ptr i
		r: ptr i
		S2: struct S a=q b=r`,
		want:  "S2=S1 q=p r=p",
		rules: "r3-strict"},
	{name: "two types for one may not look different", types: `
		i: int int
		l: int long
		p: ptr i
		S1: struct S a=p b=p
		q: ptr i
		r: ptr l
		S2: struct S a=q b=r`,
		want:  "S2!=S1",
		rules: "r3-lenient"},
	{name: "elements of arrays are overlooked", types: `
		i: int int
		u: int unsigned
		a1: array i i 4
		S1: struct S a=a1 b=a1
		a2: array i i 4
		b2: array u i 4
		S2: struct S a=a2 b=b2`,
		want:  "S2=S1 +b2 a2=a1",
		rules: "r3-strict array-elem"},
	{name: "but not the other way round", types: `
		i: int int
		u: int unsigned
		a1: array i i 4
		b1: array u i 4
		S1: struct S a=a1 b=b1
		a2: array i i 4
		S2: struct S a=a2 b=a2`,
		want: "S2!=S1"},
	{name: "an array's index comes first", types: `
		i: int int
		l: int long
		xa: array i i 2
		x: ptr xa
		a1: array x x 3
		S1: struct S m=a1
		qa: array i i 2
		q: ptr qa
		pa: array l i 2
		p: ptr pa
		a2: array p q 3
		S2: struct S m=a2`,
		want:  "S2=S1",
		rules: "array-index"},
	{name: "16 levels are identical", types: twice(16, false), want: "S2=S1"},
	{name: "17 levels are too many", types: twice(17, false), want: "S2!=S1", rules: "depth"},
	{name: "pointers are no levels", types: twice(15, true), want: "S2=S1", rules: "depth-ptr"},
	{name: "identical once need not be identical further down", types: "i: int int\n" + further("x") +
		"S1: struct S a=x b=x\nS2: struct S a=y b=z\n" + further("y") + further("z"), want: "S2!=S1"},
	{name: "a list is never identical to its copy", types: `
		n1: struct n next=p1
		p1: ptr n1
		S1: struct S a=p1 b=p1
		n2: struct n next=p2
		p2: ptr n2
		n3: struct n next=p3
		p3: ptr n3
		S2: struct S a=p2 b=p3`,
		want: "S2!=S1 n2=n1 n3=n1 p2=p1 p3=p1"},
	{name: "a forward of the base", types: `
		bF: fwd A
		bp: ptr bF
		bS: struct S m=bp
		--
		i: int int
		A: struct A x=i
		p: ptr A
		S: struct S m=p`,
		want:  "S!=bS +S bF=A",
		rules: "no-adjust m1-adjust m1-base"},
	{name: "what did not hold settles nothing on the way", types: `
		i: int int
		bA: struct A x=i
		bp: ptr bA
		bT: struct T a=bp
		bF: fwd B
		bq: ptr bF
		bS: struct S t=bT q=bq
		--
		l: int long
		A2: struct A x=l
		p2: ptr A2
		T2: struct T a=p2
		S3: struct S t=T3 q=q3
		F: fwd A
		p3: ptr F
		T3: struct T a=p3
		B: struct B
		q3: ptr B`,
		want:  "+S3 bF=B T3=T2 F=A2",
		rules: "no-m2"},
	{name: "a forward becomes its definition on the canonical side", types: `
		i: int int
		A1: struct A x=i
		p1: ptr A1
		S1: struct S a=p1
		F2: fwd A
		p2: ptr F2
		S2: struct S a=p2
		l: int long
		A3: struct A x=l`,
		want:  "S2=S1 F2=A1 A3!=A1 p2=p1",
		rules: "no-m3"},
	{name: "structs on the way are settled", types: `
		i: int int
		l: int long
		A1: struct A x=i
		p1: ptr A1
		T1: struct T a=p1
		S1: struct S t=T1
		A2: struct A x=l
		p2: ptr A2
		T2: struct T a=p2
		S3: struct S t=T3
		F: fwd A
		p3: ptr F
		T3: struct T a=p3`,
		want:  "S3=S1 T3=T1 T2!=T1",
		rules: "no-m4"},
	{name: "typedefs on the way are not", types: `
		i: int int
		l: int long
		A1: struct A x=i
		p1: ptr A1
		T1: typedef T p1
		S1: struct S t=T1
		A2: struct A x=l
		p2: ptr A2
		T2: typedef T p2
		S3: struct S t=T3
		F: fwd A
		p3: ptr F
		T3: typedef T p3`,
		want:  "S3=S1 T3=T2 T2!=T1",
		rules: "m4-typedef"},
	{name: "a forward by its name", types: `
		F: fwd A
		G: ufwd U
		H: fwd H
		U: union U
		A: struct A`,
		want: "F=A G=U +H"},
	{name: "a name with two definitions", types: `
		i: int int
		F: fwd A
		A1: struct A
		A2: struct A x=i`,
		want:  "+F +A1 +A2",
		rules: "names-first"},
	{name: "a struct and a union of one name", types: `
		F: fwd A
		A1: struct A
		A2: union A`,
		want:  "+F",
		rules: "names-kind"},
	{name: "a forward of the other kind", types: `
		F: ufwd A
		A: struct A`,
		want:  "+F",
		rules: "fwd-kind"},
	{name: "the base's definition", types: `
		A: struct A
		--
		F: fwd A`,
		want:  "F=A",
		rules: "names-base"},
	{name: "one definition in the base, one here", types: `
		A: struct A
		--
		i: int int
		F: fwd A
		A2: struct A x=i`,
		want:  "+F +A2",
		rules: "names-base"},
	{name: "a forward that the base has stays one", types: `
		bF: fwd A
		--
		F: fwd A
		A: struct A`,
		want: "F=bF F!=A"},
	{name: "the first that is reached survives", types: `
		i: int int
		p: ptr c2
		c1: const i
		c2: const i`,
		want:  "-c1 +c2 c1=c2",
		rules: "ref-lowest"},
	{name: "an array's element is reached first", types: `
		i: int int
		a: array c2 c1 4
		c1: const i
		c2: const i`,
		want:  "-c1 +c2",
		rules: "ref-index"},
	{name: "typedefs of the base are found", types: `
		i: int int
		T: typedef T i
		p: ptr T
		--
		i2: int int
		T2: typedef T i2
		p2: ptr T2`,
		want: "i2=i T2=T p2=p"},
	{name: "typedefs of the base are hidden", quirks: true, types: `
		i: int int
		T: typedef T i
		p: ptr T
		S: struct S t=T
		--
		i2: int int
		T2: typedef T i2
		p2: ptr T2
		S2: struct S t=T2`,
		want: "i2=i +T2 +p2 S2=S"},
	{name: "declaration tags, functions and variables", types: `
		i: int int
		f1: proto 0 a=i
		F1: func f f1
		d1: decltag kfunc F1
		v1: var v i
		f2: proto 0 a=i
		F2: func f f2
		d2: decltag kfunc F2
		f3: proto 0 b=i
		v2: var v i`,
		want: "F2=F1 d2=d1 f2=f1 f3!=f1 +v1 +v2"},
}

func TestCases(t *testing.T) {
	for _, c := range cases {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			in, ids := c.parse()
			if _, err := in.compare(); err != nil {
				t.Error(err)
			}
			g, b := in.graph()
			res, err := Run(g, b, Options{Quirks: in.quirks})
			if err != nil {
				t.Fatal(err)
			}
			var keep, now []uint32
			for _, id := range res.Keep {
				keep = append(keep, uint32(id))
			}
			for id := range g.Len() {
				now = append(now, uint32(res.NewID(id)))
			}
			if w := c.wrong(ids, keep, now); w != "" {
				t.Errorf("%s does not hold; ids %v, survivors %v, new ids %v", w, ids, keep, now)
			}
		})
	}
}

// TestRulesMatter breaks each rule in the model: the cases that are there for it
// must notice. So they would notice that the package breaks it.
func TestRulesMatter(t *testing.T) {
	noticed := map[string]bool{}
	for _, c := range cases {
		for _, rule := range append(strings.Fields(c.rules), "") {
			in, ids := c.parse()
			d := in.model(rule)
			if err := d.run(); err != nil {
				t.Fatal(err)
			}
			keep, now := d.keep()
			switch w := c.wrong(ids, keep, now); {
			case rule == "" && w != "":
				t.Errorf("%s: %s does not hold in the model", c.name, w)
			case rule != "" && w == "":
				t.Errorf("%s: does not notice %s", c.name, rule)
			case rule != "":
				noticed[rule] = true
			}
		}
	}
	for _, rule := range breakable {
		if !noticed[rule] {
			t.Errorf("no case notices %s", rule)
		}
	}
}
