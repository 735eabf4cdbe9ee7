package convert

import (
	"github.com/go-delve/delve/pkg/dwarf/op"

	"github.com/gobtf/gobtf/internal/dwarfscan"
)

// variable collects the DIE that was read last. Variables of functions are of no
// interest, those of namespaces only as what others specify.
// Rule variables/which.
func (w *walker) variable(in ctx) {
	d := &w.die
	if in == ctxFunc || w.c.opt.Variables == nil {
		w.skip()
		return
	}
	v := variable{off: d.Off, name: w.name(d), typ: w.ref(d, dwarfscan.Type), spec: w.ref(d, dwarfscan.Specification),
		declaration: d.Has(dwarfscan.Declaration), external: d.Has(dwarfscan.External), artificial: d.Has(dwarfscan.Artificial), top: in == ctxCU}
	if f := d.Form[dwarfscan.Location]; d.Has(dwarfscan.Location) && f.IsBlock() {
		p, n := d.Block(dwarfscan.Location)
		v.addr, v.hasAddr = w.staticAddress(w.buf[p : p+n])
	}
	pre := w.marks.add(d.Off)
	v.tag0 = uint32(len(w.d.varTags))
	if d.Children && w.enter() {
		for w.rd.Next(d) {
			if d.Tag == dwarfscan.TagLLVMAnnotation {
				w.d.varTags = w.llvmDeclTag(w.d.varTags, 0, -1)
			}
			w.skip()
		}
		w.depth--
	}
	v.tags = uint32(len(w.d.varTags)) - v.tag0
	w.marks.set(pre, markVar|mark(len(w.d.vars)))
	w.d.vars = append(w.d.vars, v)
}

// staticAddress returns the address that an expression starts with. A second and
// last operation may add to it.
func (w *walker) staticAddress(expr []byte) (uint64, bool) {
	o, ok := dwarfscan.NextOp(expr, w.cu.format)
	if !ok {
		return 0, false
	}
	addr := o.Arg
	switch o.Code {
	case byte(op.DW_OP_addr):
	case dwarfscan.OpAddrx, dwarfscan.OpGNUAddrIndex:
		if addr, ok = w.indexed(w.sec.Addr, w.cu.addrBase, o.Arg, int(w.cu.format.AddrSize)); !ok {
			return 0, false
		}
	default:
		return 0, false
	}
	if rest := expr[o.Len:]; len(rest) > 0 {
		if p, ok := dwarfscan.NextOp(rest, w.cu.format); ok && p.Code == byte(op.DW_OP_plus_uconst) && p.Len == len(rest) {
			addr += p.Arg
		}
	}
	return addr, true
}
