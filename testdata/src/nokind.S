/* Types that BTF has no kind for. With LINKED the unit refers to itself by DW_FORM_ref_addr, as units of an LTO program do to each
   other: then it cannot be left out. */
#define NOKIND
#include "dw.inc"
	unit nokind.f
	base .Lint, int, 5, 4
.Lat:	.uleb128 47
	ref .Lint
	typedef .Lta, to_atomic, .Lat
#ifndef ATOMIC
.Lstr:	.uleb128 42
	.uleb128 5
	typedef .Lts, to_string, .Lstr
	.uleb128 43
	.asciz "iface"
	.uleb128 4
	member m, .Lint, 0
	end
.Lref:	.uleb128 44
	ref .Lint
	typedef .Ltr, to_reference, .Lref
.Lptm:	.uleb128 45
	ref .Lint
	typedef .Ltm, to_member, .Lptm
#endif
#ifdef LINKED
.Lpa:	.uleb128 46
	.long .Lta
	typedef .Ltp, to_atomic_pointer, .Lpa
#endif
	endunit
