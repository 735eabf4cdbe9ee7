package encoder

import (
	"bytes"
	"fmt"
	"sort"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/convert"
	"github.com/gobtf/gobtf/internal/graph"
	"github.com/gobtf/gobtf/internal/shown"
)

// emitFuncs decides which saved functions are written and appends their FUNC_PROTO,
// FUNC and tags, by name (docs/rules/functions.md). lost says which parameters a record has no room for.
// Rule order/types.
func (t *table) emitFuncs(features Features) (lost, err error) {
	order := t.sortStates()
	t.trace.lateFunctions()
	e := &funcEmitter{t: t, features: features, m: matcher{g: t.g}}
	for i := 0; i < len(order); {
		j := i + 1
		for j < len(order) && t.funcs.at(order[j]).entry == t.funcs.at(order[i]).entry {
			j++
		}
		if err := e.group(order[i:j]); err != nil {
			return nil, err
		}
		i = j
	}
	return e.lost, nil
}

// sortStates returns the saved functions by name, then those with an address first,
// then as they were saved.
// Rule functions/groups.
func (t *table) sortStates() []uint32 {
	// Names are ranked once each, and the states put into their order by counting.
	seen := make([]uint32, t.strs.Len()) // by name: its place in names plus 1
	var names []graph.StrID
	rankOf := make([]uint32, t.funcs.n)
	for i := range rankOf {
		n := t.funcs.at(uint32(i)).entry.name
		if seen[n] == 0 {
			names = append(names, n)
			seen[n] = uint32(len(names))
		}
		rankOf[i] = seen[n] - 1
	}
	type key struct {
		prefix uint64
		name   []byte
		rank   uint32
	}
	keys := make([]key, len(names))
	for i, n := range names {
		b := t.strs.Bytes(n)
		keys[i] = key{prefix(b), b, uint32(i)}
	}
	sort.Slice(keys, func(i, j int) bool {
		if keys[i].prefix != keys[j].prefix {
			return keys[i].prefix < keys[j].prefix
		}
		return bytes.Compare(keys[i].name, keys[j].name) < 0
	})
	sorted := make([]uint32, len(names))
	for i := range keys {
		sorted[keys[i].rank] = uint32(i)
	}
	// Two buckets a name: with an address, without.
	start := make([]uint32, 2*len(names)+1)
	bucket := func(i int) uint32 {
		b := 2 * sorted[rankOf[i]]
		if t.funcs.at(uint32(i)).addr == 0 {
			b++
		}
		return b
	}
	for i := range rankOf {
		start[bucket(i)+1]++
	}
	for i := 1; i < len(start); i++ {
		start[i] += start[i-1]
	}
	order := make([]uint32, t.funcs.n)
	for i := range rankOf {
		b := bucket(i)
		order[start[b]] = uint32(i)
		start[b]++
	}
	return order
}

// prefix returns the first eight bytes of a name, to compare most names at once.
func prefix(b []byte) (v uint64) {
	for i := 0; i < 8; i++ {
		v <<= 8
		if i < len(b) {
			v |= uint64(b[i])
		}
	}
	return v
}

type funcEmitter struct {
	t        *table
	features Features
	m        matcher
	content  []uint32
	refs     []uint32
	lost     error // the first
}

// group handles the states of one function.
// Rules functions/groups, functions/left-out.
func (e *funcEmitter) group(order []uint32) error {
	t := e.t
	first := t.funcs.at(order[0])
	copies := t.explain.copies(order) // as the units gave them
	const merged = convert.Unexpected | convert.Inconsistent | convert.Uncertain | convert.Reordered
	const settled = convert.Unexpected | convert.Inconsistent | convert.Reordered
	for _, i := range order[1:] {
		x := t.funcs.at(i)
		f := (first.flags | x.flags) & merged
		if f&settled == 0 && !e.otherCopy(first, x) && !e.m.sameProto(t, first, x) {
			f |= convert.Inconsistent
		}
		first.flags |= f
		x.flags |= f
	}
	entry := first.entry
	if e.features&TrueSignature != 0 {
		for _, i := range order {
			s := t.funcs.at(i)
			if name := entry.suffixed(s.addr); name != 0 && s.flags&(convert.Unexpected|convert.Uncertain) == 0 {
				e.emitProto(s, name, s.ret, t.paramsOf(s))
				t.explain.decided(entry, 0, copies)
				return nil
			}
		}
	}
	c := e.canonical(entry, order)
	var why skipReason
	switch {
	case entry.ambiguous:
		why = skipAmbiguous
	case e.skipOptimized(c):
		why = skipOptimized
	case first.flags&convert.Reordered != 0:
		why = skipReordered
	case first.flags&convert.Uncertain != 0:
		why = skipUncertain
	case first.flags&convert.Inconsistent != 0 && e.features&ConsistentFunc != 0:
		why = skipInconsistent
	case first.flags&convert.Unexpected != 0:
		why = skipUnexpected
	}
	t.explain.decided(entry, why, copies)
	if why != 0 {
		t.trace.skipping(t, entry, skipText[why])
		return nil
	}
	ret := c.ret
	params := t.paramsOf(c)
	if entry.kfunc && e.features&(DeclTagKfuncs|Attributes) == DeclTagKfuncs|Attributes {
		var err error
		if ret, params, err = e.arena(entry, c); err != nil {
			return err
		}
	}
	id := e.emitProto(c, entry.name, ret, params)
	if entry.kfunc && e.features&(DeclTagKfuncs|DeclTag) == DeclTagKfuncs|DeclTag {
		e.tag("bpf_kfunc", id)
		if entry.kflags&kfFastcall != 0 {
			e.tag("bpf_fastcall", id)
		}
	}
	return nil
}

