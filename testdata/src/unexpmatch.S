/* Two copies of one function: an unexpected register in one of them ends the comparison of the two (spec 4.4), so a
   prototype that differs as well is not what is reported. */
#include "dw.inc"
#ifdef A
	text both
	text incons
	text reord
	text unexp
	text uncert
	text zlast
	unit a.c
	base .Lint, int, 5, 4
	func both, .Lint, both
	p a, .Lint, 0x53
	end
	func incons, .Lint, incons
	p a, .Lint, 0x55
	end
	func unexp, .Lint, unexp
	p a, .Lint, 0x53
	end
	func zlast, .Lint, zlast
	end
	endunit
#else
	unit b.c
	base .Lint, int, 5, 4
	base .Llong, long, 5, 8
	func both, .Lint, 0
	p a, .Llong, 0x55
	end
	func incons, .Lint, 0
	p a, .Llong, 0x55
	end
	func unexp, .Lint, 0
	p a, .Lint, 0x55
	end
	endunit
#endif
