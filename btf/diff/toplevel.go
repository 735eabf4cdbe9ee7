package diff

// anonymous compares what has no name and is not used by anything with one: an enum that only gives names to numbers.
func (d *differ) anonymous() {
	s := d.s
	var lists [2][]*cluster
	for _, by := range []side{sideA, sideB} {
		s.seen.reset(len(s.inner))
		for _, n := range s.inner {
			if s.seenBy(n, by.other()) {
				s.seen.add(s.sig[n])
			}
		}
		for _, n := range s.topLevel(by) {
			if s.seen.add(s.sig[n]) {
				lists[by] = append(lists[by], &cluster{sig: s.sig[n], nodes: []node{n}})
			}
		}
	}
	for _, p := range s.shareNames(lists[sideA], lists[sideB]) {
		a, b := lists[sideA][p[0]], lists[sideB][p[1]]
		lists[sideA][p[0]], lists[sideB][p[1]] = nil, nil
		d.changed = append(d.changed, changed{a, b})
	}
	for _, c := range lists[sideA] {
		if c != nil {
			d.removed = append(d.removed, c.first())
		}
	}
	for _, c := range lists[sideB] {
		if c != nil {
			d.added = append(d.added, c.first())
		}
	}
}

// topLevel lists a side's own anonymous structs, unions and enums that nothing with a name leads to.
func (s *space) topLevel(by side) []node {
	own := s.top[by]
	used := make([]bool, len(s.key))
	var stack []node
	for n := own.start; n < own.end(); n++ {
		if s.key[n] != 0 {
			stack = append(stack, s.refsOf(n)...)
		}
	}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if s.key[n] == 0 && !used[n] {
			used[n] = true
			stack = append(stack, s.refsOf(n)...)
		}
	}
	var list []node
	for n := own.start; n < own.end(); n++ {
		if s.key[n] == 0 && !used[n] && composite(s.typ(n).Kind()) {
			list = append(list, n)
		}
	}
	return list
}

// shareNames pairs anonymous types of which half of the names are in the other too.
func (s *space) shareNames(as, bs []*cluster) [][2]int {
	names := func(n node) (list []string) {
		t := s.typ(n)
		for m := range t.Members() {
			list = append(list, m.Name)
		}
		for v := range t.Values() {
			list = append(list, v.Name)
		}
		return list
	}
	where := map[string][]int{}
	for j, b := range bs {
		for _, name := range names(b.first()) {
			if list := where[name]; len(list) < maxNames { // a name that is in more of them tells nothing
				where[name] = append(list, j)
			}
		}
	}
	used := map[int]bool{}
	var pairs [][2]int
	for i, a := range as {
		count := map[int]int{}
		own := names(a.first())
		best := -1
		for _, name := range own {
			for _, j := range where[name] {
				if count[j]++; !used[j] && s.typ(bs[j].first()).Kind() == s.typ(a.first()).Kind() &&
					(best < 0 || count[j] > count[best] || count[j] == count[best] && j < best) {
					best = j
				}
			}
		}
		if best >= 0 && 2*count[best] >= min(len(own), s.typ(bs[best].first()).Vlen()) {
			used[best] = true
			pairs = append(pairs, [2]int{i, best})
		}
	}
	return pairs
}
