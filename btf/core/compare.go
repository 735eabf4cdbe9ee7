package core

import (
	"github.com/gobtf/gobtf/btf"
)

const (
	maxNesting = 32      // prototypes in prototypes, structs in structs
	maxEffort  = 1 << 18 // pairs of types that one relocation may look at
)

// comparison asks whether types of an object (a) are what they are in a kernel (b).
type comparison struct {
	a, b *btf.Types
	left int // pairs that may still be looked at
}

func sameNames(a, b btf.Type) bool { return essential(a.Name()) == essential(b.Name()) }

// fields tells whether a member of type a may be read where the kernel has one of type b.
func (c *comparison) fields(a, b btf.TypeID) bool {
	for range maxDepth {
		ta, _ := bare(c.a, a)
		tb, _ := bare(c.b, b)
		if composite(ta) && composite(tb) {
			return true
		}
		if !alike(ta, tb) {
			return false
		}
		switch ta.Kind() {
		case btf.Ptr, btf.Float:
			return true
		case btf.Fwd, btf.Enum, btf.Enum64:
			return ta.Name() == "" || tb.Name() == "" || sameNames(ta, tb)
		case btf.Int:
			return ta.Int().Offset == 0 && tb.Int().Offset == 0
		case btf.Array:
			a, _, _ = ta.Array()
			b, _, _ = tb.Array()
		default: // other kinds: nothing that a program reads
			return false
		}
	}
	return false
}

// pair returns the next two types that are compared, bare, unless too many have been.
func (c *comparison) pair(a, b btf.TypeID) (ta, tb btf.Type, err error) {
	if c.left--; c.left < 0 {
		return ta, tb, errEffort
	}
	ta, _ = bare(c.a, a)
	tb, _ = bare(c.b, b)
	return ta, tb, nil
}

// compatible tells whether type b may stand for type a: of one kind, pointers, arrays and prototypes looked through. Members do not count.
func (c *comparison) compatible(a, b btf.TypeID, depth int) (bool, error) {
	if !alike(c.a.Type(a), c.b.Type(b)) {
		return false, nil
	}
	for range maxNesting {
		ta, tb, err := c.pair(a, b)
		if err != nil {
			return false, err
		}
		if !alike(ta, tb) {
			return false, nil
		}
		switch ta.Kind() {
		case btf.Void, btf.Struct, btf.Union, btf.Enum, btf.Enum64, btf.Fwd:
			return true, nil
		case btf.Int:
			return ta.Int().Offset == 0 && tb.Int().Offset == 0, nil
		case btf.Ptr:
			a, b = ta.Ref(), tb.Ref()
		case btf.Array:
			a, _, _ = ta.Array()
			b, _, _ = tb.Array()
		case btf.FuncProto:
			ok, err := c.params(ta, tb, depth, func(a, b btf.TypeID) (bool, error) {
				_, a = bare(c.a, a)
				_, b = bare(c.b, b)
				return c.compatible(a, b, depth-1)
			})
			if !ok {
				return false, err
			}
			a, b = ta.Ref(), tb.Ref()
		default: // other kinds: CO-RE does not know them
			return false, nil
		}
	}
	return false, errDepth
}

// params compares the parameters of two prototypes.
func (c *comparison) params(ta, tb btf.Type, depth int, same func(a, b btf.TypeID) (bool, error)) (bool, error) {
	if ta.Vlen() != tb.Vlen() {
		return false, nil
	}
	if depth <= 1 {
		return false, errDepth
	}
	var of []btf.TypeID
	for p := range tb.Params() {
		of = append(of, p.Type)
	}
	i := 0
	for p := range ta.Params() {
		if ok, err := same(p.Type, of[i]); !ok {
			return false, err
		}
		i++
	}
	return true, nil
}

// matches tells whether all that type a says is true of type b: members by name and type, sizes, values by name. Behind a pointer a struct's
// name is enough.
func (c *comparison) matches(a, b btf.TypeID, pointer bool, depth int) (bool, error) {
	if depth <= 0 {
		return false, errDepth
	}
	for range maxNesting {
		ta, tb, err := c.pair(a, b)
		if err != nil {
			return false, err
		}
		if !sameNames(ta, tb) {
			return false, nil
		}
		switch ta.Kind() {
		case btf.Void:
			return tb.Kind() == btf.Void, nil
		case btf.Fwd:
			if tb.Kind() == btf.Fwd {
				return ta.Kflag() == tb.Kflag(), nil
			}
			return composite(tb) && ta.Kflag() == (tb.Kind() == btf.Union), nil
		case btf.Enum, btf.Enum64:
			return anyEnum(tb) && hasValues(ta, tb), nil
		case btf.Struct, btf.Union:
			if ta.Kind() != tb.Kind() {
				return pointer && tb.Kind() == btf.Fwd && tb.Kflag() == (ta.Kind() == btf.Union), nil
			}
			if pointer {
				return true, nil
			}
			return c.members(ta, tb, depth)
		case btf.Int:
			return tb.Kind() == btf.Int && ta.Size() == tb.Size() && (ta.Int().Encoding^tb.Int().Encoding)&btf.Signed == 0, nil
		case btf.Ptr:
			if tb.Kind() != btf.Ptr {
				return false, nil
			}
			pointer = true
			a, b = ta.Ref(), tb.Ref()
		case btf.Array:
			if tb.Kind() != btf.Array {
				return false, nil
			}
			ea, _, na := ta.Array()
			eb, _, nb := tb.Array()
			if na != nb {
				return false, nil
			}
			a, b = ea, eb
		case btf.FuncProto:
			if tb.Kind() != btf.FuncProto {
				return false, nil
			}
			ok, err := c.params(ta, tb, depth, func(a, b btf.TypeID) (bool, error) { return c.matches(a, b, pointer, depth-1) })
			if !ok {
				return false, err
			}
			a, b = ta.Ref(), tb.Ref()
		default: // other kinds: CO-RE does not know them
			return false, nil
		}
	}
	return false, errDepth
}

// hasValues tells whether each name of an enum's values is in the other.
func hasValues(ta, tb btf.Type) bool {
	if tb.Vlen() < ta.Vlen() {
		return false
	}
	names := map[string]bool{}
	for v := range tb.Values() {
		names[essential(v.Name)] = true
	}
	for v := range ta.Values() {
		if !names[essential(v.Name)] {
			return false
		}
	}
	return true
}

// members tells whether each member of ta is in tb, by name and type.
func (c *comparison) members(ta, tb btf.Type, depth int) (bool, error) {
	if ta.Vlen() > tb.Vlen() {
		return false, nil
	}
	byName := map[string][]btf.TypeID{}
	for m := range tb.Members() {
		n := essential(m.Name)
		byName[n] = append(byName[n], m.Type)
	}
	for m := range ta.Members() {
		found := false
		for _, b := range byName[essential(m.Name)] {
			ok, err := c.matches(m.Type, b, false, depth-1)
			if err != nil {
				return false, err
			}
			if found = ok; ok {
				break
			}
		}
		if !found {
			return false, nil
		}
	}
	return true, nil
}
