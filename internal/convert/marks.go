package convert

import "math/bits"

// mark says what a DIE became that others may refer to: a LocalID (0: nothing, or void), or one of the kinds below with an index.
type mark uint32

const (
	markFunc  mark = 1 << 31            // index of desc.funcs
	markVar   mark = 1 << 30            // index of desc.vars
	markAlias      = markFunc | markVar // index of marks.alias: the type is another DIE's
	markIndex mark = 1<<30 - 1
)

func (m mark) kind() mark    { return m & markAlias }
func (m mark) index() uint32 { return uint32(m & markIndex) }

// marks remember what the DIEs of a unit became: a bit for each offset, and a mark for each bit. DIEs are marked in the order of
// their offsets.
type marks struct {
	start uint32 // place that the first bit is of
	bits  []uint64
	rank  []uint32 // how many bits are set before each word; made by count
	list  []mark
	alias []typeRef

	// byOff takes the place of bits where a DIE may be walked twice (units import others): the last one counts.
	byOff map[uint32]uint32
}

// reset makes room for n bytes of the buffer, from start on. copies says that a DIE may be walked twice.
func (m *marks) reset(start, n int, copies bool) {
	m.start, m.list, m.alias, m.byOff = uint32(start), m.list[:0], m.alias[:0], nil
	if copies {
		m.byOff = make(map[uint32]uint32)
		return
	}
	words := n/64 + 1
	if cap(m.bits) < words {
		m.bits = make([]uint64, words+words/4)
		m.rank = make([]uint32, words+words/4)
	} else {
		clear(m.bits[:words])
	}
	m.bits, m.rank = m.bits[:words], m.rank[:words]
}

// add notes that the DIE at off becomes something; set(the result) will say what.
func (m *marks) add(off int) uint32 {
	n := uint32(len(m.list))
	m.list = append(m.list, 0)
	if m.byOff != nil {
		m.byOff[uint32(off)] = n
	} else {
		at := uint32(off) - m.start
		m.bits[at>>6] |= 1 << (at & 63)
	}
	return n
}

func (m *marks) set(n uint32, x mark) { m.list[n] = x }

// toAlias makes a marked DIE stand for another DIE's type.
func (m *marks) toAlias(n uint32, to typeRef) {
	if to == 0 || len(m.alias) == int(markIndex) {
		return // stays void
	}
	m.list[n] = markAlias | mark(len(m.alias))
	m.alias = append(m.alias, to)
}

// count ends the marking: from then on lookup works.
func (m *marks) count() {
	if m.byOff != nil {
		return
	}
	n := uint32(0)
	for i, w := range m.bits {
		m.rank[i] = n
		n += uint32(bits.OnesCount64(w))
	}
}

// lookup returns what the DIE at a place became, behind aliases.
func (m *marks) lookup(at typeRef) mark {
	for n := 0; n < 64; n++ { // aliases may form a ring in a broken file
		x := m.at(uint32(at))
		if x.kind() != markAlias {
			return x
		}
		at = m.alias[x.index()]
	}
	return 0
}

// at returns what the DIE at off became, 0 when it is not marked.
func (m *marks) at(off uint32) mark {
	if m.byOff != nil {
		if n, ok := m.byOff[off]; ok {
			return m.list[n]
		}
		return 0
	}
	off -= m.start
	i := off >> 6
	if int(i) >= len(m.bits) {
		return 0
	}
	w, b := m.bits[i], off&63
	if w>>b&1 == 0 {
		return 0
	}
	return m.list[m.rank[i]+uint32(bits.OnesCount64(w&(1<<b-1)))]
}

// local returns the type that a reference leads to.
// Rule types/void.
func (m *marks) local(to typeRef) LocalID {
	if to == 0 {
		return 0
	}
	if to&refLocal != 0 {
		return LocalID(to &^ refLocal)
	}
	x := m.lookup(to)
	if x.kind() != 0 {
		return 0
	}
	return LocalID(x)
}

// link turns the references of all types into LocalIDs.
func (t *types) link(m *marks) {
	t.refs = sized(t.refs, len(t.from))
	for i, r := range t.from {
		if r == arrayIndex {
			t.refs[i] = ArrayIndex
		} else {
			t.refs[i] = uint32(m.local(r))
		}
	}
}

// sized returns a slice of n elements, s where it is large enough. Many units wait for those before them, each with slices of its own: to
// let them grow step by step would leave as much garbage.
func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/8)
	}
	return s[:n]
}
