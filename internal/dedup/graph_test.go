package dedup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/graph"
)

// ty is one type of a test input, from which both a graph and records are made.
type ty struct {
	kind  btf.Kind
	name  string
	kflag bool
	vlen  int // of a FUNC: its linkage; of the rest: len(names), see info
	size  uint32
	refs  []uint32
	names []string // of members, values, parameters
	words []uint32 // what the kind has besides: offsets, values, nelems, data word ...
}

func (t ty) info() uint32 {
	n := len(t.names)
	switch t.kind {
	case btf.Func:
		n = t.vlen
	case btf.Datasec:
		n = len(t.refs)
	}
	return btf.InfoWord(t.kind, n, t.kflag)
}

// record is the type as it stands in a file.
func (t ty) record(off func(string) uint32) []uint32 {
	r := []uint32{off(t.name), t.info(), t.size}
	switch t.kind {
	case btf.Array:
		return append(r, t.refs[0], t.refs[1], t.words[0])
	case btf.Struct, btf.Union:
		for i, n := range t.names {
			r = append(r, off(n), t.refs[i], t.words[i])
		}
	case btf.Enum:
		for i, n := range t.names {
			r = append(r, off(n), t.words[i])
		}
	case btf.Enum64:
		for i, n := range t.names {
			r = append(r, off(n), t.words[i], 0)
		}
	case btf.FuncProto:
		r[2] = t.refs[0]
		for i, n := range t.names {
			r = append(r, off(n), t.refs[i+1])
		}
	case btf.Datasec:
		for i, ref := range t.refs {
			r = append(r, ref, t.words[2*i], t.words[2*i+1])
		}
	default:
		if len(t.refs) > 0 {
			r[2] = t.refs[0]
		}
		r = append(r, t.words...)
	}
	return r
}

// content is the type as graph.Shapes has it.
func (t ty) content(s *graph.Strings) []uint32 {
	str := func(n string) uint32 { return uint32(s.InternString(n)) }
	c := []uint32{t.info(), str(t.name), t.size}
	switch t.kind {
	case btf.Struct, btf.Union, btf.Enum:
		for i, n := range t.names {
			c = append(c, str(n), t.words[i])
		}
	case btf.Enum64:
		for i, n := range t.names {
			c = append(c, str(n), t.words[i], 0)
		}
	case btf.FuncProto:
		for _, n := range t.names {
			c = append(c, str(n))
		}
	default:
		c = append(c, t.words...)
	}
	return c
}

// input is a whole run's. Ids of own types follow the base's; base[0] is void.
type input struct {
	base   [][]uint32
	strs   []byte // the base's
	own    []ty
	units  []btf.TypeID // where units begin, and where the last one ends
	quirks bool
}

func (in *input) start() uint32 { return uint32(len(in.base)) }

// strTab is a string section that grows.
type strTab struct {
	sect []byte
	at   map[string]uint32
}

func newStrTab(sect []byte) *strTab {
	t := &strTab{sect: append([]byte{}, sect...), at: map[string]uint32{"": 0}}
	if len(sect) == 0 {
		t.sect = []byte{0}
	}
	for off := 0; off < len(t.sect); {
		s := cstr(t.sect[off:])
		if _, ok := t.at[s]; !ok {
			t.at[s] = uint32(off)
		}
		off += len(s) + 1
	}
	return t
}

