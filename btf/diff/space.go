package diff

import (
	"cmp"
	"slices"

	"github.com/gobtf/gobtf/btf"
)

// node is a type of either side: all types that are compared at once stand in one array.
type node = uint32

// part is a layer in that array.
type part struct {
	*layer
	start  node
	parent *part
}

// at returns the node of an id that this part or one below it has.
func (p *part) at(id uint32) node {
	for id < p.first {
		p = p.parent
	}
	return p.start + id - p.first
}

func (p *part) end() node { return p.start + node(len(p.content)) }

// side numbers the two BTFs.
type side uint8

const (
	sideA side = 0
	sideB side = 1
)

func (s side) other() side { return 1 - s }

// space is all types of both sides, with what they refer to as nodes.
type space struct {
	parts   []*part
	top     [2]*part  // the own types of each side
	sees    [][2]bool // by part: which sides see it
	owner   []uint8   // by node: its part
	content []uint64
	key     []uint64
	off     []uint32
	refs    []node
	inner   []node
	cyclic  bool

	sig    []uint64
	class  []uint64 // where a name alone does not say which type is meant: what it counts as
	groups []group
	seen   distinct         // for signCycles and refine
	open   map[[2]node]bool // what typeItems compared for the pair at hand
}

// group is the nodes of one name.
type group struct {
	nodes    []node
	declared bool // the tag is only declared somewhere: references count as the name alone
}

func newSpace(a, b *layer, layerOf func(*btf.Types) *layer) *space {
	s := &space{open: map[[2]node]bool{}}
	known := map[*btf.Types]*part{}
	var add func(l *layer, from side) *part
	add = func(l *layer, from side) *part {
		if p := known[l.ts]; p != nil { // a base of both
			s.see(p, from)
			return p
		}
		var parent *part
		if base := l.ts.Base(); base != nil {
			parent = add(layerOf(base), from)
		}
		p := &part{layer: l, parent: parent}
		if len(s.parts) > 0 {
			p.start = s.parts[len(s.parts)-1].end()
		}
		known[l.ts] = p
		s.parts = append(s.parts, p)
		s.sees = append(s.sees, [2]bool{})
		s.sees[len(s.parts)-1][from] = true
		return p
	}
	s.top[sideA] = add(a, sideA)
	s.top[sideB] = add(b, sideB)
	s.fill()
	return s
}

// see marks a part and those below it.
func (s *space) see(p *part, by side) {
	for ; p != nil; p = p.parent {
		for i := range s.parts {
			if s.parts[i] == p {
				s.sees[i][by] = true
			}
		}
	}
}

func (s *space) fill() {
	n, refs := 0, 0
	for _, p := range s.parts {
		n += len(p.content)
		refs += len(p.refs)
	}
	s.content, s.key, s.owner = make([]uint64, 0, n), make([]uint64, 0, n), make([]uint8, 0, n)
	s.off, s.refs = make([]uint32, 1, n+1), make([]node, 0, refs)
	s.sig, s.class = make([]uint64, n), make([]uint64, n)
	for i, p := range s.parts {
		s.content, s.key = append(s.content, p.content...), append(s.key, p.key...)
		base := uint32(len(s.refs))
		for _, o := range p.off[1:] {
			s.off = append(s.off, base+o)
		}
		for _, r := range p.refs {
			s.refs = append(s.refs, p.at(r))
		}
		for _, e := range p.inner {
			s.inner = append(s.inner, p.start+e)
		}
		for range p.content {
			s.owner = append(s.owner, uint8(i))
		}
		s.cyclic = s.cyclic || p.cyclic
	}
	s.group()
}

// group collects the nodes of each name, in the order of the nodes.
func (s *space) group() {
	byKey := make([]node, 0, len(s.key))
	for n, k := range s.key {
		if k != 0 {
			byKey = append(byKey, node(n))
		}
	}
	slices.SortFunc(byKey, func(x, y node) int { return cmp.Or(cmp.Compare(s.key[x], s.key[y]), cmp.Compare(x, y)) })
	for len(byKey) > 0 {
		n := 1
		for n < len(byKey) && s.key[byKey[n]] == s.key[byKey[0]] {
			n++
		}
		g := group{nodes: byKey[:n:n]}
		for _, x := range g.nodes {
			g.declared = g.declared || s.declares(x)
		}
		s.groups = append(s.groups, g)
		byKey = byKey[n:]
	}
}

func (s *space) part(n node) *part { return s.parts[s.owner[n]] }

func (s *space) declares(n node) bool {
	p := s.part(n)
	return p.declare[n-p.start]
}

// own tells whether a node is one of a side's own types.
func (s *space) own(n node, of side) bool { return s.part(n) == s.top[of] }

// seenBy tells whether a side has a node, in its base or as its own.
func (s *space) seenBy(n node, by side) bool { return s.sees[s.owner[n]][by] }

func (s *space) id(n node) btf.TypeID {
	p := s.part(n)
	return btf.TypeID(n - p.start + p.first)
}

// typ returns the type itself.
func (s *space) typ(n node) btf.Type { return s.part(n).ts.Type(s.id(n)) }

// ref returns the node of an id that stands in a record of n.
func (s *space) ref(n node, id btf.TypeID) node { return s.part(n).at(uint32(id)) }

func (s *space) refsOf(n node) []node { return s.refs[s.off[n]:s.off[n+1]] }

// as returns what a reference to a node counts as.
func (s *space) as(n node) uint64 {
	switch {
	case s.class[n] != 0:
		return s.class[n]
	case s.key[n] != 0:
		return s.key[n]
	}
	return s.sig[n]
}

// sign computes all signatures. Those of types without a name come first, each behind those that it needs.
func (s *space) sign() {
	if s.cyclic {
		s.signCycles()
	} else {
		for _, n := range s.inner {
			s.sig[n] = s.signed(n)
		}
	}
	for n, k := range s.key {
		if k != 0 {
			s.sig[n] = s.signed(node(n))
		}
	}
}

func (s *space) signed(n node) uint64 {
	h := s.content[n]
	for _, r := range s.refs[s.off[n]:s.off[n+1]] {
		h = mix(h, s.as(r))
	}
	return mix(h, mulB)
}

// signCycles is for types without a name that lead back to themselves. All start alike, and each round goes by the signatures of the
// one before, whatever the order of the types is; it ends when a round tells no more types apart.
func (s *space) signCycles() {
	for _, n := range s.inner {
		s.sig[n] = 0
	}
	next := make([]uint64, len(s.inner))
	for count := 0; ; {
		s.seen.reset(len(s.inner))
		for i, n := range s.inner {
			next[i] = s.signed(n)
			s.seen.add(next[i])
		}
		for i, n := range s.inner {
			s.sig[n] = next[i]
		}
		if s.seen.n == count {
			return
		}
		count = s.seen.n
	}
}

// distinct is a set of hashes, used again and again.
type distinct struct {
	slot []uint64
	n    int
}

func (d *distinct) reset(n int) {
	size := 64
	for size < 2*n {
		size *= 2
	}
	if len(d.slot) < size {
		d.slot = make([]uint64, size)
	} else {
		clear(d.slot)
	}
	d.n = 0
}

// add tells whether a hash is new.
func (d *distinct) add(h uint64) bool {
	h |= 1
	mask := uint64(len(d.slot) - 1)
	for i := h >> 20 & mask; ; i = (i + 1) & mask {
		switch d.slot[i] {
		case h:
			return false
		case 0:
			d.slot[i] = h
			d.n++
			return true
		}
	}
}
