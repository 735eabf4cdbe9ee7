package dedup

import (
	"slices"
	"sync/atomic"

	"github.com/gobtf/gobtf/internal/graph"
	"github.com/gobtf/gobtf/internal/mem"
	"github.com/gobtf/gobtf/internal/parallel"
)

// Phase 3 on several workers: guess and check. Its result is that of composites, always.
//
// What phase 3 makes of a unit depends on the state that the units before it left, and of that on two things only:
//
//   - what the types of other units were merged into. It is known for good when their unit is done, and with it which types
//     are candidates, in which order: those that were merged into nothing, ids ascending;
//   - what FWDs were led to. A FWD that was kept in phase 2 is led to something at most once, in some unit.
//
// guess finds values for both by a quick way that may be wrong. Then each unit is run by the same code as ever, at the same time as the
// others, with what the guess says about the units before it, and what comes out must be what the guess says about the unit
// itself. If that is so of all units, then the guess is the result, by induction: the first unit starts from nothing that was guessed, so
// what it makes is right, so the guess is right about it; so the second unit started from what is right, and so on.
// Where it is not so, everything before the first such unit is right all the same, and from there on one worker goes on.
//
// The guess: types with the same colour, which is what they look like some structs deep, are merged into the same; the first of each
// colour is run by the same code as ever. That is a fiftieth of the types, and as most of what is below them is merged by
// then, a twentieth of the comparisons.

// Several workers pay from so many types on, and with so many a unit; smaller units are taken together. With two the work that they do
// twice is as much as they save. Tests set all to the least.
var (
	parallelJobs         = 3
	parallelTypes uint32 = 1 << 16
	parallelBase  uint32 = 8 // times the base's types: they are all loaded
	unitTypes     uint32 = 1 << 10
)

// span is the types of one unit, or of several in a row: lo to hi-1.
type span struct{ lo, hi uint32 }

// spans returns the units, or nil where one worker shall do all.
func (d *run) spans(opt Options) []span {
	own := d.n - d.start
	if opt.Jobs < parallelJobs || len(opt.Units) == 0 || own < parallelTypes || own < parallelBase*d.start {
		return nil
	}
	var list []span
	next, end := max(d.start, 1), uint32(opt.Units[len(opt.Units)-1])
	for _, u := range opt.Units {
		if hi := uint32(u); hi >= next+unitTypes || hi == end && hi > next {
			list = append(list, span{next, hi})
			next = hi
		}
	}
	if next > d.n || len(list) < 2 {
		return nil
	}
	for _, sh := range d.shape[next:] {
		if kindSet(compKinds).has(sh) {
			return nil
		}
	}
	return list
}

// compositesOf is phase 3 on as many workers as there are.
func (d *run) compositesOf(opt Options) error {
	from := max(d.start, 1)
	if units := d.spans(opt); units != nil {
		from = d.guessAndCheck(opt, units)
	}
	if from == d.n {
		return nil
	}
	opt.stage("structs", 1)
	return d.composites(from)
}

// guessAndCheck does phase 3 for as many units as it can, and returns the first type that is left, run.n for none. Types behind the
// units have no part in phase 3.
func (d *run) guessAndCheck(opt Options, units []span) (from uint32) {
	t := &timeline{units: units, start: d.cands.growth, entries: len(d.cands.ent), led: make(map[uint32]led)}
	for id := range d.start {
		d.shapeOf(id) // loads it
	}
	workers := parallel.Workers(opt.Jobs, len(units))
	opt.stage("colours", workers)
	left := d.twins(opt, units)
	if left == nil {
		d.backTo(t, 0)
		return units[0].lo
	}
	opt.stage("guess", 1)
	if d.guess(t, left) != nil {
		d.backTo(t, 0)
		return units[0].lo
	}
	d.straighten(opt, units)
	t.index(d)
	opt.stage("check", workers)
	walkers := make([]walker, workers)
	bad := parallel.Do(opt.Jobs, len(units), func(i, u int) bool {
		w := &walkers[i]
		if w.run == nil {
			*w = walker{run: d, leads: &leads{known: t.led, mine: make(map[uint32]uint32)}}
		}
		return w.check(t, u)
	})
	for i := range walkers {
		mem.Release(walkers[i].far)
		mem.Release(walkers[i].own)
	}
	d.units, d.right = units, bad
	if bad == len(units) {
		d.settle(t)
		return d.n
	}
	d.backTo(t, bad)
	return units[bad].lo
}

