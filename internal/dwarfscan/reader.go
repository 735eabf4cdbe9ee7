package dwarfscan

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// DIE is the values that were read of one DIE. What they mean depends on the
// form: numbers as they are (signed ones sign-extended), references and offsets
// unchanged, strings and blocks as position | length<<32 in the reader's buffer.
type DIE struct {
	Off      int // of the DIE, in the reader's buffer
	Tag      Tag
	Children bool
	has      uint32
	Val      [slotMask + 1]uint64
	Form     [slotMask + 1]Form
}

// slotMask lets the compiler see that a slot is in the arrays.
const slotMask = 31

// Has reports whether the DIE has the attribute.
func (d *DIE) Has(s Slot) bool { return d.has>>s&1 != 0 }

// Const returns a number's value, 0 when it is absent or not in a number's form.
// Rule units/constants.
func (d *DIE) Const(s Slot) uint64 {
	if d.has>>s&1 != 0 && d.Form[s].IsConst() {
		return d.Val[s]
	}
	return 0
}

// Flag reports whether a flag is there and not zero.
func (d *DIE) Flag(s Slot) bool { return d.Const(s) != 0 }

// Each calls fn for every value that was read.
func (d *DIE) Each(fn func(s Slot)) {
	for h := d.has; h != 0; h &= h - 1 {
		fn(Slot(bits.TrailingZeros32(h)))
	}
}

// Block returns position and length of a block or string value.
func (d *DIE) Block(s Slot) (pos, n int) { return int(uint32(d.Val[s])), int(d.Val[s] >> 32) }

// Reader reads one DIE after the other. Buf holds at least the unit; positions
// count from its start. A failed reader stays at its end.
type Reader struct {
	Buf []byte
	Pos int
	Tab *Table
	Err error
}

func (r *Reader) fail(pos int, format string, args ...any) bool {
	if r.Err == nil {
		r.Err = &PosError{pos, fmt.Sprintf(format, args...)}
	}
	r.Pos = len(r.Buf)
	return false
}

// PosError is an error at a position of the reader's buffer.
type PosError struct {
	Pos   int
	Cause string
}

func (e *PosError) Error() string { return fmt.Sprintf("+%#x: %s", e.Pos, e.Cause) }

// Next reads the DIE at Pos into d. It returns false at a null entry, at the end
// of the buffer and on an error (then Err is set).
func (r *Reader) Next(d *DIE) bool {
	buf, pos := r.Buf, r.Pos
	if uint(pos) >= uint(len(buf)) {
		return false
	}
	d.Off = pos
	code := uint64(buf[pos])
	pos++
	if code >= 0x80 {
		if code, pos = uleb(buf, pos-1); pos < 0 {
			return r.fail(d.Off, "abbreviation code is cut off")
		}
	}
	if code == 0 {
		r.Pos = pos
		return false
	}
	ab, tab := r.Tab.Lookup(code)
	if ab == nil {
		return r.fail(d.Off, "abbreviation code %d is not in the table", code)
	}
	d.Tag, d.Children = ab.Tag, ab.Children
	ops := tab.ops[ab.ops:]
	if h := &ops[0]; h.code >= opFixed { // or opPlainMember
		end := pos + int(h.n)
		if end+7 > len(buf) { // a load takes eight bytes, and uses what belongs to the value
			return r.lastValues(d, tab, ops, pos)
		}
		var has uint32
		loads := ops[1 : 1+int(h.slot)]
		for i := range loads {
			o := &loads[i]
			s := o.slot & slotMask
			shift := o.n >> loadShift
			d.Val[s] = binary.LittleEndian.Uint64(buf[pos+int(o.n&(1<<loadShift-1)):]) << shift >> shift
			d.Form[s] = o.form
			has |= 1 << s
		}
		d.has = has
		if h.form != 0 {
			constants(d, tab, ops[1+int(h.slot):1+int(h.slot)+int(h.form)])
		}
		r.Pos = end
		return true
	}
	return r.values(d, tab, ops, pos)
}

// Member is a DW_TAG_member that has a name in .debug_str, a type in its unit and a number for its offset, and nothing else of interest,
// as most have.
type Member struct {
	Name uint64 // offset in .debug_str
	Type uint64 // offset in the unit
	Loc  uint64 // DW_AT_data_member_location
}

// PlainMember reads the DIE at Pos as Next does, if it is one that Member can hold. Else it returns false and moves nowhere.
func (r *Reader) PlainMember(m *Member) bool {
	buf, pos := r.Buf, r.Pos
	if uint(pos) >= uint(len(buf)) {
		return false
	}
	if buf[pos] >= 0x80 {
		return false
	}
	ab, tab := r.Tab.Lookup(uint64(buf[pos]))
	if ab == nil {
		return false
	}
	ops := tab.ops[ab.ops:]
	pos++
	if len(ops) < 4 || ops[0].code != opPlainMember || pos+int(ops[0].n)+7 > len(buf) {
		return false
	}
	m.Name = uint64(binary.LittleEndian.Uint32(buf[pos+int(ops[1].n&(1<<loadShift-1)):]))
	m.Type = uint64(binary.LittleEndian.Uint32(buf[pos+int(ops[2].n&(1<<loadShift-1)):]))
	shift := ops[3].n >> loadShift
	m.Loc = binary.LittleEndian.Uint64(buf[pos+int(ops[3].n&(1<<loadShift-1)):]) << (shift & 63) >> (shift & 63)
	r.Pos = pos + int(ops[0].n)
	return true
}

