package dedup

import (
	"slices"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/intern"
	"github.com/gobtf/gobtf/internal/parallel"
)

// Phase 5 on several workers. Types with references are equal when their shapes are and what they refer to is, so each gets a number for its
// class: that of its shape and its references' classes, in a table that all units share. The survivor of a class is what it is to references: the
// first that is reached when units are visited one after the other, each in the order of references. Within a unit one worker keeps
// that order, and of several units the lowest counts, whichever comes first.

// classMark tells a class from an id, in the words that a class is made of.
const classMark = 1 << 31

// classes are the classes of types with references.
type classes struct {
	tab   *intern.Words  // shape, and for each reference what it is merged into, or the class of that with classMark
	first intern.Uint64s // by class: the lowest unit that has one, and in the lower half the first of that unit
}

// referencesOf is phase 5 on as many workers as there are.
func (d *run) referencesOf(opt Options) error {
	if d.units == nil || d.base != nil {
		opt.stage("references", 1)
		return d.references()
	}
	c := &classes{tab: intern.NewWords()}
	workers := parallel.Workers(opt.Jobs, len(d.units))
	opt.stage("references", workers)
	sorters := make([]sorter, workers)
	// Behind the units come functions, which refer to all units' types: they have to wait for those.
	rest := d.functionSpans()
	sortAll := func(first int, list []span) bool {
		return parallel.Do(opt.Jobs, len(list), func(w, i int) bool { return sorters[w].sort(d, c, first+i, list[i]) }) == len(list)
	}
	if !sortAll(0, d.units) || !sortAll(len(d.units), rest) {
		return d.references() // which can say what is wrong
	}
	all := append(slices.Clip(d.units), rest...)
	parallel.Must(opt.Jobs, len(all), func(_, i int) { c.settle(d, all[i]) })
	return nil
}

// functionSpans cuts the types behind the units into pieces that refer to units' types and to themselves. Where functions have more in common
// it is one piece.
func (d *run) functionSpans() []span {
	rest := span{d.units[len(d.units)-1].hi, d.n}
	if rest.lo == rest.hi {
		return nil
	}
	list := []span{rest}
	for id := rest.lo; id < rest.hi; id++ {
		last := &list[len(list)-1]
		if d.shape[id].Kind() == btf.FuncProto && id-last.lo >= unitTypes { // a function's types begin with it
			last.hi = id
			list = append(list, span{id, rest.hi})
			last = &list[len(list)-1]
		}
		for _, r := range d.refs[d.off[id]:d.off[id+1]] {
			if r >= rest.lo && (r < last.lo || r >= rest.hi) {
				return []span{rest}
			}
		}
	}
	for _, s := range list { // and what refers to later ones
		for id := s.lo; id < s.hi; id++ {
			for _, r := range d.refs[d.off[id]:d.off[id+1]] {
				if r >= s.hi {
					return []span{rest}
				}
			}
		}
	}
	return list
}

// sorter finds the classes of one unit's types after the other's, in node.h: the class plus 1, or busy.
type sorter struct {
	stack []visit
	words []uint32
	known []refSlot // the last classes of types with one reference: key to class plus 1, a place for each key
}

const knownBits = 13

// sort says whether there was no loop.
func (s *sorter) sort(d *run, c *classes, unit int, u span) bool {
	for id := u.lo; id < u.hi; id++ {
		if d.unsorted(id) {
			d.node[id].h = 0
		}
	}
	stack, words := s.stack, s.words
	for i := u.lo; i < u.hi; i++ {
		if !d.unsorted(i) || d.node[i].h != 0 {
			continue
		}
		d.node[i].h = busy
		stack = append(stack[:0], visit{i, d.off[i]})
	depthFirst:
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			id, end := top.id, d.off[top.id+1]
			for ; top.next < end; top.next++ {
				r := d.refs[top.next]
				if n := &d.node[r]; n.m == 0 && n.h == 0 {
					n.h = busy
					stack = append(stack, visit{r, d.off[r]})
					continue depthFirst
				} else if n.m == 0 && n.h == busy {
					return false
				}
			}
			words = append(words[:0], uint32(d.shape[id]))
			for _, r := range d.refs[d.off[id]:end] {
				if n := &d.node[r]; n.m == 0 {
					words = append(words, n.h|classMark)
				} else {
					words = append(words, d.follow(r))
				}
			}
			class := s.class(c, words)
			d.node[id].h = class + 1
			if c.first.At(class)>>32 > uint64(unit) {
				c.first.Lower(class, uint64(unit)<<32|uint64(id))
			}
			stack = stack[:len(stack)-1]
		}
	}
	s.stack, s.words = stack, words
	return true
}

// class returns the class that words make.
func (s *sorter) class(c *classes, words []uint32) uint32 {
	if len(words) != 2 {
		class, _ := c.tab.Intern(words)
		return class
	}
	if s.known == nil {
		s.known = make([]refSlot, 1<<knownBits)
	}
	key := uint64(words[0])<<32 | uint64(words[1])
	k := &s.known[key*hashMul>>(64-knownBits)]
	if k.key != key || k.id == 0 {
		class, _ := c.tab.Intern(words)
		*k = refSlot{key, class + 1}
	}
	return k.id - 1
}

// unsorted says whether phase 5 has to find out what a type is merged into.
func (d *run) unsorted(id uint32) bool {
	return d.node[id].m == 0 && kindSet(refKinds).has(d.shape[id])
}

// follow is resolve, but changes nothing, so that all may call it at once.
func (d *run) follow(id uint32) uint32 {
	for {
		m := d.node[id].m
		switch to := m &^ final; {
		case m == 0:
			return id
		case m&final != 0 || to == id:
			return to
		default:
			id = to
		}
	}
}

// settle merges a unit's types into the first of their classes.
func (c *classes) settle(d *run, u span) {
	for id := u.lo; id < u.hi; id++ {
		if d.unsorted(id) {
			d.node[id].m = uint32(c.first.At(d.node[id].h-1)) | final
		}
	}
}
