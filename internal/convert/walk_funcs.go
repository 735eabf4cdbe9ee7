package convert

import "github.com/gobtf/gobtf/internal/dwarfscan"

// ccNocall is DW_CC_nocall.
const ccNocall = 3

// function collects a subprogram DIE and walks its children.
func (w *walker) function() {
	d := &w.die
	f := fn{off: d.Off, name: w.name(d), typ: w.ref(d, dwarfscan.Type), origin: w.ref(d, dwarfscan.Origin), spec: w.ref(d, dwarfscan.Specification),
		declaration: d.Has(dwarfscan.Declaration), inline: d.Const(dwarfscan.Inline) != 0, nocall: d.Const(dwarfscan.CallConv) == ccNocall, cu: w.cuNo}
	if d.Has(dwarfscan.LowPC) {
		f.lowPC = w.address(d, dwarfscan.LowPC)
	}
	pre := w.marks.add(d.Off)
	ps := len(w.pstack)
	chain := w.ref(d, dwarfscan.Annotation)
	if d.Children && w.enter() {
		for w.rd.Next(d) {
			switch d.Tag {
			case dwarfscan.TagFormalParameter:
				w.parameter(pre, len(w.pstack)-ps)
			case dwarfscan.TagUnspecifiedParms:
				f.variadic = true
				w.skip()
			case dwarfscan.TagLexicalBlock:
				w.block()
			case dwarfscan.TagLLVMAnnotation:
				w.d.funcTags = w.llvmDeclTag(w.d.funcTags, pre, -1)
				w.skip()
			default:
				w.generic(ctxFunc)
			}
		}
		w.depth--
	}
	if chain != 0 { // behind the parameters' own
		w.d.funcTags = w.gnuDeclTags(w.d.funcTags, chain, pre, -1)
	}
	f.parm, f.nparm = uint32(len(w.d.params)), uint32(len(w.pstack)-ps)
	w.d.params = append(w.d.params, w.pstack[ps:]...)
	w.pstack = w.pstack[:ps]
	w.marks.set(pre, markFunc|mark(len(w.d.funcs)))
	w.d.funcs = append(w.d.funcs, f)
}

// block walks a lexical block: its types count, its parameters and variables do not.
func (w *walker) block() {
	if !w.die.Children || !w.enter() {
		return
	}
	for w.rd.Next(&w.die) {
		if w.die.Tag == dwarfscan.TagLexicalBlock {
			w.block()
		} else {
			w.generic(ctxFunc)
		}
	}
	w.depth--
}

func (w *walker) parameter(fnPre uint32, index int) {
	d := &w.die
	p := param{off: d.Off, name: w.name(d), typ: w.ref(d, dwarfscan.Type), origin: w.ref(d, dwarfscan.Origin)}
	p.hasConst = d.Has(dwarfscan.ConstValue)
	if d.Has(dwarfscan.Location) {
		p.hasLoc, p.loc, p.locForm = true, d.Val[dwarfscan.Location], d.Form[dwarfscan.Location]
	}
	w.pstack = append(w.pstack, p)
	if d.Has(dwarfscan.Annotation) {
		w.d.funcTags = w.gnuDeclTags(w.d.funcTags, w.ref(d, dwarfscan.Annotation), fnPre, int32(index))
	}
	if d.Children && w.enter() {
		for w.rd.Next(d) {
			if d.Tag == dwarfscan.TagLLVMAnnotation {
				w.d.funcTags = w.llvmDeclTag(w.d.funcTags, fnPre, int32(index))
			}
			w.skip()
		}
		w.depth--
	}
}

// address returns an address attribute.
func (w *walker) address(d *dwarfscan.DIE, s dwarfscan.Slot) uint64 {
	switch d.Form[s] {
	case dwarfscan.FormAddr:
		return d.Val[s]
	case dwarfscan.FormAddrx, dwarfscan.FormAddrx1, dwarfscan.FormAddrx2, dwarfscan.FormAddrx3, dwarfscan.FormAddrx4, dwarfscan.FormGNUAddrIndex:
		v, _ := w.indexed(w.sec.Addr, w.cu.addrBase, d.Val[s], int(w.cu.format.AddrSize))
		return v
	case dwarfscan.FormLLVMAddrxOffset:
		if v, ok := w.indexed(w.sec.Addr, w.cu.addrBase, d.Val[s]&(1<<32-1), int(w.cu.format.AddrSize)); ok {
			return v + d.Val[s]>>32
		}
	}
	return 0
}
