package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gobtf/gobtf/btf"
)

func types(t testing.TB, b *btf.Builder) *btf.Types {
	t.Helper()
	ts, err := b.Types()
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

// kernel is a base: int, u8, a list, a forward, an array.
func kernel(t testing.TB, twoDims bool) *btf.Types {
	b := btf.NewBuilder(nil)
	i := b.AddInt("int", 4, btf.Signed)              // 1
	b.AddTypedef("u32", i)                           // 2
	b.AddPtr(4)                                      // 3
	b.AddStruct("list", 8, member("next", 3))        // 4
	b.AddFwd("later", false)                         // 5
	b.AddArray(i, i, 6)                              // 6
	b.AddStruct("matrix", 24, member("a", 6))        // 7
	b.AddFuncProto(i, btf.Param{Name: "x", Type: 2}) // 8
	b.AddFunc("base_func", 8, btf.Static)            // 9
	if twoDims {
		b.AddArray(6, i, 4)
	}
	return types(t, b)
}

func member(name string, typ btf.TypeID) btf.Member { return btf.Member{Name: name, Type: typ} }

func TestCompare(t *testing.T) {
	tests := []struct {
		name    string
		twoDims bool
		a, b    func(b *btf.Builder)
		want    string // part of the differences, empty when there are none
	}{
		{"nothing", false, func(b *btf.Builder) {}, func(b *btf.Builder) {}, ""},
		{"copied typedef and what is built on it", false, func(b *btf.Builder) {
			b.AddTypedef("u32", 1)
			b.AddFunc("f", b.AddFuncProto(1, btf.Param{Name: "x", Type: b.Next() - 1}), btf.Static)
		}, func(b *btf.Builder) { b.AddFunc("f", 8, btf.Static) }, ""},
		{"copied cycle", false, func(b *btf.Builder) {
			p := b.AddPtr(b.Next() + 1)
			b.AddVar("v", b.AddStruct("list", 8, member("next", p)), btf.Global)
		}, func(b *btf.Builder) { b.AddVar("v", 4, btf.Global) }, ""},
		{"cycle unrolled twice", false, func(b *btf.Builder) {
			n := b.Next()
			b.AddPtr(n + 3)
			b.AddPtr(n + 2)
			b.AddStruct("own", 8, member("next", n))
			b.AddStruct("own", 8, member("next", n+1))
		}, func(b *btf.Builder) {
			n := b.Next()
			b.AddStruct("own", 8, member("next", n+1))
			b.AddPtr(n)
		}, ""},
		{"other order", false, func(b *btf.Builder) { b.AddFwd("a", true); b.AddFwd("b", false) },
			func(b *btf.Builder) { b.AddFwd("b", false); b.AddFwd("a", true) }, ""},
		{"unnamed leftovers", false, func(b *btf.Builder) { b.AddPtr(1); b.AddArray(2, 1, 4) }, func(b *btf.Builder) {}, ""},
		{"flattened array", false, func(b *btf.Builder) {
			b.AddStruct("m", 24, member("a", b.AddArray(b.AddArray(1, 1, 3), 1, 2)))
		}, func(b *btf.Builder) { b.AddStruct("m", 24, member("a", 6)) }, ""},
		{"product beyond 32 bits", false, func(b *btf.Builder) {
			b.AddStruct("m", 24, member("a", b.AddArray(b.AddArray(1, 1, 1<<31+3), 1, 2)))
		}, func(b *btf.Builder) { b.AddStruct("m", 24, member("a", 6)) }, ""},
		{"flattened array on a base that is not", true, func(b *btf.Builder) {
			b.AddStruct("m", 24, member("a", b.AddArray(b.AddArray(1, 1, 3), 1, 2)))
		}, func(b *btf.Builder) { b.AddStruct("m", 24, member("a", 6)) }, "only in the first: STRUCT 'm' -> ARRAY\n"},
		{"missing function", false, func(b *btf.Builder) { b.AddFunc("f", 8, btf.Static) }, func(b *btf.Builder) {}, "only in the first: FUNC 'f'"},
		{"additional function", false, func(b *btf.Builder) {}, func(b *btf.Builder) { b.AddFunc("f", 8, btf.Static) }, "only in the second: FUNC 'f'"},
		{"function of the base", false, func(b *btf.Builder) { b.AddFunc("base_func", 8, btf.Static) }, func(b *btf.Builder) {}, ""},
		{"far away", false, func(b *btf.Builder) {
			b.AddFunc("f", b.AddFuncProto(0, btf.Param{Name: "l", Type: 3}), btf.Static)
		}, func(b *btf.Builder) {
			s := b.AddStruct("list", 8, member("prev", b.Next()+1))
			b.AddFunc("f", b.AddFuncProto(0, btf.Param{Name: "l", Type: b.AddPtr(s)}), btf.Static)
		}, "only in the first: FUNC 'f' -> FUNC_PROTO -> PTR -> STRUCT 'list'\n  [4] STRUCT 'list' size=8 vlen=1\n  \t'next' type_id=3 bits_offset=0\n  but in the other\n  [10] STRUCT 'list' size=8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base := kernel(t, tt.twoDims)
			a, b := btf.NewBuilder(base), btf.NewBuilder(base)
			tt.a(a)
			tt.b(b)
			got := strings.Join(newBase(base).compare(types(t, a), types(t, b)), "\n") + "\n"
			if tt.want == "" && got != "\n" || !strings.Contains(got, tt.want) {
				t.Errorf("differences are\n%swant\n%s", got, tt.want)
			}
		})
	}
}

