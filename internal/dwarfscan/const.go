package dwarfscan

// Tag is a DW_TAG code (DWARF 5 section 7.5.3 and vendor extensions).
type Tag uint16

const (
	TagArray            Tag = 0x01
	TagClass            Tag = 0x02
	TagEntryPoint       Tag = 0x03
	TagEnumeration      Tag = 0x04
	TagFormalParameter  Tag = 0x05
	TagImportedDecl     Tag = 0x08
	TagLabel            Tag = 0x0a
	TagLexicalBlock     Tag = 0x0b
	TagMember           Tag = 0x0d
	TagPointer          Tag = 0x0f
	TagReference        Tag = 0x10
	TagCompileUnit      Tag = 0x11
	TagStringType       Tag = 0x12
	TagStruct           Tag = 0x13
	TagSubroutineType   Tag = 0x15
	TagTypedef          Tag = 0x16
	TagUnion            Tag = 0x17
	TagUnspecifiedParms Tag = 0x18
	TagVariant          Tag = 0x19
	TagInheritance      Tag = 0x1c
	TagInlined          Tag = 0x1d
	TagPtrToMember      Tag = 0x1f
	TagSet              Tag = 0x20
	TagSubrange         Tag = 0x21
	TagBase             Tag = 0x24
	TagConst            Tag = 0x26
	TagConstant         Tag = 0x27
	TagEnumerator       Tag = 0x28
	TagFile             Tag = 0x29
	TagPacked           Tag = 0x2d
	TagSubprogram       Tag = 0x2e
	TagTemplateType     Tag = 0x2f
	TagTemplateValue    Tag = 0x30
	TagThrown           Tag = 0x31
	TagVariantPart      Tag = 0x33
	TagVariable         Tag = 0x34
	TagVolatile         Tag = 0x35
	TagDwarfProcedure   Tag = 0x36
	TagRestrict         Tag = 0x37
	TagInterface        Tag = 0x38
	TagNamespace        Tag = 0x39
	TagImportedModule   Tag = 0x3a
	TagUnspecified      Tag = 0x3b
	TagPartialUnit      Tag = 0x3c
	TagImportedUnit     Tag = 0x3d
	TagShared           Tag = 0x40
	TagTypeUnit         Tag = 0x41
	TagRvalueReference  Tag = 0x42
	TagTemplateAlias    Tag = 0x43
	TagCoarray          Tag = 0x44
	TagGenericSubrange  Tag = 0x45
	TagDynamic          Tag = 0x46
	TagAtomic           Tag = 0x47
	TagCallSite         Tag = 0x48
	TagCallSiteParam    Tag = 0x49
	TagSkeletonUnit     Tag = 0x4a
	TagImmutable        Tag = 0x4b
	TagGNUCallSite      Tag = 0x4109
	TagLLVMPtrauth      Tag = 0x4300
	TagLLVMAnnotation   Tag = 0x6000
	TagGNUAnnotation    Tag = 0x6001
)

// NoKind reports whether t is a type that BTF has no kind for and that no other kind
// can stand for in a C program's eyes: references, pointers to members, Fortran's
// strings, interfaces.
func (t Tag) NoKind() bool {
	switch t {
	case TagReference, TagRvalueReference, TagPtrToMember, TagStringType, TagInterface:
		return true
	}
	return false
}

// PassedOver reports whether t is a type that BTF has no kind for and that the reference passes over: what refers to it is of no type. A
// subrange is one where it is no dimension of an array.
func (t Tag) PassedOver() bool {
	switch t {
	case TagSet, TagSubrange, TagFile, TagPacked, TagThrown, TagShared, TagTemplateAlias, TagCoarray, TagGenericSubrange, TagDynamic, TagLLVMPtrauth:
		return true
	}
	return false
}

// The DW_AT codes that are read.
const (
	atSibling       = 0x01
	atLocation      = 0x02
	atName          = 0x03
	atByteSize      = 0x0b
	atBitOffset     = 0x0c
	atBitSize       = 0x0d
	atLowPC         = 0x11
	atLanguage      = 0x13
	atImport        = 0x18
	atConstValue    = 0x1c
	atInline        = 0x20
	atProducer      = 0x25
	atUpperBound    = 0x2f
	atOrigin        = 0x31
	atArtificial    = 0x34
	atCallConv      = 0x36
	atCount         = 0x37
	atMemberLoc     = 0x38
	atDeclaration   = 0x3c
	atEncoding      = 0x3e
	atExternal      = 0x3f
	atSpecification = 0x47
	atType          = 0x49
	atSignature     = 0x69
	atDataBitOffset = 0x6b
	atStrOffBase    = 0x72
	atAddrBase      = 0x73
	atLoclistsBase  = 0x8c
	atGNUAnnotation = 0x2139
	atGNUAddrBase   = 0x2133
)

