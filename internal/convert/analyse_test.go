package convert

import (
	"slices"
	"testing"
	"time"

	"github.com/go-delve/delve/pkg/dwarf/op"

	"github.com/gobtf/gobtf/btf"
	"github.com/gobtf/gobtf/internal/dwarfscan"
	"github.com/gobtf/gobtf/internal/graph"
)

// The analysis is tested here from literals: no DWARF, no file.

// contentList are the contents of types by their numbers.
type contentList [][]uint32

func (l *contentList) At(id uint32) []uint32 { return (*l)[id] }

// unitOf makes types to ask about. Each is added with its references, by LocalID.
type unitOf struct {
	types
	words contentList
}

func newUnitOf() *unitOf {
	u := &unitOf{types: types{refOff: []uint32{0}}}
	u.types.words = &u.words
	return u
}

func (u *unitOf) put(k btf.Kind, tag dwarfscan.Tag, size uint32, content []uint32, refs ...LocalID) LocalID {
	u.words = append(u.words, content)
	for _, r := range refs {
		u.refs = append(u.refs, uint32(r))
	}
	u.list = append(u.list, typ{content: uint32(len(u.words) - 1), kind: k, tag: tag, size: size, named: true})
	u.refOff = append(u.refOff, uint32(len(u.refs)))
	return LocalID(len(u.list))
}

func (u *unitOf) int(size uint32) LocalID {
	return u.put(btf.Int, dwarfscan.TagBase, size, []uint32{btf.InfoWord(btf.Int, 0, false), 1, size, size * 8})
}

func (u *unitOf) ptr() LocalID {
	return u.put(btf.Ptr, dwarfscan.TagPointer, 0, []uint32{btf.InfoWord(btf.Ptr, 0, false), 0, 0}, 0)
}

func (u *unitOf) array(of LocalID, n uint32) LocalID {
	return u.put(btf.Array, dwarfscan.TagArray, 0, []uint32{btf.InfoWord(btf.Array, 0, false), 0, 0, n}, of, LocalID(ArrayIndex))
}

func (u *unitOf) over(k btf.Kind, tag dwarfscan.Tag, to LocalID) LocalID {
	return u.put(k, tag, 0, []uint32{btf.InfoWord(k, 0, false), 0, 0}, to)
}

// placed is a member: its type, its place in bits, its width as a bitfield.
type placed struct {
	typ        LocalID
	bit, width uint32
}

func (u *unitOf) record(size uint32, members ...placed) LocalID {
	kflag := slices.ContainsFunc(members, func(m placed) bool { return m.width != 0 })
	w := []uint32{btf.InfoWord(btf.Struct, len(members), kflag), 1, size}
	var refs []LocalID
	for i, m := range members {
		w = append(w, uint32(100+i), m.bit|m.width<<24)
		refs = append(refs, m.typ)
	}
	return u.put(btf.Struct, dwarfscan.TagStruct, size, w, refs...)
}

func (u *unitOf) layouts() *layouts {
	l := &layouts{}
	l.reset(&u.types)
	return l
}

