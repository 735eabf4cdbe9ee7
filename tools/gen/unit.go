package main

import (
	"fmt"
	"strings"
)

// prelude is what compilers and machines do not all have.
const prelude = `#ifdef __SIZEOF_INT128__
#define I128 __int128
#else
#define I128 long
#endif
#ifndef __has_attribute
#define __has_attribute(x) 0
#endif
#if __has_attribute(btf_type_tag)
#define TAG(x) __attribute__((btf_type_tag(x)))
#else
#define TAG(x)
#endif
#if __has_attribute(btf_decl_tag)
#define DTAG(x) __attribute__((btf_decl_tag(x)))
#else
#define DTAG(x)
#endif
extern char blob[];
extern long keep(long, ...);
extern void use(const volatile void *, ...);`

// scope is what one unit sees of the shared declarations.
type scope struct {
	*gen
	layout []int
	full   []bool // printed with its body
	named  []bool // at least declared
	roots  []*typ
	late   []chunk
}

// unit makes unit i: it chooses a layout of every name, what is complete and what only declared, then functions and variables of it.
func (g *gen) unit(i int) unit {
	s := &scope{gen: g, full: make([]bool, len(g.decls)), named: make([]bool, len(g.decls))}
	for _, d := range g.decls {
		l := 0
		if n := max(len(d.bodies), len(d.to), len(d.values)); n > 1 && g.chance(40) {
			l = 1
		}
		s.layout = append(s.layout, l)
	}
	for range 1 + g.IntN(6) {
		s.variable(i)
	}
	for k := range 1 + g.IntN(6) {
		s.define(i, fmt.Sprintf("f%d_%d", i, k), g.function(true), "")
	}
	for _, p := range g.protos {
		if g.chance(60) {
			how := pick(g, []string{"static __attribute__((noinline)) ", "static ", "static inline ", "__attribute__((weak)) "})
			s.define(i, p.name, p.f[g.IntN(2)], how)
		}
	}
	if g.chance(10) {
		s.kfuncs(i)
	}
	for _, t := range s.roots {
		s.want(t, true)
	}
	u := unit{Chunks: []chunk{{Head: prelude}}}
	if i == 0 {
		// The linker's script (percpu) names .data, so there has to be one.
		u.Chunks = append(u.Chunks, chunk{Head: "__attribute__((used)) int anchor = 1;"})
	}
	for _, d := range g.decls {
		if s.named[d.index] && (d.kind == "struct" || d.kind == "union") {
			u.Chunks = append(u.Chunks, chunk{Head: d.kind + " " + d.name + ";"})
		} else if s.named[d.index] && d.kind == "enum" && !s.full[d.index] {
			u.Chunks = append(u.Chunks, chunk{Head: "enum " + d.name + ";"})
		}
	}
	// Enums come first: their layout is needed by every use, and they need nothing.
	for _, enums := range []bool{true, false} {
		for _, d := range g.decls {
			if s.full[d.index] && (d.kind == "enum") == enums {
				u.Chunks = append(u.Chunks, s.print(d))
			}
		}
	}
	u.Chunks = append(u.Chunks, s.late...)
	return u
}

// want marks what has to be printed for t; by value it has to be complete.
func (s *scope) want(t *typ, byValue bool) {
	switch {
	case t.ptr != nil:
		s.want(t.ptr, false)
	case t.elem != nil:
		s.want(t.elem, true)
	case t.ret != nil:
		s.want(t.ret, false)
		for _, p := range t.params {
			s.want(p, false)
		}
	case t.decl != nil:
		d := t.decl
		first := !s.named[d.index]
		s.named[d.index] = true
		if d.kind == "typedef" {
			if first || byValue {
				s.full[d.index] = true
				s.want(d.to[s.layout[d.index]], byValue)
			}
			return
		}
		if s.full[d.index] || !byValue && !(first && s.chance(45)) {
			return
		}
		s.full[d.index] = true
		if d.bodies != nil {
			s.wantBody(d.bodies[s.layout[d.index]])
		}
	}
}

func (s *scope) wantBody(b *body) {
	for _, m := range b.members {
		if m.in != nil {
			s.wantBody(m.in)
		} else {
			s.want(m.t, true)
		}
	}
}

// root is t, which the unit needs complete.
func (s *scope) root(t *typ) *typ {
	s.roots = append(s.roots, t)
	return t
}

func attribute(a string) string {
	if a == "" {
		return ""
	}
	return " __attribute__((" + a + "))"
}