// lastValues is for abbreviations of fixed size at the end of the buffer.
func (r *Reader) lastValues(d *DIE, tab *Table, ops []op, pos int) bool {
	h := ops[0]
	left := r.Buf[pos:]
	if uint64(len(left)) < uint64(h.n) {
		return r.fail(d.Off, cutOff)
	}
	d.has = 0
	for _, o := range ops[1 : 1+int(h.slot)] {
		at, size := o.n&(1<<loadShift-1), 8-o.n>>loadShift/8
		var b [8]byte
		copy(b[:], left[at:at+size])
		d.set(o.slot, binary.LittleEndian.Uint64(b[:]), o.form)
	}
	constants(d, tab, ops[1+int(h.slot):1+int(h.slot)+int(h.form)])
	r.Pos = pos + int(h.n)
	return true
}

// constants runs steps that read nothing.
func constants(d *DIE, tab *Table, ops []op) {
	for _, o := range ops {
		v := uint64(1)
		if o.code == opImplicit {
			v = tab.chain.consts[o.n]
		}
		d.set(o.slot, v, o.form)
	}
}

func (d *DIE) set(s Slot, v uint64, f Form) {
	d.has |= 1 << s
	d.Val[s] = v
	d.Form[s] = f
}

const cutOff = "DIE is cut off by the end of its unit"

// values runs an abbreviation's steps.
func (r *Reader) values(d *DIE, tab *Table, ops []op, pos int) bool {
	buf := r.Buf
	d.has = 0
	for i := range ops {
		o := &ops[i]
		if o.code != opImplicit {
			pos += int(o.n)
		}
		if uint(pos) > uint(len(buf)) {
			break
		}
		var v uint64
		switch o.code {
		case opEnd:
			r.Pos = pos
			return true
		case opU32:
			if len(buf)-pos < 4 {
				goto cut
			}
			v = uint64(binary.LittleEndian.Uint32(buf[pos:]))
			pos += 4
		case opU8:
			if pos >= len(buf) {
				goto cut
			}
			v = uint64(buf[pos])
			pos++
		case opImplicit:
			v = tab.chain.consts[o.n]
		case opPresent:
			v = 1
		case opString:
			e := bytes.IndexByte(buf[pos:], 0)
			if e < 0 {
				return r.fail(pos, "string has no end")
			}
			v = uint64(pos) | uint64(e)<<32
			pos += e + 1
		case opU16:
			if len(buf)-pos < 2 {
				goto cut
			}
			v = uint64(binary.LittleEndian.Uint16(buf[pos:]))
			pos += 2
		case opU64:
			if len(buf)-pos < 8 {
				goto cut
			}
			v = binary.LittleEndian.Uint64(buf[pos:])
			pos += 8
		case opSkipUleb:
			for pos < len(buf) && buf[pos] >= 0x80 {
				pos++
			}
			if pos >= len(buf) {
				goto cut
			}
			pos++
			continue
		case opSkipString:
			e := bytes.IndexByte(buf[pos:], 0)
			if e < 0 {
				return r.fail(pos, "string has no end")
			}
			pos += e + 1
			continue
		default:
			var ok bool
			var form Form
			if v, pos, form, ok = r.rare(o, pos); !ok {
				if r.Err != nil {
					return false
				}
				goto cut
			}
			if o.slot == noSlot {
				continue
			}
			d.has |= 1 << o.slot
			d.Val[o.slot] = v
			d.Form[o.slot] = form
			continue
		}
		d.has |= 1 << o.slot
		d.Val[o.slot] = v
		d.Form[o.slot] = o.form
	}
cut:
	return r.fail(d.Off, cutOff)
}