func cstr(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

func (t *strTab) add(s string) uint32 {
	off := uint32(len(t.sect))
	t.sect = append(append(t.sect, s...), 0)
	t.at[s] = off
	return off
}

func (t *strTab) off(s string) uint32 {
	if off, ok := t.at[s]; ok {
		return off
	}
	return t.add(s)
}

func (in *input) model(broken string) *model {
	d := &model{start: in.start(), quirks: in.quirks, broken: broken}
	for _, r := range in.base {
		d.rec = append(d.rec, append([]uint32(nil), r...))
	}
	if in.base == nil {
		d.rec = append(d.rec, nil)
	} else {
		d.rec[0] = nil
	}
	tab := newStrTab(in.strs)
	for _, t := range in.own {
		d.rec = append(d.rec, t.record(tab.off))
	}
	return d
}

// shapes is shared by all inputs, as by the modules of a batch: a table of its own
// for each took most of the time.
var shapes = sync.OnceValue(func() *graph.Shapes { return graph.NewShapes(graph.NewStrings()) })

func (in *input) graph() (*graph.Graph, *Base) {
	var b *Base
	if in.base != nil {
		var words []uint32
		for _, r := range in.base[1:] {
			words = append(words, r...)
		}
		types, err := btf.New(words, in.strs, nil, binary.LittleEndian)
		if err != nil {
			panic(err) // the generator made it
		}
		b = NewBase(types)
	}
	s := shapes()
	g := graph.NewGraph(s, btf.TypeID(in.start()), len(in.own), 0)
	for _, t := range in.own {
		g.Add(s.Intern(t.content(s.Strs)), t.refs...)
	}
	return g, b
}

// compare runs both, by one worker and by several, and says where they differ. It returns the model, too.
func (in *input) compare() (*model, error) {
	d := in.model("")
	want := d.run()
	for _, jobs := range []int{1, 3} {
		if err := in.compareTo(d, want, jobs); err != nil {
			return d, fmt.Errorf("%d workers: %w", jobs, err)
		}
	}
	return d, nil
}

func init() {
	parallelJobs, parallelTypes, parallelBase, unitTypes, primWorkers = 2, 0, 0, 1, 2
}

// guessed counts runs by several workers: of how many the guess was right, wrong from the first unit on, and wrong from a later one on.
var guessed struct{ right, first, later atomic.Int64 }

func (in *input) compareTo(d *model, want error, jobs int) error {
	g, b := in.graph()
	res, err := Run(g, b, Options{Quirks: in.quirks, Jobs: jobs, Units: in.units})
	if err == nil && jobs > 1 && len(in.units) > 2 {
		switch res.right {
		case len(in.units) - 1:
			guessed.right.Add(1)
		case 0:
			guessed.first.Add(1)
		default:
			guessed.later.Add(1)
		}
	}
	switch {
	case want == errModelLoop && errors.Is(err, ErrLoop), want == errModelKind && errors.Is(err, ErrUnexpected):
		return nil
	case want != nil || err != nil:
		return fmt.Errorf("error %v, model has %v", err, want)
	}
	keep, now := d.keep()
	if len(keep) != len(res.Keep) {
		return fmt.Errorf("keeps %v, model %v", res.Keep, keep)
	}
	for id := range now {
		if got := res.NewID(btf.TypeID(id)); uint32(got) != now[id] {
			return fmt.Errorf("type %d becomes %d, model says %d", id, got, now[id])
		}
	}
	for i, id := range res.Keep {
		if uint32(id) != keep[i] {
			return fmt.Errorf("keeps %v, model %v", res.Keep, keep)
		}
		entry := id - g.Start
		refs := g.Refs[g.RefOff[entry]:g.RefOff[entry+1]]
		r := d.rec[id]
		for j, at := range refsAt(r) {
			if now[r[at]] != refs[j] {
				return fmt.Errorf("reference %d of type %d is %d, model says %d", j, id, refs[j], now[r[at]])
			}
		}
	}
	return nil
}

// gen makes random inputs. All of them are small and repeat themselves a lot, so
// that the odd rules meet.
type gen struct {
	*rand.Rand
	odd float64 // how often a reference breaks the rules of C
}

func newGen(seed uint64) *gen {
	g := &gen{Rand: rand.New(rand.NewPCG(seed, 1))}
	if g.IntN(8) == 0 {
		g.odd = 0.01
	}
	return g
}

func pick[T any](g *gen, of ...T) T { return of[g.IntN(len(of))] }

func (g *gen) p(f float64) bool { return g.Float64() < f }

func (g *gen) tag() string { return pick(g, "A", "B", "C", "D", "") }

func (g *gen) structOf(k btf.Kind, name string) ty {
	t := ty{kind: k, name: name, kflag: g.p(0.05)}
	for i := range g.IntN(4) {
		t.names = append(t.names, pick(g, "a", "a", "a", "b"))
		t.words = append(t.words, uint32(i)*32)
		t.refs = append(t.refs, 0)
	}
	t.size = uint32(4 * len(t.names))
	return t
}

func (g *gen) one() ty {
	switch k := pick(g, btf.Int, btf.Ptr, btf.Ptr, btf.Ptr, btf.Struct, btf.Struct, btf.Struct, btf.Union, btf.Fwd, btf.Fwd, btf.Typedef, btf.Typedef,
		btf.Const, btf.Volatile, btf.Restrict, btf.Array, btf.Array, btf.Enum, btf.Enum, btf.Enum64, btf.FuncProto, btf.FuncProto, btf.Func, btf.Float, btf.Var, btf.DeclTag, btf.TypeTag); k {
	case btf.Int:
		return ty{kind: k, name: pick(g, "int", "long"), size: 4, words: []uint32{pick[uint32](g, 32, 1<<24|32)}}
	case btf.Float:
		return ty{kind: k, name: "double", size: pick[uint32](g, 4, 8)}
	case btf.Struct, btf.Union:
		return g.structOf(k, g.tag())
	case btf.Fwd:
		return ty{kind: k, name: pick(g, "A", "B", "C", "D"), kflag: g.p(0.2)}
	case btf.Typedef:
		return ty{kind: k, name: pick(g, "A", "t", "u"), refs: []uint32{0}}
	case btf.Enum, btf.Enum64:
		t := ty{kind: k, name: pick(g, "A", "e", "e", "f", ""), size: pick[uint32](g, 4, 8), kflag: g.p(0.1)}
		if !g.p(0.3) {
			t.names, t.words = []string{"x"}, []uint32{uint32(g.IntN(3))}
		}
		return t
	case btf.Array:
		return ty{kind: k, refs: []uint32{0, 0}, words: []uint32{pick[uint32](g, 2, 2, 3)}}
	case btf.FuncProto:
		t := ty{kind: k, refs: []uint32{0}}
		for range g.IntN(3) {
			t.names = append(t.names, pick(g, "p", "q"))
			t.refs = append(t.refs, 0)
		}
		return t
	case btf.Func:
		return ty{kind: k, name: pick(g, "fn", "fm"), vlen: g.IntN(2), refs: []uint32{0}}
	case btf.Var:
		return ty{kind: k, name: pick(g, "v", "w"), refs: []uint32{0}, words: []uint32{1}}
	case btf.DeclTag:
		return ty{kind: k, name: "tag", refs: []uint32{0}, words: []uint32{^uint32(0)}}
	case btf.TypeTag:
		return ty{kind: k, name: "user", refs: []uint32{0}}
	default:
		return ty{kind: k, refs: []uint32{0}}
	}
}

// unit is types whose references are to places in the same unit, 1 and up; 0 is void.
type unit []ty

// aim gives reference i of type n a target that a compiler could have given it.
func (g *gen) aim(u unit, n, i int) {
	k := u[n].kind
	if g.p(g.odd) {
		u[n].refs[i] = uint32(g.IntN(len(u) + 1))
		return
	}
	for range 20 {
		to := g.IntN(len(u) + 1)
		u[n].refs[i] = uint32(to)
		if to == 0 {
			if k != btf.Struct && k != btf.Union && k != btf.Array {
				return
			}
			continue
		}
		tk := u[to-1].kind
		named := kindSet(compKinds|primKinds)>>tk&1 != 0 && tk != btf.Typedef
		switch {
		case tk == btf.Var || tk == btf.DeclTag || tk == btf.Func && k != btf.DeclTag:
			continue
		case k == btf.Struct || k == btf.Union, k == btf.Var, k == btf.DeclTag, k == btf.Func && tk == btf.FuncProto:
			return
		case k == btf.Func:
			continue
		case named || to-1 < n: // no chain that never ends
			return
		}
	}
	u[n].refs[i] = 0
}

func (g *gen) unit(n int) unit {
	u := make(unit, n)
	for i := range u {
		u[i] = g.one()
	}
	for i := range u {
		for j := range u[i].refs {
			g.aim(u, i, j)
		}
	}
	return u
}

// variant is a copy of a unit as another source file would have it: with forwards
// where there were definitions and the other way round, with doubles, in another order.
func (g *gen) variant(u unit) unit {
	v := make(unit, len(u))
	for i, t := range u {
		t.refs = append([]uint32(nil), t.refs...)
		t.words = append([]uint32(nil), t.words...)
		v[i] = t
	}
	change := pick(g, 0, 0.03, 0.1, 0.3)
	for i := range v {
		t := &v[i]
		if !g.p(change) {
			continue
		}
		switch t.kind {
		case btf.Struct, btf.Union:
			if t.name != "" && g.p(0.6) {
				*t = ty{kind: btf.Fwd, name: t.name, kflag: t.kind == btf.Union}
			} else if len(t.refs) > 0 {
				g.aim(v, i, g.IntN(len(t.refs)))
			}
		case btf.Fwd:
			k := btf.Struct
			if t.kflag {
				k = btf.Union
			}
			*t = g.structOf(k, t.name)
			for j := range t.refs {
				g.aim(v, i, j)
			}
		case btf.Enum, btf.Enum64:
			if g.p(0.6) {
				t.names, t.words = nil, nil
			} else {
				t.names, t.words = []string{"x"}, []uint32{uint32(g.IntN(3))}
			}
		case btf.Array:
			if g.p(0.5) {
				t.words[0] = pick[uint32](g, 2, 3)
			} else {
				g.aim(v, i, g.IntN(2))
			}
		default:
			if len(t.refs) > 0 {
				g.aim(v, i, g.IntN(len(t.refs)))
			}
		}
	}
	if g.p(0.3) { // doubles
		for range 1 + g.IntN(4) {
			of := g.IntN(len(v))
			t := v[of]
			t.refs = append([]uint32(nil), t.refs...)
			v = append(v, t)
			for i := range v {
				for j := range v[i].refs {
					if v[i].refs[j] == uint32(of+1) && g.p(0.5) {
						v[i].refs[j] = uint32(len(v))
					}
				}
			}
		}
	}
	if g.p(0.3) {
		perm := g.Perm(len(v))
		w := make(unit, len(v))
		for i, t := range v {
			for j, r := range t.refs {
				if r > 0 {
					t.refs[j] = uint32(perm[r-1] + 1)
				}
			}
			w[perm[i]] = t
		}
		v = w
	}
	return v
}

// units returns several units one behind the other, and the ids where they begin and end. Ids before start are a base's.
func (g *gen) units(start, most int) (all []ty, at []btf.TypeID) {
	roots := []unit{g.unit(3 + g.IntN(most))}
	if g.p(0.3) {
		roots = append(roots, g.unit(3+g.IntN(most)))
	}
	into := 0.
	if g.p(0.2) {
		into = 0.1
	}
	for range 1 + g.IntN(8) {
		u := g.variant(pick(g, roots...))
		if g.p(0.3) {
			roots = append(roots, u)
		}
		first := uint32(max(start, 1) + len(all))
		at = append(at, btf.TypeID(first))
		for _, t := range u {
			t.refs = append([]uint32(nil), t.refs...)
			for j, r := range t.refs {
				switch {
				case r == 0:
				case g.p(into) && start > 1 && (t.kind == btf.Struct || t.kind == btf.Typedef || t.kind == btf.Ptr):
					t.refs[j] = 1 + uint32(g.IntN(start-1))
				default:
					t.refs[j] = first + r - 1
				}
			}
			all = append(all, t)
		}
	}
	at = append(at, btf.TypeID(max(start, 1)+len(all)))
	if g.p(0.1) {
		t := ty{kind: btf.Datasec, name: ".data"}
		for i, v := range all {
			if v.kind == btf.Var {
				t.refs = append(t.refs, uint32(max(start, 1)+i))
				t.words = append(t.words, uint32(8*i), 8)
			}
		}
		all = append(all, t)
	}
	return all, at
}

// input returns a whole input; half of them are built on a base.
func (g *gen) input() *input {
	in := &input{}
	most := pick(g, 4, 8, 14, 25)
	if g.p(0.5) {
		in.own, in.units = g.units(0, most)
		return in
	}
	// The base is what becomes of part of the same program, or something never merged.
	own := &input{}
	own.own, own.units = g.units(0, most)
	cut := 0
	if n := len(own.own); n > 4 {
		cut = 1 + g.IntN(n-1)
	}
	whole := own.own
	own.own = nil
	for _, t := range whole[:cut] { // references across the cut are lost
		t.refs = append([]uint32(nil), t.refs...)
		for j, r := range t.refs {
			if int(r) > cut {
				t.refs[j] = uint32(g.IntN(cut + 1))
			}
		}
		own.own = append(own.own, t)
	}
	tab := newStrTab(nil)
	double := pick(g, 0, 0, 0, 0.1)
	d := &model{rec: [][]uint32{nil}}
	for _, t := range own.own {
		d.rec = append(d.rec, t.record(func(s string) uint32 {
			if s != "" && g.p(double) {
				return tab.add(s)
			}
			return tab.off(s)
		}))
	}
	in.base = append(in.base, nil)
	if g.p(0.3) || d.run() != nil {
		in.base = append(in.base, d.rec[1:]...)
		for _, r := range in.base {
			if mKind(r) == btf.DeclTag || mKind(r) == btf.Var { // chains that never end
				r[2] = min(r[2], uint32(cut))
			}
		}
	} else {
		keep, now := d.keep()
		for _, id := range keep {
			for _, at := range refsAt(d.rec[id]) {
				d.rec[id][at] = now[d.rec[id][at]]
			}
			in.base = append(in.base, d.rec[id])
		}
	}
	in.strs = tab.sect
	in.quirks = g.p(0.5)
	if g.p(0.5) {
		in.own, in.units = g.units(len(in.base), most)
		return in
	}
	// The rest of the program the base is a part of, and the part itself once more.
	shift := uint32(len(in.base) - 1)
	for _, at := range own.units {
		in.units = append(in.units, at+btf.TypeID(shift))
	}
	for _, t := range whole {
		t.refs = append([]uint32(nil), t.refs...)
		for j, r := range t.refs {
			if r > 0 {
				t.refs[j] = r + shift
			}
		}
		in.own = append(in.own, t)
	}
	return in
}

func (in *input) String() string {
	s := fmt.Sprintf("quirks %v\n", in.quirks)
	show := func(id int, r []uint32) {
		s += fmt.Sprintf("%4d %-10s vlen %d kflag %d", id, mKind(r), mVlen(r), r[1]>>31)
		for i, w := range r {
			if i != 1 {
				s += fmt.Sprintf(" %d", w)
			}
		}
		s += "\n"
	}
	tab := newStrTab(in.strs)
	for id, r := range in.base {
		if id > 0 {
			show(id, r)
		}
	}
	s += "own\n"
	for i, t := range in.own {
		show(max(len(in.base), 1)+i, t.record(tab.off))
	}
	return s + fmt.Sprintf("%v\n%q", tab.at, tab.sect)
}

// failWith shows the input that fails.
func (in *input) failWith(t *testing.T, seed uint64, err error) {
	t.Helper()
	t.Fatalf("seed %d: %v\n%s", seed, err, in)
}
