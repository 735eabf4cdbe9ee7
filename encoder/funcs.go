package encoder

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/convert"
	"github.com/gobtf/gobtf/internal/graph"
	"github.com/gobtf/gobtf/internal/parallel"
	"github.com/gobtf/gobtf/internal/shown"
)

// emitFuncs decides which saved functions are written and appends their FUNC_PROTO,
// FUNC and tags, by name (docs/rules/functions.md). lost says which parameters a record has no room for.
// Rule order/types.
//
// Functions are decided on so many workers, some names each, and appended by one.
func (t *table) emitFuncs(features Features, jobs int) (lost, err error) {
	if t.traced() {
		jobs = 1 // so that what is told of a function comes before what is told of the next
	}
	o := t.sortStates(jobs)
	t.trace.lateFunctions()
	e := &funcEmitter{t: t, features: features}
	if jobs == 1 {
		d := &decider{t: t, features: features, m: matcher{g: t.g}}
		err := o.eachGroup(0, len(o.names), func(group []uint32) error {
			if w := d.group(group); w != nil {
				return e.emit(w)
			}
			return nil
		})
		return e.lost, err
	}
	const pieces = 256
	var decided [pieces][]written
	deciders := make([]decider, parallel.Workers(jobs, pieces))
	parallel.Must(jobs, pieces, func(worker, i int) {
		d := &deciders[worker]
		d.t, d.features, d.m.g = t, features, t.g
		lo, hi := parallel.Piece(i, pieces, len(o.names))
		list := make([]written, 0, hi-lo)
		_ = o.eachGroup(lo, hi, func(group []uint32) error {
			if w := d.group(group); w != nil {
				list = append(list, *w)
			}
			return nil
		})
		decided[i] = list
	})
	for _, list := range decided {
		for i := range list {
			if err := e.emit(&list[i]); err != nil {
				return nil, err
			}
		}
	}
	return e.lost, nil
}

// ordered are the saved functions by name, then those with an address first, then as they were saved.
type ordered struct {
	t      *table
	states []uint32
	names  []funcName // sorted
	end    []uint32   // where names' states end
}

// funcName is a name of functions, and its first eight bytes.
type funcName struct {
	prefix uint64
	id     graph.StrID
	number uint32
}

// sortStates puts the saved functions into their order. Names are sorted once each, and the states put into their order by counting.
// Rule functions/groups.
func (t *table) sortStates(jobs int) *ordered {
	o := &ordered{t: t}
	if len(t.tables) == 1 && t.sorted != nil {
		o.names = <-t.sorted
	} else {
		o.names = sortedNames(t.tables, t.strs, jobs)
	}
	// Two buckets a name: with an address, without.
	bucket := make([]uint32, t.funcs.n)
	pieces := parallel.Workers(jobs, 1+t.funcs.n/chunkLen)
	parallel.Must(jobs, pieces, func(_, i int) {
		lo, hi := parallel.Piece(i, pieces, t.funcs.n)
		for i := lo; i < hi; i++ {
			s := t.funcs.at(uint32(i))
			bucket[i] = 2 * s.entry.number
			if s.addr == 0 {
				bucket[i]++
			}
		}
	})
	// Each worker has some buckets to itself, and looks for what belongs into them.
	at := make([]uint32, 2*len(o.names)) // how many; then where the next goes
	parallel.Must(jobs, pieces, func(_, i int) {
		lo, hi := parallel.Piece(i, pieces, len(at))
		for _, b := range bucket {
			if uint(b)-uint(lo) < uint(hi-lo) {
				at[b]++
			}
		}
	})
	o.end = make([]uint32, len(o.names))
	n := uint32(0)
	for i := range o.names {
		for b := 2 * o.names[i].number; b <= 2*o.names[i].number+1; b++ {
			at[b], n = n, n+at[b]
		}
		o.end[i] = n
	}
	o.states = make([]uint32, t.funcs.n)
	parallel.Must(jobs, pieces, func(_, i int) {
		lo, hi := parallel.Piece(i, pieces, len(at))
		for s, b := range bucket {
			if uint(b)-uint(lo) < uint(hi-lo) {
				o.states[at[b]] = uint32(s)
				at[b]++
			}
		}
	})
	return o
}

