// Package dedup merges equal types of many units into one copy each, with
// exactly the result of libbpf 1.7.0's btf__dedup: the same types survive, in the
// same order, and every reference points to the same one of them.
//
// In: a graph.Graph of all units' types one after the other, without or on a base.
// Out: which entries survive, and under which ids. Strings are not its business.
//
// Before it: encoder, which fills the graph. After it: graph.Graph.Types, which copies
// the survivors.
//
// A result depends on the order in which candidates are tried and on comparisons
// that are not quite equivalences; both are kept on purpose (docs/rules/dedup.md). Comments in
// composite.go number the steps of the comparison of a new type a with a canonical b, in their order:
//
//	R1  what is merged already is equal
//	R2  if b is a FWD that has become something else, that stands for it
//	R3  if b was paired with another type before, that one and a must look the same
//	R4  suppose that a and b are equal, and note the pair
//	R5  names must be equal
//	R6  a FWD is equal to the struct or union that it declares
//	R7  kinds and contents must be equal, and then all references, pair by pair
//
// and what is done with each noted pair when the whole is equal:
//
//	M1  b, a FWD, becomes a
//	M2  nothing else, if the result rests on a FWD of the base
//	M3  a, a FWD, becomes b
//	M4  a, a struct or union that is not merged yet, becomes b
package dedup

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/graph"
	"github.com/gobtf/gobtf/internal/mem"
	"github.com/gobtf/gobtf/internal/parallel"
)

// Options chooses between the reference's behaviour and its repair.
type Options struct {
	// Quirks hides the base's typedefs, as libbpf 1.7.0 does: it files them under
	// one key and looks for them under another, so that every typedef of a module,
	// and what is built on it, is copied. Without a base it changes nothing.
	Quirks bool

	// Jobs is how many workers may run at once; 0 or 1: one. The result does not depend on it.
	Jobs int

	// Units holds where units begin in the graph, ascending: ids of their first types, and at last the id after
	// the last unit. Behind it are types that belong to no unit: no STRUCT, UNION or TYPEDEF. Types of units refer to types of
	// their own unit, to the base, and to types of the kinds INT, FLOAT and ENUM anywhere. Where that is not
	// so, and where Units is empty, one worker does all.
	Units []btf.TypeID

	// Stage is called when a stage begins, with its name and how many workers it has; nil: nobody wants to know.
	Stage func(name string, workers int)
}

func (o *Options) stage(name string, workers int) {
	if o.Stage != nil {
		o.Stage(name, workers)
	}
}

// What can be wrong with a graph.
var (
	// ErrLoop: a chain of pointers, modifiers, arrays and prototypes comes back to itself.
	ErrLoop = errors.New("reference loop")
	// ErrUnexpected: a struct, union or typedef reaches a VAR, DATASEC or DECL_TAG.
	ErrUnexpected = errors.New("kind is not allowed below a struct, union or typedef")
	// ErrKind: a type is of no kind that BTF has.
	ErrKind = errors.New("unknown kind")
	// ErrReference: a type refers to an id that does not exist.
	ErrReference = errors.New("reference to a type that does not exist")
	// ErrTooMany: ids do not fit into 30 bits.
	ErrTooMany = errors.New("too many types")
)

// Error says at which type dedup failed.
type Error struct {
	ID   btf.TypeID
	Kind btf.Kind
	Name string
	Err  error
}

