/* Location details of parameters (spec 4.3.1). A wrong register makes a function "unexpected" and it goes; a parameter
   without a known register is "optimized", which drops the function only when a .constprop symbol shares its address.
   So NAMEw (wrong register) must go, NAMEr (right register, .constprop symbol) must stay, and nothing else may decide.
   Aggregates are unions: a struct parameter would forgive the wrong register. */
#include "dw.inc"
	text e_aggrw
	text e_aggrr
	also e_aggrr.constprop.0
	text e_agg2w
	text e_agg2r
	also e_agg2r.constprop.0
	text e_aggfirst
	text e_aggfirstw
	text e_entw
	text e_entr
	also e_entr.constprop.0
	text e_gnuentw
	text e_gnuentr
	also e_gnuentr.constprop.0
	text e_entbad
	also e_entbad.constprop.0
	text b_svw
	text b_svr
	also b_svr.constprop.0
	text b_manyw
	text b_manyr
	also b_manyr.constprop.0
	text b_nosv
	also b_nosv.constprop.0
	text b_late
	also b_late.constprop.0
	text b_latemany
	also b_latemany.constprop.0
	text r_late
	also r_late.constprop.0
	text r_many
	also r_many.constprop.0
	text r_firstw
	text c_many
	also c_many.constprop.0
	text piece0
	also piece0.constprop.0
	text piece2
	text emptyr
	also emptyr.constprop.0
	text plain1
	also plain1.constprop.0

	unit loclist.S
	base .Lint, int, 5, 4
	base .Llong, "long int", 5, 8
	array .Larr, .Llong
	upper 1
	end
	union .Lu16, u16b, 16
	member a, .Larr, 0
	end
	/* aggregate, register only in the second entry */
	func e_aggrw, .Lint, e_aggrw
	pl p1, .Lu16, .Lagw
	end
	func e_aggrr, .Lint, e_aggrr
	pl p2, .Lu16, .Lagr
	end
	/* the same in the third entry, after an entry of another shape */
	func e_agg2w, .Lint, e_agg2w
	pl p3, .Lu16, .Lag2w
	end
	func e_agg2r, .Lint, e_agg2r
	pl p4, .Lu16, .Lag2r
	end
	/* a register of a later entry does not replace the first one, neither for better nor for worse */
	func e_aggfirst, .Lint, e_aggfirst
	pl p10, .Lu16, .Lagf
	end
	func e_aggfirstw, .Lint, e_aggfirstw
	pl p11, .Lu16, .Lagfw
	end
	/* entry value in a later entry, DWARF 5's opcode and GNU's */
	func e_entw, .Lint, e_entw
	pl p5, .Lint, .Lentw
	end
	func e_entr, .Lint, e_entr
	pl p6, .Lint, .Lentr
	end
	func e_gnuentw, .Lint, e_gnuentw
	pl p7, .Lint, .Lgentw
	end
	func e_gnuentr, .Lint, e_gnuentr
	pl p8, .Lint, .Lgentr
	end
	/* entry value of something that is not one register: unknown */
	func e_entbad, .Lint, e_entbad
	pl p9, .Lint, .Lentb
	end
	/* breg + stack_value: one operation, several operations */
	func b_svw, .Lint, b_svw
	p q1, .Lint, 0x74,0,0x9f
	end
	func b_svr, .Lint, b_svr
	p q2, .Lint, 0x75,1,0x9f
	end
	func b_manyw, .Lint, b_manyw
	p q3, .Lint, 0x74,0,0x34,0x22,0x9f
	end
	func b_manyr, .Lint, b_manyr
	p q4, .Lint, 0x75,0,0x34,0x22,0x9f
	end
	/* no stack_value: an address, not a value */
	func b_nosv, .Lint, b_nosv
	p q5, .Lint, 0x75,0
	end
	/* the same only in a later entry does not count */
	func b_late, .Lint, b_late
	pl q6, .Lint, .Lblate
	end
	func b_latemany, .Lint, b_latemany
	pl q7, .Lint, .Lblatem
	end
	func r_late, .Lint, r_late
	pl q8, .Lint, .Lrlate
	end
	/* several operations that begin with a register */
	func r_many, .Lint, r_many
	p q9, .Lint, 0x55,0x93,4,0x93,4
	end
	/* the first known register wins, also against a later entry value */
	func r_firstw, .Lint, r_firstw
	pl s1, .Lint, .Lfirst
	end
	/* a constant first op stops the scan */
	func c_many, .Lint, c_many
	p s2, .Lu16, 0x31,0x9f,0x93,8,0x55,0x93,8
	end
	/* leading piece moves the offset: a register past the first word is still taken while none is known */
	func piece0, .Lint, piece0
	p s3, .Lu16, 0x93,8,0x55,0x93,8
	end
	/* two registers: the one at offset 0 */
	func piece2, .Lint, piece2
	p s4, .Lu16, 0x55,0x93,8,0x51,0x93,8
	end
	/* an empty entry counts but is skipped: reg in entry 1 alone is not entry 0 */
	func emptyr, .Lint, emptyr
	pl s5, .Lint, .Lempty
	end
	func plain1, .Lint, plain1
	p s6, .Lint, 0x55
	end
	endunit

	lists
	list .Lagw
	entry 0x91,0,0x93,8,0x91,8,0x93,8
	entry 0x54,0x93,8,0x51,0x93,8
	endlist
	list .Lagr
	entry 0x91,0,0x93,8,0x91,8,0x93,8
	entry 0x55,0x93,8,0x54,0x93,8
	endlist
	list .Lag2w
	entry 0x91,0
	emptyentry
	entry 0x93,8,0x51,0x93,8
	endlist
	list .Lag2r
	entry 0x91,0
	emptyentry
	entry 0x55,0x93,8,0x93,8
	endlist
	list .Lagf
	entry 0x55,0x93,8,0x54,0x93,8
	entry 0x53,0x93,8,0x52,0x93,8
	endlist
	list .Lagfw
	entry 0x53,0x93,8,0x52,0x93,8
	entry 0x55,0x93,8,0x54,0x93,8
	endlist
	list .Lentw
	entry 0x77,8
	entry 0xa3,1,0x54,0x9f
	endlist
	list .Lentr
	entry 0x77,8
	entry 0xa3,1,0x55,0x9f
	endlist
	list .Lgentw
	entry 0x77,8
	entry 0x53
	entry 0xf3,1,0x54,0x9f
	endlist
	list .Lgentr
	entry 0x77,8
	entry 0x53
	entry 0xf3,1,0x55,0x9f
	endlist
	list .Lentb
	entry 0x77,8
	entry 0xa3,2,0x75,0,0x9f
	endlist
	list .Lblate
	entry 0x77,8
	entry 0x75,0,0x9f
	endlist
	list .Lblatem
	entry 0x77,8
	entry 0x75,0,0x34,0x22,0x9f
	endlist
	list .Lrlate
	entry 0x77,8
	entry 0x55
	endlist
	list .Lfirst
	entry 0x54
	entry 0xa3,1,0x55,0x9f
	endlist
	list .Lempty
	emptyentry
	entry 0x55
	endlist
	endlists
