package dwarfscan

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"unsafe"
)

// Table is a compiled abbreviation table: a chain of abbreviations from one of them on. It is not changed by later ones.
type Table struct {
	list  []Abbrev // the table's first abbreviation is the last of it
	ops   []op
	chain *chain
}

// chain is the abbreviations from a place in .debug_abbrev to the null entry that ends them. They lie in it backwards: units may enter one
// table at several places, and what comes before those that are known is added at the end.
type chain struct {
	src    source
	list   []Abbrev
	ops    []op
	consts []uint64
	// Where the chain runs into the middle of another one, that one's table goes on from there.
	next  Table
	depth int // chains behind this one
	// Where codes do not follow each other: the place in list of each code, the last one where it is unique in dups' absence, and all
	// places in ascending order of those that stand several times. indexed says for how many of list that has been done.
	byCode  map[uint64]int32
	dups    map[uint64][]int32
	indexed int
	held    bool // a Table of it may be used after Compile was called again
}

// source is what the compiled form of a chain depends on beside its place.
type source struct {
	data   []byte
	format Format
	only   Form
}

func (s *source) same(t *source) bool {
	return s.format == t.format && s.only == t.only && sameSlice(s.data, t.data)
}

// sameSlice reports whether a and b are the same bytes at the same place.
func sameSlice(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// bytes is how much memory the chain takes.
func (c *chain) bytes() int {
	return cap(c.list)*int(unsafe.Sizeof(Abbrev{})) + cap(c.ops)*int(unsafe.Sizeof(op{})) + 8*cap(c.consts) + 64*c.indexed
}

// Abbrevs compiles abbreviation tables. It keeps some of them, so that units which take turns with tables, or which enter a table at
// several places, cost no more than others. The zero value is ready for use, by one goroutine.
type Abbrevs struct {
	// Table is what Compile was called for last.
	Table
	// Only, when it is not 0, makes the attributes of that form the only ones that are read, whatever they mean: into slots from 0 on.
	// It is set before Compile.
	Only Form

	shelves []*shelf
	free    []*chain // memory to use again
	held    int      // bytes of all chains on shelves
	limit   int      // of held
}

// shelf is the chains of one source.
type shelf struct {
	src  source
	kept []*chain // by the place of their first abbreviation
	high uint64   // up to where something was compiled
}

const (
	maxAttrs  = 1 << 12 // attributes of one abbreviation; gcc and clang stay below 40
	maxChains = 128     // chains that run into each other; more are compiled once more
	keepBytes = 1 << 18 // of compiled tables: those of about 20 units of a kernel
	nearby    = 8       // chains that are looked at for one that holds a place
)

// NoKind tells that some abbreviation is of a tag that BTF has no kind for.
func (t *Table) NoKind() bool { return len(t.list) != 0 && t.list[len(t.list)-1].noKind }

// Lookup returns the abbreviation with that code and the table that its steps are in, or nil. The first of equal codes counts.
func (t *Table) Lookup(code uint64) (*Abbrev, *Table) {
	if n := len(t.list) - 1; n >= 0 {
		first := &t.list[n]
		if i := code - first.code; i <= uint64(first.run) {
			return &t.list[n-int(i)], t
		}
	}
	return t.search(code)
}

// search is Lookup for codes that do not follow each other, as no known compiler writes them.
func (t *Table) search(code uint64) (*Abbrev, *Table) {
	for ; t.chain != nil; t = &t.chain.next {
		if i := t.chain.find(code, len(t.list)-1); i >= 0 {
			return &t.list[i], t
		}
	}
	return nil, nil
}

// find returns the largest place in list, from start down, of a code, or -1.
func (c *chain) find(code uint64, start int) int {
	c.index()
	if places, ok := c.dups[code]; ok {
		n := sort.Search(len(places), func(i int) bool { return int(places[i]) > start })
		if n == 0 {
			return -1
		}
		return int(places[n-1])
	}
	if i, ok := c.byCode[code]; ok && int(i) <= start {
		return int(i)
	}
	return -1
}

func (c *chain) index() {
	if c.byCode == nil {
		c.byCode = make(map[uint64]int32, len(c.list))
	}
	for ; c.indexed < len(c.list); c.indexed++ {
		code, i := c.list[c.indexed].code, int32(c.indexed)
		before, ok := c.byCode[code]
		if !ok {
			c.byCode[code] = i
			continue
		}
		if c.dups == nil {
			c.dups = make(map[uint64][]int32)
		}
		if c.dups[code] == nil {
			c.dups[code] = []int32{before}
		}
		c.dups[code] = append(c.dups[code], i)
	}
}

// Compile makes the table at offset off of .debug_abbrev the current one.
func (t *Abbrevs) Compile(data []byte, off uint64, f Format) error {
	t.Table = Table{} // its memory may be used again
	var err error
	t.Table, err = t.open(data, off, f)
	return err
}

// Open returns the table at offset off of .debug_abbrev. It stays as it is when others are compiled.
func (t *Abbrevs) Open(data []byte, off uint64, f Format) (Table, error) {
	tab, err := t.open(data, off, f)
	if tab.chain != nil {
		tab.chain.held = true
	}
	return tab, err
}

func (t *Abbrevs) open(data []byte, off uint64, f Format) (Table, error) {
	if off > uint64(len(data)) || uint64(len(data)) > 1<<32-1 {
		return Table{}, fmt.Errorf(".debug_abbrev: table at %#x lies outside the section (%#x bytes)", off, len(data))
	}
	s := t.shelf(source{data, f, t.Only})
	if tab := s.known(uint32(off)); tab.chain != nil {
		return tab, nil
	}
	return t.compile(s, off)
}

// shelf returns the place for chains of a source. There are few: one for each format that a unit can have, in the file and in the one
// that it refers to.
func (t *Abbrevs) shelf(src source) *shelf {
	src.format.Version = src.format.kind()
	for _, s := range t.shelves {
		if s.src.same(&src) {
			return s
		}
	}
	s := &shelf{src: src}
	t.shelves = append(t.shelves, s)
	return s
}

// known returns the table that starts at an abbreviation of a kept chain.
func (s *shelf) known(pos uint32) Table {
	n := s.behind(pos)
	for i := n - 1; i >= max(0, n-nearby); i-- {
		if tab := s.kept[i].at(pos); tab.chain != nil {
			return tab
		}
	}
	return Table{}
}

// behind returns the place in kept of the first chain whose first abbreviation stands behind pos.
func (s *shelf) behind(pos uint32) int {
	return sort.Search(len(s.kept), func(i int) bool { return s.kept[i].start() > pos })
}

func (c *chain) start() uint32 { return c.list[len(c.list)-1].pos }

// at returns the table that starts at an abbreviation of the chain, or of those behind it.
func (c *chain) at(pos uint32) Table {
	for ; c != nil; c = c.next.chain {
		if pos > c.list[0].pos {
			continue
		}
		i, ok := slices.BinarySearchFunc(c.list, pos, func(a Abbrev, pos uint32) int { return int(pos) - int(a.pos) })
		if !ok {
			return Table{}
		}
		return Table{c.list[:i+1], c.ops, c}
	}
	return Table{}
}

// compile reads the table at off, up to its end or to what is known.
func (t *Abbrevs) compile(s *shelf, off uint64) (Table, error) {
	t.makeRoom(s, off)
	c := t.fresh()
	c.src = s.src
	// The next known chain may turn out to be the rest of this one; chains that began before may be met in their middle.
	head := ^uint32(0)
	at := s.behind(uint32(off))
	if at < len(s.kept) {
		head = s.kept[at].start()
	}
	before := s.kept[max(0, at-nearby):at]

	cur := cursor{buf: s.src.data, pos: int(off)}
	var joined *chain
	for {
		pos := uint32(cur.pos)
		for pos > head { // passed by: that chain can be met in its middle only
			before = s.kept[max(0, at-nearby) : at+1]
			head = ^uint32(0)
			if at++; at < len(s.kept) {
				head = s.kept[at].start()
			}
		}
		if pos == head {
			joined = s.kept[at]
			break
		}
		if uint64(pos) >= s.high { // behind all that was compiled, as from table to table in what compilers write
			before = nil
		}
		if tab := meet(before, pos); tab.chain != nil {
			if tab.chain.depth < maxChains {
				c.next, c.depth = tab, tab.chain.depth+1
				tab.chain.held = true
				break
			}
			before, at, head = nil, len(s.kept), ^uint32(0) // read to the end
		}
		code := cur.uleb()
		if code == 0 {
			break
		}
		if err := c.compile(&cur, pos, code); err != nil {
			return Table{}, err
		}
		if cur.bad {
			break
		}
	}
	if cur.bad {
		return Table{}, fmt.Errorf(".debug_abbrev+%#x: table at %#x: truncated", cur.pos, off)
	}
	if len(c.list) == 0 { // no abbreviation: nothing that could be looked up, or what another chain has
		next := c.next
		t.recycle(c)
		return next, nil
	}
	if joined != nil {
		t.held -= joined.bytes()
		joined.prepend(c)
		t.held += joined.bytes()
		t.recycle(c)
		return Table{joined.list, joined.ops, joined}, nil
	}
	slices.Reverse(c.list)
	c.link(0)
	s.kept = slices.Insert(s.kept, s.behind(uint32(off)), c)
	t.held += c.bytes()
	s.high = max(s.high, uint64(cur.pos))
	return Table{c.list, c.ops, c}, nil
}

// meet returns the table of one of chains that starts at pos.
func meet(chains []*chain, pos uint32) Table {
	for _, c := range chains {
		if tab := c.at(pos); tab.chain != nil {
			return tab
		}
	}
	return Table{}
}

// makeRoom forgets the kept chains when they are too large. Compilers' units take one table after the other. Where one goes back to
// a table that is no longer there, more is kept from now on, so that such tables are not compiled for each unit.
func (t *Abbrevs) makeRoom(s *shelf, off uint64) {
	if t.limit == 0 {
		t.limit = keepBytes
	}
	if t.held <= t.limit {
		return
	}
	if off < s.high && t.limit < 16*len(s.src.data) {
		t.limit *= 2
		return
	}
	t.forget()
}

func (t *Abbrevs) forget() {
	for _, s := range t.shelves {
		for _, c := range s.kept {
			t.recycle(c)
		}
		clear(s.kept)
		s.kept = s.kept[:0]
	}
	t.held = 0
}

// recycle keeps the memory of a chain that nobody uses.
func (t *Abbrevs) recycle(c *chain) {
	if !c.held && c != t.chain {
		*c = chain{list: c.list[:0], ops: c.ops[:0], consts: c.consts[:0]}
		t.free = append(t.free, c)
	}
}

func (t *Abbrevs) fresh() *chain {
	if n := len(t.free) - 1; n >= 0 {
		c := t.free[n]
		t.free = t.free[:n]
		return c
	}
	return &chain{}
}

// compile adds the abbreviation whose code was read to the chain; those of one call of Abbrevs.compile lie in order until they are turned.
func (c *chain) compile(cur *cursor, pos uint32, code uint64) error {
	at := cur.pos
	tag := cur.uleb()
	children := cur.u8() != 0
	if tag > 0xffff {
		return fmt.Errorf(".debug_abbrev+%#x: tag %#x is out of range", at, tag)
	}
	c.list = append(c.list, Abbrev{code: code, pos: pos, ops: uint32(len(c.ops)), Tag: Tag(tag), Children: children, noKind: Tag(tag).NoKind()})
	return c.compileAttrs(cur, Tag(tag), children)
}

// prepend adds what was read in front of the chain; n is what compile left.
func (c *chain) prepend(n *chain) {
	from, ops, consts := len(c.list), uint32(len(c.ops)), uint32(len(c.consts))
	for i := len(n.list) - 1; i >= 0; i-- {
		a := n.list[i]
		a.ops += ops
		c.list = append(c.list, a)
	}
	for _, o := range n.ops {
		if o.code == opImplicit {
			o.n += consts
		}
		c.ops = append(c.ops, o)
	}
	c.consts = append(c.consts, n.consts...)
	c.link(from)
}

// link sets what abbreviations from list[from] on know of those behind them.
func (c *chain) link(from int) {
	for i := from; i < len(c.list); i++ {
		a, behind := &c.list[i], &Abbrev{}
		if i > 0 {
			behind = &c.list[i-1]
			if behind.code == a.code+1 {
				a.run = behind.run + 1
			}
			a.noKind = a.noKind || behind.noKind
		} else {
			a.noKind = a.noKind || c.next.NoKind()
		}
	}
}

func (c *chain) compileAttrs(cur *cursor, tag Tag, children bool) error {
	want, first := wanted(tag), len(c.ops)
	var skip uint32
	var seen uint32
	var only Slot // the next one
	for n := 0; ; n++ {
		pos := cur.pos
		at, code := cur.uleb(), cur.uleb()
		if cur.bad {
			return nil // the caller reports it
		}
		if at == 0 && code == 0 {
			break
		}
		if n == maxAttrs {
			return fmt.Errorf(".debug_abbrev+%#x: more than %d attributes in one abbreviation", pos, maxAttrs)
		}
		form := formOf(code)
		slot := slotOfAttr(at)
		if slot != noSlot && (want>>slot&1 == 0 || seen>>slot&1 != 0) {
			slot = noSlot // not read, or given twice: the first counts
		}
		if c.src.only != 0 {
			slot = noSlot
			if form == c.src.only && only < numSlots {
				slot = only
				only++
			}
		}
		if slot != noSlot {
			seen |= 1 << slot
		}
		if form == FormImplicitConst {
			v := uint64(cur.sleb())
			if slot != noSlot {
				c.ops = append(c.ops, op{opImplicit, slot, form, uint32(len(c.consts))})
				c.consts = append(c.consts, v)
			}
			continue
		}
		if form == FormFlagPresent {
			if slot != noSlot {
				c.ops = append(c.ops, op{opPresent, slot, form, skip})
				skip = 0
			}
			continue
		}
		o, size, ok := c.src.format.opFor(form)
		if !ok {
			return fmt.Errorf(".debug_abbrev+%#x: attribute %#x of %v: unknown form %#x", pos, at, tag, code)
		}
		if slot == noSlot && size != 0 {
			skip += size
			continue
		}
		if slot == noSlot {
			o = o.skipping()
		}
		c.ops = append(c.ops, op{o, slot, form, skip})
		skip = 0
	}
	c.ops = append(c.ops, op{opEnd, noSlot, 0, skip})
	fix(c.ops[first:])
	if tag == TagMember && !children {
		plainMember(c.ops[first:])
	}
	return nil
}

// fix turns the steps of an abbreviation, whose last one is opEnd, into loads, if all its values have a fixed size and it keeps some.
func fix(ops []op) {
	var loads, consts int
	for i := range ops[:len(ops)-1] {
		switch ops[i].code {
		case opU8, opU16, opU24, opU32, opU64:
			loads++
		case opPresent, opImplicit:
			consts++
		default:
			return
		}
	}
	if loads == 0 || consts > math.MaxUint8 || loads > math.MaxUint8 {
		return
	}
	// Each step moves up by one, so that the first one's place is free.
	at, moved := uint32(0), ops[0]
	for i := range ops[1:] {
		o := moved
		moved = ops[i+1]
		if size := loadSize(o.code); size != 0 {
			at += o.n
			o = op{opLoad, o.slot, o.form, at | (64-8*size)<<loadShift}
			at += size
		} else if o.code == opPresent {
			at += o.n
		}
		ops[i+1] = o
	}
	end := at + moved.n
	ops[0] = op{opFixed, Slot(loads), Form(consts), end}
	if consts > 0 {
		slices.SortStableFunc(ops[1:], func(a, b op) int { return isConst(a.code) - isConst(b.code) })
	}
}

// plainMember marks an abbreviation that PlainMember reads.
func plainMember(ops []op) {
	if ops[0].code != opFixed || ops[0].slot != 3 || ops[0].form != 0 {
		return
	}
	loads := ops[1:4]
	slices.SortFunc(loads, func(a, b op) int { return int(a.slot) - int(b.slot) })
	const fourBytes = 32 // the bits that a load of them leaves unused
	if loads[0].slot == Name && loads[0].form == FormStrp && loads[0].n>>loadShift == fourBytes && loads[1].slot == Type && loads[1].form == FormRef4 &&
		loads[2].slot == MemberLoc && loads[2].form.IsData() {
		ops[0].code = opPlainMember
	}
}

// loadSize is the size of the value that a step reads, 0 for those that read none.
func loadSize(c opcode) uint32 {
	switch c {
	case opU8:
		return 1
	case opU16:
		return 2
	case opU24:
		return 3
	case opU32:
		return 4
	case opU64:
		return 8
	}
	return 0
}

func isConst(c opcode) int {
	if c == opLoad {
		return 0
	}
	return 1
}