func (e *Error) Error() string {
	return fmt.Sprintf("type %d (%s %q): %v", e.ID, e.Kind, e.Name, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Result is the outcome of a run.
type Result struct {
	// Keep holds the ids of the survivors in the graph, ascending. Survivor i gets
	// id i, plus the base's type count, or plus 1 without a base (void is not in Keep).
	Keep []btf.TypeID

	node  []node // by old id: m leads to a survivor or a base type, whose h is the final id
	units []span // see run.units
	right int    // see run.right
}

// NewID returns the final id of what was type id before dedup.
func (r *Result) NewID(id btf.TypeID) btf.TypeID {
	for {
		n := r.node[id]
		to := btf.TypeID(n.m &^ final)
		if to == id {
			return btf.TypeID(n.h)
		}
		id = to
	}
}

// Run merges g's types. base is what g was built on, nil when g.Start is 0.
//
// g is used up: afterwards the references of the survivors in g.Refs are final
// ids, and the other types' references are meaningless. Every type of g must have
// as many references as its shape says.
// Rule dedup/phases.
func Run(g *graph.Graph, base *Base, opt Options) (res *Result, err error) {
	opt.stage("basic types", 1)
	d, err := newRun(g, base, opt)
	if err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			if err = d.checkRefs(); err == nil {
				panic(p)
			}
		}
	}()
	if err := d.prims(opt); err != nil {
		return nil, err
	}
	if err := d.compositesOf(opt); err != nil {
		return nil, err
	}
	d.forwards()
	if err := d.referencesOf(opt); err != nil {
		return nil, err
	}
	opt.stage("numbers", 1)
	return d.compact(opt), nil
}

const (
	// final marks an entry of run.m that never changes any more.
	final = 1 << 31
	// busy is a type that phase 5 is working on. It is no id.
	busy = 1<<31 - 1
	// maxID leaves the upper two bits of an id to marks.
	maxID = 1<<30 - 1
	// lazy is the shape of a base type that nobody has looked at yet. No kind has it.
	lazy = graph.Shape(1<<32 - 1)
)

// node is what is known about a type.
type node struct {
	// m says what it was merged into: 0 not yet known; id | final: that type, for good;
	// id: follow that one's entry (the type's own id: itself, for now).
	m uint32
	// h is, during one comparison, the type of the new side that this type of the
	// canonical side stands for, with the mark final; 0 outside of comparisons. At the
	// end it is the final id. While units are checked it numbers types for walker.far, and
	// before that it is a colour (see painter) and the number of a class (see twins).
	h uint32
}

// run is the state of one dedup. Arrays with an entry per type are indexed by id,
// base types included.
type run struct {
	g      *graph.Graph
	shapes *graph.Shapes
	start  uint32 // first own id
	n      uint32 // ids are less than it
	base   *Base
	quirks bool

	node  []node
	shape []graph.Shape
	off   []uint32 // the references of id are refs[off[id]:]; own ones end at off[id+1]
	refs  []uint32

	cands candidates
	all   walker // over all types at once

	units  []span        // nil: one worker does all
	right  int           // units that were guessed right, for tests
	places atomic.Uint32 // that walkers use, see walker.placeOf

	plain   bool     // on a base: no type of the graph that a comparison may come to refers to one that it may not come to
	strOff  []uint32 // by StrID: see baseOffset
	meta    []uint64 // by shape index: name and info, see nameInfo; loaded and stored atomically
	fwds    []uint32 // own FWDs that phase 2 kept
	structs []uint32 // own STRUCTs and UNIONs that phase 3 kept
	words   []uint32 // scratch: a record in the base's words
	content []uint32 // scratch: the content it is made of, or that of a type of the base
	none    []uint32 // scratch: references that do not count
}

func newRun(g *graph.Graph, base *Base, opt Options) (*run, error) {
	if (base == nil) != (g.Start == 0) || base != nil && int(g.Start) != base.Len() {
		return nil, fmt.Errorf("graph starts at id %d, which is not its base's type count", g.Start)
	}
	if uint64(g.Start)+uint64(len(g.Shape)) > maxID {
		return nil, fmt.Errorf("%w: %d", ErrTooMany, uint64(g.Start)+uint64(len(g.Shape)))
	}
	d := &run{
		g: g, shapes: g.Shapes, start: uint32(g.Start), n: uint32(g.Len()), base: base, quirks: opt.Quirks,
		shape: g.Shape, off: g.RefOff, refs: g.Refs,
	}
	d.node = make([]node, d.n)
	const part = 1 << 18
	parallel.Must(opt.Jobs, int(d.n/part)+1, func(_, i int) {
		mem.Populate(d.node[i*part : min((i+1)*part, len(d.node))])
	})
	d.cands.head = make([]list, d.shapes.Len())
	d.meta = make([]uint64, d.shapes.Len())
	d.cands.next = 1
	d.all = walker{run: d, own: d.node}
	if base != nil {
		d.onBase()
	} else {
		d.node[0].m = 0 | final
	}
	return d, nil
}

