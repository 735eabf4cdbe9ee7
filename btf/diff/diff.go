package diff

import (
	"fmt"
	"sync"

	"github.com/gobtf/gobtf/btf"
)

// Options say what counts as a difference. The zero value is for a reader of two kernels.
type Options struct {
	// Declarations: a declaration is as good as a definition of its tag, in both directions.
	Declarations bool
	// ArrayIndex: the type of an array's index counts. C has no such thing.
	ArrayIndex bool
	// ABI: judge what changed.
	ABI bool
	// NameA and NameB are what the two are called.
	NameA, NameB string
}

// Comparer compares many pairs, and reads a base that several of them continue once. Many goroutines may use it.
type Comparer struct {
	mu    sync.Mutex
	bases map[baseKey]func() *layer
}

type baseKey struct {
	ts *btf.Types
	form
}

// Compare compares two BTFs.
func Compare(a, b *btf.Types, opt Options) *Result { return new(Comparer).Compare(a, b, opt) }

// base returns the layer of a base.
func (c *Comparer) base(ts *btf.Types, f form) *layer {
	c.mu.Lock()
	if c.bases == nil {
		c.bases = map[baseKey]func() *layer{}
	}
	get := c.bases[baseKey{ts, f}]
	if get == nil {
		get = sync.OnceValue(func() *layer { return newLayer(ts, f) })
		c.bases[baseKey{ts, f}] = get
	}
	c.mu.Unlock()
	return get()
}

// Compare compares two BTFs.
func (c *Comparer) Compare(a, b *btf.Types, opt Options) *Result {
	r := &Result{A: sideOf(a, opt.NameA), B: sideOf(b, opt.NameB), Kinds: kindBytes(a, b)}
	f := form{index: opt.ArrayIndex}
	arraysA, nestsA := nested(a)
	arraysB, nestsB := nested(b)
	if nestsA != nestsB && arraysA && arraysB {
		f.flat = true
		r.Notes = append(r.Notes, "one side has no arrays of arrays (pahole before 1.32 wrote them as one): dimensions are compared by their product")
	}
	var la, lb *layer
	var wg sync.WaitGroup
	wg.Add(1)
	go func() { defer wg.Done(); la = newLayer(a, f) }()
	lb = newLayer(b, f)
	wg.Wait()
	s := newSpace(la, lb, func(ts *btf.Types) *layer { return c.base(ts, f) })
	s.refine()
	d := &differ{s: s, opt: opt, r: r}
	d.run()
	return r
}

func sideOf(ts *btf.Types, name string) Side {
	return Side{
		Name: name, Types: ts.Len() - int(ts.Start()), BaseTypes: int(ts.Start()) - 1,
		TypeBytes: 4 * len(ts.Words()), StringBytes: len(ts.Strings()),
	}
}

