package convert

import (
	"math/bits"

	"github.com/go-delve/delve/pkg/dwarf/op"

	"github.com/gobtf/gobtf/internal/dwarfscan"
)

// locReader says where a location expression puts a parameter.
type locReader struct {
	format  dwarfscan.Format
	oneSlot bool // Registers.OneSlot
}

func isReg(code byte) bool  { return code >= byte(op.DW_OP_reg0) && code <= byte(op.DW_OP_reg31) }
func isBreg(code byte) bool { return code >= byte(op.DW_OP_breg0) && code <= byte(op.DW_OP_breg31) }
func isConstOp(code byte) bool {
	return code >= byte(op.DW_OP_lit0) && code <= byte(op.DW_OP_lit31) || code == byte(op.DW_OP_constu) || code == byte(op.DW_OP_consts)
}

func (p *paramFacts) setReg(code byte, first op.Opcode) {
	if p.reg < 0 { // the first one found counts
		p.reg = int16(code) - int16(first)
	}
}

// maxOps bounds how many operations of an expression are looked at: locations of
// parameters have one, or two a piece.
const maxOps = 64

// entry looks at entry e of a parameter's location list.
// Rule params/location.
func (r locReader) entry(p *paramFacts, e int, expr []byte) bool {
	var ops [maxOps]dwarfscan.Op
	n := 0
	for rest := expr; len(rest) > 0 && n < maxOps; n++ {
		o, ok := dwarfscan.NextOp(rest, r.format)
		if !ok {
			return false
		}
		ops[n] = o
		rest = rest[o.Len:]
	}
	stackValue := n == 2 && ops[1].Code == byte(op.DW_OP_stack_value)
	if stackValue {
		n = 1
	}
	switch n {
	case 0:
	case 1:
		r.oneOp(p, e, &ops[0], stackValue)
	default:
		r.manyOps(p, e, ops[:n])
	}
	return true
}

// oneOp applies rule params/location.
func (r locReader) oneOp(p *paramFacts, e int, o *dwarfscan.Op, stackValue bool) {
	if o.Code == dwarfscan.OpEntryValue || o.Code == dwarfscan.OpGNUEntryValue {
		if in, ok := dwarfscan.NextOp(o.Block, r.format); ok && in.Len == len(o.Block) && isReg(in.Code) {
			p.setReg(in.Code, op.DW_OP_reg0)
		}
		return
	}
	if e != 0 {
		return
	}
	switch {
	case isReg(o.Code):
		p.setReg(o.Code, op.DW_OP_reg0)
	case isBreg(o.Code) && stackValue:
		p.setReg(o.Code, op.DW_OP_breg0)
	case o.Code == byte(op.DW_OP_fbreg):
		p.onStack = true
	case isConstOp(o.Code):
		p.constLoc = true
	}
}

// manyOps applies rule params/location.
func (r locReader) manyOps(p *paramFacts, e int, ops []dwarfscan.Op) {
	as := uint64(r.format.AddrSize)
	if isConstOp(ops[0].Code) {
		if e == 0 {
			p.constLoc = true
		}
		return
	}
	if uint64(p.tsize) <= as || r.oneSlot {
		if e != 0 {
			return
		}
		switch {
		case isReg(ops[0].Code):
			p.setReg(ops[0].Code, op.DW_OP_reg0)
		case isBreg(ops[0].Code):
			for i := range ops[1:] {
				if ops[1+i].Code == byte(op.DW_OP_stack_value) {
					p.setReg(ops[0].Code, op.DW_OP_breg0)
					break
				}
			}
		}
		return
	}
	off := uint64(0) // in the aggregate
	for i := range ops {
		switch o := &ops[i]; {
		case o.Code == byte(op.DW_OP_piece):
			if i == 0 {
				off = o.Arg
				continue
			}
			if off < as {
				p.used[0] |= 1 << off
			} else {
				p.used[1] |= 1 << ((off - as) & 63)
			}
			off += o.Arg
		case isReg(o.Code):
			p.setReg(o.Code, op.DW_OP_reg0)
		}
	}
}

