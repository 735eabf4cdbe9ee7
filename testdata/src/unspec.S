/* Unspecified types: at the top of a unit no id at all, nested ones take a slot that is dropped (spec 2.1). */
#include "dw.inc"
	text fn
	text zlast
	unit unspec.S
	base .Lint, int, 5, 4
	unspec .Ltop, decltype_nullptr
	ptr .Lptop, .Ltop
	func fn, .Lint, fn
	unspec .Lnest, nested_nothing
	ptr .Lpn, .Lnest
	typedef .Ltd, after_nested, .Lpn
	p a, .Lptop, 0x55
	p b, .Ltd, 0x54
	p c, .Lnest, 0x51
	end
	const .Lcn, .Lnest
	array .Larr, .Lcn
	upper 3
	end
	typedef .Ltd2, last, .Larr
	func zlast, .Ltd2, zlast
	end
	endunit
