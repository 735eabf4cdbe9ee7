package dedup

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/graph"
)

// unitsOf returns where units of so many types begin, and where the last one ends.
func unitsOf(units, types int) (at []btf.TypeID) {
	for u := range units + 1 {
		at = append(at, btf.TypeID(1+u*types))
	}
	return at
}

// TestUnitsAreClosed: where a type of a unit refers to what only its unit may know, or one behind the units would have to be compared, one worker
// does all; the outcome is the same in any case.
func TestUnitsAreClosed(t *testing.T) {
	const units, types = 4, 200
	at := unitsOf(units, types)
	structIn := func(g *graph.Graph, unit int) uint32 {
		for id := at[unit]; id < at[unit+1]; id++ {
			if g.Shape[id].Kind() == btf.Struct {
				return uint32(id)
			}
		}
		t.Fatal("no struct")
		return 0
	}
	firstInt := func(g *graph.Graph) uint32 {
		return uint32(slices.IndexFunc(g.Shape, func(sh graph.Shape) bool { return sh.Kind() == btf.Int }))
	}
	// functions appends some, with prototypes that occur several times. back is how many functions before its own a FUNC's prototype stands.
	functions := func(g *graph.Graph, back int) {
		s := g.Shapes
		proto := s.Intern([]uint32{btf.InfoWord(btf.FuncProto, 2, false), 0, 0, uint32(s.Strs.InternString("a")), 0})
		var protos []uint32
		for i := range 50 {
			f := s.Intern([]uint32{btf.InfoWord(btf.Func, 1, false), uint32(s.Strs.InternString("f" + strconv.Itoa(i))), 0})
			protos = append(protos, uint32(g.Add(proto, structIn(g, i%units), structIn(g, i%3), 0)))
			g.Add(f, protos[max(0, i-back)])
		}
	}
	for name, c := range map[string]struct {
		change   func(g *graph.Graph)
		parallel bool
	}{
		"functions":            {func(g *graph.Graph) { functions(g, 0) }, true},
		"functions that share": {func(g *graph.Graph) { functions(g, 7) }, true},
		"functions, the last first": {func(g *graph.Graph) { // one refers to a prototype that comes later
			functions(g, 0)
			g.Refs[g.RefOff[g.Len()-99]] = uint32(g.Len() - 2)
		}, true},
		"as they are":              {func(*graph.Graph) {}, true},
		"an INT of another unit":   {func(g *graph.Graph) { g.Refs[g.RefOff[structIn(g, 2)]] = firstInt(g) }, true},
		"void":                     {func(g *graph.Graph) { g.Refs[g.RefOff[structIn(g, 2)]] = 0 }, true},
		"a struct of another unit": {func(g *graph.Graph) { g.Refs[g.RefOff[structIn(g, 2)]] = structIn(g, 1) }, false},
		"a struct of a later unit": {func(g *graph.Graph) { g.Refs[g.RefOff[structIn(g, 1)]] = structIn(g, 3) }, false},
		"a pointer behind them": {func(g *graph.Graph) {
			g.Add(g.Shapes.Intern([]uint32{btf.InfoWord(btf.Ptr, 0, false), 0, 0}), structIn(g, 3))
		}, true},
		"a struct behind them": {func(g *graph.Graph) { s := structIn(g, 3); g.Add(g.Shape[s], g.Refs[g.RefOff[s]:g.RefOff[s+1]]...) }, false},
	} {
		var want *Result
		for _, jobs := range []int{1, 3} {
			g := kernelLike(units, types)
			c.change(g)
			res, err := Run(g, nil, Options{Jobs: jobs, Units: at})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if jobs == 1 {
				want = res
				continue
			}
			if (res.units != nil) != c.parallel {
				t.Errorf("%s: on several workers: %v", name, res.units != nil)
			}
			if !slices.Equal(res.Keep, want.Keep) {
				t.Errorf("%s: %d types stay, with one worker %d", name, len(res.Keep), len(want.Keep))
			}
			for id := range g.Len() {
				if a, b := res.NewID(id), want.NewID(id); a != b {
					t.Fatalf("%s: type %d becomes %d, with one worker %d", name, id, a, b)
				}
			}
		}
	}
}

// TestStages: whoever asks is told of each stage.
func TestStages(t *testing.T) {
	const units, types = 4, 200
	for jobs, want := range map[int]string{
		1: "basic types, structs, references, numbers",
		3: "basic types, colours, guess, check, references, numbers",
	} {
		var got []string
		stage := func(name string, workers int) {
			if workers < 1 || workers > jobs {
				t.Errorf("%s: %d workers", name, workers)
			}
			got = append(got, name)
		}
		if _, err := Run(kernelLike(units, types), nil, Options{Jobs: jobs, Units: unitsOf(units, types), Stage: stage}); err != nil {
			t.Fatal(err)
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("%d workers: %s", jobs, s)
		}
	}
}

// TestPlain: members of types that a comparison may not come to keep membersDiffer from saying that it fails.
func TestPlain(t *testing.T) {
	i := ty{kind: btf.Int, name: "i", size: 4, words: []uint32{32}}
	v := ty{kind: btf.Var, name: "v", refs: []uint32{1}, words: []uint32{1}}
	tab := newStrTab(nil)
	base := [][]uint32{nil, i.record(tab.off), v.record(tab.off)}
	ptr := func(to uint32) ty { return ty{kind: btf.Ptr, refs: []uint32{to}} }
	tag := func(to uint32) ty { return ty{kind: btf.DeclTag, name: "d", refs: []uint32{to}, words: []uint32{1}} }
	for name, c := range map[string]struct {
		own   []ty
		plain bool
	}{
		"an INT of the base":            {[]ty{ptr(1)}, true},
		"void":                          {[]ty{ptr(0)}, true},
		"a pointer to a VAR":            {[]ty{{kind: btf.Var, name: "w", refs: []uint32{1}, words: []uint32{1}}, ptr(3)}, false},
		"a pointer to a VAR, of a base": {[]ty{ptr(2)}, false},
		"a tag of a VAR":                {[]ty{tag(2)}, true},
		"a pointer to a tag":            {[]ty{tag(2), ptr(3)}, false},
	} {
		in := &input{base: base, strs: tab.sect, own: c.own}
		g, b := in.graph()
		d, err := newRun(g, b, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if d.plain != c.plain {
			t.Errorf("%s: plain %v", name, d.plain)
		}
	}
}
