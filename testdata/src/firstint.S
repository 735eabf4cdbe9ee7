/* The index type of all arrays is the "int" of the first unit that has one, whatever its size (spec 2.4). */
#include "dw.inc"
#ifdef A
	unit a.c
	base .Lshort, short, 5, 2
	base .Lint, int, 7, 8
	array .Larr, .Lshort
	upper 3
	end
	endunit
#else
	unit b.c
	base .Lint, int, 5, 4
	base .Lint2, int, 5, 2
	array .Larr, .Lint
	upper 4
	end
	array .Lempty, .Lint
	end
	endunit
	.text
	.globl nofunc
nofunc:	nop
#endif