// eachGroup calls f for the states of each function, of some of the names.
// Rule functions/groups.
func (o *ordered) eachGroup(lo, hi int, f func(states []uint32) error) error {
	from := uint32(0)
	if lo > 0 {
		from = o.end[lo-1]
	}
	for _, end := range o.end[lo:hi] {
		list := o.states[from:end]
		from = end
		for len(list) > 0 {
			n := len(list)
			if len(o.t.tables) > 1 { // each file has functions of its own
				entry := o.t.funcs.at(list[0]).entry
				for n = 1; n < len(list) && o.t.funcs.at(list[n]).entry == entry; n++ {
				}
			}
			if err := f(list[:n]); err != nil {
				return err
			}
			list = list[n:]
		}
	}
	return nil
}

// sortedNames numbers the names of all entries of some tables and returns them in their order.
func sortedNames(tables []*funcTable, strs *graph.Strings, jobs int) []funcName {
	entries := 0
	for _, tab := range tables {
		entries += len(tab.entries)
	}
	names := make([]funcName, 0, entries)
	number := make([]uint32, strs.Len()) // by StrID, plus 1
	for _, tab := range tables {
		for i := range tab.entries {
			e := &tab.entries[i]
			if number[e.name] == 0 {
				b := strs.Bytes(e.name)
				names = append(names, funcName{prefix(b), e.name, uint32(len(names))})
				number[e.name] = uint32(len(names))
			}
			e.number = number[e.name] - 1
		}
	}
	sortNames(names, strs, jobs)
	return names
}

