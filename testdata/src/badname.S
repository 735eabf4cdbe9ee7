/* A variable whose name no kernel takes: skipped with encode_force, fatal without (spec 5, 7). */
#include "dw.inc"
	.section .data..percpu,"aw",@progbits
	.long 0
bad:	.long 1
	unit badname.S
	base .Lint, int, 5, 4
	var ok, .Lint, bad
	var bad-name, .Lint, bad
	var 9digit, .Lint, bad
	var .dot, .Lint, bad
	var a.b_9, .Lint, bad
	var after, .Lint, bad
	endunit
