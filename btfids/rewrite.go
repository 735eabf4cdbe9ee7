package btfids

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/gobtf/gobtf/btf"
)

// Arrange does to a module's types what the tools of kernels from 7.0 on do before they look names up: functions that sec says
// take implicit arguments get their second prototype, and the types are sorted by name. sec may be nil.
func Arrange(t *btf.Types, sec *Section) (*btf.Types, error) {
	t, err := implicitArgs(t, sec, func(string, ...any) {})
	if err != nil {
		return nil, err
	}
	return sortByName(t)
}

// sortByName orders t's own types by name, those without one first, equal ones as they were. From 6.19 on kernels look
// names up by bisection when they find the types in this order.
// Rule btfids/by-name.
func sortByName(t *btf.Types) (*btf.Types, error) {
	start := t.Start()
	n := t.Len() - int(start)
	order := make([]btf.TypeID, n)
	for i := range order {
		order[i] = start + btf.TypeID(i)
	}
	name := func(id btf.TypeID) []byte {
		if off := t.Record(id)[0]; off != 0 {
			return t.StringBytes(off)
		}
		return nil
	}
	slices.SortStableFunc(order, func(a, b btf.TypeID) int { return bytes.Compare(name(a), name(b)) })
	newID := make([]uint32, n)
	for i, id := range order {
		newID[id-start] = uint32(start) + uint32(i)
	}
	words := make([]uint32, 0, len(t.Words()))
	for _, id := range order {
		at := len(words)
		words = append(words, t.Record(id)...)
		btf.EachRef(words[at:], func(w *uint32) {
			if *w >= uint32(start) {
				*w = newID[*w-uint32(start)]
			}
		})
	}
	return btf.New(words, t.Strings(), t.Base(), t.Order())
}

const (
	kfuncTag       = "bpf_kfunc"
	implSuffix     = "_impl"
	kfImplicitArgs = 1 << 16 // KF_IMPLICIT_ARGS
)

// implicitTypes are what a kfunc's implicit arguments point to.
var implicitTypes = map[string]bool{"bpf_prog_aux": true, "btf_struct_meta": true}

// implicitArgs gives every kfunc that a set marks with KF_IMPLICIT_ARGS two prototypes: NAME_impl gets the one that the
// function has, NAME one without the arguments that the verifier adds (kernels from 7.0 on).
func implicitArgs(t *btf.Types, s *Section, log func(format string, args ...any)) (*btf.Types, error) {
	if s == nil {
		return t, nil
	}
	e := &editor{t: t}
	var tags []btf.TypeID
	for id := t.Start(); int(id) < t.Len(); id++ {
		if t.Type(id).Kind() == btf.DeclTag {
			tags = append(tags, id)
		}
	}
	for _, id := range tags {
		tag := t.Type(id)
		if tag.Name() != kfuncTag || tag.Component() != -1 || tag.Kflag() {
			continue
		}
		fn := tag.Ref()
		x := t.Type(fn)
		if x.Kind() != btf.Func || fn < t.Start() {
			continue
		}
		if flags, ok := s.kfuncFlags(x.Name()); !ok || flags&kfImplicitArgs == 0 {
			continue
		}
		if x.Name() == "" || t.Type(x.Ref()).Kind() != btf.FuncProto {
			return nil, fmt.Errorf("type %d, FUNC %q: has no prototype", fn, x.Name())
		}
		e.addImplicit(fn, x, tags, log)
	}
	return e.types()
}

// kfuncFlags returns the flags that the set which lists a function has for it.
func (s *Section) kfuncFlags(name string) (uint32, bool) {
	r := s.byName[kindFunc][name]
	if r == nil {
		return 0, false
	}
	sets := slices.Clone(s.sets) // of several that list it, the last by name: so does the kernel's tool
	slices.SortFunc(sets, func(a, b set) int { return cmp.Compare(b.name, a.name) })
	for _, x := range sets {
		for _, off := range r.at {
			if x.pairs && off > x.at && off <= x.at+8*x.n && off+8 <= len(s.Data) {
				return s.word(off + 4), true
			}
		}
	}
	return 0, false
}

// editor appends types to a BTF.
type editor struct {
	t     *btf.Types
	words []uint32
	strs  []byte
	added map[string]uint32
	next  btf.TypeID
	where map[btf.TypeID]int // of own records in words
}

