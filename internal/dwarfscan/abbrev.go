package dwarfscan

import (
	"encoding/binary"
	"fmt"
)

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
		return 1<<UpperBound | 1<<Count
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
)

type op struct {
	code opcode
	slot Slot
	form Form
	n    uint32
}

// Abbrev is one compiled abbreviation.
type Abbrev struct {
	Tag      Tag
	Children bool
	ops      []op
}

// Format is what the sizes of some forms depend on.
type Format struct {
	Version   uint16
	AddrSize  uint8
	Offset64  bool
	BigEndian bool
}

func (f Format) offsetSize() uint32 {
	if f.Offset64 {
		return 8
	}
	return 4
}

// Abbrevs is a compiled abbreviation table. The zero value is ready for Compile,
// which may be called again: memory is used again.
type Abbrevs struct {
	data   []byte
	off    uint64
	format Format
	loaded bool

	list   []Abbrev // by code-1 while codes are sequential, as all known producers write them
	sparse map[uint64]int
	ops    []op
	consts []uint64
	start  []int32 // first op of list[i]: ops moves while it grows
	// Only, when it is not 0, makes the attributes of that form the only ones that are read,
	// whatever they mean: into slots from 0 on. It is set before Compile.
	Only Form
	// RefAddr tells that some abbreviation has an attribute of DW_FORM_ref_addr.
	RefAddr bool
	// NoKind tells that some abbreviation is of a tag that BTF has no kind for.
	NoKind bool
}

const maxAttrs = 1 << 12 // attributes of one abbreviation; gcc and clang stay below 40

// Compile reads the table at offset off of .debug_abbrev.
func (t *Abbrevs) Compile(data []byte, off uint64, f Format) error {
	if t.loaded && t.off == off && t.format == f && sameSlice(t.data, data) {
		return nil
	}
	t.loaded = false
	t.data, t.off, t.format = data, off, f
	t.list, t.ops, t.consts, t.start = t.list[:0], t.ops[:0], t.consts[:0], t.start[:0]
	t.sparse, t.RefAddr, t.NoKind = nil, false, false
	if off > uint64(len(data)) {
		return fmt.Errorf(".debug_abbrev: table at %#x lies outside the section (%#x bytes)", off, len(data))
	}
	c := cursor{buf: data, pos: int(off)}
	for {
		code := c.uleb()
		if code == 0 {
			break
		}
		at := c.pos
		tag := c.uleb()
		children := c.u8() != 0
		if tag > 0xffff {
			return fmt.Errorf(".debug_abbrev+%#x: tag %#x is out of range", at, tag)
		}
		t.NoKind = t.NoKind || Tag(tag).NoKind()
		i := len(t.list)
		t.list = append(t.list, Abbrev{Tag: Tag(tag), Children: children})
		t.start = append(t.start, int32(len(t.ops)))
		if t.sparse != nil || code != uint64(i)+1 {
			t.addSparse(code, i)
		}
		if err := t.compileAttrs(&c, Tag(tag)); err != nil {
			return err
		}
		if c.bad {
			break
		}
	}
	if c.bad {
		return fmt.Errorf(".debug_abbrev+%#x: table at %#x: truncated", c.pos, off)
	}
	for i := range t.list {
		end := len(t.ops)
		if i+1 < len(t.list) {
			end = int(t.start[i+1])
		}
		t.list[i].ops = t.ops[t.start[i]:end:end]
	}
	t.loaded = true
	return nil
}

// sameSlice reports whether a and b are the same bytes at the same place.
func sameSlice(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

func (t *Abbrevs) addSparse(code uint64, i int) {
	if t.sparse == nil {
		t.sparse = make(map[uint64]int)
		for j := 0; j < i; j++ {
			t.sparse[uint64(j)+1] = j
		}
	}
	if _, ok := t.sparse[code]; !ok { // the first of equal codes counts
		t.sparse[code] = i
	}
}

// Lookup returns the abbreviation with that code, or nil.
func (t *Abbrevs) Lookup(code uint64) *Abbrev {
	if t.sparse == nil {
		if code-1 < uint64(len(t.list)) {
			return &t.list[code-1]
		}
		return nil
	}
	if i, ok := t.sparse[code]; ok {
		return &t.list[i]
	}
	return nil
}

func (t *Abbrevs) compileAttrs(c *cursor, tag Tag) error {
	want := wanted(tag)
	var skip uint32
	var seen uint32
	var only Slot // the next one
	for n := 0; ; n++ {
		pos := c.pos
		at, code := c.uleb(), c.uleb()
		if c.bad {
			return nil // the caller reports it
		}
		if at == 0 && code == 0 {
			break
		}
		if n == maxAttrs {
			return fmt.Errorf(".debug_abbrev+%#x: more than %d attributes in one abbreviation", pos, maxAttrs)
		}
		form := formOf(code)
		if form == FormRefAddr {
			t.RefAddr = true
		}
		slot := slotOfAttr(at)
		if slot != noSlot && (want>>slot&1 == 0 || seen>>slot&1 != 0) {
			slot = noSlot // not read, or given twice: the first counts
		}
		if t.Only != 0 {
			slot = noSlot
			if form == t.Only && only < numSlots {
				slot = only
				only++
			}
		}
		if slot != noSlot {
			seen |= 1 << slot
		}
		if form == FormImplicitConst {
			v := uint64(c.sleb())
			if slot != noSlot {
				t.ops = append(t.ops, op{opImplicit, slot, form, uint32(len(t.consts))})
				t.consts = append(t.consts, v)
			}
			continue
		}
		if form == FormFlagPresent {
			if slot != noSlot {
				t.ops = append(t.ops, op{opPresent, slot, form, skip})
				skip = 0
			}
			continue
		}
		o, size, ok := t.format.opFor(form)
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
		t.ops = append(t.ops, op{o, slot, form, skip})
		skip = 0
	}
	t.ops = append(t.ops, op{opEnd, noSlot, 0, skip})
	return nil
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
		if f.Version <= 2 {
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