// Every case is compared both ways.
func TestForward(t *testing.T) {
	base := func() *btf.Types {
		b := btf.NewBuilder(nil)
		b.AddInt("int", 4, btf.Signed)              // 1
		b.AddFwd("later", false)                    // 2
		b.AddPtr(2)                                 // 3
		b.AddStruct("holder", 8, member("p", 3))    // 4
		b.AddFwd("two", false)                      // 5
		b.AddStruct("two", 4, member("a", 1))       // 6
		b.AddStruct("two", 4, member("b", 1))       // 7
		b.AddStruct("first", 8, member("p", 6))     // 8
		b.AddStruct("second", 8, member("p", 7))    // 9
		b.AddStruct("over", 8, member("first", 8))  // 10
		b.AddStruct("over", 8, member("second", 9)) // 11
		return types(t, b)
	}()
	value := btf.Value{Name: "V", Value: 1}
	later := func(b *btf.Builder) btf.TypeID { return b.AddStruct("later", 4, member("x", 1)) }
	through := func(b *btf.Builder, id btf.TypeID) { b.AddVar("v", b.AddPtr(id), btf.Global) }
	holder := func(b *btf.Builder, id btf.TypeID) { through(b, b.AddStruct("holder", 8, member("p", b.AddPtr(id)))) }
	tests := []struct {
		name string
		a, b func(b *btf.Builder)
		want string // part of the differences, empty when there are none
	}{
		{"forward of the base, struct", func(b *btf.Builder) { through(b, 2) }, func(b *btf.Builder) { through(b, later(b)) }, ""},
		{"copy leads to the struct", func(b *btf.Builder) { later(b); through(b, 4) }, func(b *btf.Builder) { holder(b, later(b)) }, ""},
		{"forward, union", func(b *btf.Builder) { through(b, 2) }, func(b *btf.Builder) { through(b, b.AddUnion("later", 4)) }, "UNION 'later'"},
		{"copy leads to a union", func(b *btf.Builder) { through(b, 4) }, func(b *btf.Builder) { holder(b, b.AddUnion("later", 4)) },
			": VAR 'v' -> PTR -> STRUCT 'holder' -> PTR"},
		{"both forwards", func(b *btf.Builder) { through(b, b.AddFwd("own", false)) }, func(b *btf.Builder) { through(b, b.AddFwd("own", true)) }, ": FWD 'own'"},
		{"other name", func(b *btf.Builder) { through(b, 2) }, func(b *btf.Builder) { through(b, 5) }, ": VAR 'v' -> PTR"},
		{"own forward, struct", func(b *btf.Builder) { through(b, b.AddFwd("own", false)) }, func(b *btf.Builder) { through(b, b.AddStruct("own", 4)) }, ""},
		{"own forward, own union", func(b *btf.Builder) { through(b, b.AddFwd("own", true)) }, func(b *btf.Builder) { through(b, b.AddUnion("own", 4)) }, ""},
		{"enum", func(b *btf.Builder) { through(b, b.AddEnum("e", 4, false)) }, func(b *btf.Builder) { through(b, b.AddEnum("e", 1, true, value)) }, ""},
		{"enum64", func(b *btf.Builder) { through(b, b.AddEnum("e", 4, false)) }, func(b *btf.Builder) { through(b, b.AddEnum64("e", 8, false, value)) }, ""},
		{"enum and struct", func(b *btf.Builder) { through(b, b.AddEnum("e", 4, false)) }, func(b *btf.Builder) { through(b, b.AddStruct("e", 4)) }, ": VAR 'v' -> PTR"},
		{"forward alone", func(b *btf.Builder) { b.AddFwd("own", false) }, func(b *btf.Builder) {}, ": FWD 'own'"},
		{"forward alone, defined in the other", func(b *btf.Builder) { b.AddFwd("own", false) }, func(b *btf.Builder) { b.AddStruct("own", 4) }, ""},
		{"forward alone, defined in the base", func(b *btf.Builder) { b.AddFwd("holder", false) }, func(b *btf.Builder) {}, ""},
		{"two definitions", func(b *btf.Builder) { holder(b, later(b)) },
			func(b *btf.Builder) { holder(b, b.AddStruct("later", 4, member("y", 1))) }, ": STRUCT 'later'\n  [12] STRUCT 'later' size=4 vlen=1\n  \t'x'"},
		{"two definitions, one below the base's forward", func(b *btf.Builder) { later(b); through(b, 4) },
			func(b *btf.Builder) { holder(b, b.AddStruct("later", 8, member("x", 1))) }, ": STRUCT 'later'"},
		{"two definitions of an enum", func(b *btf.Builder) { b.AddEnum("e", 4, false); through(b, b.AddEnum("e", 4, false, value)) },
			func(b *btf.Builder) { b.AddEnum("e", 4, false); through(b, b.AddEnum("e", 8, false, value)) }, ": ENUM 'e'"},
		{"one definition more", func(b *btf.Builder) { later(b); b.AddStruct("later", 8) }, func(b *btf.Builder) { later(b) }, ": STRUCT 'later'"},
		{"definitions of the base", func(b *btf.Builder) { through(b, 6) }, func(b *btf.Builder) { through(b, 7) }, ": STRUCT 'two'\n  [6] STRUCT 'two'"},
		{"definitions far in the base", func(b *btf.Builder) { b.AddTypedef("t", 8); b.AddTypedef("t", 9) },
			func(b *btf.Builder) { b.AddTypedef("t", 8); b.AddTypedef("t", 8) }, ": TYPEDEF 't' -> STRUCT"},
		{"own definition, another of the base", func(b *btf.Builder) { through(b, 6) },
			func(b *btf.Builder) { through(b, b.AddStruct("two", 4, member("b", 1))) }, ": STRUCT 'two'"},
		{"own definition, the base's", func(b *btf.Builder) { through(b, 6) }, func(b *btf.Builder) { through(b, b.AddStruct("two", 4, member("a", 1))) }, ""},
		{"struct that no one forwards", func(b *btf.Builder) { through(b, 10) }, func(b *btf.Builder) { through(b, 11) }, ": VAR 'v' -> PTR -> STRUCT 'over'"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := btf.NewBuilder(base), btf.NewBuilder(base)
			tt.a(a)
			tt.b(b)
			x, y, under := types(t, a), types(t, b), newBase(base)
			got := strings.Join(under.compare(x, y), "\n")
			back := strings.Join(under.compare(y, x), "\n")
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) || (got == "") != (back == "") {
				t.Errorf("differences are\n%s\nthe other way\n%s\nwant\n%s", got, back, tt.want)
			}
		})
	}
}

