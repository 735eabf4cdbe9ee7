package refit

import (
	"github.com/gobtf/gobtf/btf"
)

// link replaces a module's copies of kernel structs by the kernel's own where code cannot tell them apart: every member that
// the copy has is where it was. Such copies come about because dedup calls two structs equal only if all that they lead to is
// equal, so that one changed struct makes a copy of each that has a pointer to it. A struct that something of the module has by
// value must have its size too.
//
// Without this a kfunc's `struct task_struct *` would be a type of the module's, which no BPF program can pass.
func (b kernel) link(t *btf.Types) (*btf.Types, error) {
	to := map[btf.TypeID]btf.TypeID{}
	kernel := func(id btf.TypeID) bool {
		x := t.Type(id)
		return x.NameOff() != 0 && id >= t.Start() && len(b.StructsNamed(x.Name())) > 0
	}
	embedded := map[btf.TypeID]bool{}
	for _, u := range uses(t, kernel) {
		embedded[u.id] = len(u.embedded) > 0
	}
	for id := t.Start(); int(id) < t.Len(); id++ {
		x := t.Type(id)
		if k := x.Kind(); (k == btf.Struct || k == btf.Union) && kernel(id) {
			if is, ok := b.namesake(t, id, embedded[id]); ok {
				to[id] = is
			}
		}
	}
	if len(to) == 0 {
		return t, nil
	}
	linked, err := replace(t, to, keepers(t, to, kernel))
	if err != nil {
		return nil, err
	}
	return b.onto(linked)
}

// keepers returns the own types that are still needed: what the module says (functions, variables, its own structs) and what that
// leads to without passing a linked copy.
func keepers(t *btf.Types, to map[btf.TypeID]btf.TypeID, kernel func(btf.TypeID) bool) []bool {
	keep := make([]bool, t.Len())
	referred := make([]bool, t.Len())
	for id := t.Start(); int(id) < t.Len(); id++ {
		for r := range t.Type(id).Refs() {
			referred[r] = referred[r] || r != id
		}
	}
	below := belowKernel(t, kernel)
	var stack []btf.TypeID
	reach := func(id btf.TypeID) {
		if _, linked := to[id]; id >= t.Start() && !keep[id] && !linked {
			keep[id] = true
			stack = append(stack, id)
		}
	}
	for id := t.Start(); int(id) < t.Len(); id++ {
		x := t.Type(id)
		if _, linked := to[x.Ref()]; linked && x.Kind() == btf.DeclTag {
			continue // the kernel's struct has its own
		}
		if !referred[id] || x.NameOff() != 0 && !below[id] {
			reach(id)
		}
	}
	for len(stack) > 0 {
		id := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for r := range t.Type(id).Refs() {
			reach(r)
		}
	}
	return keep
}

// replace returns the types to keep, with references to linked copies led to what they stand for.
func replace(t *btf.Types, to map[btf.TypeID]btf.TypeID, keep []bool) (*btf.Types, error) {
	newID := make([]uint32, t.Len())
	next := uint32(t.Start())
	for id := range newID {
		switch is, linked := to[btf.TypeID(id)]; {
		case id < int(t.Start()):
			newID[id] = uint32(id)
		case linked:
			newID[id] = uint32(is)
		case keep[id]:
			newID[id] = next
			next++
		}
	}
	var words []uint32
	for id := t.Start(); int(id) < t.Len(); id++ {
		if _, linked := to[id]; linked || !keep[id] {
			continue
		}
		at := len(words)
		words = append(words, t.Record(id)...)
		btf.EachRef(words[at:], func(w *uint32) { *w = newID[*w] })
	}
	return btf.New(words, t.Strings(), t.Base(), t.Order())
}

// namesake returns the kernel's struct that stands for a copy of it, if there is exactly one.
func (b kernel) namesake(t *btf.Types, id btf.TypeID, embedded bool) (is btf.TypeID, ok bool) {
	x := t.Type(id)
	for _, c := range b.StructsNamed(x.Name()) {
		now := b.Types.Type(c)
		if now.Kind() != x.Kind() || now.Size() < x.Size() || embedded && now.Size() != x.Size() {
			continue
		}
		if moved, _, of := compare(t, id, b.Types, c); len(moved) > 0 || of == 0 && now.Size() != x.Size() {
			continue
		}
		if is != 0 {
			return 0, false
		}
		is = c
	}
	return is, is != 0
}
