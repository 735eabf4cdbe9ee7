/* Types no C compiler writes: fake ints, arrays without or with odd dimensions, counts, enums of odd base, empty names in
   places where they may be empty. */
#include "dw.inc"
	text zlast
	unit oddtypes.S
	base .Lint, int, 5, 4
	base .Lz, zero, 5, 0
	base .Lthree, three, 5, 3
	base .L16, sixteen, 7, 16
	base .L32, thirtytwo, 7, 32
	base .L255, big, 5, 255
	base .Lbool, bool3, 2, 3
	base .Laddr, addr, 1, 8
	base .Lutf, utf, 0x10, 4
	base .Lsc, schar, 6, 1
	base .Lodd, unknown, 0x55, 8
	base .Lflt, float2, 4, 2
	array .La1, .Lint
	end
.La2:	.uleb128 34
	ref .Lint
	array .La3, .La1
	upper 0xffffffff
	upper 4
	end
	array .La4, .Lint
	count 7
	count 0
	upper 0
	end
	array .La5, .Lint
	.uleb128 36
	.uleb128 3
	upper 2
	end
	array .La6, .Lint
	upper 0x1ffffffff
	end
	array .La7, .Lint
	.set n, 0
	.rept 20
	upper 1
	.endr
	end
.Lenum:	.uleb128 38
	.asciz "signed_by_type"
	.uleb128 4
	ref .Lint
	.uleb128 39
	.asciz "EM"
	.sleb128 -7
	.uleb128 40
	.asciz "EU"
	.uleb128 0x80000001
	end
.Lenum8: .uleb128 38
	.asciz "eight"
	.uleb128 8
	ref .Lsc
	.uleb128 39
	.asciz "E8"
	.sleb128 -1
	end
.Lenum0: .uleb128 38
	.asciz "size0"
	.uleb128 0
	ref .L16
	.uleb128 39
	.asciz "E0"
	.sleb128 5
	end
	struct .Ls, s, 400
	member a, .La1, 0
	member b, .La2, 4
	member c, .La3, 8
	member d, .La4, 16
	member e, .La5, 24
	member f, .La6, 32
	member g, .La7, 40
	member h, .Lenum, 48
	member i, .Lenum8, 56
	member j, .Lenum0, 64
	member "", .Lint, 72
	end
	class .Lc, cls, 0
	end
	class .Lc2, cls2, 4
	member m, .Lint, 0
	end
	struct .Lanon, "", 4
	member m, .Lint, 0
	end
.Lnosize: .uleb128 41
	.asciz "no_size"
	end
	voidptr .Lvp
	const .Lcvp, .Lvp
	func zlast, .Lcvp, zlast
	p a, .Ls, 0x91,0
	p b, .Lnosize, 0x55
	end
	endunit
