/* A parameter in memory counts one register slot, whatever its size; one of two words counts two (spec 4.3.3b). The parameter
   after it tells: in the wrong register its function goes. Unions, since a struct would forgive. */
#include "dw.inc"
	text mem_stay
	text mem_go
	text mem3_stay
	text two_stay
	text two_go
	text tail

	unit inmemory.S
	base .Lint, int, 5, 4
	base .Llong, "long int", 5, 8
	array .Larr, .Llong
	upper 2
	end
	array .Larr2, .Llong
	upper 1
	end
	union .Lbig, big, 24
	member a, .Larr, 0
	end
	union .Lpair, pair, 16
	member a, .Larr2, 0
	end
	func mem_stay, .Lint, mem_stay
	p u, .Lbig, 0x91,0
	p v, .Lint, 0x54
	end
	func mem_go, .Lint, mem_go
	p u, .Lbig, 0x91,0
	p v, .Lint, 0x52
	end
	/* without a location it counts one as well */
	func mem3_stay, .Lint, mem3_stay
	pn u, .Lbig
	pn w, .Lbig
	p v, .Lint, 0x51
	end
	func two_stay, .Lint, two_stay
	p u, .Lpair, 0x55,0x93,8,0x54,0x93,8
	p v, .Lint, 0x51
	end
	func two_go, .Lint, two_go
	p u, .Lpair, 0x55,0x93,8,0x54,0x93,8
	p v, .Lint, 0x54
	end
	func tail, .Lint, tail
	p v, .Lint, 0x55
	end
	endunit