// onlyPiece returns the offset of the piece that a parameter's location gives when it is the only one. as is the size of an address.
func (p *paramFacts) onlyPiece(as int) (off int, ok bool) {
	if bits.OnesCount64(p.used[0])+bits.OnesCount64(p.used[1]) != 1 {
		return 0, false
	}
	if p.used[0] == 0 {
		return as + bits.TrailingZeros64(p.used[1]), true
	}
	return bits.TrailingZeros64(p.used[0]), true
}

// expected returns the DWARF register of register parameter k, -1 when it is not checked.
func (r *Registers) expected(k int) int {
	if k < len(r.DWARF) {
		return r.DWARF[k]
	}
	return -1
}

// slots returns how many registers a parameter takes.
// Rule params/memory.
func (p *paramFacts) slots(regs *Registers, as int) int {
	if regs.OneSlot || int(p.tsize) <= as {
		return 1
	}
	return (int(p.tsize) + as - 1) / as
}

// checkClang looks for parameters of a function whose signature clang has not changed that are not in one of their registers. as is the
// size of an address.
// Rules params/memory, params/registers.
func checkClang(ps []paramFacts, regs *Registers, as int) {
	r := 0
	for i := range ps {
		p := &ps[i]
		if p.inMemory {
			continue
		}
		if r >= regs.N {
			break
		}
		n := p.slots(regs, as)
		if p.reg >= 0 {
			found := false
			for k := r; k < r+n && k < regs.N; k++ {
				found = found || regs.expected(k) == int(p.reg)
			}
			p.unexpected = p.unexpected || !found
		}
		r += n
	}
}

// checkOrder looks for parameters that are not where the calling convention puts them. trueSig says that the signature was changed and
// that the true one is wanted.
// Rules params/memory, params/registers, functions/true-signature.
func checkOrder(ps []paramFacts, regs *Registers, as int, clang, trueSig bool) {
	r := 0
	for i := range ps {
		p := &ps[i]
		s := p.slots(regs, as)
		n := s
		if p.inMemory {
			n = 1
		}
		nextAt := func(k int) bool {
			return i+1 < len(ps) && ps[i+1].reg >= 0 && regs.expected(k) == int(ps[i+1].reg) && k < regs.N
		}
		switch {
		case p.hasLoc && trueSig && p.constLoc:
			p.optimized, n = true, 0
		case p.hasLoc && r >= regs.N:
			n = 0
		case p.hasLoc && trueSig && p.onStack:
			if p.inMemory {
				n = 0
			} else {
				p.unexpected = true
			}
		case p.hasLoc && p.reg < 0:
			if trueSig {
				p.unexpected = true
			} else {
				p.optimized = true
			}
		case p.hasLoc && regs.expected(r) >= 0 && r < regs.N && regs.expected(r) != int(p.reg):
			p.unexpected = true
		case p.hasLoc && trueSig && (p.used[0] != 0 || p.used[1] != 0):
			if p.used[0] != 0 && p.used[1] != 0 || nextAt(r+s) {
				p.oneMember = false // the whole aggregate is still passed
			} else if p.oneMember {
				n = 1
			}
		case p.hasLoc:
		case p.hasConst && !clang:
			p.optimized = true
		case trueSig && nextAt(r+s):
			n = s
		case trueSig:
			p.optimized, n = true, 0
		}
		if !trueSig || p.used[0] == 0 && p.used[1] == 0 {
			p.oneMember = false
		}
		r += n
	}
}

// sumUp says what the parameters found tell of their function. isStruct tells whether a type is a struct.
// Rule params/struct-excuses.
func sumUp(ps []paramFacts, isStruct func(LocalID) bool) (flags FuncFlags) {
	unexpected, hasStruct := false, false
	for i := range ps {
		p := &ps[i]
		if p.optimized || !p.hasLoc {
			flags |= OptimizedParms
		}
		unexpected = unexpected || p.unexpected
		hasStruct = hasStruct || isStruct(p.id)
	}
	if unexpected && !hasStruct {
		flags |= Unexpected
	}
	return flags
}
