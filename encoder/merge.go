package encoder

import (
	"runtime/debug"
	"slices"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/convert"
	"github.com/gobtf/gobtf/internal/graph"
	"github.com/gobtf/gobtf/internal/mem"
	"github.com/gobtf/gobtf/internal/parallel"
)

// table is what units become one after the other: the list of all types before
// dedup, and what waits until the last unit: functions, variables, the log of
// string additions. One goroutine at a time uses it.
type table struct {
	g    *graph.Graph
	strs *graph.Strings

	// g's slices have room for all units and become resident as they fill
	shapes mem.Grower[graph.Shape]
	offs   mem.Grower[uint32]
	refs   mem.Grower[uint32]

	// index type of arrays (rule types/array-index)
	indexID  uint32
	hasIndex bool
	hasArray bool
	intName  graph.StrID
	intShape graph.Shape

	tables   []*funcTable    // of the files
	sorted   chan []funcName // of the first of them; nil: nobody sorts
	units    []btf.TypeID    // first types of units, in the order of units
	funcs    chunks[state]
	params   [][]param // by unit, parts of paramMem
	paramMem pieces[param]
	funcTags [][]convert.FuncTag // by unit
	vars     []variable
	logs     [][]convert.LogEntry // by unit
	late     []graph.StrID        // strings added after the last unit
	left     int                  // units that were filtered
	notes    []convert.Note
	notesCut int // beyond those that a unit keeps
	trace    *tracer
	explain  *explainer
}

// param is a parameter of a saved function, by the id that its type has now.
type param struct {
	name graph.StrID
	typ  btf.TypeID
}

// state is a saved function.
type state struct {
	addr  uint64
	entry *funcEntry
	ret   btf.TypeID
	unit  uint32 // of table.params and table.funcTags
	param uint32
	tag   uint32
	nparm uint32
	ntag  uint16
	flags convert.FuncFlags
}

// chunks is a list that grows without moving: a vmlinux has a million saved functions,
// and copying them to a larger place costs as much as making them.
type chunks[T any] struct {
	list [][]T
	n    int
}

const chunkLen = 1 << 12

// extend appends so many zero values.
func (c *chunks[T]) extend(n int) {
	for c.n += n; len(c.list)*chunkLen < c.n; {
		c.list = append(c.list, make([]T, chunkLen))
	}
}

// release forgets the list and gives its memory back at once.
func (c *chunks[T]) release(jobs int) {
	parallel.Must(jobs, len(c.list), func(_, i int) { mem.Release(c.list[i]) })
	*c = chunks[T]{}
}

// pieces is memory for many slices that are released together.
type pieces[T any] struct {
	chunks[T]
	free []T // of the last chunk
}

// take returns a slice of n zero values.
func (p *pieces[T]) take(n int) []T {
	if n > len(p.free) {
		p.free = make([]T, max(n, 16*chunkLen))
		p.list = append(p.list, p.free)
	}
	s := p.free[:n:n]
	p.free = p.free[n:]
	return s
}

func (c *chunks[T]) at(i uint32) *T { return &c.list[i/chunkLen][i%chunkLen] }

func (t *table) paramsOf(s *state) []param { return t.params[s.unit][s.param : s.param+s.nparm] }

// variable is a VAR and where it is.
type variable struct {
	id           btf.TypeID
	section      int32
	offset, size uint32
}

func newTable(shapes *graph.Shapes, start btf.TypeID, types, refs int) *table {
	t := &table{g: graph.NewGraph(shapes, start, types, refs), strs: shapes.Strs}
	t.intName = t.strs.InternString("int")
	t.intShape = shapes.Intern([]uint32{btf.InfoWord(btf.Int, 0, false), uint32(t.intName), 4, 1<<24 | 32})
	return t
}

// spot is where in the table a unit goes. Spots are given in the order of units (place), and filled in any order and at the same time
// (fill): no two have anything in common.
type spot struct {
	u       *convert.Unit
	entries *funcTable // of the unit's file

	first, index uint32 // ids: of the unit's first type, of the index type of arrays
	withInt      bool   // "int" comes behind the unit's types, as the index type of arrays

	// of the types, of those that come behind them and of the references
	shape   []graph.Shape
	end     []uint32 // where references end, for each type
	refs    []uint32
	refBase uint32 // where they begin
	ahead   func() // makes memory resident; nil: it is

	// of the saved functions
	states   chunks[state]
	state    uint32 // number of the first
	unit     uint32
	params   []param
	funcTags *[]convert.FuncTag

	log *[]convert.LogEntry
}

