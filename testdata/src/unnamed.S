/* What has no name though BTF demands one, and sizes that BTF does not take: each is fatal to the reference. */
#include "dw.inc"
	unit unnamed.c
	base .Lint, int, 5, 4
#ifdef FWD
.Lfwd:	.uleb128 25
	.asciz ""
	ptr .Lpfwd, .Lfwd
	typedef .Ltf, to_fwd, .Lpfwd
#endif
#ifdef TYPEDEF
.Ltd:	.uleb128 6
	.asciz ""
	ref .Lint
	typedef .Ltd2, named, .Ltd
#endif
#ifdef BASE
.Lbase:	.uleb128 2
	.asciz ""
	.byte 5, 4
	typedef .Ltb, to_base, .Lbase
#endif
#ifdef ENUM
	.uleb128 38
	.asciz "en"
	.uleb128 8
	ref .Lint
	.uleb128 39
	.asciz "EA"
	.sleb128 1
	.uleb128 39
	.asciz ""
	.sleb128 2
	end
#endif
#ifdef SIZES
	.uleb128 38
	.asciz "three"
	.uleb128 3
	ref .Lint
	.uleb128 39
	.asciz "EB"
	.sleb128 1
	end
	base .Lflt, float9, 4, 9
#endif
	endunit
