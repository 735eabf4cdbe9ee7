package btf

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Builder makes a BTF by hand. Its methods append one type each and return the id;
// a type may refer to ids that come later (see Next). The first thing that cannot
// be written is kept, and Types reports it.
type Builder struct {
	// Form is the header's form, Order the byte order; the base's or little-endian if nil.
	Form  HeaderForm
	Order binary.ByteOrder

	base  *Types
	words []uint32
	strs  []byte
	off   map[string]uint32
	n     TypeID
	err   error
}

// NewBuilder returns a builder of a BTF that continues base, or stands alone if it is nil.
func NewBuilder(base *Types) *Builder {
	b := &Builder{base: base, n: 1, off: map[string]uint32{"": 0}}
	if base == nil {
		b.strs = []byte{0}
	} else {
		b.n = TypeID(base.Len())
	}
	return b
}

// Next returns the id that the next type gets.
func (b *Builder) Next() TypeID { return b.n }

// Types returns what was built so far.
func (b *Builder) Types() (*Types, error) {
	if b.err != nil {
		return nil, b.err
	}
	order := b.Order
	switch {
	case order != nil:
	case b.base != nil:
		order = b.base.order
	default:
		order = binary.LittleEndian
	}
	t, err := New(append([]uint32(nil), b.words...), append([]byte(nil), b.strs...), b.base, order)
	if err != nil {
		return nil, err
	}
	t.form = b.Form
	return t, nil
}

// AddString returns the offset of a string, which need not be any type's name.
func (b *Builder) AddString(s string) uint32 {
	if off, ok := b.off[s]; ok {
		return off
	}
	if strings.IndexByte(s, 0) >= 0 {
		b.fail(fmt.Errorf("name %q has a zero byte inside", s))
		return 0
	}
	off, inBase := uint32(0), false
	if b.base != nil {
		off, inBase = b.base.Offset([]byte(s))
	}
	if !inBase {
		off = uint32(len(b.strs))
		if b.base != nil {
			off += b.base.StringsEnd()
		}
		b.strs = append(append(b.strs, s...), 0)
	}
	b.off[s] = off
	return off
}

func (b *Builder) fail(err error) {
	if b.err == nil {
		b.err = &Error{Section: "types", Off: 4 * len(b.words), ID: b.n, Err: err}
	}
}

// AddRecord appends a record of native-order words as it is.
func (b *Builder) AddRecord(rec []uint32) TypeID {
	id := b.n
	if len(rec) < 3 || InfoKind(rec[1]) >= NumKinds || len(rec) != RecordWords(rec[1]) {
		b.fail(fmt.Errorf("record of %d words is not whole", len(rec)))
		return id
	}
	b.words = append(b.words, rec...)
	b.n++
	return id
}

func (b *Builder) add(k Kind, name string, vlen int, kflag bool, third uint32, rest ...uint32) TypeID {
	if vlen > MaxVlen {
		b.fail(fmt.Errorf("%s %q: %d elements are more than %d", k, name, vlen, MaxVlen))
		return b.n
	}
	off := b.AddString(name)
	b.words = append(append(b.words, off, InfoWord(k, vlen, kflag), third), rest...)
	b.n++
	return b.n - 1
}

// AddInt appends an INT of size bytes. encoding is 0, Signed, Char or Bool.
func (b *Builder) AddInt(name string, size uint32, encoding uint8) TypeID {
	if size > 16 {
		b.fail(fmt.Errorf("INT %q: size %d is more than 16", name, size))
	}
	return b.AddIntBits(name, size, IntInfo{Encoding: encoding, Bits: uint8(8 * size)})
}

// AddIntBits is AddInt for one that does not use all its bits.
func (b *Builder) AddIntBits(name string, size uint32, i IntInfo) TypeID {
	return b.add(Int, name, 0, false, size, uint32(i.Encoding)<<24|uint32(i.Offset)<<16|uint32(i.Bits))
}

// AddFloat appends a FLOAT of size bytes.
func (b *Builder) AddFloat(name string, size uint32) TypeID {
	return b.add(Float, name, 0, false, size)
}

// AddPtr and the like append a type that consists of a reference.
func (b *Builder) AddPtr(to TypeID) TypeID      { return b.add(Ptr, "", 0, false, uint32(to)) }
func (b *Builder) AddConst(to TypeID) TypeID    { return b.add(Const, "", 0, false, uint32(to)) }
func (b *Builder) AddVolatile(to TypeID) TypeID { return b.add(Volatile, "", 0, false, uint32(to)) }
func (b *Builder) AddRestrict(to TypeID) TypeID { return b.add(Restrict, "", 0, false, uint32(to)) }

