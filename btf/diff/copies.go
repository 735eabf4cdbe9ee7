package diff

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/cdecl"
)

// Copy is a type of split BTF although its base has one of the same kind and name.
type Copy struct {
	ID    btf.TypeID `json:"id"`
	Kind  btf.Kind   `json:"-"`
	Noun  string     `json:"kind"` // struct, union, enum, typedef
	Name  string     `json:"name"`
	Bytes int        `json:"bytes"` // of its record
	Of    btf.TypeID `json:"of"`    // the base's type that it is most like
	// Path leads from the type to the first place that differs: members and the types behind them, in turn, the type itself first.
	Path []string `json:"path"`
	// What differs at the end of the path, and how it is on both sides. What is empty where nothing differs.
	What string `json:"what"`
	Here string `json:"here"`
	Base string `json:"base"`
}

// Copies returns the structs, unions, enums and typedefs of split BTF that its base has, too, by kind and name, and says of each why it is
// not shared: the first difference that a walk along its members finds, in the order of the source. The largest come first, then those
// with lower ids. ts without a base has none.
func Copies(ts *btf.Types) []Copy {
	base := ts.Base()
	if base == nil {
		return nil
	}
	type key struct {
		kind btf.Kind
		name string
	}
	own := map[key]bool{}
	for id := ts.Start(); int(id) < ts.Len(); id++ {
		if t := ts.Type(id); copied(t) {
			own[key{t.Kind(), t.Name()}] = true
		}
	}
	there := map[key][]btf.TypeID{}
	for id := btf.TypeID(1); int(id) < base.Len(); id++ {
		if t := base.Type(id); copied(t) {
			if k := (key{t.Kind(), t.Name()}); own[k] {
				there[k] = append(there[k], id)
			}
		}
	}
	// What is known of a pair depends on where walks came from: they begin in the order of the ids.
	var list []Copy
	known := map[[2]btf.TypeID]*difference{}
	for id := ts.Start(); int(id) < ts.Len(); id++ {
		if t := ts.Type(id); copied(t) {
			if of := there[key{t.Kind(), t.Name()}]; of != nil {
				list = append(list, copyOf(ts, id, of[:min(len(of), maxNamesakes)], known))
			}
		}
	}
	slices.SortFunc(list, func(a, b Copy) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.ID, b.ID))
	})
	return list
}

var nouns = map[btf.Kind]string{btf.Struct: "struct", btf.Union: "union", btf.Enum: "enum", btf.Enum64: "enum", btf.Typedef: "typedef"}

// copied tells whether a type is of the kinds that Copies looks at.
func copied(t btf.Type) bool {
	return nouns[t.Kind()] != "" && t.NameOff() != 0 // other kinds have no name, or follow from these
}

// copyOf compares a type with those of the base that have its kind and name, and keeps the comparison that gets furthest.
func copyOf(ts *btf.Types, id btf.TypeID, of []btf.TypeID, known map[[2]btf.TypeID]*difference) Copy {
	t := ts.Type(id)
	c := Copy{ID: id, Kind: t.Kind(), Noun: nouns[t.Kind()], Name: t.Name(), Bytes: 4 * len(t.Record()), Path: []string{}}
	far := -1
	for _, b := range of {
		w := &walk{ts: ts, seen: map[[2]btf.TypeID]bool{}, known: known}
		d := w.same(id, b)
		if d == nil {
			c.Of, c.Path, c.What, c.Here, c.Base = b, []string{}, "", "", ""
			break
		}
		path, end := d.walked()
		if len(path) > far {
			far = len(path)
			c.Of, c.Path, c.What, c.Here, c.Base = b, path, end.what, end.here, end.base
		}
	}
	return c
}

// difference is a step on the way to where two types part, or, without a next one, what is there on both sides. Ways share their ends.
type difference struct {
	step             string
	next             *difference
	what, here, base string
}

// walked returns the steps of a way and its end.
func (d *difference) walked() (path []string, end *difference) {
	path = []string{}
	for ; d.next != nil; d = d.next {
		path = append(path, d.step)
	}
	return path, d
}

// maxNamesakes bounds how many of the base's types of one name a type is compared with.
const maxNamesakes = 16

// maxWalk bounds how deep types are compared: what lies deeper counts as equal.
const maxWalk = 10000

// walk compares two types of one BTF, one of them its base's, and stops at the first difference.
type walk struct {
	ts    *btf.Types
	seen  map[[2]btf.TypeID]bool // pairs that were begun: equal, unless they stop the walk
	known map[[2]btf.TypeID]*difference
	depth int
}

func differs(what, here, base string) *difference {
	return &difference{what: what, here: here, base: base}
}

// behind puts a step before those that lead from it to a difference.
func (d *difference) behind(step string) *difference {
	if d == nil || step == "" {
		return d
	}
	return &difference{step: step, next: d}
}

