/* A function whose instance has its parameters in another order is skipped, and its parameters without a location, or
   optimized, are dropped when it is saved (spec 4.2): their names are then never added to the strings (spec 8). The
   instances have names of their own, else the origin would add them. With true_signature the instance that has a symbol
   with a dot is written under that symbol with the parameters that are left. */
#include "dw.inc"
	text plain_i
	text isra
	also isra.isra.0
	text optd_i
	text zlast

	unit reordered.S
	base .Lint, int, 5, 4
	abstract .Lo, not_in_table, .Lint
	.Lo_a:
	pn onlya, .Lint
	.Lo_b:
	pn onlyb, .Lint
	.Lo_c:
	pn onlyc, .Lint
	end
	rename plain_i, .Lo, plain_i
	po .Lo_b, 0x55
	po .Lo_a, 0x54
	pon .Lo_c
	end
	abstract .Lo2, not_in_table2, .Lint
	.Lo2_a:
	pn seena, .Lint
	.Lo2_b:
	pn seenb, .Lint
	.Lo2_c:
	pn seenc, .Lint
	end
	rename isra, .Lo2, isra.isra.0
	po .Lo2_b, 0x55
	poc .Lo2_a, 4
	po .Lo2_c, 0x51
	end
	/* a location but no register: optimized, dropped as well */
	abstract .Lo3, not_in_table3, .Lint
	.Lo3_a:
	pn opta, .Lint
	.Lo3_b:
	pn optb, .Lint
	end
	rename optd_i, .Lo3, optd_i
	po .Lo3_b, 0x55
	po .Lo3_a, 0x91,0
	end
	func zlast, .Lint, zlast
	p lastp, .Lint, 0x55
	end
	endunit
