package convert

import (
	"cmp"
	"slices"

	"github.com/gobtf/gobtf/internal/dwarfscan"
)

// analysis works out what the functions and variables of a unit are. It reads the description and changes nothing of it; what it finds
// stands in facts beside it. Its slices are used again for the next unit.
type analysis struct {
	c    *Converter
	d    *desc
	m    *marks
	buf  []byte // that locations are read from
	lays layouts

	funcs   []fnFacts    // of desc.funcs
	params  []paramFacts // of desc.params
	saved   []uint32     // the functions that are kept, by their index
	missing []rawName    // functions without a symbol, where Options.Trace asks for them
	tags    []declTag    // of functions, one function's together; the target is its index
	vars    []located    // the variables that are kept

	locs   map[locKey]paramFacts // what the rest of a long location list says; for all units of a worker
	places []paramPlace          // of params by their DIEs; made by paramOf
}

// fnFacts are what is found out about a function.
type fnFacts struct {
	name      rawName // its own, or that of its origin or specification
	entry     int32   // in the function table, notInElf: not there
	ret       typeRef
	flags     FuncFlags
	reordered bool // a parameter's origin is at another place of the abstract function
}

const notInElf = -1

// paramFacts are what is found out about a parameter.
type paramFacts struct {
	name  rawName
	typ   typeRef // its own, or its origin's
	id    LocalID // the same; of saved functions
	tsize uint16  // bytes of its type, as the calling convention counts them
	reg   int16   // where it is found, -1: not known
	used  [2]uint64
	locFlags
	optimized, unexpected bool
	gone                  bool // not in the prototype
	oneMember             bool // true_signature: only one member is passed
	memberName            rawName
	memberType            LocalID
}

// locFlags say where a parameter is.
type locFlags struct {
	hasLoc, hasConst, constLoc, onStack, inMemory bool
}

// run works everything out. The marks must be counted and the types linked.
func (a *analysis) run(d *desc, m *marks, buf []byte) {
	a.d, a.m, a.buf = d, m, buf
	a.funcs, a.params, a.saved, a.missing = a.funcs[:0], a.params[:0], a.saved[:0], a.missing[:0]
	a.tags, a.vars, a.places = a.tags[:0], a.vars[:0], a.places[:0]
	a.lays.reset(&d.types)
	if a.c.opt.Functions != nil {
		a.saveFunctions()
	}
	if a.c.opt.Variables != nil {
		a.saveVariables()
	}
}

// saveFunctions looks at the functions that have a symbol, in the order of their DIEs.
// Rule functions/saved.
func (a *analysis) saveFunctions() {
	d, opt := a.d, &a.c.opt
	for i := range d.funcs {
		a.funcs = append(a.funcs, fnFacts{name: d.funcs[i].name, entry: notInElf})
	}
	for i := range d.params {
		p := &d.params[i]
		a.params = append(a.params, paramFacts{name: p.name, typ: p.typ, reg: -1, locFlags: locFlags{hasLoc: p.hasLoc, hasConst: p.hasConst}})
	}
	any := false
	for i := range d.funcs {
		f, facts := &d.funcs[i], &a.funcs[i]
		if facts.name == 0 {
			if o, ok := a.fnAt(f.origin); ok {
				facts.name = a.funcs[o].name
			} else if o, ok := a.fnAt(f.spec); ok {
				facts.name = a.funcs[o].name
			}
		}
		if facts.name == 0 || f.declaration {
			continue
		}
		if facts.entry = opt.Functions.Lookup(a.c.str(facts.name)); facts.entry == notInElf {
			if opt.Trace && a.allNamedByOrigin(f) {
				a.missing = append(a.missing, facts.name)
			}
			continue
		}
		any = true
		a.resolveParams(f, facts)
	}
	if !any {
		return
	}
	a.sortTags()
	for i := range d.funcs {
		f, facts := &d.funcs[i], &a.funcs[i]
		if facts.entry != notInElf && allNamed(a.paramsOf(f)) {
			a.saved = append(a.saved, uint32(i))
			a.judge(f, facts)
		}
	}
}

// sortTags puts the tags of each function together, in the order in which they were met.
func (a *analysis) sortTags() {
	if !a.c.opt.DeclTag {
		return
	}
	a.tags = append(a.tags, a.d.funcTags...)
	for i := range a.tags {
		a.tags[i].target = a.m.list[a.tags[i].target].index()
	}
	slices.SortStableFunc(a.tags, byTarget)
}

func byTarget(a, b declTag) int { return cmp.Compare(a.target, b.target) }

// tagsOf returns the declaration tags of a function.
func (a *analysis) tagsOf(index uint32) []declTag {
	from, _ := slices.BinarySearchFunc(a.tags, index, func(t declTag, i uint32) int { return cmp.Compare(t.target, i) })
	to := from
	for to < len(a.tags) && a.tags[to].target == index {
		to++
	}
	return a.tags[from:to]
}

