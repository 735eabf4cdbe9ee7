/* A variable at the start of its section is written only if an object symbol of exactly its name lies in that section (spec 5, 6). */
#include "dw.inc"
	.section .data..percpu,"aw",@progbits
	.globl other_name
	.type other_name, @object
other_name:
	.long 1
	.globl pc_second
	.type pc_second, @object
pc_second:
	.long 2
	.section .data..two,"aw",@progbits
	.globl z_named
	.type z_named, @object
z_named: .long 3
	.section .data..three,"aw",@progbits
	.globl z_notype
z_notype: .long 4
	.section .data..four,"aw",@progbits
	.type z_local, @object
z_local: .long 5
	.section .data..five,"aw",@progbits
	.type z_elsewhere_2, @object
z_elsewhere_2: .long 6
	.section .data..six,"aw",@progbits
	.long 7
	.type z_elsewhere, @object
z_elsewhere: .long 8
	.section .data..bad,"aw",@progbits
	.long 9
bad:	.long 10
bad2:	.long 11
#ifdef B
	/* seen only without encode_force, which stops at a bad name */
#endif

	unit zeroaddr.S
	base .Lint, int, 5, 4
	unspec .Lun, nothing
	var pc_first, .Lint, other_name
	var pc_second, .Lint, pc_second
	var z_named, .Lint, z_named
	var z_notype, .Lint, z_notype
	svar z_local, .Lint, z_local
	svar z_elsewhere, .Lint, z_elsewhere_2
	svar z_elsewhere, .Lint, z_elsewhere
	voidvar z_void, bad
	var ok_after, .Lint, bad2
	/* address with an offset, and one with a shape that is left out */
	.uleb128 23
	.asciz "plus"
	ref .Lint
	.byte 11, 3
	.quad pc_second-4
	.byte 0x23, 4
	.uleb128 23
	.asciz "minus"
	ref .Lint
	.byte 11, 3
	.quad bad
	.byte 0x11, 4
	/* declared first, defined through a specification */
.Ldecl:	.uleb128 32
	.asciz "spec_var"
	ref .Lint
	.uleb128 33
	ref .Ldecl
	.byte 9, 3
	.quad bad2
	endunit
