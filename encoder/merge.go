package encoder

import (
	"runtime/debug"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/convert"
	"github.com/gobtf/gobtf/internal/graph"
	"github.com/gobtf/gobtf/internal/mem"
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

	units    []btf.TypeID // first types of units, in the order of units
	funcs    chunks[state]
	params   [][]param           // by unit
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

func (c *chunks[T]) add(v T) {
	if c.n%chunkLen == 0 {
		c.list = append(c.list, make([]T, 0, chunkLen))
	}
	last := &c.list[len(c.list)-1]
	*last = append(*last, v)
	c.n++
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

// add appends a unit. entries is the function table of the unit's file.
// Rules order/types, types/array-index, units/order.
func (t *table) add(u *convert.Unit, entries *funcTable) error {
	t.notes = append(t.notes, u.Notes...)
	t.notesCut += u.MoreNotes
	if u.Left {
		t.left++
		t.logs = append(t.logs, nil)
		return nil
	}
	g := t.g
	first := uint32(g.Len())
	t.units = append(t.units, btf.TypeID(first))
	off := first - 1 // of a LocalID
	n := uint32(len(u.Shape))
	if !t.hasIndex {
		if u.FirstInt != 0 {
			t.indexID, t.hasIndex = off+uint32(u.FirstInt), true
		} else {
			t.indexID = first + n
		}
	}
	t.shapes.Ahead(g.Shape, len(u.Shape)+1)
	t.offs.Ahead(g.RefOff, len(u.Shape)+1)
	t.refs.Ahead(g.Refs, len(u.Refs))
	base := uint32(len(g.Refs))
	g.Shape = append(g.Shape, u.Shape...)
	for _, r := range u.RefOff[1:] {
		g.RefOff = append(g.RefOff, base+r)
	}
	g.Refs = append(g.Refs, u.Refs...)
	refs := g.Refs[base:]
	for i, r := range refs {
		switch r {
		case 0:
		case convert.ArrayIndex:
			refs[i] = t.indexID
		default:
			refs[i] = r + off
		}
	}
	t.trace.unit(t, u, off)
	t.hasArray = t.hasArray || u.HasArray
	log := append([]convert.LogEntry(nil), u.Log...)
	if t.hasArray && !t.hasIndex {
		id := uint32(g.Add(t.intShape))
		t.trace.types(t, id, g.Len())
		t.hasIndex = true
		log = t.logInt(log, u.Index, n+1)
	}
	t.logs = append(t.logs, log)
	t.addTail(u, off)
	t.addFuncs(u, off, entries)
	return nil
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

// addTail appends declaration tags and variables.
// Rule order/types.
func (t *table) addTail(u *convert.Unit, off uint32) {
	first := uint32(t.g.Len())
	next := 0
	for i, x := range u.Tail {
		ref := x.Ref
		switch {
		case ref&convert.TailRef != 0:
			ref = first + ref&^convert.TailRef
		case ref != 0:
			ref += off
		}
		id := t.g.Add(x.Shape, ref)
		if i == u.TypeTags {
			t.trace.functions(t, u)
			t.trace.search(u)
		}
		if next < len(u.Vars) && u.Vars[next].Tail == uint32(i) {
			v := &u.Vars[next]
			t.trace.variable(t, u, v, id)
			t.vars = append(t.vars, variable{id, v.Section, v.Offset, v.Size})
			next++
		} else {
			t.trace.types(t, uint32(id), t.g.Len())
		}
	}
	if len(u.Tail) == u.TypeTags {
		t.trace.functions(t, u)
		t.trace.search(u)
	}
}

func (t *table) addFuncs(u *convert.Unit, off uint32, entries *funcTable) {
	global := func(id convert.LocalID) btf.TypeID {
		if id == 0 {
			return 0
		}
		return btf.TypeID(uint32(id) + off)
	}
	t.explain.unit(u)
	var params []param
	if len(u.Params) > 0 {
		params = make([]param, len(u.Params))
		for i, p := range u.Params {
			params[i] = param{p.Name, global(p.Type)}
		}
	}
	unit := uint32(len(t.params))
	t.params = append(t.params, params)
	t.funcTags = append(t.funcTags, append([]convert.FuncTag(nil), u.FuncTags...))
	for i := range u.Funcs {
		f := &u.Funcs[i]
		t.funcs.add(state{addr: f.Addr, entry: &entries.entries[f.Func], ret: global(f.Ret), unit: unit, param: f.Param, nparm: f.NParm,
			tag: f.Tag, ntag: uint16(min(f.NTag, 0xffff)), flags: f.Flags})
	}
}

// manyTypes is from how many types on memory is worth giving back, which takes some milliseconds.
const manyTypes = 1 << 20

// dropFunctions forgets the saved functions, which have been written. In a vmlinux they are as much as what dedup is about to need.
func (t *table) dropFunctions() {
	t.funcs, t.params, t.funcTags = chunks[state]{}, nil, nil
	if len(t.g.Shape) >= manyTypes {
		debug.FreeOSMemory()
	}
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
