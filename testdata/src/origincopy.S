/* What an instance knows of a parameter is copied to the parameter it comes from (spec 4.3.2): that it has a location, and its
   register. The instances here have a name of their own, so the origin's function is judged alone. */
#include "dw.inc"
	text loc_o
	also loc_o.constprop.0
	text loc_i
	text noloc_o
	also noloc_o.constprop.0
	text noloc_i
	text reg_o
	text reg_i
	text reglast_o
	text reglast_i
	text reglast_j
	text mem_o
	text mem_i
	text zlast

	unit origincopy.S
	base .Lint, int, 5, 4
	base .Llong, "long int", 5, 8
	array .Larr, .Llong
	upper 2
	end
	union .Lbig, big, 24
	member a, .Larr, 0
	end
	/* has_loc and the right register come from the instance: kept in spite of .constprop */
.Lloc:	.uleb128 11
	.asciz "loc_o"
	ref .Lint
	.quad loc_o
	.Lloc_a:
	pn a, .Lint
	end
	rename loc_i, .Lloc, loc_i
	po .Lloc_a, 0x55
	end
	/* nothing to copy: goes */
.Lnoloc: .uleb128 11
	.asciz "noloc_o"
	ref .Lint
	.quad noloc_o
	.Lnoloc_a:
	pn a, .Lint
	end
	rename noloc_i, .Lnoloc, noloc_i
	pon .Lnoloc_a
	end
	/* a wrong register comes from the instance: goes */
.Lreg:	.uleb128 11
	.asciz "reg_o"
	ref .Lint
	.quad reg_o
	.Lreg_a:
	pn a, .Lint
	end
	rename reg_i, .Lreg, reg_i
	po .Lreg_a, 0x53
	end
	/* two instances: the later one's register stays, the first wrong, the last right */
.Lrl:	.uleb128 11
	.asciz "reglast_o"
	ref .Lint
	.quad reglast_o
	.Lrl_a:
	pn a, .Lint
	end
	rename reglast_i, .Lrl, reglast_i
	po .Lrl_a, 0x53
	end
	rename reglast_j, .Lrl, reglast_j
	po .Lrl_a, 0x55
	end
	/* size in memory */
.Lmem:	.uleb128 11
	.asciz "mem_o"
	ref .Lint
	.quad mem_o
	.Lmem_a:
	pn a, .Lbig
	.Lmem_b:
	pn b, .Lint
	end
	rename mem_i, .Lmem, mem_i
	po .Lmem_a, 0x91,0
	po .Lmem_b, 0x54
	end
	func zlast, .Lint, zlast
	end
	endunit