// expect makes room for what is kept by unit. It is called before units are placed and filled on several workers.
func (t *table) expect(units int) {
	t.units = slices.Grow(t.units, units+1) // and one that is behind them all
	t.logs = slices.Grow(t.logs, units)
	t.params = slices.Grow(t.params, units)
	t.funcTags = slices.Grow(t.funcTags, units)
}

// place gives a unit its ids and appends its variables. It returns nil for a unit that was left out.
// Rules order/types, types/array-index, units/order.
func (t *table) place(u *convert.Unit, entries *funcTable) *spot {
	t.notes = append(t.notes, u.Notes...)
	t.notesCut += u.MoreNotes
	t.logs = append(t.logs, nil)
	if u.Left {
		t.left++
		return nil
	}
	g := t.g
	s := &spot{u: u, entries: entries, first: uint32(g.Len()), unit: uint32(len(t.params)), log: &t.logs[len(t.logs)-1]}
	n := len(u.Shape)
	if !t.hasIndex {
		if u.FirstInt != 0 {
			t.indexID, t.hasIndex = s.first-1+uint32(u.FirstInt), true
		} else {
			t.indexID = s.first + uint32(n)
		}
	}
	s.index = t.indexID
	t.hasArray = t.hasArray || u.HasArray
	if t.hasArray && !t.hasIndex {
		s.withInt, t.hasIndex = true, true
		n++
	}
	for i := range u.Vars {
		v := &u.Vars[i]
		t.vars = append(t.vars, variable{btf.TypeID(s.first + uint32(n) + v.Tail), v.Section, v.Offset, v.Size})
	}
	t.take(s, n+len(u.Tail), len(u.Refs)+len(u.Tail))
	s.state = uint32(t.funcs.n)
	t.funcs.extend(len(u.Funcs))
	s.states = t.funcs
	t.units = append(t.units, btf.TypeID(s.first))
	s.params = t.paramMem.take(len(u.Params))
	t.params, t.funcTags = append(t.params, s.params), append(t.funcTags, nil)
	s.funcTags = &t.funcTags[s.unit]
	return s
}

// fits tells whether there is room for a unit. Where there is none, place moves what is there, so that nothing may be being filled then.
func (t *table) fits(u *convert.Unit) bool {
	g, types, refs := t.g, len(u.Shape)+1+len(u.Tail), len(u.Refs)+len(u.Tail)
	return len(g.Shape)+types <= cap(g.Shape) && len(g.RefOff)+types <= cap(g.RefOff) && len(g.Refs)+refs <= cap(g.Refs)
}

// take gives s room for so many types and references.
func (t *table) take(s *spot, types, refs int) {
	g := t.g
	g.Shape, g.RefOff, g.Refs = slices.Grow(g.Shape, types), slices.Grow(g.RefOff, types), slices.Grow(g.Refs, refs)
	s.ahead = t.ahead(types, refs)
	i, j, k := len(g.Shape), len(g.RefOff), len(g.Refs)
	g.Shape, g.RefOff, g.Refs = g.Shape[:i+types], g.RefOff[:j+types], g.Refs[:k+refs]
	s.shape, s.end, s.refs, s.refBase = g.Shape[i:], g.RefOff[j:], g.Refs[k:], uint32(k)
}

// ahead returns what makes the memory for so many types and references resident, and some more; nil: it is.
func (t *table) ahead(types, refs int) func() {
	shapes := t.shapes.Ahead(t.g.Shape, types)
	offs := t.offs.Ahead(t.g.RefOff, types)
	more := t.refs.Ahead(t.g.Refs, refs)
	if shapes == nil && offs == nil && more == nil {
		return nil
	}
	return func() {
		mem.Populate(shapes)
		mem.Populate(offs)
		mem.Populate(more)
	}
}

// fill writes a unit where place said. Many goroutines may do that for different units.
// Rule types/array-index.
func (t *table) fill(s *spot) {
	if s.ahead != nil {
		s.ahead()
	}
	u, off, n := s.u, s.first-1, len(s.u.Shape) // off turns a LocalID into an id
	copy(s.shape, u.Shape)
	for i, r := range u.RefOff[1:] {
		s.end[i] = s.refBase + r
	}
	refs := s.refs[:len(u.Refs)]
	for i, r := range u.Refs {
		switch r {
		case 0:
			refs[i] = 0
		case convert.ArrayIndex:
			refs[i] = s.index
		default:
			refs[i] = r + off
		}
	}
	log := append([]convert.LogEntry(nil), u.Log...)
	if s.withInt {
		s.shape[n], s.end[n] = t.intShape, s.refBase+uint32(len(refs))
		log = t.logInt(log, u.Index, uint32(n)+1)
		n++
	}
	*s.log = log
	s.fillTail(n, off)
	s.fillFuncs(off)
}

