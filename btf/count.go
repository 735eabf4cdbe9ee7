package btf

// KindCount is so many types of a kind, and the bytes of their records.
type KindCount struct{ Types, Bytes int }

func (c *KindCount) add(rec []uint32) {
	c.Types++
	c.Bytes += 4 * len(rec)
}

// CountKinds counts types by kind: t's own, and those of its base that own ones refer to.
func (t *Types) CountKinds() (own, used [NumKinds]KindCount) {
	met := make([]bool, t.Start())
	for _, x := range t.All() {
		own[x.Kind()].add(x.Record())
		for r := range x.Refs() {
			if r != 0 && r < t.Start() && !met[r] {
				met[r] = true
				used[t.Type(r).Kind()].add(t.Record(r))
			}
		}
	}
	return own, used
}