// checkRefs looks for a reference that leads out of the arrays. Doing so in advance
// would cost a fiftieth of the time, so Run does it when that has happened.
func (d *run) checkRefs() error {
	for i := range d.g.Shape {
		for _, r := range d.g.Refs[d.g.RefOff[i]:d.g.RefOff[i+1]] {
			if r >= d.n {
				return d.fail(d.start+uint32(i), fmt.Errorf("%w: %d", ErrReference, r))
			}
		}
	}
	return nil
}

func (d *run) fail(id uint32, err error) error {
	sh := d.shapeOf(id)
	return &Error{ID: btf.TypeID(id), Kind: sh.Kind(), Name: d.shapes.Strs.String(d.shapes.Name(sh)), Err: err}
}

// resolve is walker.resolve after phase 3.
func (d *run) resolve(id uint32) uint32 { return d.all.resolve(id) }

// nameInfo returns the name and the info word of a shape. Only comparisons of
// different shapes need them, so they are fetched once each from the big table.
func (d *run) nameInfo(sh graph.Shape) (graph.StrID, uint32) {
	i := sh.Index()
	if int(i) >= len(d.meta) { // a base type's, interned during this run
		c := d.shapes.Content(sh)
		return graph.StrID(c[1]), c[0]
	}
	v := atomic.LoadUint64(&d.meta[i])
	if v == 0 {
		c := d.shapes.Content(sh)
		v = uint64(c[1])<<32 | uint64(c[0])
		atomic.StoreUint64(&d.meta[i], v) // the same, whoever does it
	}
	return graph.StrID(v >> 32), uint32(v)
}

// shapeOf returns the shape of any type, base types included.
func (d *run) shapeOf(id uint32) graph.Shape {
	if s := d.shape[id]; s != lazy {
		return s
	}
	return d.load(id, 0)
}

// refsOf returns the references of any type.
func (d *run) refsOf(id uint32) []uint32 {
	if id >= d.start {
		return d.refs[d.off[id]:d.off[id+1]]
	}
	sh := d.shapeOf(id)
	return d.refs[d.off[id]:][:d.numRefs(sh)]
}

// numRefs returns how many references a type of this shape has.
func (d *run) numRefs(sh graph.Shape) uint32 {
	_, info := d.nameInfo(sh)
	return uint32(btf.NumRefs(info))
}

// kindSet is a set of kinds.
type kindSet uint32

func (s kindSet) has(sh graph.Shape) bool { return s>>(uint32(sh)>>27)&1 != 0 }

const (
	primKinds = 1<<btf.Int | 1<<btf.Float | 1<<btf.Fwd | enumKinds
	enumKinds = 1<<btf.Enum | 1<<btf.Enum64
	tagKinds  = 1<<btf.Struct | 1<<btf.Union
	// chainKinds have one reference, which a comparison follows.
	chainKinds = 1<<btf.Ptr | 1<<btf.Const | 1<<btf.Typedef | 1<<btf.Volatile | 1<<btf.Restrict | 1<<btf.Func | 1<<btf.TypeTag
	compKinds  = tagKinds | 1<<btf.Typedef
	selfKinds  = 1<<btf.Var | 1<<btf.Datasec // never merged, never candidates
	refKinds   = 1<<btf.Const | 1<<btf.Volatile | 1<<btf.Restrict | 1<<btf.Ptr | 1<<btf.Func |
		1<<btf.TypeTag | 1<<btf.DeclTag | 1<<btf.Array | 1<<btf.FuncProto
)