// AddTypedef appends a TYPEDEF.
func (b *Builder) AddTypedef(name string, to TypeID) TypeID {
	return b.add(Typedef, name, 0, false, uint32(to))
}

// AddTypeTag appends a TYPE_TAG; attribute is the form in which value is a whole attribute.
func (b *Builder) AddTypeTag(value string, to TypeID, attribute bool) TypeID {
	return b.add(TypeTag, value, 0, attribute, uint32(to))
}

// AddDeclTag appends a DECL_TAG for a member or parameter, or with component -1 for
// the whole of target.
func (b *Builder) AddDeclTag(value string, target TypeID, component int32, attribute bool) TypeID {
	return b.add(DeclTag, value, 0, attribute, uint32(target), uint32(component))
}

// AddArray appends an ARRAY.
func (b *Builder) AddArray(elem, index TypeID, n uint32) TypeID {
	return b.add(Array, "", 0, false, 0, uint32(elem), uint32(index), n)
}

// AddFwd appends a FWD of a struct or union.
func (b *Builder) AddFwd(name string, union bool) TypeID { return b.add(Fwd, name, 0, union, 0) }

// AddStruct appends a STRUCT. Of each member Name, Type, Bit and Bits count; if any
// has Bits, all offsets are written in the form for bitfields.
func (b *Builder) AddStruct(name string, size uint32, members ...Member) TypeID {
	return b.addMembers(Struct, name, size, members)
}

// AddUnion is AddStruct for a UNION.
func (b *Builder) AddUnion(name string, size uint32, members ...Member) TypeID {
	return b.addMembers(Union, name, size, members)
}

func (b *Builder) addMembers(k Kind, name string, size uint32, members []Member) TypeID {
	b.AddString(name) // before the members'
	kflag := false
	for _, m := range members {
		kflag = kflag || m.Bits != 0
	}
	rest := make([]uint32, 0, 3*len(members))
	for _, m := range members {
		if kflag && (m.Bits > maxBitSize || m.Bit > maxBitOff) {
			b.fail(fmt.Errorf("%s %q: bitfield %q of %d bits at bit %d does not fit", k, name, m.Name, m.Bits, m.Bit))
		}
		word := m.Bit
		if kflag {
			word |= m.Bits << 24
		}
		rest = append(rest, b.AddString(m.Name), uint32(m.Type), word)
	}
	return b.add(k, name, len(members), kflag, size, rest...)
}

// AddEnum appends an ENUM; without values it is an enum's forward declaration.
func (b *Builder) AddEnum(name string, size uint32, signed bool, values ...Value) TypeID {
	b.AddString(name)
	rest := make([]uint32, 0, 2*len(values))
	for _, v := range values {
		if fits := v.Value>>32 == 0; !fits && !(signed && uint64(int32(v.Value)) == v.Value) {
			b.fail(fmt.Errorf("ENUM %q: value %q does not fit into 32 bits", name, v.Name))
		}
		rest = append(rest, b.AddString(v.Name), uint32(v.Value))
	}
	return b.add(Enum, name, len(values), signed, size, rest...)
}

// AddEnum64 appends an ENUM64.
func (b *Builder) AddEnum64(name string, size uint32, signed bool, values ...Value) TypeID {
	b.AddString(name)
	rest := make([]uint32, 0, 3*len(values))
	for _, v := range values {
		rest = append(rest, b.AddString(v.Name), uint32(v.Value), uint32(v.Value>>32))
	}
	return b.add(Enum64, name, len(values), signed, size, rest...)
}

// AddFuncProto appends a FUNC_PROTO. A last parameter that is void and has no name
// stands for variable arguments.
func (b *Builder) AddFuncProto(ret TypeID, params ...Param) TypeID {
	rest := make([]uint32, 0, 2*len(params))
	for _, p := range params {
		rest = append(rest, b.AddString(p.Name), uint32(p.Type))
	}
	return b.add(FuncProto, "", len(params), false, uint32(ret), rest...)
}

// AddFunc appends a FUNC.
func (b *Builder) AddFunc(name string, proto TypeID, linkage uint32) TypeID {
	return b.add(Func, name, int(min(linkage, MaxVlen+1)), false, uint32(proto))
}

// AddVar appends a VAR.
func (b *Builder) AddVar(name string, typ TypeID, linkage uint32) TypeID {
	return b.add(Var, name, 0, false, uint32(typ), linkage)
}

// AddDatasec appends a DATASEC.
func (b *Builder) AddDatasec(name string, size uint32, entries ...Entry) TypeID {
	rest := make([]uint32, 0, 3*len(entries))
	for _, e := range entries {
		rest = append(rest, uint32(e.Var), e.Offset, e.Size)
	}
	return b.add(Datasec, name, len(entries), false, size, rest...)
}