// timeline is what the guess says: with run.node all that a unit may see of the others.
type timeline struct {
	units   []span
	start   growth // the candidates' before phase 3
	entries int    // and how many there were

	led      map[uint32]led
	leadsIn  []uint32 // by unit: how many FWDs were led in it
	inserted []uint32 // types that were merged into nothing, ascending

	// Candidates by the parity of growths when they were inserted: ids[at[k]:at[k+1]] with k = 2 * shape index + parity, ascending.
	at, ids []uint32
}

// led is a FWD's lot: in which unit it was led to which type. What that one is merged into may be found out later in the unit.
type led struct{ unit, to uint32 }

// leads is what a walker knows of FWDs.
type leads struct {
	known map[uint32]led
	unit  uint32
	mine  map[uint32]uint32 // of this unit, when checking: what happens in it may not be looked up. nil when guessing
}

func (l *leads) of(id uint32) (to uint32, ok bool) {
	if l == nil {
		return 0, false
	}
	if k, ok := l.known[id]; ok && (l.mine == nil || k.unit < l.unit) {
		return k.to, true
	}
	to, ok = l.mine[id]
	return to, ok
}

func (l *leads) lead(id, to uint32) {
	if l.mine == nil {
		l.known[id] = led{l.unit, to}
	} else {
		l.mine[id] = to
	}
}

// index makes what the timeline has for looking things up.
func (t *timeline) index(d *run) {
	t.leadsIn = make([]uint32, len(t.units))
	for _, k := range t.led {
		t.leadsIn[k.unit]++
	}
	type cand struct{ id, key uint32 }
	var list []cand
	if d.base != nil {
		for _, sh := range d.g.Shape {
			if kindSet(compKinds).has(sh) {
				d.listOf(sh) // asks the base
			}
		}
		for i, l := range d.cands.head {
			for e := l.first; e != 0 && e&listNamed == 0; e = d.cands.ent[e-1].next {
				if id := d.cands.ent[e-1].id; id < d.start && kindSet(compKinds).has(d.shape[id]) {
					list = append(list, cand{id, uint32(2*i) | growthsAt(d.base.insertion(id))&1})
				}
			}
		}
		slices.SortFunc(list, func(a, b cand) int { return int(a.id) - int(b.id) })
	}
	g := t.start
	for _, id := range t.inserted {
		g.count()
		list = append(list, cand{id, 2*d.shape[id].Index() | g.grown&1})
	}
	t.at = make([]uint32, 2*len(d.cands.head)+2)
	for _, c := range list {
		t.at[c.key+2]++ // two further on, so that at[k+1] counts up to at[k+1]'s place below
	}
	for i := 1; i < len(t.at); i++ {
		t.at[i] += t.at[i-1]
	}
	t.ids = make([]uint32, len(list))
	for _, c := range list {
		t.ids[t.at[c.key+1]] = c.id
		t.at[c.key+1]++
	}
}

// before returns the candidates of a shape, inserted at growths of this parity, whose ids are less than id.
func (t *timeline) before(sh graph.Shape, parity, id uint32) []uint32 {
	k := 2*sh.Index() | parity
	ids := t.ids[t.at[k]:t.at[k+1]]
	if len(ids) > 0 && ids[len(ids)-1] >= id {
		n, _ := slices.BinarySearch(ids, id)
		ids = ids[:n]
	}
	return ids
}

