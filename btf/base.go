package btf

import "sync"

// Base is a BTF, usually a kernel's, that others continue, with all that is asked of it many times: it is made once by whoever reads
// the BTF and handed to everything that works on it. What it knows is found out when it is first asked for. Many goroutines may use it.
// It holds memory and nothing else, so there is nothing to close.
type Base struct {
	*Types

	// Release is that of the kernel that the BTF is of, as uname -r prints it, when the file that it was read from says so: a vmlinux
	// does, in its banner. Else it is "".
	Release string

	// Machine is e_machine of the ELF file that it was read from; 0 when it was none, since BTF does not name it.
	Machine uint16

	structs func() map[string][]TypeID
	flat    func() bool

	once  sync.Once
	index any
}

// NewBase makes a base of types, which may be split themselves.
func NewBase(t *Types) *Base {
	return &Base{Types: t, structs: sync.OnceValue(t.structsByName), flat: sync.OnceValue(t.onlyFlatArrays)}
}

// StructsNamed returns the STRUCTs and UNIONs of a name, by id. Those without a name have none.
func (b *Base) StructsNamed(name string) []TypeID { return b.structs()[name] }

func (t *Types) structsByName() map[string][]TypeID {
	m := make(map[string][]TypeID)
	for id, x := range t.All() {
		if k := x.Kind(); (k == Struct || k == Union) && x.NameOff() != 0 {
			m[x.Name()] = append(m[x.Name()], id)
		}
	}
	return m
}

// OnlyFlatArrays tells whether no ARRAY has an ARRAY as its element: then pahole 1.31 or an older one made the BTF, which wrote each
// multi-dimensional array as one.
func (b *Base) OnlyFlatArrays() bool { return b.flat() }

func (t *Types) onlyFlatArrays() bool {
	for id := TypeID(1); int(id) < t.Len(); id++ {
		if r := t.Record(id); InfoKind(r[1]) == Array && InfoKind(t.Record(TypeID(r[3]))[1]) == Array {
			return false
		}
	}
	return true
}

// Index returns what make makes of the types, which is done once for a base: packages that look types up in their own way keep their
// index here, so that it lives as long as the base. A base keeps one index.
func (b *Base) Index(make func(*Types) any) any {
	b.once.Do(func() { b.index = make(b.Types) })
	return b.index
}
