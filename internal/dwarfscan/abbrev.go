package dwarfscan

import "encoding/binary"

// Slot is the place of an attribute's value in a DIE.
type Slot uint8

const (
	Name Slot = iota
	Type
	ByteSize
	Sibling
	Declaration
	Specification
	Origin
	Encoding
	BitSize
	BitOffset
	DataBitOffset
	MemberLoc
	ConstValue
	UpperBound
	Count
	Location
	LowPC
	External
	Inline
	Artificial
	CallConv
	Language
	Producer
	StrOffBase
	AddrBase
	LoclistsBase
	Signature
	Annotation
	Import
	numSlots

	noSlot Slot = 0xff
)

func slotOfAttr(at uint64) Slot {
	switch at {
	case atSibling:
		return Sibling
	case atLocation:
		return Location
	case atName:
		return Name
	case atByteSize:
		return ByteSize
	case atBitOffset:
		return BitOffset
	case atBitSize:
		return BitSize
	case atLowPC:
		return LowPC
	case atLanguage:
		return Language
	case atImport:
		return Import
	case atConstValue:
		return ConstValue
	case atInline:
		return Inline
	case atProducer:
		return Producer
	case atUpperBound:
		return UpperBound
	case atOrigin:
		return Origin
	case atArtificial:
		return Artificial
	case atCallConv:
		return CallConv
	case atCount:
		return Count
	case atMemberLoc:
		return MemberLoc
	case atDeclaration:
		return Declaration
	case atEncoding:
		return Encoding
	case atExternal:
		return External
	case atSpecification:
		return Specification
	case atType:
		return Type
	case atSignature:
		return Signature
	case atDataBitOffset:
		return DataBitOffset
	case atStrOffBase:
		return StrOffBase
	case atAddrBase, atGNUAddrBase:
		return AddrBase
	case atLoclistsBase:
		return LoclistsBase
	case atGNUAnnotation:
		return Annotation
	}
	return noSlot
}

// wanted says which attributes are read for a tag; the others are stepped over,
// neighbouring ones of fixed size together.
func wanted(t Tag) uint32 {
	const typed = 1<<Name | 1<<Type | 1<<ByteSize | 1<<Annotation
	switch t {
	case TagMember, TagInheritance:
		return typed | 1<<BitSize | 1<<BitOffset | 1<<DataBitOffset | 1<<MemberLoc | 1<<External | 1<<Declaration
	case TagFormalParameter:
		return 1<<Name | 1<<Type | 1<<Origin | 1<<Location | 1<<ConstValue | 1<<Annotation
	case TagVariable:
		return 1<<Name | 1<<Type | 1<<Origin | 1<<Specification | 1<<Declaration | 1<<External | 1<<Artificial | 1<<Location | 1<<Annotation
	case TagSubprogram:
		return 1<<Name | 1<<Type | 1<<Origin | 1<<Specification | 1<<Declaration | 1<<LowPC | 1<<Inline | 1<<CallConv | 1<<Annotation
	case TagStruct, TagClass, TagUnion, TagInterface:
		return typed | 1<<Declaration | 1<<Specification | 1<<Signature
	case TagEnumeration:
		return typed | 1<<Declaration | 1<<Specification | 1<<Signature
	case TagEnumerator:
		return 1<<Name | 1<<ConstValue
	case TagBase:
		return 1<<Name | 1<<ByteSize | 1<<Encoding
	case TagSubrange:
		return 1<<UpperBound | 1<<Count | 1<<Type | 1<<ByteSize // the latter where it is a type of its own
	case TagArray, TagPointer, TagTypedef, TagConst, TagVolatile, TagRestrict, TagAtomic, TagSubroutineType,
		TagReference, TagRvalueReference, TagPtrToMember, TagStringType, TagUnspecified, TagImmutable:
		return typed
	case TagCompileUnit, TagPartialUnit, TagTypeUnit, TagSkeletonUnit:
		return 1<<Name | 1<<Language | 1<<Producer | 1<<StrOffBase | 1<<AddrBase | 1<<LoclistsBase | 1<<LowPC
	case TagLLVMAnnotation, TagGNUAnnotation:
		return 1<<Name | 1<<ConstValue | 1<<Annotation
	case TagImportedUnit:
		return 1 << Import
	case TagNamespace:
		return 1 << Name
	}
	if t.PassedOver() {
		return 1<<Type | 1<<ByteSize | 1<<Sibling
	}
	return 1 << Sibling // subtrees that yield nothing are left by it
}

// opcode is one step of a compiled abbreviation. Its n is a number of bytes to
// step over first, except for opImplicit.
type opcode uint8

const (
	opEnd opcode = iota
	opU8
	opU16
	opU32
	opU64
	opU16BE
	opU32BE
	opU64BE
	opU24
	opU24BE
	opUleb
	opSleb
	opString
	opImplicit // value is consts[n], no bytes
	opPresent  // value 1, no bytes
	opBlock1
	opBlock2
	opBlock4
	opBlock2BE
	opBlock4BE
	opBlock
	opBytes16
	opSkipUleb // also skips signed ones
	opSkipString
	opSkipBlock1
	opSkipBlock2
	opSkipBlock4
	opSkipBlock2BE
	opSkipBlock4BE
	opSkipBlock
	opIndirect
	opAddrxOffset
	opAddrxOffsetBE
	opLoad // n is the value's place behind the code, and above loadShift how many bits of the 64 that are loaded are not its own
	// opFixed stands first where all values have a fixed size, the whole abbreviation's being n. Behind it are as many loads as slot says,
	// and as many constants (opImplicit, opPresent) as form says, and no opEnd.
	opFixed
	opPlainMember // opFixed of an abbreviation that PlainMember reads: its loads are Name, Type, MemberLoc
)

