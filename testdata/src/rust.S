/* A unit that says it is Rust: members by offset (spec 3.2), names with < and ::. */
#define LANG 0x1c
#define PRODUCER "clang LLVM (rustc version 1.0 by hand)"
#include "dw.inc"
	text rust_fn
	text zlast
	unit lib.rs
	base .Li32, i32, 5, 4
	base .Lu8, u8, 7, 1
	struct .Ls, "Vec<u8>::Inner", 16
	member cap, .Li32, 8
	member same1, .Li32, 4
	member ptr, .Lu8, 0
	member same2, .Lu8, 4
	member len, .Li32, 12
	end
	func rust_fn, .Li32, rust_fn
	p a, .Ls, 0x91,0
	end
	func zlast, .Li32, zlast
	end
	endunit
