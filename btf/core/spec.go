package core

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gobtf/gobtf/btf"
)

const (
	maxDepth    = 64   // how deep libbpf looks for a member
	maxTypedefs = 1024 // one behind the other
)

// step leads from a type to what is in it.
type step struct {
	typ  btf.TypeID // a struct or union; of an element, its own type
	idx  uint32     // of the member, value or element
	name string     // of the member or value; "" for an element
}

// place is where a relocation leads in some BTF: the type that it starts from and the steps from there.
type place struct {
	ts    *btf.Types
	root  btf.TypeID
	steps []step
	raw   []uint32 // as steps, with those into anonymous members, which steps leave out
	bit   uint32   // from the beginning of the root, in bits
	as    uint32   // size of an address in bytes
}

// bare returns what a type is without its typedefs and modifiers.
func bare(ts *btf.Types, id btf.TypeID) (btf.Type, btf.TypeID) {
	for range maxTypedefs {
		t := ts.Type(id)
		switch t.Kind() {
		case btf.Typedef, btf.Const, btf.Volatile, btf.Restrict, btf.TypeTag:
			id = t.Ref()
		default: // other kinds: they are types of their own
			return t, id
		}
	}
	return ts.Type(0), 0 // typedefs in a ring are nothing
}

func composite(t btf.Type) bool { return t.Kind() == btf.Struct || t.Kind() == btf.Union }
func anyEnum(t btf.Type) bool   { return t.Kind() == btf.Enum || t.Kind() == btf.Enum64 }

// alike tells whether kinds are the same to CO-RE: both kinds of enum are.
func alike(a, b btf.Type) bool { return a.Kind() == b.Kind() || anyEnum(a) && anyEnum(b) }

func member(t btf.Type, i uint32) btf.Member {
	for m := range t.Members() {
		if i == 0 {
			return m
		}
		i--
	}
	return btf.Member{}
}

// flexible tells whether the array of n elements that the last step led to is a struct's last member without a size: any element is in it.
func (p *place) flexible(n uint32) bool {
	if n > 0 || len(p.steps) == 0 {
		return false
	}
	s := p.steps[len(p.steps)-1]
	return s.name != "" && int(s.idx) == p.ts.Type(s.typ).Vlen()-1
}

// localPlace reads a relocation of an object.
func localPlace(own *btf.Types, r *Relocation, as uint32) (*place, error) {
	p := &place{ts: own, root: r.Type, as: as}
	if r.Kind.ofType() {
		if r.Access != "0" {
			return nil, fmt.Errorf("%q is no way to a whole type", r.Access)
		}
		return p, nil
	}
	var err error
	if p.raw, err = access(r.Access); err != nil {
		return nil, err
	}
	first := p.raw[0]
	t, id := bare(own, r.Type)
	if r.Kind.ofValue() {
		if !anyEnum(t) || len(p.raw) > 1 || int(first) >= t.Vlen() {
			return nil, fmt.Errorf("%q is no value of an enum", r.Access)
		}
		v := slices.Collect(t.Values())[first]
		p.steps = append(p.steps, step{id, first, v.Name})
		return p, nil
	}
	p.steps = append(p.steps, step{typ: id, idx: first})
	p.bit = first * own.SizeOf(id, as) * 8
	for _, i := range p.raw[1:] {
		t, id = bare(own, id)
		switch t.Kind() {
		case btf.Struct, btf.Union:
			if int(i) >= t.Vlen() {
				return nil, fmt.Errorf("%q: %s has no member %d", r.Access, own.Describe(id), i)
			}
			m := member(t, i)
			p.bit += m.Bit
			if m.NameOff != 0 {
				p.steps = append(p.steps, step{id, i, m.Name})
			}
			id = m.Type
		case btf.Array:
			elem, _, n := t.Array()
			if i >= n && !p.flexible(n) {
				return nil, fmt.Errorf("%q: an array of %d has no element %d", r.Access, n, i)
			}
			_, id = bare(own, elem)
			p.steps = append(p.steps, step{typ: id, idx: i})
			p.bit += i * own.SizeOf(id, as) * 8
		default: // other kinds: they have nothing inside
			return nil, fmt.Errorf("%q: %s has nothing inside", r.Access, own.Describe(id))
		}
	}
	return p, nil
}

var (
	errDepth  = errors.New("members lie too deep")
	errEffort = errors.New("comparing the types takes too long")
)

// find looks for what local says in ts, from the type root on. It is nil when there is nothing of the kind.
func find(local *place, k Kind, ts *btf.Types, root btf.TypeID, as uint32) (*place, error) {
	p := &place{ts: ts, root: root, as: as}
	c := comparison{a: local.ts, b: ts, left: maxEffort}
	switch {
	case k == TypeMatches:
		return p.ifTrue(c.matches(local.root, root, false, maxNesting))
	case k.ofType():
		return p.ifTrue(c.compatible(local.root, root, maxNesting))
	case k.ofValue():
		return p.value(local.steps[0].name), nil
	}
	id := root
	for i, s := range local.steps {
		if s.name != "" {
			seen := map[btf.TypeID]bool{}
			next, ok, err := p.member(&c, s, id, seen)
			if err != nil || !ok {
				return nil, err
			}
			id = next
			continue
		}
		t, bareID := bare(ts, id)
		id = bareID
		if i > 0 { // the first is an element of what the root is taken for
			if t.Kind() != btf.Array {
				return nil, nil
			}
			elem, _, n := t.Array()
			if s.idx >= n && !p.flexible(n) {
				return nil, nil
			}
			_, id = bare(ts, elem)
		}
		if len(p.raw) == maxDepth {
			return nil, errDepth
		}
		p.steps = append(p.steps, step{typ: id, idx: s.idx})
		p.raw = append(p.raw, s.idx)
		p.bit += s.idx * ts.SizeOf(id, as) * 8
	}
	return p, nil
}

func (p *place) ifTrue(ok bool, err error) (*place, error) {
	if err != nil || !ok {
		return nil, err
	}
	return p, nil
}

// value finds an enum's value by name.
func (p *place) value(name string) *place {
	t, id := bare(p.ts, p.root)
	if !anyEnum(t) {
		return nil
	}
	i := uint32(0)
	for v := range t.Values() {
		if essential(v.Name) == essential(name) {
			p.steps = append(p.steps, step{id, i, v.Name})
			p.raw = append(p.raw, i)
			return p
		}
		i++
	}
	return nil
}

// member finds the member of a struct that a step of the local side names, also in anonymous members, and goes there. next is its type.
// seen are the anonymous ones that have been looked through in vain: without it, nests of them would be looked through again and again.
func (p *place) member(c *comparison, want step, id btf.TypeID, seen map[btf.TypeID]bool) (next btf.TypeID, ok bool, err error) {
	t, id := bare(p.ts, id)
	if !composite(t) || seen[id] {
		return 0, false, nil
	}
	seen[id] = true
	i := uint32(0)
	for m := range t.Members() {
		if len(p.raw) == maxDepth {
			return 0, false, errDepth
		}
		p.bit += m.Bit
		p.raw = append(p.raw, i)
		switch m.Name {
		case "":
			if next, ok, err = p.member(c, want, m.Type, seen); ok || err != nil {
				return next, ok, err
			}
		case want.name:
			p.steps = append(p.steps, step{id, i, m.Name})
			return m.Type, c.fields(member(c.a.Type(want.typ), want.idx).Type, m.Type), nil
		}
		p.bit -= m.Bit
		p.raw = p.raw[:len(p.raw)-1]
		i++
	}
	return 0, false, nil
}