// random makes n records of all kinds that refer to each other and to the base in any way.
func random(r *rand.Rand, base *btf.Types, n int) (recs [][]uint32, strs *btf.Builder) {
	b := btf.NewBuilder(base)
	start := int(b.Next())
	some := func() btf.TypeID { return btf.TypeID(r.IntN(start + n)) }
	small := func() uint32 { return uint32(r.IntN(3)) }
	name := func() string { return string(rune('a' + r.IntN(4))) }
	opt := func() string { return name()[r.IntN(2):] }
	for range n {
		switch k := btf.Kind(1 + r.IntN(btf.NumKinds-1)); k {
		case btf.Int:
			b.AddInt(name(), small(), uint8(small()))
		case btf.Float:
			b.AddFloat(name(), small())
		case btf.Fwd:
			b.AddFwd(name(), r.IntN(2) == 0)
		case btf.Array:
			b.AddArray(some(), some(), small())
		case btf.Struct, btf.Union:
			m := make([]btf.Member, small())
			for i := range m {
				m[i] = btf.Member{Name: opt(), Type: some(), Bit: small(), Bits: small() / 2}
			}
			if k == btf.Struct {
				b.AddStruct(opt(), small(), m...)
			} else {
				b.AddUnion(opt(), small(), m...)
			}
		case btf.Enum, btf.Enum64:
			v := make([]btf.Value, small())
			for i := range v {
				v[i] = btf.Value{Name: name(), Value: uint64(small())}
			}
			if k == btf.Enum {
				b.AddEnum(opt(), 4, r.IntN(2) == 0, v...)
			} else {
				b.AddEnum64(opt(), 8, r.IntN(2) == 0, v...)
			}
		case btf.FuncProto:
			p := make([]btf.Param, small())
			for i := range p {
				p[i] = btf.Param{Name: opt(), Type: some()}
			}
			b.AddFuncProto(some(), p...)
		case btf.Func:
			b.AddFunc(name(), some(), small())
		case btf.Var:
			b.AddVar(name(), some(), small())
		case btf.Datasec:
			e := make([]btf.Entry, small())
			for i := range e {
				e[i] = btf.Entry{Var: some(), Offset: small(), Size: small()}
			}
			b.AddDatasec(name(), small(), e...)
		case btf.DeclTag:
			b.AddDeclTag(name(), some(), int32(small())-1, r.IntN(2) == 0)
		case btf.TypeTag:
			b.AddTypeTag(name(), some(), r.IntN(2) == 0)
		case btf.Typedef:
			b.AddTypedef(name(), some())
		default:
			b.AddRecord([]uint32{0, btf.InfoWord(k, 0, false), uint32(some())})
		}
	}
	ts, err := b.Types()
	if err != nil {
		panic(err)
	}
	for _, x := range ts.All() {
		recs = append(recs, slices.Clone(x.Record()))
	}
	return recs, b
}