// otherCopy tells that only one of two states is code of its own: with true_signature
// an inlined copy does not speak against it. (Not in pahole's snapshots before 1.32:
// found by comparing vmlinux.)
// Rule functions/true-signature.
func (e *funcEmitter) otherCopy(a, b *state) bool {
	return e.features&TrueSignature != 0 && (a.addr == 0) != (b.addr == 0)
}

// skipReason says why a function is not written.
type skipReason uint8

const (
	skipUnexpected skipReason = 1 + iota
	skipInconsistent
	skipUncertain
	skipReordered
	skipOptimized
	skipAmbiguous
)

// skipOptimized applies rule functions/left-out.
func (e *funcEmitter) skipOptimized(s *state) bool {
	return e.features&TrueSignature == 0 && s.flags&convert.OptimizedParms != 0 &&
		(s.flags&convert.SignatureChanged != 0 || s.entry.hasOptimized(s.addr))
}

// canonical chooses the state that describes the function.
// Rule functions/canonical.
func (e *funcEmitter) canonical(entry *funcEntry, order []uint32) *state {
	t := e.t
	if len(order) == 1 {
		return t.funcs.at(order[0])
	}
	var found *state
	for _, i := range order {
		s := t.funcs.at(i)
		if _, ok := entry.find(s.addr); !ok {
			continue
		}
		if found == nil {
			found = s
		}
		if !e.skipOptimized(s) {
			return s
		}
	}
	if found != nil {
		return found
	}
	return t.funcs.at(order[0])
}

// maxParmName is how many bytes of a parameter's name or a function's tag are kept:
// the reference copies them through a buffer of 128.
const maxParmName = 127

// truncated applies rule functions/written.
func (t *table) truncated(id graph.StrID) graph.StrID {
	if b := t.strs.Bytes(id); len(b) > maxParmName {
		return t.strs.Intern(b[:maxParmName])
	}
	return id
}

// emitProto appends FUNC_PROTO, FUNC and the function's declaration tags.
// Rule functions/written.
func (e *funcEmitter) emitProto(s *state, name graph.StrID, ret btf.TypeID, params []param) btf.TypeID {
	t := e.t
	if n := len(params); n > maxEntries {
		params = params[:maxEntries]
		if e.lost == nil {
			e.lost = fmt.Errorf("%q has %d parameters: a FUNC_PROTO has room for %d, and the last %d are left out", shown.Name(t.strs.String(name)), n, maxEntries, n-maxEntries)
		}
	}
	w := append(e.content[:0], btf.InfoWord(btf.FuncProto, len(params), false), 0, 0)
	refs := append(e.refs[:0], uint32(ret))
	for _, p := range params {
		n := t.truncated(p.name)
		if n != p.name {
			t.late = append(t.late, n)
		}
		w = append(w, uint32(n))
		refs = append(refs, uint32(p.typ))
	}
	proto := t.g.Add(t.g.Shapes.Intern(w), refs...)
	e.content, e.refs = w, refs
	t.late = append(t.late, name)
	id := t.g.Add(t.g.Shapes.Intern([]uint32{btf.InfoWord(btf.Func, 0, false), uint32(name), 0}), uint32(proto))
	t.trace.types(t, uint32(proto), t.g.Len())
	for _, tag := range t.funcTags[s.unit][s.tag : s.tag+uint32(s.ntag)] {
		tagID := t.g.Len()
		e.declTag(t.truncated(tag.Value), tag.Component, id)
		t.trace.types(t, uint32(tagID), t.g.Len())
	}
	return id
}

func (e *funcEmitter) tag(value string, id btf.TypeID) {
	e.declTag(e.t.strs.InternString(value), -1, id)
}

func (e *funcEmitter) declTag(value graph.StrID, component int32, id btf.TypeID) {
	t := e.t
	t.late = append(t.late, value)
	t.g.Add(t.g.Shapes.Intern([]uint32{btf.InfoWord(btf.DeclTag, 0, false), uint32(value), 0, uint32(component)}), uint32(id))
}

