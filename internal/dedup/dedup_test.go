package dedup

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/graph"
)

// TestModel compares with the model on random inputs. GOBTF_DEDUP_CASES makes it more.
func TestModel(t *testing.T) {
	cases := uint64(6000)
	if s := os.Getenv("GOBTF_DEDUP_CASES"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		cases = n
	}
	var asked int
	for seed := range cases {
		in := newGen(seed).input()
		d, err := in.compare()
		if err != nil {
			in.failWith(t, seed, err)
		}
		if d.asked > 0 {
			asked++
		}
	}
	t.Logf("%d inputs, %d of them ask whether types are identical", cases, asked)
	right, first, later := guessed.right.Load(), guessed.first.Load(), guessed.later.Load()
	t.Logf("on several workers the guess was right %d times, wrong about the first unit %d times and about a later one %d times", right, first, later)
	if cases >= 1000 && (right < int64(cases)/4 || later == 0) {
		t.Error("the random inputs do not try the guess")
	}
}

func FuzzDedup(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) {
		in := newGen(seed).input()
		if _, err := in.compare(); err != nil {
			in.failWith(t, seed, err)
		}
	})
}

// TestOneField changes one field of a type alone: then it must not be merged with
// the original any more, in a graph and on a base.
func TestOneField(t *testing.T) {
	i, l := ty{kind: btf.Int, name: "i", size: 4, words: []uint32{32}}, ty{kind: btf.Int, name: "l", size: 8, words: []uint32{64}}
	one := func(k btf.Kind, name string) ty { return ty{kind: k, name: name, refs: []uint32{1}} }
	word := func(t ty, w ...uint32) ty { t.words = w; return t }
	ptr := func(k btf.Kind) ty {
		return ty{kind: k, name: "s", size: 8, refs: []uint32{1, 1}, names: []string{"a", "b"}, words: []uint32{0, 32}}
	}
	enum := func(k btf.Kind) ty {
		return ty{kind: k, name: "e", size: 4, names: []string{"a", "b"}, words: []uint32{0, 1}}
	}
	for _, orig := range []ty{
		i, one(btf.Ptr, ""), {kind: btf.Array, refs: []uint32{1, 1}, words: []uint32{3}}, ptr(btf.Struct), ptr(btf.Union),
		enum(btf.Enum), enum(btf.Enum64), {kind: btf.Fwd, name: "f"}, one(btf.Typedef, "t"), one(btf.Volatile, ""), one(btf.Const, ""),
		one(btf.Restrict, ""), one(btf.Func, "f"), {kind: btf.FuncProto, refs: []uint32{1, 1, 1}, names: []string{"a", "b"}},
		{kind: btf.Float, name: "f", size: 8}, word(one(btf.DeclTag, "d"), 1), one(btf.TypeTag, "g"),
	} {
		clone := func() ty {
			c := orig
			c.refs, c.words, c.names = append([]uint32(nil), c.refs...), append([]uint32(nil), c.words...), append([]string(nil), c.names...)
			return c
		}
		other := map[string]ty{}
		change := func(what string, f func(c *ty)) {
			c := clone()
			f(&c)
			other[what] = c
		}
		if orig.name != "" {
			change("name", func(c *ty) { c.name = "other" })
		}
		change("kflag", func(c *ty) { c.kflag = true })
		switch orig.kind {
		case btf.Int, btf.Float, btf.Struct, btf.Union, btf.Enum, btf.Enum64:
			change("size", func(c *ty) { c.size *= 2 })
		case btf.Func:
			change("linkage", func(c *ty) { c.vlen = 1 })
		}
		for n := range orig.refs {
			change(fmt.Sprint("reference ", n), func(c *ty) { c.refs[n] = 2 })
		}
		for n := range orig.words {
			change(fmt.Sprint("word ", n), func(c *ty) { c.words[n] ^= 64 })
		}
		for n := range orig.names {
			change(fmt.Sprint("name ", n), func(c *ty) { c.names[n] = "other" })
		}
		other["nothing"] = clone()
		for what, c := range other {
			for _, base := range []bool{false, true} {
				in := &input{own: []ty{i, l, orig, c}}
				if base {
					tab := newStrTab(nil)
					in = &input{base: [][]uint32{nil, i.record(tab.off), l.record(tab.off), orig.record(tab.off)}, own: []ty{c}}
					in.strs = tab.sect
				}
				if _, err := in.compare(); err != nil {
					t.Errorf("%v %s: %v", orig.kind, what, err)
				}
				g, b := in.graph()
				res, err := Run(g, b, Options{})
				if err != nil {
					t.Fatal(err)
				}
				if same := res.NewID(4) == res.NewID(3); same != (what == "nothing") {
					t.Errorf("%v with another %s, on a base %v: merged %v", orig.kind, what, base, same)
				}
			}
		}
	}
}

