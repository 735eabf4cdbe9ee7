package convert

import (
	"slices"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/graph"
)

// emitter makes a Unit of what was described and worked out. It knows no DWARF: contents get their names, types their places, and each
// addition of a string its place in the order in which the reference makes them.
type emitter struct {
	c    *Converter
	out  *Unit
	pos  uint32   // place in the log of additions
	cont []uint32 // scratch: a content with interned names
}

// emit appends everything in the order in which the reference adds it: types, their declaration tags, functions, variables.
// Rule order/types.
func (e *emitter) emit(d *desc, m *marks, a *analysis, out *Unit) {
	e.out = out
	e.types(&d.types)
	out.FirstInt, out.HasArray = d.firstInt, d.hasArray
	out.FakeInts = append(out.FakeInts, d.fakeInts...)
	e.pos = uint32(len(out.Shape)) + 2 // one place more for an "int" that the merge may add
	e.typeTags(d, m)
	e.functions(d, m, a)
	e.variables(d, a)
	// The two change places so that nobody copies: out's memory is the next description's.
	out.Refs, d.refs = d.refs, out.Refs[:0]
	out.RefOff, d.refOff = d.refOff, out.RefOff[:0]
}

// types gives each type its shape, and logs the strings that it is the first to add.
func (e *emitter) types(t *types) {
	c, out := e.c, e.out
	at := uint64(out.Index) << 32
	out.Shape = sized(out.Shape, len(t.list))
	for i := range t.list {
		x := &t.list[i]
		sh := graph.Shape(c.rawShape.Load(x.content))
		if sh == 0 {
			sh = e.cook(t.words.At(x.content))
			c.rawShape.Store(x.content, uint32(sh))
		}
		out.Shape[i] = sh
		switch x.kind {
		case btf.Ptr, btf.Const, btf.Volatile, btf.Restrict, btf.Array:
			continue // without a name
		default: // other kinds: they have one, or their members may
		}
		if pos := uint32(i) + 1; c.shapes.Lower(sh, at|uint64(pos)) {
			out.Log = append(out.Log, LogEntry{pos, sh.Index()})
		}
	}
}

// cook interns the names of a raw content, and then the content.
func (e *emitter) cook(raw []uint32) graph.Shape {
	w := append(e.cont[:0], raw...)
	btf.EachContentName(w, func(name *uint32) { *name = uint32(e.c.str(*name)) })
	e.cont = w
	return e.c.shapes.Intern(w)
}

// typeTags makes the declaration tags of types, by type.
// Rule types/decl-tags.
func (e *emitter) typeTags(d *desc, m *marks) {
	if !e.c.opt.DeclTag || len(d.typeTags) == 0 {
		return
	}
	tags := slices.Clone(d.typeTags)
	for i := range tags {
		tags[i].target = uint32(m.list[tags[i].target])
	}
	slices.SortStableFunc(tags, byTarget)
	for _, t := range tags {
		if t.target != 0 && mark(t.target).kind() == 0 {
			e.tail(e.declTag(t), t.target)
		}
	}
	e.out.TypeTags = len(e.out.Tail)
}

func (e *emitter) declTag(t declTag) graph.Shape {
	e.addString(t.value)
	return e.c.shapes.Intern([]uint32{btf.InfoWord(btf.DeclTag, 0, false), uint32(t.value), 0, uint32(t.component)})
}

func (e *emitter) tail(sh graph.Shape, ref uint32) uint32 {
	e.out.Tail = append(e.out.Tail, Tail{sh, ref})
	return uint32(len(e.out.Tail) - 1)
}

// addString logs the addition of a string at the next place.
// Rule order/strings.
func (e *emitter) addString(s graph.StrID) {
	if s == 0 {
		return
	}
	e.pos++
	if e.c.strs.Lower(s, uint64(e.out.Index)<<32|uint64(e.pos)) {
		e.out.Log = append(e.out.Log, LogEntry{e.pos, LogString | uint32(s)})
	}
}

// functions keeps what the output may need of the functions that have a symbol.
// Rules functions/saved, functions/reordered.
func (e *emitter) functions(d *desc, m *marks, a *analysis) {
	o := e.out
	for _, name := range a.missing {
		o.Missing = append(o.Missing, e.c.str(name))
	}
	for _, s := range a.saved {
		f, facts := &d.funcs[s], &a.funcs[s]
		state := FuncState{Func: facts.entry, Flags: facts.flags, Addr: f.lowPC, Ret: m.local(facts.ret), Param: uint32(len(o.Params)), Tag: uint32(len(o.FuncTags))}
		ps := a.paramsOf(f)
		for i := range ps {
			p := &ps[i]
			if p.gone {
				continue
			}
			name, typ := e.c.str(p.name), p.id
			if p.oneMember {
				name = e.c.strs.InternString(e.c.strs.String(name) + "__" + e.c.nameString(p.memberName))
				if !p.unexpected { // in an unexpected register it is called by its member, and keeps the aggregate's type
					typ = p.memberType
				}
			}
			e.addString(name)
			o.Params = append(o.Params, Param{name, typ})
		}
		if f.variadic {
			o.Params = append(o.Params, Param{})
		}
		if e.c.opt.DeclTag {
			for _, t := range a.tagsOf(s) {
				e.addString(t.value)
				o.FuncTags = append(o.FuncTags, FuncTag{t.value, t.component})
			}
		}
		state.NParm, state.NTag = uint32(len(o.Params))-state.Param, uint32(len(o.FuncTags))-state.Tag
		o.Funcs = append(o.Funcs, state)
	}
}

// variables makes the VARs and their declaration tags.
func (e *emitter) variables(d *desc, a *analysis) {
	for i := range a.vars {
		x := &a.vars[i]
		linkage := uint32(0)
		if x.v.external {
			linkage = 1
		}
		e.addString(x.name)
		sh := e.c.shapes.Intern([]uint32{btf.InfoWord(btf.Var, 0, false), uint32(x.name), 0, linkage})
		tail := e.tail(sh, uint32(x.typ))
		e.out.Vars = append(e.out.Vars, Var{Tail: tail, Section: int32(x.section), Offset: x.offset, Size: x.size})
		if e.c.opt.DeclTag {
			for _, t := range d.varTags[x.v.tag0 : x.v.tag0+x.v.tags] {
				e.tail(e.declTag(t), TailRef|tail)
			}
		}
	}
}
