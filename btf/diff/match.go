package diff

import (
	"cmp"
	"slices"
)

// cluster is the nodes of one side and one name that have the same signature: one type, however often it is there.
type cluster struct {
	sig   uint64
	nodes []node // the side's own first
}

func (c cluster) first() node { return c.nodes[0] }

// pair is what belongs together in a group: clusters with equal signatures, or two that are taken for the same type, changed. a or b is
// nil when the other side has nothing.
type pair struct {
	a, b  *cluster
	equal bool
}

// refine matches the types of each name, and tells several of one name apart by what they refer to, until there is nothing more to tell.
func (s *space) refine() {
	for before, round := -1, 0; ; round++ {
		s.sign()
		s.seen.reset(len(s.key))
		for _, g := range s.groups {
			if g.declared || len(g.nodes) < 2 || !s.ambiguous(g) {
				continue
			}
			for _, p := range s.match(g, false) {
				s.classify(g, p)
			}
		}
		if s.seen.n == before || round == maxRounds {
			return
		}
		before = s.seen.n
	}
}

// maxRounds ends what would go on for ever if the pairs that are closest changed in turns. Kernels need up to six.
const maxRounds = 200

// ambiguous tells whether one side alone has different types of this name.
func (s *space) ambiguous(g group) bool {
	for _, by := range []side{sideA, sideB} {
		first, have := uint64(0), false
		for _, n := range g.nodes {
			switch {
			case !s.seenBy(n, by):
			case !have:
				first, have = s.sig[n], true
			case s.sig[n] != first:
				return true
			}
		}
	}
	return false
}

func (s *space) classify(g group, p pair) {
	h := s.key[g.nodes[0]]
	for i, c := range []*cluster{p.a, p.b} {
		if c != nil {
			h = mix(h, c.sig)
			if p.equal {
				break
			}
		}
		h = mix(h, uint64(i))
	}
	h |= 1
	s.seen.add(h)
	for _, c := range []*cluster{p.a, p.b} {
		if c != nil {
			for _, n := range c.nodes {
				s.class[n] = h
			}
		}
	}
}

// clusters sorts the nodes of a group that a side sees by signature. declarations says whether those that only declare are wanted, or
// those that define.
func (s *space) clusters(g group, by side, declarations bool) []*cluster {
	var list []*cluster
	at := map[uint64]*cluster{}
	for _, own := range []bool{true, false} {
		for _, n := range g.nodes {
			if !s.seenBy(n, by) || s.own(n, by) != own || s.declares(n) != declarations {
				continue
			}
			c := at[s.sig[n]]
			if c == nil {
				c = &cluster{sig: s.sig[n]}
				at[c.sig] = c
				list = append(list, c)
			}
			c.nodes = append(c.nodes, n)
		}
	}
	return list
}

// maxPairs bounds how many pairs of one name are compared with each other. A kernel has some ten types of one name.
const maxPairs = 1 << 16

// match finds what belongs together among the definitions of a group, or among its declarations: what is equal first, and then what has
// the most in common.
func (s *space) match(g group, declarations bool) []pair {
	as, bs := s.clusters(g, sideA, declarations), s.clusters(g, sideB, declarations)
	var pairs []pair
	bySig := map[uint64]*cluster{}
	for _, b := range bs {
		bySig[b.sig] = b
	}
	left := as[:0]
	for _, a := range as {
		if b := bySig[a.sig]; b != nil {
			pairs = append(pairs, pair{a, b, true})
			delete(bySig, a.sig)
		} else {
			left = append(left, a)
		}
	}
	as, left = left, nil
	for _, b := range bs {
		if bySig[b.sig] != nil {
			left = append(left, b)
		}
	}
	bs = left
	if len(as) == 1 && len(bs) == 1 {
		return append(pairs, pair{a: as[0], b: bs[0]})
	}
	for _, m := range s.closest(as, bs) {
		pairs = append(pairs, pair{a: as[m[0]], b: bs[m[1]]})
		as[m[0]], bs[m[1]] = nil, nil
	}
	for _, a := range as {
		if a != nil {
			pairs = append(pairs, pair{a: a})
		}
	}
	for _, b := range bs {
		if b != nil {
			pairs = append(pairs, pair{b: b})
		}
	}
	return pairs
}

