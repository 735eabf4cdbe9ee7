/* DW_AT_const_value without a location: the parameter is optimized, yet takes its register (spec 4.3.3b); with a location it
   is judged by that. A .constprop symbol at the address lets "optimized" show. */
#include "dw.inc"
	text c_go
	also c_go.constprop.0
	text c_kept
	text c_slot
	text c_slotw
	text cl_stay
	also cl_stay.constprop.0
	text cl_go
	also cl_go.constprop.0
	text clone_o
	text clone_c
	also clone_c.constprop.0
	text zlast

	unit constparm.S
	base .Lint, int, 5, 4
	func c_go, .Lint, c_go
	pc k, .Lint, 3
	p a, .Lint, 0x54
	end
	func c_kept, .Lint, c_kept
	pc k, .Lint, 3
	p a, .Lint, 0x54
	end
	func c_slot, .Lint, c_slot
	p a, .Lint, 0x55
	pc k, .Lint, 3
	pc l, .Lint, 4
	p b, .Lint, 0x52
	end
	func c_slotw, .Lint, c_slotw
	p a, .Lint, 0x55
	pc k, .Lint, 3
	p b, .Lint, 0x54
	end
	func cl_stay, .Lint, cl_stay
	.uleb128 28
	.asciz "k"
	ref .Lint
	.byte 3
	expr 0x55
	end
	func cl_go, .Lint, cl_go
	.uleb128 28
	.asciz "k"
	ref .Lint
	.byte 3
	expr 0x91,0
	end
	/* through an abstract origin */
	abstract .Lo, clone_o, .Lint
.Lo_k:	.uleb128 17
	.asciz "k"
	ref .Lint
.Lo_a:	.uleb128 17
	.asciz "a"
	ref .Lint
	end
	rename clone_c, .Lo, clone_c
	poc .Lo_k, 7
	po .Lo_a, 0x54
	end
	func zlast, .Lint, zlast
	end
	endunit