func TestSizes(t *testing.T) {
	u := newUnitOf()
	i4, ptr := u.int(4), u.ptr()
	rec := u.record(12, placed{i4, 0, 0}, placed{i4, 64, 0})
	arr := u.array(u.array(i4, 3), 5)
	def := u.over(btf.Typedef, dwarfscan.TagTypedef, u.over(btf.Const, dwarfscan.TagConst, rec))
	fwd := u.put(btf.Fwd, dwarfscan.TagStruct, 0, []uint32{btf.InfoWord(btf.Fwd, 0, false), 1, 0})
	empty := u.record(1)
	l := u.layouts()
	for _, c := range []struct {
		name     string
		id       LocalID
		size     uint64
		passed   uint16
		align    int
		variable uint64
		isStruct bool
		plain    bool
	}{
		{"int", i4, 4, 4, 4, 4, false, true},
		{"pointer", ptr, 8, 8, 8, 8, false, true},
		{"struct", rec, 12, 12, 4, 12, true, true},
		{"array of arrays", arr, 60, 4, 4, 60, false, true},
		{"typedef of a const struct", def, 12, 12, 4, 12, true, false},
		{"declaration", fwd, 0, 0, 1, 0, true, true},
		{"struct of size 1 without members", empty, 1, 1, 1, 0, true, true},
		{"array of such", u.array(empty, 7), 7, 1, 1, 0, false, true},
		{"void", 0, 0, 0, 1, 0, false, true},
	} {
		l.reset(&u.types)
		if got := u.sizeOf(c.id, 8); got != c.size {
			t.Errorf("%s: size %d, want %d", c.name, got, c.size)
		}
		if got := u.passedSize(c.id, 8); got != c.passed {
			t.Errorf("%s: passed as %d bytes, want %d", c.name, got, c.passed)
		}
		if got := l.natural(c.id, 8); got != c.align {
			t.Errorf("%s: alignment %d, want %d", c.name, got, c.align)
		}
		if got := u.varSize(c.id, 8); got != c.variable {
			t.Errorf("%s: a variable of %d bytes, want %d", c.name, got, c.variable)
		}
		if got := u.isStruct(c.id); got != c.isStruct {
			t.Errorf("%s: is a struct %v", c.name, got)
		}
		if got := u.behind(c.id) == c.id; got != c.plain {
			t.Errorf("%s: nothing is behind it %v", c.name, got)
		}
	}
	if got := l.natural(ptr, 4); got != 4 {
		t.Errorf("a pointer of 4 bytes is aligned to %d", got)
	}
}