// arena gives the pointers of a kfunc that are in an arena their own address space
// (rule functions/kfuncs).
// Rule functions/kfuncs.
func (e *funcEmitter) arena(entry *funcEntry, s *state) (btf.TypeID, []param, error) {
	t := e.t
	ret := s.ret
	params := append([]param(nil), t.paramsOf(s)...)
	name := t.strs.String(entry.name)
	if entry.kflags&kfArenaRet != 0 {
		id, err := e.arenaPtr(name, "return type", ret)
		if err != nil {
			return 0, nil, err
		}
		ret = id
	}
	for i, flag := range []uint32{kfArenaArg1, kfArenaArg2} {
		if entry.kflags&flag == 0 {
			continue
		}
		if i >= len(params) {
			return 0, nil, &KfuncError{name, "it has no such parameter for its arena flag"}
		}
		id, err := e.arenaPtr(name, "parameter", params[i].typ)
		if err != nil {
			return 0, nil, err
		}
		params[i].typ = id
	}
	return ret, params, nil
}

// KfuncError is a kfunc whose flags in .BTF_ids do not fit its signature.
type KfuncError struct {
	Func  string
	Cause string
}

func (e *KfuncError) Error() string { return "kfunc " + e.Func + ": " + e.Cause }

func (e *funcEmitter) arenaPtr(fn, what string, id btf.TypeID) (btf.TypeID, error) {
	t := e.t
	if id == 0 || id < t.g.Start || t.g.Shape[id-t.g.Start].Kind() != btf.Ptr {
		return 0, &KfuncError{fn, "its arena flag is on a " + what + " that is not a pointer"}
	}
	sh := t.g.Shape[id-t.g.Start]
	target := t.g.Refs[t.g.RefOff[id-t.g.Start]]
	value := t.strs.InternString("address_space(1)")
	t.late = append(t.late, value)
	tag := t.g.Add(t.g.Shapes.Intern([]uint32{btf.InfoWord(btf.TypeTag, 0, true), uint32(value), 0}), target)
	return t.g.Add(sh, uint32(tag)), nil
}

// matcher compares the prototypes of states. The relation is the reference's, loose
// on purpose: units may see more or less of the same type.
type matcher struct {
	g *graph.Graph
}

// maxMatch bounds the depth of a comparison; only pointers nest, and a ring of them
// is no C.
const maxMatch = 256

// sameProto applies rule functions/inconsistent.
func (m *matcher) sameProto(t *table, a, b *state) bool {
	if a.nparm != b.nparm {
		t.trace.skipping(t, a.entry, "param count mismatch; %d params != %d params", a.nparm, b.nparm)
		return false
	}
	if !m.same(a.ret, b.ret, 0) {
		t.trace.skipping(t, a.entry, "return type mismatch")
		return false
	}
	pa, pb := t.paramsOf(a), t.paramsOf(b)
	for i := range pa {
		if !m.same(pa[i].typ, pb[i].typ, 0) {
			t.trace.mismatch(t, a.entry, i, pa[i].name, pb[i].name)
			return false
		}
	}
	return true
}

func (m *matcher) shape(id btf.TypeID) graph.Shape { return m.g.Shape[id-m.g.Start] }
func (m *matcher) refs(id btf.TypeID) []uint32 {
	i := id - m.g.Start
	return m.g.Refs[m.g.RefOff[i]:m.g.RefOff[i+1]]
}

// kind returns a type's kind, that of the declared type for a FWD.
func (m *matcher) kind(sh graph.Shape) btf.Kind {
	if k := sh.Kind(); k != btf.Fwd {
		return k
	}
	if btf.InfoKflag(m.g.Shapes.Content(sh)[0]) {
		return btf.Union
	}
	return btf.Struct
}

// same applies rule functions/inconsistent.
func (m *matcher) same(a, b btf.TypeID, depth int) bool {
	if a == b {
		return true
	}
	if a == 0 || b == 0 || depth > maxMatch {
		return false
	}
	sa, sb := m.shape(a), m.shape(b)
	ka, kb := m.kind(sa), m.kind(sb)
	if ka != kb {
		if ka == btf.Const {
			return m.same(btf.TypeID(m.refs(a)[0]), b, depth+1)
		}
		if kb == btf.Const {
			return m.same(a, btf.TypeID(m.refs(b)[0]), depth+1)
		}
		return false
	}
	ra, rb := m.refs(a), m.refs(b)
	switch ka {
	case btf.Int, btf.Float:
		return sa == sb
	case btf.Typedef, btf.Struct, btf.Union, btf.Enum, btf.Enum64:
		return m.g.Shapes.Name(sa) == m.g.Shapes.Name(sb)
	case btf.Ptr, btf.Volatile, btf.Const, btf.Restrict, btf.TypeTag:
		return m.same(btf.TypeID(ra[0]), btf.TypeID(rb[0]), depth+1)
	case btf.Array:
		return sa == sb && m.same(btf.TypeID(ra[0]), btf.TypeID(rb[0]), depth+1)
	case btf.FuncProto:
		if len(ra) != len(rb) {
			return false
		}
		for i := range ra {
			if !m.same(btf.TypeID(ra[i]), btf.TypeID(rb[i]), depth+1) {
				return false
			}
		}
		return true
	case btf.Void, btf.Fwd, btf.Func, btf.Var, btf.Datasec, btf.DeclTag:
	}
	return false
}
