package core

import (
	"fmt"
	"slices"

	"github.com/gobtf/gobtf/btf"
)

// Object is a BPF object: a program, compiled.
type Object struct {
	Name        string // for messages
	Types       *btf.Types
	Relocations []Relocation
}

// Missing is a relocation that no type of the kernel answers. Programs ask for such things on purpose (bpf_core_field_exists).
type Missing struct {
	Object, Section string
	Offset          uint32 // of the instruction, in bytes
	What            string // as "offset of task_struct.state"
}

// Result is a kernel's BTF cut down.
type Result struct {
	Types   *btf.Types
	Asked   int // relocations that ask something of the kernel
	Missing []Missing
}

// Minimal returns the types of targets that objects' relocations need, as one BTF that stands alone: types in the order of targets and
// of their ids; of a struct only the members that are asked for. The first target is a kernel's BTF, the others are those of
// its modules, on it. As for libbpf, a name that the kernel has is not looked for in modules.
//
// An error says which relocation cannot be answered although the names are there, as libbpf would refuse to load the object: several
// types of one name that differ in what is asked, or a broken relocation.
func Minimal(targets []*btf.Types, objects []Object) (*Result, error) {
	m := newMinimizer(targets)
	res := &Result{}
	for i := range objects {
		if err := m.object(&objects[i], res); err != nil {
			return nil, err
		}
	}
	var err error
	res.Types, err = m.cut()
	return res, err
}

// part is the types of one target without those of its base, and what is wanted of them.
type part struct {
	ts      *btf.Types
	as      uint32 // size of an address in bytes
	want    []bool // by id less ts.Start()
	members map[btf.TypeID][]bool
	names   map[string][]btf.TypeID // by essential name
	newID   []btf.TypeID
}

type minimizer struct {
	parts  []*part // bases before what is on them
	kernel int     // parts[:kernel] are the first target's
	of     map[*btf.Types]*part
}

func newMinimizer(targets []*btf.Types) *minimizer {
	m := &minimizer{of: map[*btf.Types]*part{}}
	for i, ts := range targets {
		var chain []*btf.Types
		for t := ts; t != nil && m.of[t] == nil; t = t.Base() {
			chain = append(chain, t)
		}
		for _, t := range slices.Backward(chain) {
			p := &part{ts: t, as: t.AddressSize(), members: map[btf.TypeID][]bool{}, names: map[string][]btf.TypeID{}}
			n := t.Len() - int(t.Start())
			p.want, p.newID = make([]bool, n), make([]btf.TypeID, n)
			for id := t.Start(); int(id) < t.Len(); id++ {
				if name := t.Type(id).Name(); name != "" {
					p.names[essential(name)] = append(p.names[essential(name)], id)
				}
			}
			m.of[t] = p
			m.parts = append(m.parts, p)
		}
		if i == 0 {
			m.kernel = len(m.parts)
		}
	}
	return m
}

// owner returns the part that a type of p, or of one of its bases, is in.
func (m *minimizer) owner(p *part, id btf.TypeID) *part {
	for id < p.ts.Start() && p.ts.Base() != nil {
		p = m.of[p.ts.Base()]
	}
	return p
}

// candidate is a type of a target whose name is that of a local type.
type candidate struct {
	p  *part
	id btf.TypeID
}

// candidates finds the types that a local one may be: those of the kernel, or if it has none those of modules.
func (m *minimizer) candidates(local btf.Type) []candidate {
	var list []candidate
	name := essential(local.Name())
	for i, p := range m.parts {
		if i == m.kernel && len(list) > 0 {
			break
		}
		for _, id := range p.names[name] {
			if alike(p.ts.Type(id), local) {
				list = append(list, candidate{p, id})
			}
		}
	}
	return list
}

func (m *minimizer) object(o *Object, res *Result) error {
	as := o.Types.AddressSize()
	known := map[btf.TypeID][]candidate{}
	for i := range o.Relocations {
		r := &o.Relocations[i]
		if r.Kind == TypeIDLocal {
			continue
		}
		res.Asked++
		fail := func(err error) error {
			return fmt.Errorf("%s: section %s, instruction at %#x: %s: %w", o.Name, r.Section, r.Offset, r.describe(o.Types), err)
		}
		local, err := localPlace(o.Types, r, as)
		if err != nil {
			return fail(err)
		}
		t := o.Types.Type(r.Type)
		if t.Name() == "" {
			return fail(fmt.Errorf("an anonymous type cannot be looked for"))
		}
		cands, ok := known[r.Type]
		if !ok {
			cands = m.candidates(t)
			known[r.Type] = cands
		}
		p, of, err := one(local, r.Kind, cands)
		if err != nil {
			return fail(err)
		}
		if p == nil {
			res.Missing = append(res.Missing, Missing{o.Name, r.Section, r.Offset, r.describe(o.Types)})
			continue
		}
		m.record(of, r.Kind, p)
	}
	return nil
}

// one returns the first candidate that answers, after a look whether all that do give the same answer.
func one(local *place, k Kind, cands []candidate) (found *place, of *part, err error) {
	var value uint64
	for _, c := range cands {
		p, err := find(local, k, c.p.ts, c.id, c.p.as)
		if err != nil {
			return nil, nil, err
		}
		if p == nil {
			continue
		}
		v, err := p.answer(k)
		if err != nil {
			return nil, nil, err
		}
		switch {
		case found == nil:
			found, of, value = p, c.p, v
		case p.bit != found.bit || v != value:
			return nil, nil, fmt.Errorf("ambiguous: type %d gives %d, but type %d of the same name gives %d", found.root, value, p.root, v)
		}
	}
	return found, of, nil
}