// check runs unit u and says whether the guess is right about it, if it is right about the units before.
func (w *walker) check(t *timeline, u int) bool {
	d, s := w.run, t.units[u]
	w.leads.unit = uint32(u)
	clear(w.leads.mine)
	w.lo, w.own = s.lo, sized(w.own, s.hi-s.lo)
	for i := range w.own {
		w.own[i] = node{}
		if !kindSet(compKinds).has(d.shape[s.lo+uint32(i)]) {
			w.own[i].m = d.node[s.lo+uint32(i)].m // as phase 2 left it
		}
	}
	done, _ := slices.BinarySearch(t.inserted, s.lo)
	g := t.start.after(uint32(done))
	for i := range w.own {
		id := s.lo + uint32(i)
		if !kindSet(compKinds).has(d.shape[id]) {
			continue
		}
		if w.own[i].m == 0 {
			if err := w.compositeAt(t, g.grown&1, id); err != nil {
				return false
			}
		}
		if w.own[i].m != d.node[id].m {
			return false
		}
		if w.own[i].m == id|final {
			g.count()
		}
	}
	return w.sameLeads(t)
}

// compositeAt is run.composite for a type whose candidates are in the timeline.
// Rule dedup/candidates.
func (w *walker) compositeAt(t *timeline, parity, id uint32) error {
	sh := w.shape[id]
	// Each growth turns a list round. So those that were inserted at growths of the same parity as now are at the head, the newest first, and
	// the others behind them the other way round.
	head, tail := t.before(sh, parity, id), t.before(sh, 1-parity, id)
	for i := range len(head) + len(tail) {
		var c uint32
		if i < len(head) {
			c = head[len(head)-1-i]
		} else {
			c = tail[i-len(head)]
		}
		if ok, err := w.mergeInto(id, c, len(head)+len(tail) > 1); ok || err != nil {
			return err
		}
	}
	w.own[id-w.lo].m = id | final
	return nil
}

// sameLeads says whether the unit's FWDs were led to what the guess says.
func (w *walker) sameLeads(t *timeline) bool {
	if int(t.leadsIn[w.leads.unit]) != len(w.leads.mine) {
		return false
	}
	for id, to := range w.leads.mine {
		k, ok := t.led[id]
		if !ok || k.unit != w.leads.unit || w.resolve(to)|final != w.run.node[k.to].m {
			return false
		}
	}
	return true
}

// placeOf returns the place in far of a type that is not own. Few of the types of other units are ever the canonical side; they get places one
// after the other, the same for all workers.
func (w *walker) placeOf(id uint32) uint32 {
	n := &w.run.node[id]
	p := atomic.LoadUint32(&n.h)
	if p == 0 {
		p = w.run.places.Add(1)
		if !atomic.CompareAndSwapUint32(&n.h, 0, p) {
			p = atomic.LoadUint32(&n.h)
		}
	}
	if int(p) >= len(w.far) {
		far := make([]uint64, max(int(p)+1, 2*len(w.far), 1<<12))
		copy(far, w.far)
		mem.Release(w.far) // many workers have one
		w.far = far
	}
	return p
}

// settle makes the guess the state after phase 3.
func (d *run) settle(t *timeline) {
	for id, k := range t.led {
		d.node[id].m = k.to
	}
	d.node[0].h = 0 // the final id of void, which compact leaves alone
}

// backTo makes the state what it was before unit u: the guess is right about all before.
func (d *run) backTo(t *timeline, u int) {
	lo := t.units[u].lo
	for id := range d.n {
		d.node[id].h = 0
		if id >= lo && kindSet(compKinds).has(d.shape[id]) {
			d.node[id].m = 0
		}
	}
	for id, k := range t.led {
		if k.unit < uint32(u) {
			d.node[id].m = k.to
		}
	}
	c := &d.cands
	c.growth, c.ent = t.start, c.ent[:t.entries]
	for i := range d.g.Shape {
		if sh := d.g.Shape[i]; kindSet(compKinds).has(sh) {
			c.head[sh.Index()] = list{}
		}
	}
	d.structs = d.structs[:0]
	for _, id := range t.inserted {
		if id < lo {
			l, _ := d.listOf(d.shape[id])
			d.insert(l, id)
		}
	}
}
