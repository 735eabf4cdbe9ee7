package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// typ is a C type. Exactly one of its forms is set.
type typ struct {
	base   string // a keyword
	decl   *decl  // a struct, union, enum or typedef by name
	ptr    *typ
	elem   *typ // array; n < 0: no length
	n      int
	ret    *typ // function
	params []*typ
	dots   bool
	quals  string // const, volatile, restrict; of a base, decl or ptr
}

// decl is a named type of the shared headers. A second layout is what some units see under the same name.
type decl struct {
	kind, name, attr string
	index            int
	bodies           []*body // struct, union
	to               []*typ  // typedef
	values           [][]string
	wide, flexible   bool // an enum of 64 bits; a struct whose last member has no length
	noElem           bool // may not be an array's element
}

type body struct{ members []member }

type member struct {
	name, attr string
	t          *typ
	bits       int   // < 0: none
	in         *body // a nested struct or union
	kind, tag  string
}

type gen struct {
	*rand.Rand
	decls  []*decl
	protos []proto // of the names that several units share
	odd    bool    // _Atomic and _Complex, which the reference may refuse
	n      int     // for unique names of nested types
}

type proto struct {
	name string
	f    [2]*typ
}

func (g *gen) chance(percent int) bool { return g.IntN(100) < percent }
func pick[T any](g *gen, a []T) T      { return a[g.IntN(len(a))] }

var bases = []string{"int", "int", "unsigned int", "long", "unsigned long", "char", "signed char", "unsigned char", "short", "unsigned short",
	"long long", "unsigned long long", "_Bool", "float", "double", "long double", "I128", "unsigned I128"}

// generate makes the set of a seed; the same seed gives the same set on every machine.
func generate(seed uint64) set {
	g := &gen{Rand: rand.New(rand.NewPCG(seed, 0x42544621))}
	g.odd = g.chance(2)
	for i := range 6 + g.IntN(20) {
		g.decls = append(g.decls, g.newDecl(i))
	}
	// Bodies come after names, so that pointers lead forward as well as back.
	for _, d := range g.decls {
		g.fill(d)
	}
	for i := range g.IntN(5) {
		f := g.function(true)
		p := proto{name: fmt.Sprintf("shared%d", i), f: [2]*typ{f, f}}
		switch g.IntN(3) {
		case 0:
			p.f[1] = g.function(true)
		case 1:
			c := *f
			c.params = append([]*typ{}, f.params...)
			if len(c.params) > 0 {
				c.params[g.IntN(len(c.params))] = g.param()
			}
			p.f[1] = &c
		}
		g.protos = append(g.protos, p)
	}
	s := set{Name: fmt.Sprintf("seed %d", seed)}
	for i := range 2 + g.IntN(5) {
		s.Units = append(s.Units, g.unit(i))
	}
	return s
}

func (g *gen) newDecl(i int) *decl {
	d := &decl{index: i}
	switch k := g.IntN(100); {
	case k < 50:
		d.kind, d.name = "struct", fmt.Sprintf("s%d", i)
	case k < 60:
		d.kind, d.name = "union", fmt.Sprintf("n%d", i)
	case k < 72:
		d.kind, d.name = "enum", fmt.Sprintf("e%d", i)
	default:
		d.kind, d.name = "typedef", fmt.Sprintf("t%d", i)
	}
	return d
}

func (g *gen) layouts() int {
	if g.chance(25) {
		return 2
	}
	return 1
}

