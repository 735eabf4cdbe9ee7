package diff

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/cdecl"
)

// same tells whether two references count as the same.
func (s *space) same(a, b node) bool { return s.as(a) == s.as(b) }

// items says in what two types differ that were matched. There is at least one item when their signatures differ.
func (s *space) items(a, b node) []Item {
	var list []Item
	clear(s.open)
	s.typeItems(a, b, "", &list)
	s.tagItems(a, b, &list)
	if len(list) == 0 {
		list = append(list, Item{What: "nesting", Op: OpChanged, A: &Element{Text: s.outline(a)}, B: &Element{Text: s.outline(b)}, nodeA: a, nodeB: b})
	}
	return list
}

func text(what, a, b string) Item {
	return Item{What: what, Op: OpChanged, A: &Element{Text: a}, B: &Element{Text: b}}
}

func number(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// typeItems compares two types as such. path is where they are used, for anonymous ones inside of others.
func (s *space) typeItems(a, b node, path string, list *[]Item) {
	if s.open[[2]node{a, b}] {
		return // types without a name that lead back to themselves
	}
	s.open[[2]node{a, b}] = true
	x, y := s.typ(a), s.typ(b)
	add := func(i Item) {
		if i.Name == "" {
			i.Name = strings.TrimSuffix(path, ".")
		}
		if i.nodeA == 0 && i.nodeB == 0 {
			i.nodeA, i.nodeB = a, b
		}
		*list = append(*list, i)
	}
	if kx, ky := x.Kind(), y.Kind(); kx != ky {
		add(text("kind", kindWord(x), kindWord(y)))
		if tagNamespace(x) != tagNamespace(y) || kx == btf.Fwd || ky == btf.Fwd {
			return
		}
	} else if declares(x) != declares(y) {
		add(text("kind", kindWord(x), kindWord(y)))
		return
	}
	if x.Kind().Sized() && x.Size() != y.Size() {
		add(text("size", number(x.Size()), number(y.Size())))
	}
	switch x.Kind() {
	case btf.Struct, btf.Union:
		s.memberItems(a, b, path, list)
	case btf.Enum, btf.Enum64:
		if x.Kflag() != y.Kflag() {
			add(text("encoding", signedness(x.Kflag()), signedness(y.Kflag())))
		}
		valueItems(x, y, a, b, path, list)
	case btf.Int:
		if i, j := x.Int(), y.Int(); i != j {
			add(text("encoding", intWord(i), intWord(j)))
		}
	case btf.Fwd, btf.Float, btf.Void:
	case btf.Func:
		if x.Linkage() != y.Linkage() {
			add(text("linkage", btf.LinkageName(x.Linkage()), btf.LinkageName(y.Linkage())))
		}
		s.protoItems(s.ref(a, x.Ref()), s.ref(b, y.Ref()), list)
	case btf.FuncProto:
		s.protoItems(a, b, list)
	case btf.Var:
		if x.Linkage() != y.Linkage() {
			add(text("linkage", btf.LinkageName(x.Linkage()), btf.LinkageName(y.Linkage())))
		}
		s.usedItems("type", OpChanged, s.ref(a, x.Ref()), s.ref(b, y.Ref()), path, "", list)
	case btf.Typedef:
		s.usedItems("type", OpChanged, s.ref(a, x.Ref()), s.ref(b, y.Ref()), path, "", list)
	case btf.Datasec:
		if s.sig[a] != s.sig[b] {
			add(text("variables", number(uint32(x.Vlen())), number(uint32(y.Vlen()))))
		}
	case btf.Ptr, btf.Array, btf.Const, btf.Volatile, btf.Restrict, btf.TypeTag, btf.DeclTag: // they have no name to be matched by
		if !s.same(a, b) {
			add(text("type", s.text(a, ""), s.text(b, "")))
		}
	}
}

// usedItems compares the types of something that uses them. Where both lead the same way to something anonymous, its elements are
// compared instead.
func (s *space) usedItems(what string, op Op, a, b node, path, name string, list *[]Item) {
	if s.same(a, b) {
		return
	}
	if x, y, way, ok := s.anonymous(a, b); ok {
		before := len(*list)
		s.typeItems(x, y, path+name+way, list)
		if len(*list) > before {
			return
		}
	}
	ta, tb := s.text(a, name), s.text(b, name)
	if ta == tb {
		ta, tb = s.apart(a, ta), s.apart(b, tb)
	}
	*list = append(*list, Item{What: what, Op: op, Name: path + name, A: &Element{Text: ta}, B: &Element{Text: tb}, nodeA: a, nodeB: b})
}

// anonymous follows two types as long as they are of the same form to composite ones without a name. way is what C writes behind the
// name to get there.
func (s *space) anonymous(a, b node) (x, y node, way string, ok bool) {
	way = "."
	for range cdecl.MaxNesting {
		t, u := s.typ(a), s.typ(b)
		switch k := t.Kind(); {
		case k != u.Kind() || s.key[a] != 0 || s.key[b] != 0:
			return 0, 0, "", false
		case composite(k):
			return a, b, way, true
		case k == btf.Ptr:
			way = "->"
		case k == btf.Array:
			if e, _, n := t.Array(); true {
				f, _, m := u.Array()
				if n != m {
					return 0, 0, "", false
				}
				a, b, way = s.ref(a, e), s.ref(b, f), "[]"+way
				continue
			}
		case k == btf.Const || k == btf.Volatile || k == btf.Restrict:
		default: // a prototype, a tag
			return 0, 0, "", false
		}
		a, b = s.ref(a, t.Ref()), s.ref(b, u.Ref())
	}
	return 0, 0, "", false
}

// text writes the declaration of a name with the type of a node.
func (s *space) text(n node, name string) string { return cdecl.Declare(s.part(n).ts, s.id(n), name) }

// apart adds to a declaration what tells it from another that reads the same: types of one name that are not the same type.
func (s *space) apart(n node, text string) string {
	for range cdecl.MaxNesting {
		t := s.typ(n)
		if s.key[n] != 0 || composite(t.Kind()) || t.Kind() == btf.FuncProto {
			break
		}
		to := t.Ref()
		if t.Kind() == btf.Array {
			to, _, _ = t.Array()
		}
		n = s.ref(n, to)
	}
	if t := s.typ(n); composite(t.Kind()) {
		return fmt.Sprintf("%s /* %s, %d bytes, %d elements */", text, cdecl.Noun(t), t.Size(), t.Vlen())
	}
	return fmt.Sprintf("%s /* type %d */", text, s.id(n))
}

// outline describes a type whose elements alone do not tell in what it differs.
func (s *space) outline(n node) string {
	t := s.typ(n)
	if !composite(t.Kind()) {
		return s.apart(n, s.text(n, ""))
	}
	var list []string
	for m := range t.Members() {
		list = append(list, s.text(s.ref(n, m.Type), m.Name))
	}
	return "{ " + strings.Join(list, "; ") + " }"
}

func kindWord(t btf.Type) string {
	switch {
	case t.Kind() == btf.Fwd || declares(t):
		return "declared only"
	case t.Kind() == btf.Enum64:
		return "ENUM64"
	case t.Kind() == btf.Struct || t.Kind() == btf.Union:
		return "defined"
	}
	return t.Kind().String()
}

func signedness(signed bool) string {
	if signed {
		return "signed"
	}
	return "unsigned"
}

func intWord(i btf.IntInfo) string {
	w := signedness(i.Encoding&btf.Signed != 0)
	if i.Encoding&btf.Char != 0 {
		w += " char"
	}
	if i.Encoding&btf.Bool != 0 {
		w = "bool"
	}
	w += fmt.Sprintf(", %d bits", i.Bits)
	if i.Offset != 0 {
		w += fmt.Sprintf(" at %d", i.Offset)
	}
	return w
}

// valueItems compares the values of two enums by their names.
func valueItems(x, y btf.Type, a, b node, path string, list *[]Item) {
	show := func(t btf.Type, v btf.Value) *Element {
		if t.Kflag() {
			return &Element{Text: strconv.FormatInt(int64(v.Value), 10)}
		}
		return &Element{Text: strconv.FormatUint(v.Value, 10)}
	}
	in := map[string][]btf.Value{}
	for v := range y.Values() {
		in[v.Name] = append(in[v.Name], v)
	}
	for v := range x.Values() {
		i := Item{What: "value", Name: path + v.Name, A: show(x, v), nodeA: a, nodeB: b}
		if same := in[v.Name]; len(same) > 0 {
			w := same[0]
			in[v.Name] = same[1:]
			if i.B = show(y, w); i.B.Text != i.A.Text {
				i.Op = OpChanged
				*list = append(*list, i)
			}
			continue
		}
		i.Op = OpRemoved
		*list = append(*list, i)
	}
	for v := range y.Values() {
		if same := in[v.Name]; len(same) > 0 {
			in[v.Name] = same[1:]
			*list = append(*list, Item{What: "value", Op: OpAdded, Name: path + v.Name, B: show(y, v), nodeA: a, nodeB: b})
		}
	}
}

// protoItems compares two prototypes: what they return, and the parameters one by one. A parameter that is on one side only is found by
// the longest common sequence.
func (s *space) protoItems(a, b node, list *[]Item) {
	if s.sig[a] == s.sig[b] {
		return
	}
	x, y := s.typ(a), s.typ(b)
	s.usedItems("return", OpChanged, s.ref(a, x.Ref()), s.ref(b, y.Ref()), "", "", list)
	ps, qs := slices.Collect(x.Params()), slices.Collect(y.Params())
	equal := func(i, j int) bool {
		return s.same(s.ref(a, ps[i].Type), s.ref(b, qs[j].Type)) && ps[i].Name == qs[j].Name
	}
	alike := func(i, j int) bool {
		return ps[i].Name == qs[j].Name && ps[i].Name != "" || s.same(s.ref(a, ps[i].Type), s.ref(b, qs[j].Type))
	}
	at := func(i int, p btf.Param) string { return cmp.Or(p.Name, "#"+strconv.Itoa(i+1)) }
	one := func(i, j int) {
		p, q := ps[i], qs[j]
		switch na, nb := s.ref(a, p.Type), s.ref(b, q.Type); {
		case !s.same(na, nb):
			*list = append(*list, Item{What: "parameter", Op: OpChanged, Name: at(i, p), A: &Element{Text: s.param(na, p)}, B: &Element{Text: s.param(nb, q)}, nodeA: na, nodeB: nb})
		case p.Name != q.Name && slices.ContainsFunc(ps, func(r btf.Param) bool { return r.Name == q.Name }): // they changed places
			*list = append(*list, Item{What: "parameter", Op: OpChanged, Name: at(i, p), A: &Element{Text: s.param(na, p)}, B: &Element{Text: s.param(nb, q)}})
		case p.Name != q.Name: // only renamed
			*list = append(*list, Item{What: "parameter", Op: OpMoved, Name: at(i, p), A: &Element{Text: s.param(na, p)}, B: &Element{Text: s.param(nb, q)}, nodeA: na, nodeB: nb})
		}
	}
	if len(ps) == len(qs) {
		for i := range ps {
			one(i, i)
		}
		return
	}
	i, j := 0, 0
	for i < len(ps) && j < len(qs) && equal(i, j) {
		i, j = i+1, j+1
	}
	m, n := len(ps), len(qs)
	for m > i && n > j && equal(m-1, n-1) {
		m, n = m-1, n-1
	}
	for i < m || j < n {
		switch {
		case i < m && j < n && (alike(i, j) || m-i == n-j):
			one(i, j)
			i, j = i+1, j+1
		case i < m && (j == n || m-i > n-j):
			na := s.ref(a, ps[i].Type)
			*list = append(*list, Item{What: "parameter", Op: OpRemoved, Name: at(i, ps[i]), A: &Element{Text: s.param(na, ps[i])}, nodeA: na})
			i++
		default:
			nb := s.ref(b, qs[j].Type)
			*list = append(*list, Item{What: "parameter", Op: OpAdded, Name: at(j, qs[j]), B: &Element{Text: s.param(nb, qs[j])}, nodeB: nb})
			j++
		}
	}
}

func (s *space) param(n node, p btf.Param) string {
	if p.Type == 0 && p.Name == "" {
		return "..."
	}
	return s.text(n, p.Name)
}
