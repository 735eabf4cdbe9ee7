package dwarfscan

// Operations of DWARF expressions that are looked at (DWARF 5 section 7.7.1).
const (
	OpAddr          = 0x03
	OpConst1u       = 0x08
	OpConstu        = 0x10
	OpConsts        = 0x11
	OpPlusUconst    = 0x23
	OpLit0          = 0x30
	OpLit31         = 0x4f
	OpReg0          = 0x50
	OpReg31         = 0x6f
	OpBreg0         = 0x70
	OpBreg31        = 0x8f
	OpRegx          = 0x90
	OpFbreg         = 0x91
	OpBregx         = 0x92
	OpPiece         = 0x93
	OpImplicitValue = 0x9e
	OpStackValue    = 0x9f
	OpAddrx         = 0xa1
	OpEntryValue    = 0xa3
	OpGNUEntryValue = 0xf3
	OpGNUAddrIndex  = 0xfb
	OpGNUParamRef   = 0xfa
)

// Op is one operation of an expression.
type Op struct {
	Code  byte
	Arg   uint64 // first operand
	Block []byte // of entry_value, implicit_value ...
	Len   int    // bytes in the expression
}

// NextOp decodes the operation that e starts with. ok is false at the end and
// where the operation is unknown or cut off.
func NextOp(e []byte, f Format) (o Op, ok bool) {
	c := cursor{buf: e}
	o.Code = c.u8()
	if c.bad {
		return o, false
	}
	fixed := func(n int) {
		if n > len(e)-c.pos {
			c.bad = true
			return
		}
		for i := 0; i < n; i++ {
			if f.BigEndian {
				o.Arg = o.Arg<<8 | uint64(e[c.pos+i])
			} else {
				o.Arg |= uint64(e[c.pos+i]) << (8 * i)
			}
		}
		c.pos += n
	}
	block := func(n uint64) {
		if n > uint64(len(e)-c.pos) {
			c.bad = true
			return
		}
		o.Block = e[c.pos : c.pos+int(n)]
		c.pos += int(n)
	}
	switch b := o.Code; {
	case b >= OpLit0 && b <= OpReg31:
	case b >= OpBreg0 && b <= OpBreg31, b == OpFbreg, b == OpConsts:
		o.Arg = uint64(c.sleb())
	case b == OpAddr:
		fixed(int(f.AddrSize))
	case b == 0x08, b == 0x09, b == 0x15, b == 0x94, b == 0x95:
		fixed(1)
	case b == 0x0a, b == 0x0b, b == 0x28, b == 0x2f, b == 0x98:
		fixed(2)
	case b == 0x0c, b == 0x0d, b == 0x99:
		fixed(4)
	case b == 0x0e, b == 0x0f:
		fixed(8)
	case b == 0x9a: // call_ref
		fixed(int(f.offsetSize()))
	case b == OpConstu, b == OpPlusUconst, b == OpRegx, b == OpPiece, b == OpAddrx, b == 0xa2, b == OpGNUAddrIndex, b == 0xfc,
		b == 0xa8, b == 0xa9, b == 0xf7, b == 0xf9:
		o.Arg = c.uleb()
	case b == OpBregx:
		o.Arg = c.uleb()
		c.sleb()
	case b == 0x9d, b == 0xa5, b == 0xf5: // bit_piece, regval_type
		o.Arg = c.uleb()
		c.uleb()
	case b == OpImplicitValue, b == OpEntryValue, b == OpGNUEntryValue:
		block(c.uleb())
	case b == 0xa0, b == 0xf2: // implicit_pointer
		if f.Version <= 2 {
			fixed(int(f.AddrSize))
		} else {
			fixed(int(f.offsetSize()))
		}
		c.sleb()
	case b == 0xa4, b == 0xf4: // const_type
		o.Arg = c.uleb()
		block(uint64(c.u8()))
	case b == 0xa6, b == 0xa7, b == 0xf6: // deref_type, xderef_type
		c.u8()
		o.Arg = c.uleb()
	case b == OpGNUParamRef:
		fixed(4)
	case b == 0x06, b >= 0x12 && b <= 0x14, b >= 0x16 && b <= 0x22, b >= 0x24 && b <= 0x27, b >= 0x29 && b <= 0x2e,
		b == 0x96, b == 0x97, b == 0x9b, b == 0x9c, b == OpStackValue, b == 0xe0, b == 0xf0, b == 0xf8:
	default:
		return o, false
	}
	o.Len = c.pos
	return o, !c.bad
}

// Survey is what occurs in a file's abbreviations, in whatever table.
type Survey struct {
	forms   [1 << 8]bool
	imports bool
}

// Has reports whether some attribute is of that form.
func (s *Survey) Has(f Form) bool { return s.forms[f] }

// Linked reports whether units refer to each other by DW_FORM_ref_addr.
func (s *Survey) Linked() bool { return s.Has(FormRefAddr) }

// Imports reports whether some unit imports another: DW_TAG_imported_unit.
func (s *Survey) Imports() bool { return s.imports }

// Abbreviations looks at a whole .debug_abbrev. What is cut off or makes no sense ends it.
func Abbreviations(abbrev []byte) *Survey {
	s := &Survey{}
	c := cursor{buf: abbrev}
	for c.pos < len(abbrev) && !c.bad {
		if c.uleb() == 0 {
			continue // the end of a table, or padding
		}
		tag := Tag(c.uleb())
		c.u8()
		for !c.bad {
			var at, code uint64
			if p := c.pos; p+1 < len(abbrev) && abbrev[p]|abbrev[p+1] < 0x80 { // as nearly all are
				at, code, c.pos = uint64(abbrev[p]), uint64(abbrev[p+1]), p+2
			} else {
				at, code = c.uleb(), c.uleb()
			}
			if at == 0 && code == 0 {
				break
			}
			form := formOf(code)
			s.forms[form] = true
			s.imports = s.imports || tag == TagImportedUnit
			if form == FormImplicitConst {
				c.sleb()
			}
		}
	}
	return s
}