func (e *editor) open() {
	if e.words != nil {
		return
	}
	e.words = append([]uint32(nil), e.t.Words()...)
	e.strs = bytes.Clone(e.t.Strings())
	e.added = map[string]uint32{}
	e.next = btf.TypeID(e.t.Len())
	e.where = map[btf.TypeID]int{}
	at := 0
	for id := e.t.Start(); int(id) < e.t.Len(); id++ {
		e.where[id] = at
		at += len(e.t.Record(id))
	}
}

// types returns what it became; t itself when nothing was added.
func (e *editor) types() (*btf.Types, error) {
	if e.words == nil {
		return e.t, nil
	}
	return btf.New(e.words, e.strs, e.t.Base(), e.t.Order())
}

func (e *editor) str(s string) uint32 {
	if off, ok := e.t.Offset([]byte(s)); ok {
		return off
	}
	if off, ok := e.added[s]; ok {
		return off
	}
	off := e.t.StringsStart() + uint32(len(e.strs))
	e.added[s] = off
	e.strs = append(append(e.strs, s...), 0)
	return off
}

func (e *editor) add(rec []uint32) btf.TypeID {
	e.words = append(e.words, rec...)
	e.next++
	return e.next - 1
}

// addImplicit applies rule btfids/implicit-args.
func (e *editor) addImplicit(fn btf.TypeID, x btf.Type, tags []btf.TypeID, log func(format string, args ...any)) {
	e.open()
	t := e.t
	impl := x.Name() + implSuffix
	if e.hasFunc(impl) {
		log("FUNC %s is there already", impl)
	} else {
		id := e.add(e.copyOf(fn, e.str(impl), x.Ref()))
		for _, tag := range tags {
			if y := t.Type(tag); y.Ref() == fn && y.Name() != kfuncTag {
				e.add(e.copyOf(tag, y.NameOff(), id))
			}
		}
		log("FUNC %s is added", impl)
	}
	vlen := 0
	for p := range t.Type(x.Ref()).Params() {
		if e.isImplicit(p.Type) {
			break
		}
		vlen++
	}
	info := btf.InfoWord(btf.FuncProto, vlen, false)
	rec := append([]uint32(nil), t.Record(x.Ref())[:btf.RecordWords(info)]...)
	rec[0], rec[1] = 0, info
	proto := e.add(rec)
	at := e.where[fn]
	btf.EachRef(e.words[at:at+len(x.Record())], func(w *uint32) { *w = uint32(proto) })
}

// copyOf returns the record of a type that has one reference, with another name and reference.
func (e *editor) copyOf(id btf.TypeID, name uint32, to btf.TypeID) []uint32 {
	rec := append([]uint32(nil), e.t.Record(id)...)
	rec[0] = name
	btf.EachRef(rec, func(w *uint32) { *w = uint32(to) })
	return rec
}

// hasFunc tells whether a FUNC has that name, also one that was added.
func (e *editor) hasFunc(name string) bool {
	off, ok := e.t.Offset([]byte(name))
	if !ok {
		_, ok = e.added[name]
		return ok
	}
	for id := btf.TypeID(1); int(id) < e.t.Len(); id++ {
		rec := e.t.Record(id)
		if btf.InfoKind(rec[1]) == btf.Func && (rec[0] == off || string(e.t.StringBytes(rec[0])) == name) {
			return true
		}
	}
	return false
}

// isImplicit tells whether a parameter's type is a pointer to one of implicitTypes.
func (e *editor) isImplicit(id btf.TypeID) bool {
	x := e.unqualified(id)
	if x.Kind() != btf.Ptr {
		return false
	}
	x = e.unqualified(x.Ref())
	return x.Kind() == btf.Struct && implicitTypes[x.Name()]
}

func (e *editor) unqualified(id btf.TypeID) btf.Type {
	x := e.t.Type(id)
	for n := 0; n < e.t.Len(); n++ {
		switch x.Kind() {
		case btf.Const, btf.Volatile, btf.Restrict, btf.TypeTag:
			x = e.t.Type(x.Ref())
		default: // other kinds: they qualify nothing
			return x
		}
	}
	return x
}