// rare reads the forms that kernels' units seldom have.
func (r *Reader) rare(o *op, pos int) (v uint64, next int, form Form, ok bool) {
	buf := r.Buf
	left := len(buf) - pos
	var n uint64
	switch o.code {
	case opU16BE:
		if left >= 2 {
			return uint64(binary.BigEndian.Uint16(buf[pos:])), pos + 2, o.form, true
		}
		return
	case opU32BE:
		if left >= 4 {
			return uint64(binary.BigEndian.Uint32(buf[pos:])), pos + 4, o.form, true
		}
		return
	case opU64BE:
		if left >= 8 {
			return binary.BigEndian.Uint64(buf[pos:]), pos + 8, o.form, true
		}
		return
	case opU24, opU24BE:
		if left >= 3 {
			b := buf[pos : pos+3]
			if o.code == opU24BE {
				return uint64(b[2]) | uint64(b[1])<<8 | uint64(b[0])<<16, pos + 3, o.form, true
			}
			return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16, pos + 3, o.form, true
		}
		return
	case opUleb:
		v, next = uleb(buf, pos)
		return v, next, o.form, next >= 0
	case opSleb:
		var s int64
		s, next = sleb(buf, pos)
		return uint64(s), next, o.form, next >= 0
	case opIndirect:
		var code uint64
		if code, next = uleb(buf, pos); next < 0 {
			return
		}
		form := formOf(code)
		o2 := op{slot: o.slot, form: form}
		if form == FormFlagPresent {
			return 1, next, form, true
		}
		if o2.code, _, ok = r.Tab.chain.src.format.opFor(form); !ok || form == FormIndirect {
			return 0, 0, 0, r.fail(pos, "unknown indirect form %#x", code)
		}
		return r.plain(&o2, next)
	case opAddrxOffset, opAddrxOffsetBE:
		if v, next = uleb(buf, pos); next < 0 || len(buf)-next < 4 {
			return 0, 0, 0, false
		}
		order := binary.ByteOrder(binary.LittleEndian)
		if o.code == opAddrxOffsetBE {
			order = binary.BigEndian
		}
		return min(v, 1<<32-1) | uint64(order.Uint32(buf[next:]))<<32, next + 4, o.form, true
	case opBytes16:
		n = 16
	case opBlock1, opSkipBlock1:
		if left < 1 {
			return
		}
		n, pos = uint64(buf[pos]), pos+1
	case opBlock2, opSkipBlock2:
		if left < 2 {
			return
		}
		n, pos = uint64(binary.LittleEndian.Uint16(buf[pos:])), pos+2
	case opBlock4, opSkipBlock4:
		if left < 4 {
			return
		}
		n, pos = uint64(binary.LittleEndian.Uint32(buf[pos:])), pos+4
	case opBlock2BE, opSkipBlock2BE:
		if left < 2 {
			return
		}
		n, pos = uint64(binary.BigEndian.Uint16(buf[pos:])), pos+2
	case opBlock4BE, opSkipBlock4BE:
		if left < 4 {
			return
		}
		n, pos = uint64(binary.BigEndian.Uint32(buf[pos:])), pos+4
	case opBlock, opSkipBlock:
		if n, pos = uleb(buf, pos); pos < 0 {
			return
		}
	default:
		return 0, 0, 0, r.fail(pos, "internal: step %d", o.code)
	}
	if n > uint64(len(buf)-pos) {
		return 0, 0, 0, false
	}
	return uint64(pos) | n<<32, pos + int(n), o.form, true
}

// plain reads a value whose form stood in the DIE itself (DW_FORM_indirect).
func (r *Reader) plain(o *op, pos int) (uint64, int, Form, bool) {
	left := len(r.Buf) - pos
	switch o.code {
	case opU8:
		if left >= 1 {
			return uint64(r.Buf[pos]), pos + 1, o.form, true
		}
	case opU16:
		if left >= 2 {
			return uint64(binary.LittleEndian.Uint16(r.Buf[pos:])), pos + 2, o.form, true
		}
	case opU32:
		if left >= 4 {
			return uint64(binary.LittleEndian.Uint32(r.Buf[pos:])), pos + 4, o.form, true
		}
	case opU64:
		if left >= 8 {
			return binary.LittleEndian.Uint64(r.Buf[pos:]), pos + 8, o.form, true
		}
	case opString:
		if e := bytes.IndexByte(r.Buf[pos:], 0); e >= 0 {
			return uint64(pos) | uint64(e)<<32, pos + e + 1, o.form, true
		}
	default:
		return r.rare(o, pos)
	}
	return 0, 0, 0, false
}

// SkipChildren steps over the children of a DIE that was just read and has some,
// down to and including the null entry behind them. Where a DIE has a sibling
// reference that makes sense, it jumps. base is where the unit starts in Buf.
func (r *Reader) SkipChildren(d *DIE, base int) {
	if r.jump(d, base) {
		return
	}
	var c DIE
	for depth := 1; depth > 0; {
		if r.Next(&c) {
			if c.Children && !r.jump(&c, base) {
				depth++
			}
			continue
		}
		if r.Err != nil || r.Pos >= len(r.Buf) {
			return
		}
		depth--
	}
}

// jump moves to d's sibling if d has a reference to it that points forward, inside the buffer.
func (r *Reader) jump(d *DIE, base int) bool {
	if !d.Has(Sibling) {
		return false
	}
	switch d.Form[Sibling] {
	case FormRef1, FormRef2, FormRef4, FormRef8, FormRefUdata:
	default:
		return false
	}
	s := d.Val[Sibling]
	if s > uint64(len(r.Buf)) || int(s)+base <= r.Pos || int(s)+base > len(r.Buf) {
		return false
	}
	r.Pos = int(s) + base
	return true
}

// At reads the DIE at position pos into d without moving the reader.
func (r *Reader) At(pos int, d *DIE) bool {
	if pos < 0 || pos >= len(r.Buf) {
		return false
	}
	save, err := r.Pos, r.Err
	r.Pos = pos
	ok := r.Next(d)
	r.Pos, r.Err = save, err
	return ok
}
