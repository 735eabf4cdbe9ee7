package diff

import (
	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/btf/cdecl"
)

// maxNames is how many users are named; all are counted.
const maxNames = 8

func (u *Users) add(t btf.Type, name string) {
	switch t.Kind() {
	case btf.Func:
		u.Functions++
	case btf.Var, btf.Datasec:
		u.Variables++
	default: // other kinds: they are types
		u.Types++
	}
	if len(u.Names) < maxNames {
		u.Names = append(u.Names, name)
	}
}

// findUsers adds to each node that has Users those of the first side's own types that use it directly: through pointers, arrays,
// prototypes and anonymous structs, but not through another name.
func (s *space) findUsers(of map[node]*Users) {
	if len(of) == 0 {
		return
	}
	wanted := make([]*Users, len(s.key))
	for n, u := range of {
		wanted[n] = u
	}
	stamp := make([]node, len(s.key))
	var stack []node
	own := s.top[sideA]
	for owner := own.start; owner < own.end(); owner++ {
		if s.key[owner] == 0 {
			continue
		}
		var met []*Users
		stack = append(stack[:0], owner)
		for len(stack) > 0 {
			n := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			for _, r := range s.refsOf(n) {
				if stamp[r] == owner+1 {
					continue
				}
				stamp[r] = owner + 1
				if s.key[r] == 0 {
					stack = append(stack, r)
				} else if u := wanted[r]; u != nil && r != owner {
					met = append(met, u)
				}
			}
		}
		for i, u := range met {
			if !contains(met[:i], u) {
				t := s.typ(owner)
				u.add(t, cdecl.Noun(t))
			}
		}
	}
}

func contains(list []*Users, u *Users) bool {
	for _, v := range list {
		if u == v {
			return true
		}
	}
	return false
}

// call is a prototype without the names of its parameters; 0 for one that tells nothing, because no parameter is a pointer to something
// with a name.
func (s *space) call(proto node) uint64 {
	t := s.typ(proto)
	if t.Kind() != btf.FuncProto {
		return 0
	}
	h, tells := mix(1, s.as(s.ref(proto, t.Ref()))), false
	for p := range t.Params() {
		n := s.ref(proto, p.Type)
		h = mix(h, s.as(n))
		if x := s.typ(n); x.Kind() == btf.Ptr {
			to := s.typ(s.unqualified(s.ref(n, x.Ref())))
			tells = tells || to.Kind() == btf.Struct || to.Kind() == btf.Union || to.Kind() == btf.Fwd
		}
	}
	if !tells {
		return 0
	}
	return h | 1
}

// findCallers adds to functions, by prototype, the members and variables of the first side that are pointers to just such a function:
// BTF does not say who calls whom, but it says who could.
func (s *space) findCallers(of map[uint64][]*Users) {
	if len(of) == 0 {
		return
	}
	own := s.top[sideA]
	pointee := func(n node) []*Users {
		if x := s.typ(s.plain(n)); x.Kind() == btf.Ptr {
			return of[s.call(s.ref(s.plain(n), x.Ref()))]
		}
		return nil
	}
	for n := own.start; n < own.end(); n++ {
		t := s.typ(n)
		switch t.Kind() {
		case btf.Struct, btf.Union:
			for m := range t.Members() {
				for _, u := range pointee(s.ref(n, m.Type)) {
					u.add(t, cdecl.Noun(t)+"."+m.Name)
				}
			}
		case btf.Var:
			for _, u := range pointee(s.ref(n, t.Ref())) {
				u.add(t, t.Name())
			}
		default: // other kinds: they hold no pointers
		}
	}
}