func kindBytes(a, b *btf.Types) []KindBytes {
	var list [btf.NumKinds]KindBytes
	ownA, usedA := a.CountKinds()
	ownB, usedB := b.CountKinds()
	for k := range list {
		list[k] = KindBytes{
			CountA: ownA[k].Types, BytesA: ownA[k].Bytes, UsedA: usedA[k].Types, UsedBytesA: usedA[k].Bytes,
			CountB: ownB[k].Types, BytesB: ownB[k].Bytes, UsedB: usedB[k].Types, UsedBytesB: usedB[k].Bytes,
		}
	}
	var kinds []KindBytes
	for i, k := range list {
		if k.Kind = btf.Kind(i).String(); k.CountA+k.CountB+k.UsedA+k.UsedB > 0 {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// differ makes the result of one comparison.
type differ struct {
	s   *space
	opt Options
	r   *Result

	changed []changed
	removed []node
	added   []node
}

// changed is a pair of clusters that are not the same, and the index of its Change when there is one already.
type changed struct{ a, b *cluster }

func (d *differ) run() {
	for _, g := range d.s.groups {
		if d.mine(g) {
			d.group(g)
		}
	}
	d.anonymous()
	d.foreignTags()
	d.report()
	d.variables()
	if d.opt.Declarations {
		d.reached()
	} else {
		d.bases()
	}
	r := d.r
	r.Same = len(r.Removed)+len(r.Added)+len(r.Changed)+len(r.Functions)+len(r.Moved) == 0
	r.fill()
}

// fill makes empty lists of missing ones: a reader of JSON need not tell null from [].
func (r *Result) fill() {
	for _, list := range []*[]Entry{&r.Removed, &r.Added} {
		if *list == nil {
			*list = []Entry{}
		}
	}
	for _, list := range []*[]Change{&r.Changed, &r.Functions} {
		if *list == nil {
			*list = []Change{}
		}
	}
	if r.Moved == nil {
		r.Moved = []Move{}
	}
	if r.Notes == nil {
		r.Notes = []string{}
	}
}

// mine tells whether one of the two BTFs has a type of this name as its own. The rest are of bases.
func (d *differ) mine(g group) bool {
	for _, n := range g.nodes {
		if d.s.own(n, sideA) || d.s.own(n, sideB) {
			return true
		}
	}
	return false
}

func (d *differ) group(g group) {
	s := d.s
	if len(g.nodes) == 2 && !g.declared && s.sig[g.nodes[0]] == s.sig[g.nodes[1]] && s.own(g.nodes[0], sideA) && s.own(g.nodes[1], sideB) {
		return // nearly all
	}
	pairs := s.match(g, false)
	if g.declared {
		pairs = d.declarations(g, pairs)
	}
	for _, p := range pairs {
		ownA, ownB := p.a != nil && s.own(p.a.first(), sideA), p.b != nil && s.own(p.b.first(), sideB)
		switch {
		case p.equal:
		case p.a != nil && p.b != nil:
			if ownA || ownB {
				d.changed = append(d.changed, changed{p.a, p.b})
			}
		case ownA:
			d.removed = append(d.removed, p.a.first())
		case ownB:
			d.added = append(d.added, p.b.first())
		}
	}
}

// declarations adds those that only declare to the pairs of definitions: one that meets a definition that has no partner is that type,
// changed; one whose side has a definition too says nothing.
func (d *differ) declarations(g group, pairs []pair) []pair {
	s := d.s
	decls := s.match(g, true)
	hasDef := [2]bool{}
	for _, p := range pairs {
		hasDef[sideA] = hasDef[sideA] || p.a != nil
		hasDef[sideB] = hasDef[sideB] || p.b != nil
	}
	lone := func(by side) *cluster { // a declaration of a side that has nothing else
		for _, p := range decls {
			if c := p.of(by); c != nil && !hasDef[by] {
				return c
			}
		}
		return nil
	}
	if d.opt.Declarations {
		// A definition is lacking only where the other side has other definitions. A declaration is lacking only where there is nothing.
		var kept []pair
		for _, p := range pairs {
			if p.equal || p.a != nil && p.b != nil || p.a != nil && hasDef[sideB] || p.b != nil && hasDef[sideA] ||
				p.a != nil && lone(sideB) == nil || p.b != nil && lone(sideA) == nil {
				kept = append(kept, p)
			}
		}
		pairs = kept
	} else {
		for _, by := range []side{sideA, sideB} {
			c := lone(by)
			if c == nil {
				continue
			}
			for i, p := range pairs {
				if p.of(by) == nil && p.of(by.other()) != nil {
					if by == sideA {
						pairs[i].a = c
					} else {
						pairs[i].b = c
					}
					break
				}
			}
		}
	}
	for _, p := range decls {
		one := p.a == nil || p.b == nil
		if one && (p.a != nil && !hasDef[sideA] && !hasDef[sideB] || p.b != nil && !hasDef[sideB] && !hasDef[sideA]) {
			pairs = append(pairs, p)
		} else if !one && !p.equal {
			pairs = append(pairs, p) // two declarations that are not the same: of an enum with another size
		}
	}
	return pairs
}

func (p pair) of(by side) *cluster {
	if by == sideA {
		return p.a
	}
	return p.b
}

// foreignTags compares DECL_TAGs on types of the base: these types are not the side's own, so the tags are compared as such.
func (d *differ) foreignTags() {
	s := d.s
	hash := func(by side, t foreignTag) uint64 {
		p := s.top[by]
		return mix(tagHash(p.ts, p.ts.Type(btf.TypeID(t.tag))), s.as(p.at(t.target)))
	}
	for _, by := range []side{sideA, sideB} {
		in := map[uint64]int{}
		for _, t := range s.top[by.other()].foreign {
			in[hash(by.other(), t)]++
		}
		for _, t := range s.top[by].foreign {
			if h := hash(by, t); in[h] > 0 {
				in[h]--
			} else if n := s.top[by].at(t.tag); by == sideA {
				d.removed = append(d.removed, n)
			} else {
				d.added = append(d.added, n)
			}
		}
	}
}

// bases says whether the bases differ in what both sides refer to.
func (d *differ) bases() {
	s := d.s
	if s.top[sideA].parent == nil || s.top[sideB].parent == nil || s.top[sideA].parent == s.top[sideB].parent {
		return
	}
	inA, inB := s.reach(sideA), s.reach(sideB)
	n := 0
	for _, g := range s.groups {
		if g.declared || d.mine(g) {
			continue
		}
		var sigs [2]uint64
		for _, x := range g.nodes {
			if inA[x] {
				sigs[0] = s.sig[x]
			}
			if inB[x] {
				sigs[1] = s.sig[x]
			}
		}
		if sigs[0] != 0 && sigs[1] != 0 && sigs[0] != sigs[1] {
			n++
		}
	}
	if n > 0 {
		d.r.Notes = append(d.r.Notes, fmt.Sprintf("the bases differ in %d types that both refer to: compare the bases", n))
	}
}

// reach marks all that the own types of a side lead to.
func (s *space) reach(by side) []bool {
	own := s.top[by]
	in := make([]bool, len(s.key))
	var stack []node
	for n := own.start; n < own.end(); n++ {
		in[n] = true
		stack = append(stack, n)
	}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, r := range s.refsOf(n) {
			if !in[r] {
				in[r] = true
				stack = append(stack, r)
			}
		}
	}
	return in
}

// reached compares the definitions in the bases that the two sides lead to, of tags that are only declared somewhere: references to them
// count as the tag alone, so that nothing else would notice that they lead to another definition.
func (d *differ) reached() {
	s := d.s
	if s.top[sideA].parent == nil || s.top[sideB].parent == nil {
		return
	}
	in := [2][]bool{s.reach(sideA), s.reach(sideB)}
	for _, g := range s.groups {
		if !g.declared {
			continue
		}
		var defs [2]map[uint64]node
		for by := range defs {
			defs[by] = map[uint64]node{}
			for _, n := range g.nodes {
				if in[by][n] && !s.declares(n) && s.seenBy(n, side(by)) {
					defs[by][s.sig[n]] = n
				}
			}
		}
		if len(defs[0]) == 0 || len(defs[1]) == 0 {
			continue
		}
		for by := range defs {
			for _, n := range g.nodes {
				if in[by][n] && s.seenBy(n, side(by)) && !s.declares(n) && !s.own(n, side(by)) && defs[1-by][s.sig[n]] == 0 {
					e := d.entry(n)
					if by == 0 {
						d.r.Removed = append(d.r.Removed, e)
					} else {
						d.r.Added = append(d.r.Added, e)
					}
					break
				}
			}
		}
	}
}
