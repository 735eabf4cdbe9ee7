package dedup

import (
	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/graph"
)

// colourRounds is how many structs, unions, arrays and prototypes deep a colour looks. So it sees a FWD in
// the parameters of a member that is a pointer to a function. With 2, the guess was right for all kernels that were tried; with 1 for none.
const colourRounds = 2

// maxChain bounds how many pointers and modifiers in a row a colour looks at.
const maxChain = 32

// painter finds the colours of one unit's types after the other's. Its slices are by the number of a type in its unit.
type painter struct {
	chain    []chainOf
	old, now []uint32 // colours
	inner    []uint32 // types with several references
}

// chainOf is where a chain of pointers, modifiers and typedefs ends, and a hash of what is on it.
type chainOf struct{ end, path uint32 }

// paint gives STRUCTs, UNIONs and TYPEDEFs of a unit colours, in node.h: types that look the same as far as colourRounds goes have the same
// one, whatever the order of types in their units. It reports whether the types refer only to what Options.Units allows.
//
// It takes colourRounds rounds over all references of structs, unions, arrays and prototypes: in each, a type's colour is made of its shape
// and of the colours that the types below it had in the round before.
func (p *painter) paint(d *run, u span) bool {
	n := u.hi - u.lo
	p.chain, p.old, p.now = sized(p.chain, n), sized(p.old, n), sized(p.now, n)
	p.inner = p.inner[:0]
	const chain = chainKinds &^ (1 << btf.Func)
	for i := range n {
		sh := d.shape[u.lo+i]
		c := colourOf(sh)
		p.chain[i], p.old[i], p.now[i] = chainOf{end: i}, c, c
		refs := d.refs[d.off[u.lo+i]:d.off[u.lo+i+1]]
		for _, r := range refs {
			if r-u.lo >= n && !d.anywhere(r) {
				return false
			}
		}
		switch {
		case len(refs) == 0:
		case kindSet(chain).has(sh):
			h := c
			at := u.lo + i
			for range maxChain {
				at = d.refs[d.off[at]]
				if at-u.lo >= n {
					break
				}
				s := d.shape[at]
				if !kindSet(chain).has(s) {
					break
				}
				h = mix(h, colourOf(s))
			}
			if at-u.lo < n {
				p.chain[i] = chainOf{at - u.lo, h}
			} else {
				p.chain[i].path = mix(h, d.colourElsewhere(at)) // it ends in itself, whose colour stays
			}
		default:
			p.inner = append(p.inner, i)
		}
	}
	for range colourRounds {
		chain, old, now := p.chain, p.old, p.now
		for _, i := range p.inner {
			at := u.lo + i
			h := uint64(d.shape[at])
			for _, r := range d.refs[d.off[at]:d.off[at+1]] {
				if x := uint(r - u.lo); x < uint(len(chain)) {
					to := chain[x]
					h ^= uint64(to.path)<<32 | uint64(old[to.end])
				} else {
					h ^= uint64(d.colourElsewhere(r))
				}
				h *= hashMul
				h ^= h >> 32
			}
			now[i] = uint32(h)
		}
		p.old, p.now = now, old // all but the inner ones are the same in both
	}
	for i := range n {
		if kindSet(compKinds).has(d.shape[u.lo+i]) {
			d.node[u.lo+i].h = mix(p.chain[i].path, p.old[p.chain[i].end])
		}
	}
	return true
}

// anywhere says whether all units may refer to a type: what it is merged into is known since phase 2.
func (d *run) anywhere(id uint32) bool {
	return id == 0 || id < d.start || id < d.n && d.node[id].m&final != 0 && kindSet(1<<btf.Int|1<<btf.Float|enumKinds).has(d.shape[id])
}

// colourElsewhere is the colour of a type that is not of the unit: void, one of the base, or what anywhere allows.
func (d *run) colourElsewhere(id uint32) uint32 {
	if id < d.start {
		return mix(1, id)
	}
	return colourOf(d.shape[id])
}

func colourOf(sh graph.Shape) uint32 { return uint32(uint64(sh) * hashMul >> 32) }

func mix(a, b uint32) uint32 {
	return uint32((uint64(a)<<32 | uint64(b)) * hashMul >> 31)
}

// sized returns a slice of n elements, s where it is large enough.
func sized[T any](s []T, n uint32) []T {
	if uint32(cap(s)) < n {
		return make([]T, n, n+n/2)
	}
	return s[:n]
}
