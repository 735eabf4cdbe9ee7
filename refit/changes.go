package refit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gobtf/gobtf/btf"
)

// Change is a struct or union of the kernel that a module was built with and that is another now.
type Change struct {
	Kind     btf.Kind
	Name     string
	Was, Is  uint32   // bytes
	Moved    []string // members that are gone, or elsewhere, or of another size: what code compiled before relies on
	Funcs    int      // functions of the module that take it or return it, by pointer or value
	Structs  int      // structs of the module that point to it
	Embedded []string // structs and variables of the module that have it by value
}

// Breaks tells whether code that was compiled with the old one does not fit the new one: its members moved, or something of
// the module has it by value and is too small or too large. A struct that only grew at its end, and is only pointed to, is
// no harm.
// Rule forms/differs.
func (c Change) Breaks() bool {
	return len(c.Moved) > 0 || len(c.Embedded) > 0 && c.Was != c.Is
}

// String is one line: "struct net_device: 2496 -> 2504 bytes, used by 3 functions".
func (c Change) String() string {
	s := fmt.Sprintf("%s %s: ", strings.ToLower(c.Kind.String()), c.Name)
	if c.Was == c.Is {
		s += fmt.Sprintf("%d bytes as before", c.Is)
	} else {
		s += fmt.Sprintf("%d -> %d bytes", c.Was, c.Is)
	}
	if n := len(c.Moved); n > 0 {
		s += ", " + c.Moved[0]
		if n > 1 {
			s += fmt.Sprintf(" and %d more", n-1)
		}
	}
	var by []string
	if len(c.Embedded) > 0 {
		by = append(by, "inside of "+strings.Join(c.Embedded[:min(3, len(c.Embedded))], ", "))
		if n := len(c.Embedded) - 3; n > 0 {
			by[0] += fmt.Sprintf(" and %d more", n)
		}
	}
	if c.Funcs > 0 {
		by = append(by, "used by "+plural(c.Funcs, "function"))
	}
	if c.Structs > 0 {
		by = append(by, "pointed to by "+plural(c.Structs, "struct"))
	}
	return s + ", " + strings.Join(by, ", ")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// use is how a module uses one struct of the kernel.
type use struct {
	id       btf.TypeID
	funcs    int
	structs  int
	embedded []string
}

// uses walks what is the module's own (functions, variables, structs that the kernel does not have) up to the named structs
// and unions of the kernel, which kernel tells.
func uses(t *btf.Types, kernel func(id btf.TypeID) bool) []*use {
	w := &walker{t: t, kernel: kernel, uses: map[btf.TypeID]*use{}}
	below := belowKernel(t, kernel)
	isRoot := make([]bool, t.Len())
	var roots []btf.TypeID
	for id := t.Start(); int(id) < t.Len(); id++ {
		x := t.Type(id)
		switch x.Kind() {
		case btf.Func, btf.Var:
		case btf.Struct, btf.Union:
			if x.NameOff() == 0 || kernel(id) || below[id] {
				continue
			}
		default: // other kinds: code reaches them through these
			continue
		}
		roots, isRoot[id] = append(roots, id), true
	}
	for i := 0; i < len(roots); i++ {
		x := t.Type(roots[i])
		w.root, w.kind = strings.ToLower(x.Kind().String())+" "+x.Name(), x.Kind()
		if x.Kind() == btf.Var || x.Kind() == btf.Func {
			w.root = x.Name()
		}
		w.seen, w.counted = map[visit]bool{}, map[btf.TypeID]bool{}
		w.found = func(id btf.TypeID) {
			if !isRoot[id] { // the module's after all: its functions reach it without help of the kernel's types
				roots, isRoot[id] = append(roots, id), true
			}
		}
		for to := range x.Refs() {
			w.walk(to, false)
		}
	}
	return w.list
}

// belowKernel returns the types that structs of the kernel lead to. Where copies of them are a module's own types, because they
// differ from the kernel's, structs that the kernel has no more are below them.
func belowKernel(t *btf.Types, kernel func(id btf.TypeID) bool) []bool {
	below := make([]bool, t.Len())
	var stack []btf.TypeID
	reach := func(id btf.TypeID) {
		for to := range t.Type(id).Refs() {
			if to >= t.Start() && !below[to] {
				below[to] = true
				stack = append(stack, to)
			}
		}
	}
	for id := t.Start(); int(id) < t.Len(); id++ {
		if k := t.Type(id).Kind(); (k == btf.Struct || k == btf.Union) && kernel(id) {
			reach(id)
		}
	}
	for len(stack) > 0 {
		id := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		reach(id)
	}
	return below
}

type visit struct {
	id      btf.TypeID
	pointed bool
}

type walker struct {
	t       *btf.Types
	kernel  func(btf.TypeID) bool
	found   func(btf.TypeID) // a named struct that is not the kernel's
	root    string
	kind    btf.Kind
	seen    map[visit]bool
	counted map[btf.TypeID]bool // by this root already
	uses    map[btf.TypeID]*use
	list    []*use // in order of appearance
}

func (w *walker) walk(id btf.TypeID, pointed bool) {
	x := w.t.Type(id)
	if id == 0 || w.seen[visit{id, pointed}] {
		return
	}
	w.seen[visit{id, pointed}] = true
	switch x.Kind() {
	case btf.Struct, btf.Union:
		if x.NameOff() != 0 {
			if w.kernel(id) {
				w.use(id, pointed)
			} else {
				w.found(id)
			}
			return // the module's own are roots themselves
		}
	case btf.Ptr:
		pointed = true
	case btf.Func, btf.Var, btf.Datasec, btf.DeclTag:
		return
	default: // other kinds: they lead on and change nothing
	}
	for to := range x.Refs() {
		w.walk(to, pointed)
	}
}

func (w *walker) use(id btf.TypeID, pointed bool) {
	u := w.uses[id]
	if u == nil {
		u = &use{id: id}
		w.uses[id] = u
		w.list = append(w.list, u)
	}
	if !pointed && w.kind != btf.Func && !slices.Contains(u.embedded, w.root) {
		u.embedded = append(u.embedded, w.root)
	}
	if w.counted[id] {
		return
	}
	w.counted[id] = true
	switch {
	case w.kind == btf.Func:
		u.funcs++
	case pointed:
		u.structs++
	}
}

// field is a member with everything above it: what code that was compiled with a struct knows of it.
type field struct {
	bit, bits uint32 // where, and how long: in bits
	what      string // its type, as far as it matters for code
}

// fields lists the members of a struct by name; those of structs inside of it stand under "outer.inner", those of unnamed
// ones as if they were its own. opaque tells that there are none: a distilled base has no members.
func fields(t *btf.Types, id btf.TypeID) map[string]field {
	f := &fieldLister{t: t, out: map[string]field{}}
	f.add(id, "", 0, 0)
	return f.out
}

const (
	maxFields     = 20000 // of one struct; task_struct has about 1,500
	maxFieldDepth = 32
)

type fieldLister struct {
	t   *btf.Types
	out map[string]field
}

func (f *fieldLister) add(id btf.TypeID, prefix string, at uint32, depth int) {
	for m := range f.t.Type(id).Members() {
		if len(f.out) >= maxFields {
			return
		}
		bit := at + m.Bit
		to := behind(f.t, m.Type)
		x := f.t.Type(to)
		bits := m.Bits
		if bits == 0 {
			bits = 8 * sizeOf(f.t, to, 0)
		}
		composite := x.Kind() == btf.Struct || x.Kind() == btf.Union
		if m.NameOff != 0 {
			what := x.Kind().String()
			if composite {
				what = "composite"
			}
			f.out[prefix+m.Name] = field{bit, bits, what}
		}
		if composite && depth < maxFieldDepth {
			inner := prefix
			if m.NameOff != 0 {
				inner += m.Name + "."
			}
			f.add(to, inner, bit, depth+1)
		}
	}
}

// behind returns the type behind qualifiers and typedefs.
func behind(t *btf.Types, id btf.TypeID) btf.TypeID {
	for n := 0; n < t.Len(); n++ {
		switch x := t.Type(id); x.Kind() {
		case btf.Typedef, btf.Const, btf.Volatile, btf.Restrict, btf.TypeTag:
			id = x.Ref()
		default: // other kinds: they qualify nothing
			return id
		}
	}
	return 0
}

// sizeOf returns a type's size in bytes; a pointer counts as 0, since it is as long in both.
func sizeOf(t *btf.Types, id btf.TypeID, depth int) uint32 {
	x := t.Type(behind(t, id))
	if x.Kind() == btf.Array && depth < maxFieldDepth {
		elem, _, n := x.Array()
		size := sizeOf(t, elem, depth+1)
		if t.Type(behind(t, elem)).Kind() == btf.Ptr {
			size = 1
		}
		return n * size
	}
	return x.Size()
}

// compare tells how a struct differs from another of its name: moved are the members that code may rely on and that are not
// where they were. common is how many names both have.
func compare(t *btf.Types, id btf.TypeID, now *btf.Types, is btf.TypeID) (moved []string, common, of int) {
	was, have := fields(t, id), fields(now, is)
	var names []string
	for name := range was {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := int64(was[a].bit) - int64(was[b].bit); d != 0 {
			return int(d)
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		w := was[name]
		h, ok := have[name]
		switch {
		case !ok:
			moved = append(moved, "no member "+name)
			continue
		case w.bit != h.bit && (w.bit|h.bit)%8 != 0:
			moved = append(moved, fmt.Sprintf("%s at bit %d, not %d", name, h.bit, w.bit))
		case w.bit != h.bit:
			moved = append(moved, fmt.Sprintf("%s at byte %d, not %d", name, h.bit/8, w.bit/8))
		case w.bits != h.bits:
			moved = append(moved, fmt.Sprintf("%s of %d bits, not %d", name, h.bits, w.bits))
		case w.what != h.what && w.what != "FWD" && h.what != "FWD":
			moved = append(moved, fmt.Sprintf("%s is %s, not %s", name, strings.ToLower(h.what), strings.ToLower(w.what)))
		}
		common++
	}
	return moved, common, len(names)
}

// changes compares what a module uses of the kernel with what the kernel has now. members tells that t has the members of the
// kernel's structs; without them (a distilled base) only sizes can be compared. known tells that a struct of that name is the
// kernel's for certain; else one that has at most half in common with the kernel's is the module's own under the same name.
// Rule forms/differs.
func (b kernel) changes(t *btf.Types, kernel func(btf.TypeID) bool, known, members bool) (list []Change) {
	for _, u := range uses(t, kernel) {
		if t.Base() == b.Types && u.id < t.Start() {
			continue // it is the kernel's now
		}
		x := t.Type(u.id)
		c := Change{Kind: x.Kind(), Name: x.Name(), Was: x.Size(), Funcs: u.funcs, Structs: u.structs, Embedded: u.embedded}
		best := -1
		for _, is := range b.StructsNamed(x.Name()) {
			now := b.Types.Type(is)
			if now.Kind() != x.Kind() {
				continue
			}
			var moved []string
			common, of := 1, 1
			if members {
				moved, common, of = compare(t, u.id, b.Types, is)
			}
			if !known && 2*common <= of {
				continue
			}
			if best < 0 || len(moved) < best || len(moved) == best && now.Size() == c.Was {
				best, c.Is, c.Moved = len(moved), now.Size(), moved
			}
		}
		if best > 0 || best == 0 && c.Is != c.Was {
			list = joined(list, c)
		}
	}
	return list
}

// joined adds a change. Several copies of one struct, which a module may have where its units saw different parts of it, are one change
// with all their uses.
func joined(list []Change, c Change) []Change {
	i := slices.IndexFunc(list, func(o Change) bool { return o.Kind == c.Kind && o.Name == c.Name })
	if i < 0 {
		return append(list, c)
	}
	o := &list[i]
	o.Funcs += c.Funcs
	o.Structs += c.Structs
	for _, e := range c.Embedded {
		if !slices.Contains(o.Embedded, e) {
			o.Embedded = append(o.Embedded, e)
		}
	}
	if len(c.Moved) > len(o.Moved) {
		o.Moved, o.Was, o.Is = c.Moved, c.Was, c.Is
	}
	return list
}