// loadShift is above the place of any value of an abbreviation of fixed size: 16 bytes for each of maxAttrs.
const loadShift = 24

// op is one step.
type op struct {
	code opcode
	slot Slot
	form Form
	n    uint32
}

// Abbrev is one compiled abbreviation.
type Abbrev struct {
	code     uint64
	pos      uint32 // in .debug_abbrev
	ops      uint32 // the first one, in the chain's ops; they go up to an opEnd
	run      uint32 // how many of those behind it have the codes code+1, code+2, ...
	Tag      Tag
	Children bool
	noKind   bool // it or one behind it is of a tag that BTF has no kind for
}

// Format is what the sizes of some forms depend on.
type Format struct {
	Version   uint16
	AddrSize  uint8
	Offset64  bool
	BigEndian bool
}

// kind is the version as far as the size of forms depends on it.
func (f Format) kind() uint16 {
	if f.Version <= 2 {
		return 2
	}
	return 3
}

func (f Format) offsetSize() uint32 {
	if f.Offset64 {
		return 8
	}
	return 4
}

// opFor returns the step that reads a form and, for forms of fixed size, the size in bytes.
func (f Format) opFor(form Form) (o opcode, size uint32, ok bool) {
	switch form {
	case FormAddr:
		size = uint32(f.AddrSize)
	case FormData1, FormRef1, FormFlag, FormStrx1, FormAddrx1:
		size = 1
	case FormData2, FormRef2, FormStrx2, FormAddrx2:
		size = 2
	case FormStrx3, FormAddrx3:
		size = 3
	case FormData4, FormRef4, FormRefSup4, FormStrx4, FormAddrx4:
		size = 4
	case FormData8, FormRef8, FormRefSup8, FormRefSig8:
		size = 8
	case FormData16:
		return opBytes16, 16, true
	case FormStrp, FormLineStrp, FormSecOffset, FormStrpSup, FormGNURefAlt, FormGNUStrpAlt:
		size = f.offsetSize()
	case FormRefAddr:
		size = f.offsetSize()
		if f.kind() == 2 {
			size = uint32(f.AddrSize)
		}
	case FormSdata:
		return opSleb, 0, true
	case FormUdata, FormRefUdata, FormStrx, FormAddrx, FormLoclistx, FormRnglistx, FormGNUAddrIndex, FormGNUStrIndex:
		return opUleb, 0, true
	case FormString:
		return opString, 0, true
	case FormBlock1:
		return opBlock1, 0, true
	case FormBlock2:
		return f.endian(opBlock2, opBlock2BE), 0, true
	case FormBlock4:
		return f.endian(opBlock4, opBlock4BE), 0, true
	case FormBlock, FormExprloc:
		return opBlock, 0, true
	case FormIndirect:
		return opIndirect, 0, true
	case FormLLVMAddrxOffset:
		return f.endian(opAddrxOffset, opAddrxOffsetBE), 0, true
	}
	switch size {
	case 1:
		o = opU8
	case 2:
		o = f.endian(opU16, opU16BE)
	case 3:
		o = f.endian(opU24, opU24BE)
	case 4:
		o = f.endian(opU32, opU32BE)
	case 8:
		o = f.endian(opU64, opU64BE)
	default:
		return 0, 0, false
	}
	return o, size, true
}

func (f Format) endian(le, be opcode) opcode {
	if f.BigEndian {
		return be
	}
	return le
}

// skipping returns the step that reads a form of variable size but keeps nothing.
func (o opcode) skipping() opcode {
	switch o {
	case opUleb, opSleb:
		return opSkipUleb
	case opString:
		return opSkipString
	case opBlock1:
		return opSkipBlock1
	case opBlock2:
		return opSkipBlock2
	case opBlock4:
		return opSkipBlock4
	case opBlock2BE:
		return opSkipBlock2BE
	case opBlock4BE:
		return opSkipBlock4BE
	case opBlock:
		return opSkipBlock
	}
	return o // those of rare forms: their slot says that nothing is kept
}

// cursor reads numbers and remembers that it ran out; then it gives zeros.
type cursor struct {
	buf []byte
	pos int
	bad bool
}

func (c *cursor) u8() byte {
	if c.pos >= len(c.buf) {
		c.bad = true
		return 0
	}
	c.pos++
	return c.buf[c.pos-1]
}

func (c *cursor) uleb() uint64 {
	v, n := uleb(c.buf, c.pos)
	if n < 0 {
		c.bad = true
		return 0
	}
	c.pos = n
	return v
}

func (c *cursor) sleb() int64 {
	v, n := sleb(c.buf, c.pos)
	if n < 0 {
		c.bad = true
		return 0
	}
	c.pos = n
	return v
}

// uleb reads an unsigned LEB128 at pos and returns the position behind it, -1 when
// the buffer ends first. Bits beyond 64 are dropped.
func uleb(b []byte, pos int) (uint64, int) {
	var v uint64
	for shift := uint(0); pos < len(b); shift += 7 {
		c := b[pos]
		pos++
		if shift < 64 {
			v |= uint64(c&0x7f) << shift
		}
		if c < 0x80 {
			return v, pos
		}
	}
	return 0, -1
}

func sleb(b []byte, pos int) (int64, int) {
	var v int64
	for shift := uint(0); pos < len(b); {
		c := b[pos]
		pos++
		if shift < 64 {
			v |= int64(c&0x7f) << shift
		}
		shift += 7
		if c < 0x80 {
			if c&0x40 != 0 && shift < 64 {
				v |= -1 << shift
			}
			return v, pos
		}
	}
	return 0, -1
}

func (f Format) order() binary.ByteOrder {
	if f.BigEndian {
		return binary.BigEndian
	}
	return binary.LittleEndian
}