// Form is a DW_FORM code; the GNU ones of two bytes have codes of their own here.
type Form uint8

const (
	FormAddr          Form = 0x01
	FormBlock2        Form = 0x03
	FormBlock4        Form = 0x04
	FormData2         Form = 0x05
	FormData4         Form = 0x06
	FormData8         Form = 0x07
	FormString        Form = 0x08
	FormBlock         Form = 0x09
	FormBlock1        Form = 0x0a
	FormData1         Form = 0x0b
	FormFlag          Form = 0x0c
	FormSdata         Form = 0x0d
	FormStrp          Form = 0x0e
	FormUdata         Form = 0x0f
	FormRefAddr       Form = 0x10
	FormRef1          Form = 0x11
	FormRef2          Form = 0x12
	FormRef4          Form = 0x13
	FormRef8          Form = 0x14
	FormRefUdata      Form = 0x15
	FormIndirect      Form = 0x16
	FormSecOffset     Form = 0x17
	FormExprloc       Form = 0x18
	FormFlagPresent   Form = 0x19
	FormStrx          Form = 0x1a
	FormAddrx         Form = 0x1b
	FormRefSup4       Form = 0x1c
	FormStrpSup       Form = 0x1d
	FormData16        Form = 0x1e
	FormLineStrp      Form = 0x1f
	FormRefSig8       Form = 0x20
	FormImplicitConst Form = 0x21
	FormLoclistx      Form = 0x22
	FormRnglistx      Form = 0x23
	FormRefSup8       Form = 0x24
	FormStrx1         Form = 0x25
	FormStrx2         Form = 0x26
	FormStrx3         Form = 0x27
	FormStrx4         Form = 0x28
	FormAddrx1        Form = 0x29
	FormAddrx2        Form = 0x2a
	FormAddrx3        Form = 0x2b
	FormAddrx4        Form = 0x2c
	FormGNUAddrIndex  Form = 0x81 // 0x1f01
	FormGNUStrIndex   Form = 0x82 // 0x1f02
	FormGNURefAlt     Form = 0xa0 // 0x1f20
	FormGNUStrpAlt    Form = 0xa1 // 0x1f21

	// FormLLVMAddrxOffset is an index of .debug_addr, in the lower half of a value, and what is added to that address, in the upper
	// half. (clang -mllvm -minimize-addr-in-v5=Form; LLVM's AddrxOffset extension of DWARF 5.)
	FormLLVMAddrxOffset Form = 0xb0 // 0x2001
)

func formOf(code uint64) Form {
	switch {
	case code < 0x80:
		return Form(code)
	case code == 0x1f01:
		return FormGNUAddrIndex
	case code == 0x1f02:
		return FormGNUStrIndex
	case code == 0x1f20:
		return FormGNURefAlt
	case code == 0x1f21:
		return FormGNUStrpAlt
	case code == 0x2001:
		return FormLLVMAddrxOffset
	}
	return 0
}

// IsConst reports whether a value of form f is a number, in the forms that the
// reference takes for one (rule units/constants).
func (f Form) IsConst() bool {
	switch f {
	case FormAddr, FormData1, FormData2, FormData4, FormData8, FormSdata, FormUdata, FormImplicitConst, FormFlag, FormFlagPresent:
		return true
	}
	return false
}

// IsData is IsConst for offsets of members and bounds of arrays, where the reference takes neither flags nor addresses for numbers.
// Rule units/constants.
func (f Form) IsData() bool {
	return f.IsConst() && f != FormAddr && f != FormFlag && f != FormFlagPresent
}

// IsBlock reports whether a value of form f is bytes in the unit (an expression or a block).
func (f Form) IsBlock() bool {
	switch f {
	case FormBlock, FormBlock1, FormBlock2, FormBlock4, FormExprloc:
		return true
	}
	return false
}
