package diff

import (
	"cmp"
	"slices"

	"github.com/gobtf/gobtf/btf"
)

// variables compares where variables stand in their sections.
func (d *differ) variables() {
	s := d.s
	var at [2]map[uint64][]Place
	names := map[uint64]string{}
	for _, by := range []side{sideA, sideB} {
		at[by] = map[uint64][]Place{}
		own := s.top[by]
		for _, t := range own.ts.All() {
			for e := range t.Entries() {
				n := own.at(uint32(e.Var))
				names[s.key[n]] = s.typ(n).Name()
				at[by][s.key[n]] = append(at[by][s.key[n]], Place{t.Name(), e.Offset, e.Size})
			}
		}
	}
	exists := [2]map[uint64]bool{{}, {}}
	for _, g := range s.groups {
		for by := range exists {
			if s.typ(g.nodes[0]).Kind() == btf.Var {
				for _, n := range g.nodes {
					exists[by][s.key[n]] = exists[by][s.key[n]] || s.seenBy(n, side(by))
				}
			}
		}
	}
	for key, name := range names {
		if !exists[0][key] || !exists[1][key] {
			continue // it was added or removed
		}
		a, b := apart(at[0][key], at[1][key])
		for i := range max(len(a), len(b)) {
			m := Move{Name: name}
			if i < len(a) {
				m.A = &a[i]
			}
			if i < len(b) {
				m.B = &b[i]
			}
			d.r.Moved = append(d.r.Moved, m)
		}
	}
	slices.SortFunc(d.r.Moved, func(x, y Move) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), x.A.compare(y.A), x.B.compare(y.B))
	})
}

func (p *Place) compare(q *Place) int {
	switch {
	case p == nil || q == nil:
		return 0
	}
	return cmp.Or(cmp.Compare(p.Section, q.Section), cmp.Compare(p.Offset, q.Offset))
}

// apart returns what is in one list of places and not in the other, in order.
func apart(a, b []Place) (onlyA, onlyB []Place) {
	count := map[Place]int{}
	for _, p := range b {
		count[p]++
	}
	for _, p := range a {
		if count[p] > 0 {
			count[p]--
		} else {
			onlyA = append(onlyA, p)
		}
	}
	for _, p := range b {
		if count[p] > 0 {
			count[p]--
			onlyB = append(onlyB, p)
		}
	}
	order := func(x, y Place) int { return x.compare(&y) }
	slices.SortFunc(onlyA, order)
	slices.SortFunc(onlyB, order)
	return onlyA, onlyB
}