// fnAt returns the index of the function whose DIE is at a place.
func (a *analysis) fnAt(at typeRef) (uint32, bool) {
	if at == 0 {
		return 0, false
	}
	x := a.m.lookup(at)
	return x.index(), x.kind() == markFunc
}

func (a *analysis) paramsOf(f *fn) []paramFacts { return a.params[f.parm : f.parm+f.nparm] }

func allNamed(ps []paramFacts) bool {
	for i := range ps {
		if ps[i].name == 0 {
			return false
		}
	}
	return true
}

// allNamedByOrigin is allNamed for a function whose parameters nobody has resolved.
func (a *analysis) allNamedByOrigin(f *fn) bool {
	for i := f.parm; i < f.parm+f.nparm; i++ {
		name := a.params[i].name
		if o, _, ok := a.originOf(f, i); ok {
			name = a.params[o].name
		}
		if name == 0 {
			return false
		}
	}
	return true
}

// resolveParams reads the locations of f's parameters and takes from, and gives to, the parameters of its abstract instance.
// Rules functions/saved, params/origin.
func (a *analysis) resolveParams(f *fn, facts *fnFacts) {
	cu := &a.d.cus[f.cu]
	for i := f.parm; i < f.parm+f.nparm; i++ {
		p := &a.params[i]
		typ := p.typ
		o, slot, ok := a.originOf(f, i)
		if ok {
			typ = a.params[o].typ
		}
		a.readLocation(cu, p, &a.d.params[i], a.m.local(typ))
		if !ok {
			continue
		}
		op := &a.params[o]
		p.name, p.typ = op.name, op.typ
		if slot != int32(i-f.parm) {
			facts.reordered = true
		}
		op.take(p)
	}
}

// take adds to an abstract instance's parameter what is known of a concrete one's.
// Rule params/origin.
func (op *paramFacts) take(p *paramFacts) {
	op.hasLoc = op.hasLoc || p.hasLoc
	op.hasConst = op.hasConst || p.hasConst
	op.constLoc = op.constLoc || p.constLoc
	op.onStack = op.onStack || p.onStack
	op.inMemory = op.inMemory || p.inMemory
	op.tsize = p.tsize
	if p.reg >= 0 {
		op.reg = p.reg
	}
	op.used[0] |= p.used[0]
	op.used[1] |= p.used[1]
	if p.oneMember {
		op.oneMember, op.memberName, op.memberType = true, p.memberName, p.memberType
	}
}

// originOf returns the parameter that parameter i, one of f's, refers to as its origin, and its place among its function's parameters.
// A parameter with a type of its own has none.
func (a *analysis) originOf(f *fn, i uint32) (origin uint32, slot int32, ok bool) {
	at := a.d.params[i].origin
	if a.params[i].typ != 0 || at == 0 {
		return 0, 0, false
	}
	abstract := noFunc
	if o, found := a.fnAt(f.origin); found {
		slot := i - f.parm
		if of := &a.d.funcs[o]; slot < of.nparm && a.d.params[of.parm+slot].off == int(at) {
			return of.parm + slot, int32(slot), true
		}
		abstract = o
	}
	return a.paramOf(int(at), abstract)
}

// noFunc is the index of no function.
const noFunc = ^uint32(0)

// paramPlace is where a parameter's DIE came to stand.
type paramPlace struct {
	off  int
	fn   uint32 // index of its function
	slot int32  // among the function's
}

// paramOf finds a parameter by its DIE: that of function want, or else of the first that has it. Optimized code seldom refers to
// parameters by another place than their own, so the index is made when one does.
func (a *analysis) paramOf(off int, want uint32) (index uint32, slot int32, ok bool) {
	funcs := a.d.funcs
	if len(a.places) == 0 {
		for i := range funcs {
			f := &funcs[i]
			for k, p := range a.d.params[f.parm : f.parm+f.nparm] {
				a.places = append(a.places, paramPlace{p.off, uint32(i), int32(k)})
			}
		}
		slices.SortStableFunc(a.places, func(a, b paramPlace) int { return cmp.Compare(a.off, b.off) })
	}
	found, ok := slices.BinarySearchFunc(a.places, off, func(p paramPlace, off int) int { return cmp.Compare(p.off, off) })
	if !ok {
		return 0, 0, false
	}
	for j := found; j < len(a.places) && a.places[j].off == off; j++ {
		if a.places[j].fn == want {
			found = j
			break
		}
	}
	x := &a.places[found]
	return funcs[x.fn].parm + uint32(x.slot), x.slot, true
}