// chain adds n types to g, each referring to the next, the last one to end.
func chain(g *graph.Graph, n int, end uint32, content func(i int) []uint32, refs func(next uint32) []uint32) {
	first := uint32(g.Len())
	for i := range n {
		next := first + uint32(i) + 1
		if i == n-1 {
			next = end
		}
		g.Add(g.Shapes.Intern(content(i)), refs(next)...)
	}
}

// TestDeep: what would overflow a stack, or never end, in a straightforward dedup.
func TestDeep(t *testing.T) {
	const n = 1 << 20 // at 1 KB of stack for each that would be the end
	ref := func(next uint32) []uint32 { return []uint32{next} }
	s := shapes()
	name := func(n string) uint32 { return uint32(s.Strs.InternString(n)) }
	kind := func(k btf.Kind) func(int) []uint32 {
		return func(int) []uint32 { return []uint32{btf.InfoWord(k, 0, false), 0, 0} }
	}
	for _, c := range []struct {
		name string
		fill func(g *graph.Graph)
		keep int
		err  error
	}{
		{"pointers below two structs", func(g *graph.Graph) {
			for range 2 {
				g.Add(s.Intern([]uint32{btf.InfoWord(btf.Struct, 2, false), name("S"), 8, name("a"), 0, name("b"), 32}), uint32(g.Len())+1, 0)
				chain(g, n, 0, kind(btf.Ptr), ref)
			}
		}, n + 1, nil},
		{"structs in structs, twice", func(g *graph.Graph) {
			c := []uint32{btf.InfoWord(btf.Struct, 2, false), name("S"), 8, name("a"), 0, name("b"), 32}
			g.Add(s.Intern([]uint32{btf.InfoWord(btf.Struct, 0, false), name("end"), 0}))
			for range 2 {
				first := uint32(g.Len())
				for i := range uint32(1000) { // each level has a shape of its own
					c[2] = i
					next := first + i + 1
					if i == 999 {
						next = 1
					}
					g.Add(s.Intern(c), next, next)
				}
			}
		}, 1001, nil},
		{"pointer to itself", func(g *graph.Graph) { g.Add(s.Intern(kind(btf.Ptr)(0)), 1) }, 0, ErrLoop},
		{"pointers in a circle", func(g *graph.Graph) { chain(g, 1000, 1, kind(btf.Ptr), ref) }, 0, ErrLoop},
		{"typedefs in circles", func(g *graph.Graph) {
			// identical walks along both circles without an end.
			S := s.Intern([]uint32{btf.InfoWord(btf.Struct, 2, false), name("S"), 8, name("a"), 0, name("b"), 32})
			T := s.Intern([]uint32{btf.InfoWord(btf.Typedef, 0, false), name("T"), 0})
			g.Add(S, 2, 2)
			g.Add(T, 2)
			g.Add(S, 4, 6)
			for range 2 {
				g.Add(T, uint32(g.Len())+1)
				g.Add(T, uint32(g.Len())-1)
			}
		}, 4, nil},
		{"a tag below a typedef", func(g *graph.Graph) {
			T := s.Intern([]uint32{btf.InfoWord(btf.Typedef, 0, false), name("T"), 0})
			D := s.Intern([]uint32{btf.InfoWord(btf.DeclTag, 0, false), name("D"), 0, 0})
			g.Add(T, 2)
			g.Add(D, 0)
			g.Add(T, 4)
			g.Add(D, 0)
		}, 0, ErrUnexpected},
		{"a reference to nowhere", func(g *graph.Graph) { g.Add(s.Intern(kind(btf.Const)(0)), 77) }, 0, ErrReference},
		{"no such kind", func(g *graph.Graph) { g.Add(s.Intern([]uint32{btf.InfoWord(btf.NumKinds, 0, false), 0, 0})) }, 0, ErrKind},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := graph.NewGraph(s, 0, 2, 2)
			c.fill(g)
			res, err := Run(g, nil, Options{})
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if err == nil && len(res.Keep) != c.keep {
				t.Errorf("%d types survive, want %d", len(res.Keep), c.keep)
			}
		})
	}
}