// TestNaturalGrowth: a struct that has the struct before it twice, 60 times over, is looked into once.
func TestNaturalGrowth(t *testing.T) {
	u := newUnitOf()
	id := u.int(2)
	for i := range uint32(60) {
		id = u.record(4, placed{id, 0, 0}, placed{id, i, 0})
	}
	done := make(chan int, 1)
	go func() { done <- u.layouts().natural(id, 8) }()
	select {
	case n := <-done:
		if n != 2 {
			t.Errorf("alignment %d, want 2", n)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("no end: each path is walked on its own")
	}
	// A ring, which no compiler makes, ends.
	r := u.record(4, placed{LocalID(len(u.list) + 1), 0, 0})
	if n := u.layouts().natural(r, 8); n != 1 {
		t.Errorf("a ring is aligned to %d", n)
	}
}

func TestPacked(t *testing.T) {
	u := newUnitOf()
	c, i4, i8 := u.int(1), u.int(4), u.int(8)
	inner := u.record(5, placed{c, 0, 0}, placed{i4, 8, 0})
	holed := u.record(12, placed{c, 0, 0}, placed{inner, 24, 0}, placed{c, 88, 0})
	plain := u.record(8, placed{i4, 0, 0}, placed{i4, 32, 0})
	odd := u.record(12, placed{i8, 0, 0}, placed{i4, 64, 0}) // 12 is no multiple of 8
	bits := u.record(4, placed{i4, 0, 3}, placed{i4, 3, 29})
	bitHole := u.record(8, placed{i4, 0, 3}, placed{i4, 32, 0})
	for _, x := range []struct {
		name string
		id   LocalID
		want bool
	}{
		{"a member that is not aligned", inner, true},
		{"members that fill it", plain, false},
		{"a size that is no multiple of the alignment", odd, true},
		{"with a hole", holed, false},
		{"bitfields that fill their unit", bits, false},
		{"a bitfield that leaves bytes", bitHole, false},
		{"a declaration", u.put(btf.Fwd, dwarfscan.TagStruct, 0, []uint32{0, 0, 0}), false},
	} {
		if got := u.layouts().isPacked(x.id, 8); got != x.want {
			t.Errorf("%s: packed %v, want %v", x.name, got, x.want)
		}
	}
	// A struct with holes settles that a struct which is not aligned in it is packed.
	aligned := u.record(4, placed{i4, 0, 0})
	outer := u.record(16, placed{c, 0, 0}, placed{aligned, 8, 0}, placed{i4, 64, 0})
	l := u.layouts()
	if l.isPacked(outer, 8) || !l.isPacked(aligned, 8) {
		t.Errorf("outer %v, inner %v: want false, true", l.packed[outer-1], l.packed[aligned-1])
	}
	l = u.layouts()
	named := []paramFacts{{id: plain}, {id: inner}}
	if !l.uncertain(named, 1, 8) || l.uncertain(named, 2, 8) || l.uncertain(named[:1], 0, 8) {
		t.Error("a packed struct makes a function uncertain where it is on the stack, and only there")
	}
	u.list[inner-1].named = false
	if l.uncertain(named, 1, 8) {
		t.Error("one without a name does not")
	}
}

func TestMemberAt(t *testing.T) {
	u := newUnitOf()
	i4 := u.int(4)
	rec := u.record(16, placed{i4, 0, 0}, placed{i4, 32, 0}, placed{i4, 64, 7})
	for bit, want := range map[uint32]rawName{0: 100, 32: 101, 64: 102} {
		if name, typ, ok := u.memberAt(u.over(btf.Typedef, dwarfscan.TagTypedef, rec), bit); !ok || name != want || typ != i4 {
			t.Errorf("bit %d: %d, type %d, %v", bit, name, typ, ok)
		}
	}
	for _, id := range []LocalID{rec, i4, 0} {
		if _, _, ok := u.memberAt(id, 96); ok {
			t.Errorf("type %d has a member at bit 96", id)
		}
	}
}

// at is a parameter that is found in a register, reg < 0: it has a location, and none of a register.
func at(reg int16, size uint16) paramFacts {
	return paramFacts{reg: reg, tsize: size, locFlags: locFlags{hasLoc: true}}
}

func TestRegisters(t *testing.T) {
	six := Registers{N: 3, DWARF: []int{5, 4, 1}}
	nowhere := paramFacts{reg: -1, tsize: 8}
	constant := paramFacts{reg: -1, tsize: 8, locFlags: locFlags{hasConst: true}}
	big := paramFacts{reg: -1, tsize: 24, locFlags: locFlags{hasLoc: true, inMemory: true}}
	for _, c := range []struct {
		name       string
		ps         []paramFacts
		unexpected string // one letter a parameter, x: it is
		optimized  string
		clang      string // what checkClang finds unexpected
	}{
		{"in order", []paramFacts{at(5, 8), at(4, 8), at(1, 8)}, "...", "...", "..."},
		{"exchanged", []paramFacts{at(4, 8), at(5, 8)}, "xx", "..", "xx"},
		{"one left out", []paramFacts{at(5, 8), at(1, 8)}, ".x", "..", ".x"},
		{"two registers", []paramFacts{at(5, 16), at(1, 8)}, "..", "..", ".."},
		{"in the second of its two", []paramFacts{at(4, 16), at(1, 8)}, "x.", "..", ".."},
		{"behind the registers", []paramFacts{at(5, 8), at(4, 8), at(1, 8), at(17, 8)}, "....", "....", "...."},
		{"a location without a register", []paramFacts{at(-1, 8), at(4, 8)}, "..", "x.", ".."},
		{"no location", []paramFacts{nowhere, at(4, 8)}, "..", "..", ".."},
		{"a constant", []paramFacts{constant, at(4, 8)}, "..", "x.", ".."},
		{"in memory: one slot here, none with clang", []paramFacts{big, at(4, 8)}, "..", "x.", ".x"},
		{"in memory, clang's next", []paramFacts{big, at(5, 8)}, ".x", "x.", ".."},
	} {
		show := func(ps []paramFacts, is func(*paramFacts) bool) (s string) {
			for i := range ps {
				s += map[bool]string{true: "x", false: "."}[is(&ps[i])]
			}
			return s
		}
		unexpected := func(p *paramFacts) bool { return p.unexpected }
		ps := slices.Clone(c.ps)
		checkOrder(ps, &six, 8, false, false)
		if got := show(ps, unexpected); got != c.unexpected {
			t.Errorf("%s: unexpected %s, want %s", c.name, got, c.unexpected)
		}
		if got := show(ps, func(p *paramFacts) bool { return p.optimized }); got != c.optimized {
			t.Errorf("%s: optimized %s, want %s", c.name, got, c.optimized)
		}
		ps = slices.Clone(c.ps)
		checkClang(ps, &six, 8)
		if got := show(ps, unexpected); got != c.clang {
			t.Errorf("%s: with clang unexpected %s, want %s", c.name, got, c.clang)
		}
	}
}

// With true signatures parameters that are not passed are left out, and the registers of the others follow each other.
func TestTrueSignature(t *testing.T) {
	regs := Registers{N: 4, DWARF: []int{5, 4, 1, 2}}
	constant, half := at(-1, 8), at(5, 16)
	constant.constLoc = true
	half.used[0], half.oneMember = 1, true
	ps := []paramFacts{half, constant, at(4, 8), {reg: -1, tsize: 8}}
	checkOrder(ps, &regs, 8, true, true)
	if !ps[0].oneMember || ps[0].unexpected {
		t.Errorf("the member that is passed: %+v", ps[0])
	}
	if !ps[1].optimized || ps[2].unexpected || ps[2].optimized || !ps[3].optimized {
		t.Errorf("a constant, the next one, one without a location: %+v", ps[1:])
	}
	whole := at(5, 16)
	whole.used, whole.oneMember = [2]uint64{1, 1}, true
	ps = []paramFacts{whole, at(1, 8)}
	checkOrder(ps, &regs, 8, true, true)
	if ps[0].oneMember || ps[1].unexpected {
		t.Errorf("both members are used: %+v", ps)
	}
}

func TestSumUp(t *testing.T) {
	isStruct := func(id LocalID) bool { return id == 7 }
	odd := at(4, 8)
	odd.unexpected = true
	excuse := at(5, 8)
	excuse.id = 7
	for _, c := range []struct {
		name string
		ps   []paramFacts
		want FuncFlags
	}{
		{"nothing", nil, 0},
		{"all in their place", []paramFacts{at(5, 8)}, 0},
		{"one without a location", []paramFacts{{reg: -1}}, OptimizedParms},
		{"one that is optimized away", []paramFacts{{reg: -1, optimized: true, locFlags: locFlags{hasLoc: true}}}, OptimizedParms},
		{"one in another register", []paramFacts{odd}, Unexpected},
		{"the same beside a struct", []paramFacts{odd, excuse}, 0},
	} {
		if got := sumUp(c.ps, isStruct); got != c.want {
			t.Errorf("%s: %#x, want %#x", c.name, got, c.want)
		}
	}
}

func TestLocations(t *testing.T) {
	const (
		reg3, breg3, fbreg       = byte(op.DW_OP_reg3), byte(op.DW_OP_breg3), byte(op.DW_OP_fbreg)
		stackValue, piece        = byte(op.DW_OP_stack_value), byte(op.DW_OP_piece)
		lit5, plus, entry, reg17 = byte(op.DW_OP_lit5), byte(op.DW_OP_plus_uconst), byte(dwarfscan.OpEntryValue), byte(op.DW_OP_reg17)
	)
	format := dwarfscan.Format{AddrSize: 8, Version: 5}
	for _, c := range []struct {
		name    string
		size    uint16
		entries [][]byte
		want    paramFacts
	}{
		{"a register", 8, [][]byte{{reg3}}, paramFacts{reg: 3}},
		{"only the first entry's counts", 8, [][]byte{{}, {reg3}}, paramFacts{reg: -1}},
		{"the value at the entry, anywhere", 8, [][]byte{{}, {entry, 1, reg3, stackValue}}, paramFacts{reg: 3}},
		{"a register's content", 8, [][]byte{{breg3, 0, stackValue}}, paramFacts{reg: 3}},
		{"memory that a register points to", 8, [][]byte{{breg3, 0}}, paramFacts{reg: -1}},
		{"a sum", 8, [][]byte{{breg3, 0, plus, 4, stackValue}}, paramFacts{reg: 3}},
		{"on the stack", 8, [][]byte{{fbreg, 0}}, paramFacts{reg: -1, locFlags: locFlags{onStack: true}}},
		{"a constant", 8, [][]byte{{lit5, stackValue}}, paramFacts{reg: -1, locFlags: locFlags{constLoc: true}}},
		{"two pieces", 16, [][]byte{{reg3, piece, 8, reg17, piece, 8}}, paramFacts{reg: 3, used: [2]uint64{1, 1}}},
		{"the second piece only", 16, [][]byte{{piece, 8, reg17, piece, 8}}, paramFacts{reg: 17, used: [2]uint64{0, 1}}},
		{"pieces of a later entry", 16, [][]byte{{}, {reg3, piece, 4, reg17, piece, 4}}, paramFacts{reg: 3, used: [2]uint64{1 | 1<<4, 0}}},
		{"an operation that nobody knows", 8, [][]byte{{0xff, reg3}}, paramFacts{reg: -1}},
	} {
		p := paramFacts{reg: -1, tsize: c.size}
		for i, e := range c.entries {
			locReader{format: format}.entry(&p, i, e)
		}
		c.want.tsize = c.size
		if p != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, p, c.want)
		}
	}
	for _, c := range []struct {
		used [2]uint64
		off  int
		ok   bool
	}{{[2]uint64{1, 0}, 0, true}, {[2]uint64{1 << 4, 0}, 4, true}, {[2]uint64{0, 1 << 2}, 10, true}, {[2]uint64{1, 1}, 0, false}, {[2]uint64{}, 0, false}} {
		p := paramFacts{used: c.used}
		if off, ok := p.onlyPiece(8); ok != c.ok || off != c.off {
			t.Errorf("pieces %v: %d, %v", c.used, off, ok)
		}
	}
}