// judge says what becomes of a saved function and of its parameters.
// Rules functions/saved, functions/reordered.
func (a *analysis) judge(f *fn, facts *fnFacts) {
	d, opt := a.d, &a.c.opt
	cu, ps := &d.cus[f.cu], a.paramsOf(f)
	facts.ret = f.typ
	if o, ok := a.fnAt(f.origin); ok && f.typ == 0 {
		facts.ret = d.funcs[o].typ
	}
	for i := range ps {
		ps[i].id = a.m.local(ps[i].typ)
	}
	changed := a.changed(f)
	as := int(cu.format.AddrSize)
	trueSig := opt.TrueSignature && changed
	if cu.clang && !changed {
		checkClang(ps, &opt.Registers, as)
	} else {
		checkOrder(ps, &opt.Registers, as, cu.clang, trueSig)
	}
	facts.flags = sumUp(ps, a.lays.isStruct)
	if changed {
		facts.flags |= SignatureChanged
	}
	if facts.reordered {
		facts.flags |= Reordered
	}
	if a.lays.uncertain(ps, opt.Registers.N, as) {
		facts.flags |= Uncertain
	}
	for i := range ps {
		p := &ps[i]
		p.gone = facts.reordered && (!p.hasLoc || p.optimized) || trueSig && p.optimized
		p.oneMember = p.oneMember && trueSig
	}
}

// changed tells whether clang says that the function's signature was changed.
// Rule params/nocall.
func (a *analysis) changed(f *fn) bool {
	if !a.d.cus[f.cu].clang || f.inline {
		return false
	}
	if f.nocall {
		return true
	}
	o, ok := a.fnAt(f.origin)
	return ok && a.d.funcs[o].nocall
}

// readLocation reads a parameter's location. typ is its type.
// Rule params/location.
func (a *analysis) readLocation(cu *cuInfo, p *paramFacts, from *param, typ LocalID) {
	opt, as := &a.c.opt, int(cu.format.AddrSize)
	p.tsize = a.d.passedSize(typ, as)
	limit := as
	if !opt.Registers.OneSlot {
		limit = 2 * as
	}
	p.inMemory = int(p.tsize) > limit
	if !p.hasLoc {
		return
	}
	r := locReader{cu.format, opt.Registers.OneSlot}
	switch fm := from.locForm; {
	case fm.IsBlock():
		pos, n := int(uint32(from.loc)), int(from.loc>>32)
		r.entry(p, 0, a.buf[pos:pos+n])
	case fm == dwarfscan.FormLoclistx:
		ls := a.c.locSections()
		if off, ok := ls.LoclistOffset(cu.format, cu.loclistsBase, from.loc); ok {
			a.locList(r, p, ls, off)
		}
	case fm == dwarfscan.FormSecOffset || fm == dwarfscan.FormData4 || fm == dwarfscan.FormData8:
		a.locList(r, p, a.c.locSections(), from.loc)
	}
	if opt.TrueSignature {
		a.onlyMember(p, typ, as)
	}
}

func (c *Converter) locSections() *dwarfscan.LocSections {
	return &dwarfscan.LocSections{Loc: c.sec.Loc, Loclists: c.sec.Loclists}
}

// locStep is after how many entries of a location list the worker remembers what the rest says. Lists of compilers are shorter.
const locStep = 64

// locKey names the rest of a location list, for parameters of one size.
type locKey struct {
	off    uint64
	format dwarfscan.Format
	tsize  uint16
}

// locList looks at all entries of a location list. Many parameters may share a long list, or parts of it: what its entries say from
// some place on is the same for all of them, and is kept in a.locs.
func (a *analysis) locList(r locReader, p *paramFacts, ls *dwarfscan.LocSections, off uint64) {
	type rest struct {
		key  locKey
		says paramFacts
	}
	var rests []rest
	to, n := p, 0
	ls.Locations(r.format, off, func(at uint64, expr []byte) bool {
		if n >= locStep && n%locStep == 0 {
			key := locKey{at, r.format, p.tsize}
			if says, ok := a.locs[key]; ok {
				to.follow(&says)
				return false
			}
			rests = append(rests, rest{key, paramFacts{reg: -1, tsize: p.tsize}})
			to = &rests[len(rests)-1].says
		}
		ok := r.entry(to, n, expr)
		n++
		return ok
	})
	if len(rests) > 0 && a.locs == nil {
		a.locs = make(map[locKey]paramFacts)
	}
	for i := len(rests) - 1; i >= 0; i-- {
		says := &rests[i].says
		a.locs[rests[i].key] = *says
		if i > 0 {
			rests[i-1].says.follow(says)
		} else {
			p.follow(says)
		}
	}
}

// follow adds what the entries behind those of p say: entries other than a list's first give a register or use parts of it.
func (p *paramFacts) follow(rest *paramFacts) {
	if p.reg < 0 {
		p.reg = rest.reg
	}
	p.used[0] |= rest.used[0]
	p.used[1] |= rest.used[1]
}

// onlyMember remembers the member of an aggregate that is the only one its location gives a piece of.
// Rule functions/true-signature.
func (a *analysis) onlyMember(p *paramFacts, typ LocalID, as int) {
	off, ok := p.onlyPiece(as)
	if !ok {
		return
	}
	if name, member, ok := a.d.memberAt(typ, uint32(off)*8); ok && !a.c.str0(name) { // else the parameter could not be called by it
		p.oneMember, p.memberName, p.memberType = true, name, member
	}
}