// closest pairs what has the most in common, as indexes of as and bs. What has nothing in common stays alone.
func (s *space) closest(as, bs []*cluster) [][2]int {
	type choice struct{ score, a, b int }
	if len(as) == 0 || len(bs) == 0 {
		return nil
	}
	if len(bs) > maxPairs/len(as) { // no kernel comes near it: then they belong together in their order
		var pairs [][2]int
		for i := range min(len(as), len(bs)) {
			pairs = append(pairs, [2]int{i, i})
		}
		return pairs
	}
	fb := make([]features, len(bs))
	for j, b := range bs {
		fb[j] = s.features(b.first())
	}
	var choices []choice
	for i, a := range as {
		fa := s.features(a.first())
		for j := range bs {
			if n := fa.common(fb[j]); n > 0 {
				choices = append(choices, choice{n, i, j})
			}
		}
	}
	slices.SortFunc(choices, func(x, y choice) int {
		return cmp.Or(cmp.Compare(y.score, x.score), cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b))
	})
	usedA, usedB := make([]bool, len(as)), make([]bool, len(bs))
	var pairs [][2]int
	for _, c := range choices {
		if !usedA[c.a] && !usedB[c.b] {
			usedA[c.a], usedB[c.b] = true, true
			pairs = append(pairs, [2]int{c.a, c.b})
		}
	}
	return pairs
}

// features is what two types can have in common: for each element its name, its name with its type, and all of it; the size.
// It is sorted.
type features []uint64

// common counts what is in both.
func (f features) common(g features) int {
	n := 0
	for i, j := 0, 0; i < len(f) && j < len(g); {
		switch {
		case f[i] < g[j]:
			i++
		case f[i] > g[j]:
			j++
		default:
			n, i, j = n+1, i+1, j+1
		}
	}
	return n
}

func (s *space) features(n node) features {
	t, ts := s.typ(n), s.part(n).ts
	var f features
	for m := range t.Members() {
		name := mixString(1, ts.StringBytes(m.NameOff))
		typed := mix(name, s.as(s.ref(n, m.Type)))
		f = append(f, name, typed, mix(typed, uint64(m.Bit)<<32|uint64(m.Bits)))
	}
	for v := range t.Values() {
		name := mixString(2, ts.StringBytes(v.NameOff))
		f = append(f, name, mix(name, v.Value))
	}
	for p := range t.Params() {
		name := mixString(3, ts.StringBytes(p.NameOff))
		f = append(f, name, mix(name, s.as(s.ref(n, p.Type))))
	}
	if t.Kind().Sized() {
		f = append(f, mix(4, uint64(t.Size())))
	}
	for r := range t.Refs() {
		to := s.ref(n, r)
		if s.key[to] != 0 {
			f = append(f, mix(5, s.key[to]))
		} else if s.typ(to).Kind() != 0 {
			f = append(f, s.features1(to)...)
		}
	}
	slices.Sort(f)
	return f
}

// features1 are those of a type without a name that another one consists of: a prototype, an anonymous struct.
func (s *space) features1(n node) (f features) {
	ts := s.part(n).ts
	rec := s.typ(n)
	for m := range rec.Members() {
		f = append(f, mixString(6, ts.StringBytes(m.NameOff)))
	}
	for v := range rec.Values() {
		f = append(f, mixString(7, ts.StringBytes(v.NameOff)))
	}
	for p := range rec.Params() {
		name := mixString(8, ts.StringBytes(p.NameOff))
		f = append(f, name, mix(name, s.as(s.ref(n, p.Type))))
	}
	return append(f, mix(9, s.sig[n]))
}
