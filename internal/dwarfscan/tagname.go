package dwarfscan

import "fmt"

// String returns the tag as the standard writes it.
func (t Tag) String() string {
	if s, ok := tagNames[t]; ok {
		return "DW_TAG_" + s
	}
	return fmt.Sprintf("DW_TAG %#x", uint16(t))
}

// tagNames are the tags that messages may name (DWARF 5 section 7.5.3 and vendors').
var tagNames = map[Tag]string{
	0x01:   "array_type",
	0x02:   "class_type",
	0x03:   "entry_point",
	0x04:   "enumeration_type",
	0x05:   "formal_parameter",
	0x08:   "imported_declaration",
	0x0a:   "label",
	0x0b:   "lexical_block",
	0x0d:   "member",
	0x0f:   "pointer_type",
	0x10:   "reference_type",
	0x11:   "compile_unit",
	0x12:   "string_type",
	0x13:   "structure_type",
	0x15:   "subroutine_type",
	0x16:   "typedef",
	0x17:   "union_type",
	0x18:   "unspecified_parameters",
	0x19:   "variant",
	0x1c:   "inheritance",
	0x1d:   "inlined_subroutine",
	0x1f:   "ptr_to_member_type",
	0x20:   "set_type",
	0x21:   "subrange_type",
	0x24:   "base_type",
	0x26:   "const_type",
	0x27:   "constant",
	0x28:   "enumerator",
	0x29:   "file_type",
	0x2d:   "packed_type",
	0x2e:   "subprogram",
	0x2f:   "template_type_parameter",
	0x30:   "template_value_parameter",
	0x33:   "variant_part",
	0x34:   "variable",
	0x35:   "volatile_type",
	0x36:   "dwarf_procedure",
	0x37:   "restrict_type",
	0x38:   "interface_type",
	0x39:   "namespace",
	0x3a:   "imported_module",
	0x3b:   "unspecified_type",
	0x3c:   "partial_unit",
	0x3d:   "imported_unit",
	0x40:   "shared_type",
	0x41:   "type_unit",
	0x42:   "rvalue_reference_type",
	0x44:   "coarray_type",
	0x45:   "generic_subrange",
	0x46:   "dynamic_type",
	0x47:   "atomic_type",
	0x48:   "call_site",
	0x49:   "call_site_parameter",
	0x4a:   "skeleton_unit",
	0x4b:   "immutable_type",
	0x4109: "GNU_call_site",
	0x6000: "LLVM_annotation",
	0x6001: "GNU_annotation",
}