// sortNames sorts by the bytes of names: by the first eight of them at once, a byte after the other from behind, and then those that have
// these in common.
func sortNames(names []funcName, strs *graph.Strings, jobs int) {
	from, to := names, make([]funcName, len(names))
	for shift := 0; shift < 64; shift += 8 {
		var at [256]int
		for i := range from {
			at[byte(from[i].prefix>>shift)]++
		}
		n := 0
		for i, k := range at {
			at[i], n = n, n+k
		}
		for i := range from {
			b := byte(from[i].prefix >> shift)
			to[at[b]] = from[i]
			at[b]++
		}
		from, to = to, from
	}
	pieces := parallel.Workers(jobs, 1+len(names)/1024)
	bound := make([]int, pieces+1)
	for i := range pieces {
		_, hi := parallel.Piece(i, pieces, len(names))
		hi = max(hi, bound[i])
		for hi > 0 && hi < len(names) && names[hi].prefix == names[hi-1].prefix {
			hi++
		}
		bound[i+1] = hi
	}
	parallel.Must(jobs, pieces, func(_, i int) {
		for lo, hi := bound[i], bound[i+1]; lo < hi; {
			end := lo + 1
			for end < hi && names[end].prefix == names[lo].prefix {
				end++
			}
			slices.SortFunc(names[lo:end], func(a, b funcName) int { return bytes.Compare(strs.Bytes(a.id), strs.Bytes(b.id)) })
			lo = end
		}
	})
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

// decider decides what becomes of functions. It changes nothing but the flags of their states.
type decider struct {
	t        *table
	features Features
	m        matcher
	content  []uint32
	last     written
}

// written is a function that is to be appended: its signature, and the state that it is of.
type written struct {
	s         *state
	name      graph.StrID
	params    []param
	proto, fn graph.Shape
	kfunc     bool // what kfuncs get is wanted
	long      bool // a parameter's name is cut
	lost      int  // parameters that there is no room for
}

// group decides about the states of one function. It returns nil when it is not written; else it is the decider's, until the next.
// Rules functions/groups, functions/left-out.
func (e *decider) group(order []uint32) *written {
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
				t.explain.decided(entry, 0, copies)
				return e.write(s, name, false)
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
	return e.write(c, entry.name, entry.kfunc)
}

// write prepares a function's FUNC_PROTO and FUNC: all but the references.
// Rule functions/written.
func (e *decider) write(s *state, name graph.StrID, kfunc bool) *written {
	t := e.t
	w := &e.last
	*w = written{s: s, name: name, params: t.paramsOf(s), kfunc: kfunc}
	if n := len(w.params); n > maxEntries {
		w.params, w.lost = w.params[:maxEntries], n-maxEntries
	}
	c := append(e.content[:0], btf.InfoWord(btf.FuncProto, len(w.params), false), 0, 0)
	for _, p := range w.params {
		n := t.truncated(p.name)
		w.long = w.long || n != p.name
		c = append(c, uint32(n))
	}
	e.content = c
	w.proto = t.g.Shapes.Intern(c)
	w.fn = t.g.Shapes.Intern([]uint32{btf.InfoWord(btf.Func, 0, false), uint32(name), 0})
	return w
}

// otherCopy tells that only one of two states is code of its own: with true_signature
// an inlined copy does not speak against it. (Not in pahole's snapshots before 1.32:
// found by comparing vmlinux.)
// Rule functions/true-signature.
func (e *decider) otherCopy(a, b *state) bool {
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
func (e *decider) skipOptimized(s *state) bool {
	return e.features&TrueSignature == 0 && s.flags&convert.OptimizedParms != 0 &&
		(s.flags&convert.SignatureChanged != 0 || s.entry.hasOptimized(s.addr))
}

// canonical chooses the state that describes the function.
// Rule functions/canonical.
func (e *decider) canonical(entry *funcEntry, order []uint32) *state {
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
	if t.strs.Longest() <= maxParmName {
		return id
	}
	if b := t.strs.Bytes(id); len(b) > maxParmName {
		return t.strs.Intern(b[:maxParmName])
	}
	return id
}

// funcEmitter appends functions.
type funcEmitter struct {
	t        *table
	features Features
	refs     []uint32
	lost     error // the first
}

// emit appends FUNC_PROTO, FUNC and the function's declaration tags.
// Rule functions/written.
func (e *funcEmitter) emit(w *written) error {
	t, s := e.t, w.s
	ret, params := s.ret, w.params
	if w.kfunc && e.features&(DeclTagKfuncs|Attributes) == DeclTagKfuncs|Attributes {
		var err error
		if ret, params, err = e.arena(s.entry, ret, params); err != nil {
			return err
		}
	}
	if w.lost > 0 && e.lost == nil {
		e.lost = fmt.Errorf("%q has %d parameters: a FUNC_PROTO has room for %d, and the last %d are left out",
			shown.Name(t.strs.String(w.name)), len(params)+w.lost, maxEntries, w.lost)
	}
	refs := append(e.refs[:0], uint32(ret))
	for _, p := range params {
		if w.long {
			if n := t.truncated(p.name); n != p.name {
				t.late = append(t.late, n)
			}
		}
		refs = append(refs, uint32(p.typ))
	}
	e.refs = refs
	proto := t.g.Add(w.proto, refs...)
	t.late = append(t.late, w.name)
	id := t.g.Add(w.fn, uint32(proto))
	t.trace.types(t, uint32(proto), t.g.Len())
	for _, tag := range t.funcTags[s.unit][s.tag : s.tag+uint32(s.ntag)] {
		tagID := t.g.Len()
		e.declTag(t.truncated(tag.Value), tag.Component, id)
		t.trace.types(t, uint32(tagID), t.g.Len())
	}
	if w.kfunc && e.features&(DeclTagKfuncs|DeclTag) == DeclTagKfuncs|DeclTag {
		e.tag("bpf_kfunc", id)
		if s.entry.kflags&kfFastcall != 0 {
			e.tag("bpf_fastcall", id)
		}
	}
	return nil
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
func (e *funcEmitter) arena(entry *funcEntry, ret btf.TypeID, params []param) (btf.TypeID, []param, error) {
	t := e.t
	params = slices.Clone(params)
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