// TestIdenticalWide asks identical about 16 levels of structs with many members of
// the next level each, which an answer forgotten would make 8^16 questions.
func TestIdenticalWide(t *testing.T) {
	const members = 8
	s := shapes()
	name := func(n string) uint32 { return uint32(s.Strs.InternString(n)) }
	g := graph.NewGraph(s, 0, 2, 2)
	g.Add(s.Intern([]uint32{btf.InfoWord(btf.Int, 0, false), name("int"), 4, 32}))
	pair := s.Intern([]uint32{btf.InfoWord(btf.Struct, 2, false), name("S"), 8, name("a"), 0, name("b"), 32})
	levels := func() {
		for i := range uint32(15) {
			c := []uint32{btf.InfoWord(btf.Struct, members, false), name("L"), i}
			var refs []uint32
			for m := range uint32(members) {
				c = append(c, name("m"), m)
				to := uint32(g.Len()) + 1
				if i == 14 {
					to = 1
				}
				refs = append(refs, to)
			}
			g.Add(s.Intern(c), refs...)
		}
	}
	x := uint32(g.Len())
	levels()
	g.Add(pair, x, x)
	y := uint32(g.Len()) + 1
	S2 := g.Add(pair, y, y+15)
	levels()
	levels()
	res, err := Run(g, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if res.NewID(S2) != res.NewID(S2-1) {
		t.Error("not found identical")
	}
}

func TestErrorText(t *testing.T) {
	in, _ := tcase{types: "t: typedef T d\nd: decltag D 0\nu: typedef T e\ne: decltag D 0"}.parse()
	g, _ := in.graph()
	_, err := Run(g, nil, Options{})
	if want := `type 4 (DECL_TAG "D"): kind is not allowed below a struct, union or typedef`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestBaseInParallel: many runs may share a base (go test -race sees the rest).
func TestBaseInParallel(t *testing.T) {
	var in *input
	for seed := uint64(0); in == nil || len(in.base) < 10 || in.model("").run() != nil; seed++ {
		in = newGen(seed).input()
	}
	_, b := in.graph()
	var all sync.WaitGroup
	keep := make([][]btf.TypeID, 8)
	for i := range keep {
		all.Add(1)
		go func() {
			defer all.Done()
			g, _ := in.graph()
			if res, err := Run(g, b, Options{}); err == nil {
				keep[i] = res.Keep
			}
		}()
	}
	all.Wait()
	for i := range keep {
		if fmt.Sprint(keep[i]) != fmt.Sprint(keep[0]) {
			t.Errorf("run %d: %v, run 0: %v", i, keep[i], keep[0])
		}
	}
}

// kernelLike makes a graph of units that share most of their types, as a kernel's do.
func kernelLike(units, types int) *graph.Graph {
	r := newGen(7)
	s := shapes()
	name := func(n string, i int) uint32 { return uint32(s.Strs.InternString(n + strconv.Itoa(i))) }
	var sh []graph.Shape
	var refs [][]uint32
	for i := range types {
		to := func() uint32 { return 1 + uint32(r.IntN(types)) }
		below := func() uint32 { return 1 + uint32(r.IntN(i+1))%uint32(max(i, 1)) }
		switch k := r.IntN(10); {
		case i < 20:
			sh, refs = append(sh, s.Intern([]uint32{btf.InfoWord(btf.Int, 0, false), name("int", i), 4, 32})), append(refs, nil)
		case k < 4:
			sh, refs = append(sh, s.Intern([]uint32{btf.InfoWord(btf.Ptr, 0, false), 0, 0})), append(refs, []uint32{below()})
		case k < 6:
			sh, refs = append(sh, s.Intern([]uint32{btf.InfoWord(btf.Typedef, 0, false), name("t", i), 0})), append(refs, []uint32{below()})
		case k < 7:
			sh, refs = append(sh, s.Intern([]uint32{btf.InfoWord(btf.FuncProto, 2, false), 0, 0, 0, 0})), append(refs, []uint32{below(), below(), below()})
		default:
			c := []uint32{btf.InfoWord(btf.Struct, 6, false), name("s", i), 48}
			var m []uint32
			for j := range 6 {
				c = append(c, name("m", r.IntN(500)), uint32(64*j))
				m = append(m, to())
			}
			sh, refs = append(sh, s.Intern(c)), append(refs, m)
		}
	}
	g := graph.NewGraph(s, 0, units*types, 3*units*types)
	var moved []uint32
	for range units {
		first := uint32(g.Len()) - 1
		skip := uint32(r.IntN(types / 2))
		for i := range sh {
			moved = moved[:0]
			for _, to := range refs[i] {
				moved = append(moved, first+to)
			}
			if k := sh[i].Kind(); k == btf.Struct && uint32(i)%97 == skip%97 { // only declared here
				g.Add(s.Intern([]uint32{btf.InfoWord(btf.Fwd, 0, false), uint32(s.Name(sh[i])), 0}))
				continue
			}
			g.Add(sh[i], moved...)
		}
	}
	return g
}

func BenchmarkRun(b *testing.B) {
	const units, types = 200, 2000
	g := kernelLike(units, types)
	raw := append([]uint32(nil), g.Refs...)
	at := unitsOf(units, types)
	for _, jobs := range []int{1, 8} {
		b.Run(fmt.Sprintf("jobs=%d", jobs), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				copy(g.Refs, raw)
				b.StartTimer()
				res, err := Run(g, nil, Options{Jobs: jobs, Units: at})
				if err != nil {
					b.Fatal(err)
				}
				if jobs > 1 && res.right != len(res.units) {
					b.Fatalf("only %d of %d units were guessed right", res.right, len(res.units))
				}
			}
			b.ReportMetric(float64(b.N)*float64(len(g.Shape))/b.Elapsed().Seconds()/1e6, "Mtypes/s")
		})
	}
}