// build makes types of records, whose strings are those of from.
func build(t testing.TB, base *btf.Types, from *btf.Types, recs [][]uint32) *btf.Types {
	t.Helper()
	ts, err := btf.New(slices.Concat(recs...), from.Strings(), base, from.Order())
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

// Copies of types, in another order, with references to any of the copies, mean the same.
func TestCopies(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		base := kernel(t, true)
		recs, b := random(r, base, 40)
		from := types(t, b)
		start := uint32(base.Len())
		// place[i] are the new ids of record i.
		var order []int
		for i := range recs {
			for range 1 + r.IntN(3) {
				order = append(order, i)
			}
		}
		r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		place := make([][]uint32, len(recs))
		for at, i := range order {
			place[i] = append(place[i], start+uint32(at))
		}
		copies := make([][]uint32, len(order))
		for at, i := range order {
			copies[at] = slices.Clone(recs[i])
			btf.EachRef(copies[at], func(w *uint32) {
				if *w >= start {
					p := place[*w-start]
					*w = p[r.IntN(len(p))]
				}
			})
		}
		if d := newBase(base).compare(from, build(t, base, from, copies)); len(d) > 0 {
			t.Fatalf("seed %d: %s", seed, strings.Join(d, "\n"))
		}
	}
}

// Every word of every record counts: whatever is changed is a difference, seen from
// a variable that is there to reach it.
func TestMutation(t *testing.T) {
	base := kernel(t, true)
	start := uint32(base.Len())
	kinds := map[btf.Kind]int{}
	for seed := range uint64(60) {
		recs, b := random(rand.New(rand.NewPCG(seed, 2)), base, 12)
		for i := range recs {
			b.AddVar(fmt.Sprintf("to%d", i), btf.TypeID(start)+btf.TypeID(i), btf.Global)
		}
		from := types(t, b)
		recs = recs[:0]
		for _, x := range from.All() {
			recs = append(recs, slices.Clone(x.Record()))
		}
		under := newBase(base)
		for _, rec := range recs {
			k := btf.InfoKind(rec[1])
			for w := range rec {
				old := rec[w]
				switch {
				case w == 1: // another kind or number would be another length
					rec[w] ^= 1 << 31
				case isRef(rec, w):
					rec[w] = 1 // int; only equal to what means the same
				case isName(rec, w):
					rec[w], _ = base.Offset([]byte("matrix"))
				default:
					rec[w] ^= 1
				}
				// A reference to what means int already is no change.
				if rec[w] != old && !(isRef(rec, w) && sameAsInt(from, old)) && !saysNothing(from, recs, rec, w) {
					if d := under.compare(from, build(t, base, from, recs)); len(d) == 0 {
						t.Fatalf("seed %d: word %d of %s changed from %#x to %#x: no difference", seed, w, k, old, rec[w])
					}
					kinds[k]++
				}
				rec[w] = old
			}
		}
	}
	if len(kinds) != btf.NumKinds-1 {
		t.Errorf("only %d kinds were tried", len(kinds))
	}
}