// describe says what is asked for, in the words of the object's own types.
func (r *Relocation) describe(own *btf.Types) string {
	s := fmt.Sprintf("%s of %s", r.Kind, own.Type(r.Type).Name())
	p, err := localPlace(own, r, own.AddressSize())
	if err != nil {
		return s
	}
	for i, st := range p.steps {
		switch {
		case st.name != "":
			s += "." + st.name
		case i > 0:
			s += fmt.Sprintf("[%d]", st.idx)
		}
	}
	return s
}

// record marks what one answer needs.
func (m *minimizer) record(of *part, k Kind, p *place) {
	switch {
	case k == TypeMatches:
		m.markAll(of, p.root)
	case k.ofType():
		m.mark(of, p.root, true)
	case k.ofValue():
		m.mark(of, p.root, false)
	default:
		id := p.root
		m.mark(of, id, false)
		for _, i := range p.raw[1:] {
			t, bareID := bare(p.ts, id)
			if t.Kind() == btf.Array {
				id, _, _ = t.Array()
				continue
			}
			m.member(of, bareID, i)
			id = member(t, i).Type
			m.mark(of, id, false)
		}
	}
}

func (m *minimizer) member(p *part, id btf.TypeID, i uint32) {
	p = m.owner(p, id)
	if p.members[id] == nil {
		p.members[id] = make([]bool, p.ts.Type(id).Vlen())
	}
	p.members[id][i] = true
}

// mark wants a type and what its record needs: what modifiers, typedefs, arrays and prototypes refer to. What a pointer leads to, only if through.
func (m *minimizer) mark(p *part, id btf.TypeID, through bool) {
	seen := map[btf.TypeID]bool{}
	todo := []btf.TypeID{id}
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if id == 0 || seen[id] {
			continue
		}
		seen[id] = true
		o := m.owner(p, id)
		o.want[id-o.ts.Start()] = true
		t := o.ts.Type(id)
		switch t.Kind() {
		case btf.Struct, btf.Union: // members are asked for by name
		case btf.Ptr:
			if through {
				todo = append(todo, t.Ref())
			}
		default: // other kinds: all of what they refer to
			for r := range t.Refs() {
				todo = append(todo, r)
			}
		}
	}
}

// markAll wants a type with all its members and theirs. A struct behind a pointer is wanted without them.
func (m *minimizer) markAll(p *part, id btf.TypeID) {
	type visit struct {
		id      btf.TypeID
		pointer bool
	}
	seen := map[visit]bool{}
	todo := []visit{{id, false}}
	for len(todo) > 0 {
		v := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if v.id == 0 || seen[v] {
			continue
		}
		seen[v] = true
		o := m.owner(p, v.id)
		o.want[v.id-o.ts.Start()] = true
		t := o.ts.Type(v.id)
		switch t.Kind() {
		case btf.Struct, btf.Union:
			if v.pointer {
				continue
			}
			for i := range t.Vlen() {
				m.member(o, v.id, uint32(i))
			}
			v.pointer = false
		case btf.Ptr:
			v.pointer = true
		case btf.Array, btf.FuncProto:
			v.pointer = false
		default: // other kinds: they lead on as they are
		}
		for r := range t.Refs() {
			todo = append(todo, visit{r, v.pointer})
		}
	}
}

// cut writes what is wanted.
func (m *minimizer) cut() (*btf.Types, error) {
	b := btf.NewBuilder(nil)
	if len(m.parts) > 0 {
		b.Order = m.parts[0].ts.Order()
	}
	next := b.Next()
	for _, p := range m.parts {
		for i, w := range p.want {
			if w {
				p.newID[i] = next
				next++
			}
		}
	}
	for _, p := range m.parts {
		for i, w := range p.want {
			if !w {
				continue
			}
			id := p.ts.Start() + btf.TypeID(i)
			rec := slices.Clone(p.ts.Record(id))
			if k := btf.InfoKind(rec[1]); k == btf.Struct || k == btf.Union {
				rec = keep(rec, p.members[id])
			}
			btf.EachName(rec, func(w *uint32) {
				s, err := p.ts.String(*w)
				if err != nil {
					s = "" // Parse has looked at it
				}
				*w = b.AddString(s)
			})
			btf.EachRef(rec, func(w *uint32) {
				r := btf.TypeID(*w)
				if *w = 0; r != 0 {
					o := m.owner(p, r)
					*w = uint32(o.newID[r-o.ts.Start()]) // what is not wanted is void
				}
			})
			b.AddRecord(rec)
		}
	}
	return b.Types()
}

// keep returns the record of a struct with the members that are wanted.
func keep(rec []uint32, want []bool) []uint32 {
	const head, size = 3, 3 // words
	out := slices.Clone(rec[:head])
	n := 0
	for i, w := range want {
		if w {
			out = append(out, rec[head+i*size:][:size]...)
			n++
		}
	}
	out[1] = btf.InfoWord(btf.InfoKind(rec[1]), n, btf.InfoKflag(rec[1]))
	return out
}
