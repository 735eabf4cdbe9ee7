package core

import (
	"fmt"
	"slices"

	"github.com/gobtf/gobtf/btf"
)

// answer is the number that a relocation puts into an instruction where a type of a kernel is as local says. It is needed only to see
// whether several types of one name give the same.
// There is no number for what cannot be read in one go: a bitfield that lies across more than 8 bytes.
func (p *place) answer(k Kind) (uint64, error) {
	switch k {
	case FieldExists, TypeExists, TypeMatches, EnumValueExists:
		return 1, nil
	case TypeIDTarget:
		return uint64(p.root), nil
	case TypeSize:
		return uint64(p.ts.SizeOf(p.root, p.as)), nil
	case EnumValue:
		s := p.steps[0]
		return slices.Collect(p.ts.Type(s.typ).Values())[s.idx].Value, nil
	}
	s := p.steps[len(p.steps)-1]
	if s.name == "" {
		switch k {
		case FieldByteOffset:
			return uint64(p.bit / 8), nil
		case FieldByteSize:
			return uint64(p.ts.SizeOf(s.typ, p.as)), nil
		default: // other kinds: an element has neither sign nor shift
			return 0, fmt.Errorf("an array's element is asked for its %s", k)
		}
	}
	m := member(p.ts.Type(s.typ), s.idx)
	t, id := bare(p.ts, m.Type)
	bits, size := m.Bits, p.ts.SizeOf(id, p.as)
	off := p.bit / 8
	if bits == 0 {
		bits = 8 * size
	} else {
		if size == 0 {
			return 0, fmt.Errorf("bitfield %s has a type without a size", m.Name)
		}
		for off = p.bit / 8 / size * size; p.bit+bits-off*8 > size*8; off = p.bit / 8 / size * size {
			if size >= 8 {
				return 0, fmt.Errorf("bitfield %s lies across more than 8 bytes", m.Name)
			}
			size *= 2
		}
	}
	switch k {
	case FieldByteOffset:
		return uint64(off), nil
	case FieldByteSize:
		return uint64(size), nil
	case FieldSigned:
		if anyEnum(t) && t.Kflag() || t.Kind() == btf.Int && t.Int().Encoding&btf.Signed != 0 {
			return 1, nil
		}
		return 0, nil
	case FieldLShift:
		if p.ts.BigEndian() {
			return uint64((8-size)*8 + p.bit - off*8), nil
		}
		return uint64(64 - (p.bit + bits - off*8)), nil
	default: // other kinds: only FieldRShift is left
		return uint64(64 - bits), nil
	}
}