func (g *gen) fill(d *decl) {
	switch d.kind {
	case "struct", "union":
		if g.chance(25) {
			d.attr = pick(g, []string{"packed", "packed", "aligned(4)", "aligned(16)", "packed, aligned(2)", "packed, aligned(8)"})
		}
		b := &body{}
		n := 1 + g.IntN(8)
		if g.chance(4) {
			n = 0
		}
		m := 0
		for range n {
			b.members = append(b.members, g.member(d, &m, 0))
		}
		if d.kind == "struct" && n > 0 && g.chance(10) {
			d.flexible, d.noElem = true, true
			b.members = append(b.members, member{name: "tail", t: &typ{elem: g.object(d.index, true), n: -1}, bits: -1})
		}
		d.bodies = []*body{b}
		if g.layouts() == 2 {
			c := &body{members: append([]member{}, b.members...)}
			if at := g.IntN(len(c.members) + 1); at < len(c.members) && !(d.flexible && at == len(c.members)-1) && g.chance(70) {
				c.members[at] = g.member(d, &m, 0)
			} else if len(c.members) > 0 {
				c.members = append([]member{g.member(d, &m, 0)}, c.members...)
			}
			d.bodies = append(d.bodies, c)
		}
	case "enum":
		for range g.layouts() {
			var v []string
			for i := range 1 + g.IntN(5) {
				x := pick(g, []string{"", "", "", fmt.Sprint(g.IntN(100)), fmt.Sprint(-g.IntN(9)), "0x7fffffff"})
				if g.chance(6) {
					x, d.wide = pick(g, []string{"0x123456789abLL", "-0x123456789abLL", "0xffffffffffffffffULL"}), true
				}
				if x == "" {
					x = fmt.Sprint(i)
				}
				v = append(v, fmt.Sprintf("E%d_%d = %s", d.index, i, x))
			}
			d.values = append(d.values, v)
		}
		for i, v := range d.values {
			if j := strings.Join(v, " "); strings.Contains(j, "-") && strings.Contains(j, "ffffffffffffffff") {
				d.values[i] = []string{fmt.Sprintf("E%d_0 = -0x80000000LL - 1", d.index)}
			}
		}
		if g.chance(10) {
			d.attr = "packed"
		}
	case "typedef":
		for range g.layouts() {
			d.to = append(d.to, g.typedefTarget(d))
		}
		if len(d.to) == 1 && d.to[0].base != "" && g.chance(15) {
			d.attr, d.noElem = "aligned(16)", true
		}
	}
}

func (g *gen) typedefTarget(d *decl) *typ {
	switch g.IntN(6) {
	case 0:
		return g.function(false, d.index)
	case 1:
		if t := g.tagged(); t != nil {
			return t // maybe of a struct that comes later
		}
	case 2:
		return &typ{ptr: g.function(false, d.index)}
	case 3:
		return &typ{elem: g.object(d.index, true), n: g.IntN(5)}
	}
	return g.object(d.index, false)
}

// tagged is some struct, union or enum, complete or not.
func (g *gen) tagged() *typ {
	for range 4 {
		if d := pick(g, g.decls); d.kind != "typedef" {
			return &typ{decl: d}
		}
	}
	return nil
}

// complete says whether a type may stand by value in declaration i, which it may if everything it needs comes before.
func (t *typ) complete(i int, elem bool) bool {
	switch {
	case t.base != "" || t.ptr != nil:
		return true
	case t.elem != nil:
		return t.n >= 0 && t.elem.complete(i, true)
	case t.ret != nil:
		return false
	}
	d := t.decl
	if d.index >= i || d.flexible || elem && d.noElem {
		return false
	}
	for _, to := range d.to {
		if !to.complete(d.index, elem) {
			return false
		}
	}
	return d.kind != "typedef" || len(d.to) > 0
}

// object is a type that may stand by value in declaration i.
func (g *gen) object(i int, elem bool) *typ {
	for range 8 {
		var t *typ
		switch k := g.IntN(100); {
		case k < 35:
			t = &typ{base: pick(g, bases)}
			if g.odd && g.chance(15) {
				t.base = pick(g, []string{"_Complex double", "_Atomic int"})
			}
		case k < 55 && i > 0:
			t = &typ{decl: g.decls[g.IntN(i)]}
		case k < 75:
			t = g.pointer(i)
		case k < 90:
			t = &typ{elem: g.object(i, true), n: g.IntN(6)}
			if t.n == 0 && g.chance(70) {
				t.n = 7
			}
		default:
			t = &typ{ptr: g.function(false, i)}
		}
		if !t.complete(i, elem) {
			continue
		}
		if t.elem == nil && g.chance(12) {
			t.quals = pick(g, []string{"const", "volatile", "const volatile"})
		}
		return t
	}
	return &typ{base: "int"}
}

// pointer leads anywhere: to structs that are declared only, to itself, to functions, through qualifiers.
func (g *gen) pointer(i int) *typ {
	var to *typ
	switch k := g.IntN(100); {
	case k < 50:
		to = g.tagged()
	case k < 65 && i > 0:
		to = &typ{decl: g.decls[g.IntN(i)]} // typedefs of functions and of incomplete structs too
	case k < 75:
		to = g.pointer(i)
	case k < 85:
		to = &typ{base: "void"}
	}
	if to == nil {
		to = &typ{base: pick(g, bases)}
	}
	if g.chance(25) {
		to = &typ{base: to.base, decl: to.decl, ptr: to.ptr, quals: pick(g, []string{"const", "volatile", "const volatile", "TAG(\"rcu\")"})}
		if to.ptr != nil && g.chance(30) && !to.ptr.isFunction() {
			to.quals = "__restrict"
		}
	}
	return &typ{ptr: to}
}

