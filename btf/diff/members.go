package diff

import (
	"slices"
	"strings"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/cdecl"
)

// field is a member as C reaches it: those of anonymous structs and unions inside are members of the outer one.
type field struct {
	name   string
	inside string // the anonymous ones around it, from the outside: "union.struct"
	bit    uint32
	bits   uint32
	typ    node
}

// fields lists the members of a struct or union.
func (s *space) fields(n node) []field {
	var list []field
	s.appendFields(n, 0, "", &list, 0)
	return list
}

func (s *space) appendFields(n node, bit uint32, inside string, list *[]field, depth int) {
	for m := range s.typ(n).Members() {
		to := s.ref(n, m.Type)
		if m.Name == "" && m.Bits == 0 && depth < cdecl.MaxNesting {
			if x := s.unqualified(to); s.key[x] == 0 {
				if k := s.typ(x).Kind(); k == btf.Struct || k == btf.Union {
					s.appendFields(x, bit+m.Bit, strings.TrimPrefix(inside+"."+strings.ToLower(k.String()), "."), list, depth+1)
					continue
				}
			}
		}
		*list = append(*list, field{m.Name, inside, bit + m.Bit, m.Bits, to})
	}
}

func (s *space) unqualified(n node) node {
	for range cdecl.MaxNesting {
		switch t := s.typ(n); t.Kind() {
		case btf.Const, btf.Volatile, btf.Restrict, btf.TypeTag:
			n = s.ref(n, t.Ref())
		default: // other kinds: they qualify nothing
			return n
		}
	}
	return n
}

func (s *space) element(f field) *Element {
	return &Element{Text: s.text(f.typ, f.name), Offset: f.bit, Bits: f.bits, Inside: f.inside}
}

// memberItems compares the members of two structs or unions by their names; those without one, which only fill space, in their order.
func (s *space) memberItems(a, b node, path string, list *[]Item) {
	xs, ys := s.fields(a), s.fields(b)
	in := make(map[string][]int, len(ys))
	for j, f := range ys {
		in[f.name] = append(in[f.name], j)
	}
	partner := make([]int, len(ys)) // index in xs, plus one
	for i, f := range xs {
		if same := in[f.name]; len(same) > 0 {
			partner[same[0]] = i + 1
			in[f.name] = same[1:]
			s.memberItem(f, ys[same[0]], path, list)
			continue
		}
		*list = append(*list, Item{What: "member", Op: OpRemoved, Name: path + f.name, A: s.element(f), nodeA: f.typ})
	}
	for j, f := range ys {
		if partner[j] == 0 {
			*list = append(*list, Item{What: "member", Op: OpAdded, Name: path + f.name, B: s.element(f), nodeB: f.typ})
		}
	}
}

func (s *space) memberItem(f, g field, path string, list *[]Item) {
	place := f.bit != g.bit
	other := f.bits != g.bits || f.inside != g.inside
	if !place && !other && s.same(f.typ, g.typ) {
		return
	}
	i := Item{What: "member", Op: OpChanged, Name: path + f.name, A: s.element(f), B: s.element(g), nodeA: f.typ, nodeB: g.typ}
	if !s.same(f.typ, g.typ) {
		// Elements of something anonymous are told one by one, and the member itself only when it is at another place too.
		if x, y, way, ok := s.anonymous(f.typ, g.typ); ok {
			before := len(*list)
			s.typeItems(x, y, path+f.name+way, list)
			if len(*list) > before {
				if !place && !other {
					return
				}
				i.nodeA, i.nodeB = 0, 0
				if !other {
					i.Op = OpMoved
				}
			}
		}
		if i.A.Text == i.B.Text && i.nodeA != 0 {
			i.A.Text, i.B.Text = s.apart(f.typ, i.A.Text), s.apart(g.typ, i.B.Text)
		}
	} else if place && !other {
		i.Op = OpMoved
	}
	*list = append(*list, i)
}

// tagItems compares the DECL_TAGs on two types.
func (s *space) tagItems(a, b node, list *[]Item) {
	x, y := s.tagsOn(a), s.tagsOn(b)
	for _, t := range x {
		if n := slices.Index(y, t); n >= 0 {
			y = slices.Delete(y, n, n+1)
			continue
		}
		*list = append(*list, Item{What: "tag", Op: OpRemoved, Name: t.where, A: &Element{Text: t.text}, nodeA: a, nodeB: b})
	}
	for _, t := range y {
		*list = append(*list, Item{What: "tag", Op: OpAdded, Name: t.where, B: &Element{Text: t.text}, nodeA: a, nodeB: b})
	}
}

// tagOn is a DECL_TAG, as it is compared: its value, and the member or parameter that it is on.
type tagOn struct{ text, where string }

func (s *space) tagsOn(n node) []tagOn {
	p := s.part(n)
	var list []tagOn
	for _, id := range p.tagsOf(uint32(s.id(n))) {
		t := p.ts.Type(btf.TypeID(id))
		text := t.Name()
		if t.Kflag() {
			text = "__attribute__((" + text + "))"
		}
		list = append(list, tagOn{text, s.componentName(n, int(t.Component()))})
	}
	return list
}

// componentName is the name of a member or parameter, "" for the whole.
func (s *space) componentName(n node, i int) string {
	if i < 0 {
		return ""
	}
	t := s.typ(n)
	if t.Kind() == btf.Func {
		t = s.typ(s.ref(n, t.Ref()))
	}
	k := 0
	for m := range t.Members() {
		if k == i {
			return m.Name
		}
		k++
	}
	for p := range t.Params() {
		if k == i {
			return p.Name
		}
		k++
	}
	return "#" + number(uint32(i))
}