// saysNothing tells whether word w of a forward declaration means nothing beside a
// definition of its tag: the unused word of a FWD, sign and size of an enum.
func saysNothing(ts *btf.Types, recs [][]uint32, rec []uint32, w int) bool {
	kind := func(rec []uint32) btf.Kind {
		switch k := btf.InfoKind(rec[1]); {
		case k == btf.Enum64:
			return btf.Enum
		case k == btf.Fwd && btf.InfoKflag(rec[1]):
			return btf.Union
		case k == btf.Fwd:
			return btf.Struct
		default:
			return k
		}
	}
	declares := func(rec []uint32) bool {
		return btf.InfoKind(rec[1]) == btf.Fwd || kind(rec) == btf.Enum && btf.InfoVlen(rec[1]) == 0
	}
	return declares(rec) && (w == 2 || w == 1 && kind(rec) == btf.Enum) && slices.ContainsFunc(recs, func(r []uint32) bool {
		return !declares(r) && kind(r) == kind(rec) && bytes.Equal(ts.StringBytes(r[0]), ts.StringBytes(rec[0]))
	})
}

func sameAsInt(ts *btf.Types, id uint32) bool {
	return id == 1 || ts.Type(btf.TypeID(id)).Kind() == btf.Int && ts.Type(btf.TypeID(id)).Name() == "int"
}

func isRef(rec []uint32, w int) (is bool) {
	btf.EachRef(rec, func(p *uint32) { is = is || p == &rec[w] })
	return is
}

func isName(rec []uint32, w int) (is bool) {
	btf.EachName(rec, func(p *uint32) { is = is || p == &rec[w] })
	return is
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, ts *btf.Types) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, ts.Append(nil), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	k := kernel(t, false)
	b := btf.NewBuilder(k)
	b.AddFunc("f", 8, btf.Static)
	big := btf.NewBuilder(nil)
	big.Order = binary.BigEndian
	base, one, two := write("base", k), write("one", types(t, b)), write("two", types(t, btf.NewBuilder(k)))
	tests := []struct {
		args   []string
		status int
		out    string
	}{
		{[]string{base, one, one}, 0, "equal: one one\n"},
		{[]string{base, one, one, one, two}, 1, "equal: one one\ndifferent: one two\nonly in the first: FUNC 'f'\n"},
		{[]string{"-", base, base}, 0, "equal: base base\n"},
		{[]string{base, one, write("big", types(t, big))}, 2, "btfmeaning: big: BTF header+0x0: byte order is BigEndian, but the base's is LittleEndian\n"},
		{[]string{base, one}, 64, "usage: btfmeaning BASE A B [A B]...\n"},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		status := run(tt.args, &out, &out)
		if got := strings.ReplaceAll(out.String(), dir+"/", ""); status != tt.status || got != tt.out {
			t.Errorf("%v: status %d\n%s", tt.args, status, got)
		}
	}
}