func (s *scope) print(d *decl) chunk {
	l := s.layout[d.index]
	switch d.kind {
	case "typedef":
		return chunk{Head: "typedef " + d.to[l].text(d.name) + attribute(d.attr) + ";"}
	case "enum":
		c := chunk{Head: "enum " + d.name + " {\n", Tail: "}" + attribute(d.attr) + ";"}
		for _, v := range d.values[l] {
			c.Parts = append(c.Parts, "\t"+v+",\n")
		}
		return c
	}
	c := chunk{Head: d.kind + " " + d.name + " {\n", Tail: "}" + attribute(d.attr) + ";"}
	for _, m := range d.bodies[l].members {
		c.Parts = append(c.Parts, m.text("\t"))
	}
	return c
}

func (m member) text(indent string) string {
	if m.in == nil {
		t := m.t.text(m.name)
		if m.bits >= 0 {
			t += fmt.Sprintf(" : %d", m.bits)
		}
		return indent + t + attribute(m.attr) + ";\n"
	}
	var b strings.Builder
	b.WriteString(indent + m.kind + " " + m.tag + " {\n")
	for _, x := range m.in.members {
		b.WriteString(x.text(indent + "\t"))
	}
	// A tag without a name would declare no member at all.
	b.WriteString(indent + "} " + m.name + ";\n")
	return b.String()
}

func (s *scope) variable(i int) {
	k := len(s.late)
	name := fmt.Sprintf("v%d_%d", i, k)
	t := s.object(len(s.decls), false)
	if s.chance(15) && len(s.decls) > 0 {
		if d := pick(s.gen, s.decls); d.kind == "struct" {
			t = &typ{decl: d} // flexible ones too
		}
	}
	s.root(t)
	var c chunk
	switch s.IntN(8) {
	case 0:
		c.Head = "static " + t.text(fmt.Sprintf("same%d", k)) + ";"
		c.Tail = fmt.Sprintf("\nvoid keep%s(void) { use(&same%d); }", name, k)
	case 1:
		c.Head = "extern " + t.text(name+"[]") + ";"
		if t.elem != nil || t.isArray() || t.ret != nil || !t.complete(len(s.decls), true) {
			c.Head = "extern " + t.text(name) + ";"
		}
		c.Tail = fmt.Sprintf("\nvoid *keep%s(void) { return (void *)&%s; }", name, name)
	case 2, 3:
		q := *t
		q.quals = ""
		c.Head = `__attribute__((section(".data..percpu"))) DTAG("cpu") ` + q.text(name) + ";"
		if s.constant(&q) {
			c.Head = t.text(name) + ";"
		}
	case 4:
		c.Head = "__thread " + t.text(name) + ";"
	case 5:
		c.Head = "__attribute__((weak)) " + t.text(name) + ";"
	case 6:
		c.Head = t.text(name) + ` __attribute__((aligned(64))) DTAG("al");`
	default:
		c.Head = t.text(name) + ";"
	}
	s.late = append(s.late, c)
}

// constant says whether t, or what it is an array of, is const: such variables have no place in a section of others.
func (s *scope) constant(t *typ) bool {
	for {
		switch {
		case t.elem != nil:
			t = t.elem
		case t.decl != nil && t.decl.kind == "typedef" && !strings.Contains(t.quals, "const"):
			t = t.decl.to[s.layout[t.decl.index]]
		default:
			return strings.Contains(t.quals, "const")
		}
	}
}

// class tells what can be done with a value in C.
func (s *scope) class(t *typ) string {
	for t.decl != nil && t.decl.kind == "typedef" {
		t = t.decl.to[s.layout[t.decl.index]]
	}
	switch {
	case t.ptr != nil || t.elem != nil || t.ret != nil:
		return "pointer"
	case t.decl != nil && t.decl.kind == "enum":
		return "scalar"
	case t.decl != nil || strings.Contains(t.base, "_Complex"):
		return "aggregate"
	}
	return "scalar"
}