// function makes a function type; those of units see everything, those of declaration i[0] what comes before it.
func (g *gen) function(unit bool, i ...int) *typ {
	at := len(g.decls)
	if len(i) > 0 {
		at = i[0]
	}
	f := &typ{ret: &typ{base: "void"}}
	if g.chance(60) {
		f.ret = g.value(at)
	}
	n := g.IntN(6)
	if g.chance(15) {
		n = 7 + g.IntN(6)
	}
	for range n {
		f.params = append(f.params, g.value(at))
	}
	f.dots = n > 0 && g.chance(8)
	return f
}

func (g *gen) param() *typ { return g.value(len(g.decls)) }

// value is a type that functions take and return.
func (g *gen) value(i int) *typ {
	for range 6 {
		if t := g.object(i, false); t.elem == nil && !t.isArray() {
			return t
		}
	}
	return &typ{base: "int"}
}

func (t *typ) isArray() bool {
	if t.decl != nil && t.decl.kind == "typedef" {
		for _, x := range t.decl.to {
			if x.elem != nil || x.isArray() {
				return true
			}
		}
		return false
	}
	return t.elem != nil
}

// isFunction says whether t is a function in any layout; restrict is not for pointers to those.
func (t *typ) isFunction() bool {
	if t.decl != nil {
		for _, x := range t.decl.to {
			if x.isFunction() {
				return true
			}
		}
	}
	return t.ret != nil
}

func (g *gen) member(d *decl, m *int, depth int) member {
	name := fmt.Sprintf("m%d", *m)
	*m++
	r := member{name: name, bits: -1}
	switch k := g.IntN(100); {
	case k < 22:
		r.t, r.bits = g.bitfield(d.index)
		if g.chance(6) {
			r.name, r.bits = "", pick(g, []int{0, 1})
		}
	case k < 36 && depth < 3:
		r.kind, r.in = pick(g, []string{"struct", "union"}), &body{}
		for range 1 + g.IntN(4) {
			r.in.members = append(r.in.members, g.member(d, m, depth+1))
		}
		switch g.IntN(4) {
		case 0, 1:
			r.name = ""
		case 2:
			g.n++
			r.tag = fmt.Sprintf("in%d_%d", d.index, g.n)
		}
	default:
		r.t = g.object(d.index, false)
		if g.chance(5) {
			r.attr = pick(g, []string{"aligned(16)", "packed", "aligned(2)"})
		}
	}
	return r
}

func (g *gen) bitfield(i int) (*typ, int) {
	if i > 0 && g.chance(20) {
		if d := g.decls[g.IntN(i)]; d.kind == "enum" && !d.wide && d.attr == "" {
			return &typ{decl: d}, 32 - g.IntN(2)
		} else if d.kind == "typedef" && len(d.to) == 1 && d.attr == "" && d.to[0].base == "int" {
			return &typ{decl: d}, 1 + g.IntN(32)
		}
	}
	b := pick(g, []struct {
		name string
		bits int
	}{{"int", 32}, {"unsigned int", 32}, {"unsigned char", 8}, {"signed char", 8}, {"short", 16}, {"unsigned short", 16}, {"long long", 64}, {"unsigned long long", 64}, {"_Bool", 1}})
	n := 1 + g.IntN(b.bits)
	if g.chance(8) {
		n = b.bits
	}
	return &typ{base: b.name}, n
}

// text prints t with the declarator inner, C's inside out.
func (t *typ) text(inner string) string {
	pad := func(s string) string {
		if s != "" && inner != "" {
			return s + " " + inner
		}
		return s + inner
	}
	switch {
	case t.ptr != nil:
		in := "*" + pad(t.quals)
		if t.ptr.elem != nil || t.ptr.ret != nil {
			in = "(" + in + ")"
		}
		return t.ptr.text(in)
	case t.elem != nil:
		if t.n < 0 {
			return t.elem.text(inner + "[]")
		}
		return t.elem.text(fmt.Sprintf("%s[%d]", inner, t.n))
	case t.ret != nil:
		var p []string
		for _, x := range t.params {
			p = append(p, x.text(""))
		}
		return t.ret.text(inner + "(" + plist(p, t.dots) + ")")
	}
	name := t.base
	if t.decl != nil {
		name = t.decl.name
		if t.decl.kind != "typedef" {
			name = t.decl.kind + " " + name
		}
	}
	if t.quals != "" {
		name = t.quals + " " + name
	}
	return pad(name)
}

func plist(p []string, dots bool) string {
	if dots {
		p = append(p, "...")
	}
	if len(p) == 0 {
		return "void"
	}
	return strings.Join(p, ", ")
}
