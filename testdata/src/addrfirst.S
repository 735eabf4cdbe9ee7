/* Copies of one function that has no symbol at its address: the copy to be written is the first of those with an address,
   only then of those without (spec 4.4, 4.5). Unit A has inlined copies only. */
#include "dw.inc"
#ifdef A
	text one
	text two
	text match
	text zlast
	unit a.c
	base .Lint, int, 5, 4
	abstract .La, one, .Lint
	p from_a, .Lint, 0x55
	end
	func two, .Lint, 0
	p two_a, .Lint, 0x55
	end
	func match, .Lint, match+0x100
	p match_a, .Lint, 0x55
	end
	func zlast, .Lint, zlast
	end
	endunit
#elif defined B
	unit b.c
	base .Lint, int, 5, 4
	func one, .Lint, one+0x100
	p from_b, .Lint, 0x55
	end
	func two, .Lint, 0
	p two_b, .Lint, 0x55
	end
	func match, .Lint, match
	p match_b, .Lint, 0x55
	end
	endunit
#else
	unit c.c
	base .Lint, int, 5, 4
	func one, .Lint, one+0x80
	p from_c, .Lint, 0x55
	end
	func two, .Lint, two+0x80
	p two_c, .Lint, 0x55
	end
	endunit
#endif