// define adds a function with a body that uses, ignores, stores or passes on its parameters, and calls of it.
func (s *scope) define(i int, name string, f *typ, how string) {
	g := s.gen
	s.root(f.ret)
	var params, args []string
	c := chunk{}
	if g.chance(20) {
		c.Parts = append(c.Parts, fmt.Sprintf("\tstruct local%d { int a; long b : %d; } l = { (int)keep(0) };\n\tuse(&l);\n", g.IntN(3), 1+g.IntN(20)))
	}
	if g.chance(15) {
		c.Parts = append(c.Parts, "\tstatic int calls; use(&calls);\n")
	}
	for k, t := range f.params {
		s.root(t)
		p := fmt.Sprintf("a%d", k)
		params = append(params, t.text(p))
		class := s.class(t)
		if k == 0 && class != "aggregate" && g.chance(20) {
			// An early end: what follows becomes a part of its own.
			r := "return;"
			if f.ret.base != "void" || f.ret.ptr != nil {
				r = "return " + s.blob(f.ret) + ";"
			}
			c.Parts = append(c.Parts, "\tif (!a0) "+r+"\n\tuse(blob, 1); use(blob, 2); use(blob, 3); keep(4);\n")
		}
		switch x := g.IntN(5); {
		case x == 0:
		case class == "aggregate" || x == 1:
			c.Parts = append(c.Parts, fmt.Sprintf("\tuse(&%s);\n", p))
		case class == "pointer" && x == 2 && s.derefs(t) != "":
			c.Parts = append(c.Parts, fmt.Sprintf("\tkeep((long)%s->%s);\n", p, s.derefs(t)))
		default:
			c.Parts = append(c.Parts, fmt.Sprintf("\tkeep((long)%s, %d);\n", p, k))
		}
		switch {
		case class == "scalar" && g.chance(60):
			args = append(args, fmt.Sprint(1+k))
		case class == "pointer" && g.chance(30):
			args = append(args, "(void *)0")
		default:
			args = append(args, s.blob(t))
		}
	}
	c.Tail = "}"
	if f.ret.base != "void" {
		c.Tail = "\treturn " + s.blob(f.ret) + ";\n}"
	}
	if how == "" {
		how = pick(g, []string{"", "", "", "static ", "static __attribute__((noinline)) ", "static __attribute__((noinline)) ", `DTAG("fn") `})
	}
	c.Head = how + f.ret.text(name+"("+plist(params, f.dots)+")") + " {\n"
	s.late = append(s.late, c)
	call := name + "(" + strings.Join(args, ", ") + ")"
	if strings.HasPrefix(how, "static") {
		n := 1 + g.IntN(3)
		t := fmt.Sprintf("void call%d_%s(void) {\n", i, name)
		var parts []string
		for range n {
			parts = append(parts, "\t"+call+";\n\tkeep(0);\n")
		}
		s.late = append(s.late, chunk{Head: t, Parts: parts, Tail: "}"})
		return
	}
	if g.chance(12) {
		s.late = append(s.late, chunk{Head: f.ret.text(name+"_alias("+plist(params, f.dots)+")") + fmt.Sprintf(" __attribute__((%salias(\"%s\")));", pick(g, []string{"", "weak, "}), name)})
	}
}

// blob is any value of t.
func (s *scope) blob(t *typ) string {
	if t.base == "void" && t.ptr == nil {
		return ""
	}
	return "*(" + (&typ{ptr: t}).text("") + ")blob"
}

// derefs is a scalar member of the struct that t points to, "" if the unit may not see one.
func (s *scope) derefs(t *typ) string {
	if t.ptr == nil || t.ptr.decl == nil || t.ptr.decl.bodies == nil {
		return ""
	}
	for _, m := range t.ptr.decl.bodies[s.layout[t.ptr.decl.index]].members {
		if m.in == nil && m.name != "" && m.t.elem == nil && s.class(m.t) == "scalar" {
			s.root(&typ{decl: t.ptr.decl})
			return m.name
		}
	}
	return ""
}

// kfuncs lists some functions as the kernel's macros do.
func (s *scope) kfuncs(i int) {
	var b strings.Builder
	id := func(n int, f string, flags int) {
		fmt.Fprintf(&b, "__BTF_ID__func__%s__%d%d: .zero 4\\n.size __BTF_ID__func__%s__%d%d, 4\\n.long %d\\n", f, i, n, f, i, n, flags)
	}
	fmt.Fprintf(&b, "__BTF_ID__set8__k%d: .long 2, 1\\n", i)
	id(0, fmt.Sprintf("f%d_0", i), s.IntN(4))
	id(1, pick(s.gen, []string{"shared0", "shared1", fmt.Sprintf("f%d_1", i)}), 0x1000)
	fmt.Fprintf(&b, ".size __BTF_ID__set8__k%d, . - __BTF_ID__set8__k%d\\n", i, i)
	s.late = append(s.late, chunk{Head: `__asm__(".pushsection .BTF_ids,\"a\"\n` + b.String() + `.popsection");`})
}