// TestOrigins: a copy takes names and types from its abstract instance, which gets to know where the copies' parameters are.
func TestOrigins(t *testing.T) {
	strs := graph.NewStrings()
	name := func(s string) rawName { return rawStrID | rawName(strs.InternString(s)) }
	c := &Converter{strs: strs, opt: Options{Registers: Registers{N: 2, DWARF: []int{5, 4}}, Functions: allFunctions{}}}
	u := newUnitOf()
	i4 := u.int(4)
	var m marks
	m.reset(0, 100, false)
	m.set(m.add(10), markFunc)
	m.set(m.add(20), markFunc|1)
	m.count()
	d := &desc{types: u.types, cus: []cuInfo{{format: dwarfscan.Format{AddrSize: 8}}}}
	d.funcs = []fn{{off: 10, name: name("f"), typ: refLocal | typeRef(i4), nparm: 2, inline: true}, {off: 20, origin: 10, parm: 2, nparm: 2, lowPC: 0x1000}}
	d.params = []param{
		{off: 11, name: name("a"), typ: refLocal | typeRef(i4)}, {off: 12, name: name("b"), typ: refLocal | typeRef(i4)},
		{off: 21, origin: 12, hasLoc: true, locForm: dwarfscan.FormExprloc, loc: 1 << 32}, {off: 22, origin: 11}, // in the other order
	}
	a := analysis{c: c}
	a.run(d, &m, []byte{byte(op.DW_OP_reg5)})
	if len(a.saved) != 2 {
		t.Fatalf("%d functions are saved", len(a.saved))
	}
	if f := a.funcs[1]; f.name != name("f") || f.ret != refLocal|typeRef(i4) || f.flags&Reordered == 0 {
		t.Errorf("the copy: %+v", f)
	}
	if p := a.params[2]; p.name != name("b") || p.id != i4 || p.reg != 5 || p.gone {
		t.Errorf("its first parameter: %+v", p)
	}
	if p := a.params[3]; p.name != name("a") || !p.gone {
		t.Errorf("its second, which has no location: %+v", p)
	}
	if p := a.params[1]; !p.hasLoc || p.reg != 5 {
		t.Errorf("the abstract instance's b: %+v", p)
	}
}

// allFunctions has a symbol for every name.
type allFunctions struct{}

func (allFunctions) Lookup(graph.StrID) int32 { return 0 }

// TestTake: all that is known of a concrete instance's parameter comes to the abstract one, and nothing is lost there.
func TestTake(t *testing.T) {
	p := paramFacts{reg: 3, tsize: 16, used: [2]uint64{1, 2}, locFlags: locFlags{hasLoc: true, hasConst: true, constLoc: true, onStack: true, inMemory: true},
		oneMember: true, memberName: 7, memberType: 9}
	op := paramFacts{reg: -1, tsize: 8, used: [2]uint64{4, 8}}
	op.take(&p)
	if want := [2]uint64{5, 10}; op.used != want || op.reg != 3 || op.tsize != 16 || op.locFlags != p.locFlags || !op.oneMember || op.memberName != 7 || op.memberType != 9 {
		t.Errorf("%+v", op)
	}
	before := op
	op.take(&paramFacts{reg: -1, tsize: 16})
	if op != before {
		t.Errorf("of a parameter that nothing is known of: %+v, want %+v", op, before)
	}
}
