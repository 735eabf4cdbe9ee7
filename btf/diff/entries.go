package diff

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/cdecl"
)

func (d *differ) entry(n node) Entry {
	t := d.s.typ(n)
	e := Entry{Kind: t.Kind().String(), Name: t.Name(), Decl: d.decl(n), ID: d.s.id(n), Size: t.Size(), Bytes: 4 * len(t.Record())}
	return e
}

// maxListed is how many names of an anonymous type's elements describe it.
const maxListed = 3

// decl writes a type as C declares it.
func (d *differ) decl(n node) string {
	s := d.s
	t, ts := s.typ(n), s.part(n).ts
	switch t.Kind() {
	case btf.Func, btf.Var:
		return cdecl.Declare(ts, t.Ref(), t.Name())
	case btf.Typedef:
		return "typedef " + cdecl.Declare(ts, t.Ref(), t.Name())
	case btf.DeclTag:
		return fmt.Sprintf("decl_tag %q on %s", t.Name(), cdecl.Noun(ts.Type(t.Ref())))
	default: // other kinds: their name says it, or their first elements
	}
	if t.Name() != "" || !composite(t.Kind()) {
		return cdecl.Noun(t)
	}
	word, list, sep := cdecl.Noun(t)[:len(cdecl.Noun(t))-len("{...}")]+"{ ", "", ""
	i := 0
	for m := range t.Members() {
		if i++; i > maxListed {
			break
		}
		list, sep = list+sep+m.Name, "; "
	}
	for v := range t.Values() {
		if i++; i > maxListed {
			break
		}
		list, sep = list+sep+v.Name, ", "
	}
	if t.Vlen() > maxListed {
		list += sep + "..."
	}
	return word + list + " }"
}

// report turns nodes into entries and changes, by kind and name.
func (d *differ) report() {
	s := d.s
	users := map[node]*Users{}
	calls := map[uint64][]*Users{}
	use := func(c *cluster, n node) *Users {
		u := &Users{Names: []string{}}
		if s.typ(n).Kind() == btf.Func {
			if h := s.call(s.ref(n, s.typ(n).Ref())); h != 0 {
				calls[h] = append(calls[h], u)
			}
			return u
		}
		if c == nil {
			users[n] = u
			return u
		}
		for _, x := range c.nodes {
			users[x] = u
		}
		return u
	}
	kfuncs := s.kfuncs()
	for _, n := range d.removed {
		e := d.entry(n)
		e.Users = use(nil, n)
		d.r.Removed = append(d.r.Removed, e)
	}
	for _, n := range d.added {
		d.r.Added = append(d.r.Added, d.entry(n))
	}
	type made struct {
		c     *Change
		kfunc bool
	}
	var all []made
	var types, funcs []*Change
	for _, p := range d.changed {
		a, b := p.a.first(), p.b.first()
		t := s.typ(a)
		c := &Change{
			Kind: t.Kind().String(), Name: t.Name(), DeclA: d.decl(a), DeclB: d.decl(b), IDA: s.id(a), IDB: s.id(b),
			Items: s.items(a, b), Users: use(p.a, a),
		}
		if t.Kind() == btf.Func {
			funcs = append(funcs, c)
		} else {
			types = append(types, c)
		}
		all = append(all, made{c, kfuncs[a]})
	}
	s.findUsers(users)
	s.findCallers(calls)
	if d.opt.ABI {
		d.r.ABI = &ABI{}
		for _, m := range all {
			if m.c.Kind == btf.Func.String() {
				s.functionFindings(m.c, m.kfunc)
			} else {
				s.typeFindings(m.c, m.kfunc)
			}
			d.r.ABI.count(m.c.Abi)
		}
		for i := range d.r.Removed {
			e := &d.r.Removed[i]
			e.Abi = removedFindings(e, i < len(d.removed) && kfuncs[d.removed[i]])
			d.r.ABI.count(e.Abi)
		}
	}
	d.r.Changed, d.r.Functions = sorted(types), sorted(funcs)
	byName := func(x, y Entry) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Name, y.Name), cmp.Compare(x.ID, y.ID))
	}
	slices.SortFunc(d.r.Removed, byName)
	slices.SortFunc(d.r.Added, byName)
}

func sorted(list []*Change) []Change {
	slices.SortFunc(list, func(x, y *Change) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Name, y.Name), cmp.Compare(x.IDA, y.IDA))
	})
	out := make([]Change, 0, len(list))
	for _, c := range list {
		out = append(out, *c)
	}
	return out
}

func removedFindings(e *Entry, ofKfunc bool) []Finding {
	var list []Finding
	switch e.Kind {
	case btf.Func.String():
		list = append(list, Finding{Fentry, Breaks, "", "the function is gone"})
		if ofKfunc {
			list = append(list, Finding{Kfunc, Breaks, "", "the kfunc is gone"})
		}
	case btf.Var.String():
		list = append(list, Finding{Kfunc, Breaks, "", "a typed ksym finds it no more"})
	case btf.Datasec.String(), btf.DeclTag.String():
	default:
		list = append(list, Finding{CORE, Breaks, "", "the type is gone"})
		if e.Users != nil && e.Users.Functions > 0 {
			list = append(list, Finding{Fentry, Breaks, "", "the type is gone"})
		}
		if ofKfunc {
			list = append(list, Finding{Kfunc, Breaks, "", "a kfunc takes a pointer to it"})
		}
	}
	return list
}

// kfuncs returns the first side's kfuncs, and the types that they take pointers to.
func (s *space) kfuncs() map[node]bool {
	in := map[node]bool{}
	own := s.top[sideA]
	for _, t := range own.ts.All() {
		if t.Kind() != btf.DeclTag || t.Name() != kfuncTag || t.Component() >= 0 {
			continue
		}
		f := own.at(uint32(t.Ref()))
		if s.typ(f).Kind() != btf.Func {
			continue
		}
		in[f] = true
		proto := s.ref(f, s.typ(f).Ref())
		for p := range s.typ(proto).Params() {
			if n := s.plain(s.ref(proto, p.Type)); s.typ(n).Kind() == btf.Ptr {
				in[s.plain(s.ref(n, s.typ(n).Ref()))] = true
			}
		}
	}
	return in
}