// fillTail writes declaration tags and variables, from the n-th type on.
// Rule order/types.
func (s *spot) fillTail(n int, off uint32) {
	tail := s.first + uint32(n)
	for i, x := range s.u.Tail {
		ref := x.Ref
		switch {
		case ref&convert.TailRef != 0:
			ref = tail + ref&^convert.TailRef
		case ref != 0:
			ref += off
		}
		k := len(s.u.Refs) + i
		s.shape[n+i], s.refs[k], s.end[n+i] = x.Shape, ref, s.refBase+uint32(k)+1
	}
}

func (s *spot) fillFuncs(off uint32) {
	u := s.u
	global := func(id convert.LocalID) btf.TypeID {
		if id == 0 {
			return 0
		}
		return btf.TypeID(uint32(id) + off)
	}
	for i, p := range u.Params {
		s.params[i] = param{p.Name, global(p.Type)}
	}
	*s.funcTags = append([]convert.FuncTag(nil), u.FuncTags...)
	for i := range u.Funcs {
		f := &u.Funcs[i]
		*s.states.at(s.state + uint32(i)) = state{addr: f.Addr, entry: &s.entries.entries[f.Func], ret: global(f.Ret), unit: s.unit,
			param: f.Param, nparm: f.NParm, tag: f.Tag, ntag: uint16(min(f.NTag, 0xffff)), flags: f.Flags}
	}
}

// traced tells whether somebody wants to be told of each unit, in order.
func (t *table) traced() bool { return t.trace != nil || t.explain != nil }

// traceUnit tells of a unit that was filled.
func (t *table) traceUnit(s *spot) {
	u, next := s.u, s.first+uint32(len(s.u.Shape))
	t.trace.unit(t, u, s.first-1, btf.TypeID(next))
	if s.withInt {
		t.trace.types(t, next, btf.TypeID(next+1))
		next++
	}
	vars := u.Vars
	for i := range u.Tail {
		id := btf.TypeID(next + uint32(i))
		if i == u.TypeTags {
			t.trace.search(t, u)
		}
		if len(vars) > 0 && vars[0].Tail == uint32(i) {
			t.trace.variable(t, u, &vars[0], id)
			vars = vars[1:]
		} else {
			t.trace.types(t, uint32(id), id+1)
		}
	}
	if len(u.Tail) == u.TypeTags {
		t.trace.search(t, u)
	}
	t.explain.unit(u)
}

// logInt notes that "int" was added behind a unit's types, for arrays' index type.
// Rule types/array-index.
func (t *table) logInt(log []convert.LogEntry, unit int, pos uint32) []convert.LogEntry {
	if !t.strs.Lower(t.intName, place(unit, pos)) {
		return log
	}
	i := 0
	for i < len(log) && log[i].Pos < pos {
		i++
	}
	log = append(log, convert.LogEntry{})
	copy(log[i+1:], log[i:])
	log[i] = convert.LogEntry{Pos: pos, What: convert.LogString | uint32(t.intName)}
	return log
}

func place(unit int, pos uint32) uint64 { return uint64(unit)<<32 | uint64(pos) }

// manyTypes is from how many types on it is worth to collect garbage, which takes some milliseconds.
const manyTypes = 1 << 20

// collect collects the garbage of the conversion, where there is much: what workers had, and units.
func collect(types int) {
	if types >= manyTypes {
		debug.FreeOSMemory()
	}
}

// dropFunctions forgets the saved functions, which have been written. In a vmlinux they are as much as what dedup is about to need.
func (t *table) dropFunctions(jobs int) {
	t.funcs.release(jobs)
	t.paramMem.release(jobs)
	t.params, t.funcTags, t.tables = nil, nil, nil
}

// addStrings adds all strings in the order in which the reference adds them: per
// unit as logged, then what came after the last unit. A log entry that a smaller
// place undercut later is passed over: what it added had been added before.
// Rule order/strings.
func (t *table) addStrings(sec *graph.StringSection) {
	for unit, log := range t.logs {
		for _, e := range log {
			if e.What&convert.LogString != 0 {
				if id := graph.StrID(e.What &^ convert.LogString); t.strs.First(id) == place(unit, e.Pos) {
					sec.Add(id)
				}
				continue
			}
			if sh := graph.Shape(e.What); t.g.Shapes.First(sh) == place(unit, e.Pos) {
				sec.AddContent(t.g.Shapes.Content(sh))
			}
		}
	}
	for _, id := range t.late {
		sec.Add(id)
	}
}