// same returns the first difference of two types, nil when there is none.
func (w *walk) same(a, b btf.TypeID) *difference {
	key := [2]btf.TypeID{a, b}
	if d := w.known[key]; d != nil {
		return d
	}
	if a == b || w.seen[key] || w.depth > maxWalk {
		return nil
	}
	w.seen[key] = true
	w.depth++
	d := w.compare(a, b)
	w.depth--
	if d != nil {
		w.known[key] = d
	}
	return d
}

func (w *walk) compare(a, b btf.TypeID) *difference {
	types := func() *difference { return differs("type", cdecl.TypeString(w.ts, a), cdecl.TypeString(w.ts, b)) }
	if a == 0 || b == 0 {
		return types()
	}
	x, y := w.ts.Type(a), w.ts.Type(b)
	switch {
	case x.Name() != y.Name():
		return types()
	case x.Kind() != y.Kind() && (x.Kind() == btf.Fwd || y.Kind() == btf.Fwd):
		return differs("definition of "+cdecl.Noun(x), defined(x), defined(y))
	case x.Kind() != y.Kind():
		return types()
	}
	step := ""
	if x.Name() != "" {
		step = cdecl.Noun(x)
	}
	switch x.Kind() {
	case btf.Int:
		if x.Int() != y.Int() || x.Size() != y.Size() {
			return differs("type", intText(x), intText(y))
		}
		return nil
	case btf.Float:
		if x.Size() != y.Size() {
			return differs("size of "+x.Name(), size(x), size(y))
		}
		return nil
	case btf.Fwd:
		if x.Kflag() != y.Kflag() {
			return differs("declaration", cdecl.Noun(x), cdecl.Noun(y))
		}
		return nil
	case btf.Array:
		e, i, n := x.Array()
		f, j, m := y.Array()
		if n != m {
			return types()
		}
		if d := w.same(e, f); d != nil {
			return d
		}
		return w.same(i, j)
	case btf.Struct, btf.Union:
		return w.members(x, y).behind(step)
	case btf.Enum, btf.Enum64:
		return values(x, y).behind(step)
	case btf.Typedef:
		return w.same(x.Ref(), y.Ref()).behind(step)
	case btf.FuncProto:
		return w.proto(a, b)
	default: // other kinds: what they refer to is all they have
		return w.same(x.Ref(), y.Ref())
	}
}

func (w *walk) members(x, y btf.Type) *difference {
	as, bs := slices.Collect(x.Members()), slices.Collect(y.Members())
	for i := range min(len(as), len(bs)) {
		a, b := as[i], bs[i]
		if a.Name != b.Name || a.Bit != b.Bit || a.Bits != b.Bits {
			return differs("member", w.member(a), w.member(b))
		}
		if d := w.same(a.Type, b.Type); d != nil {
			if a.Name == "" {
				return d
			}
			return d.behind("member " + a.Name)
		}
	}
	switch {
	case len(as) > len(bs):
		return differs("member", w.member(as[len(bs)]), "none")
	case len(as) < len(bs):
		return differs("member", "none", w.member(bs[len(as)]))
	case x.Size() != y.Size():
		return differs("size", size(x), size(y))
	}
	return nil
}

func (w *walk) member(m btf.Member) string {
	s := cdecl.Declare(w.ts, m.Type, m.Name)
	if m.Bits != 0 {
		s += fmt.Sprintf(" : %d", m.Bits)
	}
	return fmt.Sprintf("%s at bit %d", s, m.Bit)
}

func size(t btf.Type) string { return fmt.Sprintf("%d bytes", t.Size()) }

func values(x, y btf.Type) *difference {
	as, bs := slices.Collect(x.Values()), slices.Collect(y.Values())
	text := func(list []btf.Value, i int) string {
		if i >= len(list) {
			return "none"
		}
		return fmt.Sprintf("%s = %d", list[i].Name, int64(list[i].Value))
	}
	for i := range max(len(as), len(bs)) {
		if a, b := text(as, i), text(bs, i); a != b {
			return differs("enumerator", a, b)
		}
	}
	if x.Size() != y.Size() || x.Kflag() != y.Kflag() {
		return differs("size or sign", size(x)+", "+signedness(x.Kflag()), size(y)+", "+signedness(y.Kflag()))
	}
	return nil
}

func (w *walk) proto(a, b btf.TypeID) *difference {
	x, y := w.ts.Type(a), w.ts.Type(b)
	as, bs := slices.Collect(x.Params()), slices.Collect(y.Params())
	if len(as) != len(bs) {
		return differs("parameters", cdecl.TypeString(w.ts, a), cdecl.TypeString(w.ts, b))
	}
	if d := w.same(x.Ref(), y.Ref()); d != nil {
		return d
	}
	for i := range as {
		if as[i].Name != bs[i].Name {
			return differs("name of a parameter", as[i].Name, bs[i].Name)
		}
		if d := w.same(as[i].Type, bs[i].Type); d != nil {
			return d
		}
	}
	return nil
}

func defined(t btf.Type) string {
	if t.Kind() == btf.Fwd {
		return "only declared"
	}
	return fmt.Sprintf("defined, with %d bytes", t.Size())
}

func intText(t btf.Type) string { return fmt.Sprintf("%s, %s", t.Name(), intWord(t.Int())) }
