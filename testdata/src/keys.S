/* Names of the ELF function table (spec 4.1): cut at the first dot, .cold and .part dropped, only STT_FUNC. */
#include "dw.inc"
	text with.llvm.123
	text gone.cold
	text gone2.part.0
	text gone3.isra.0.cold.1
	text both.isra.0
	text both
	text pre_x
	.globl obj
	.type obj, @object
obj:	nop
	.globl notype
notype:	nop
	.globl ifunc
	.type ifunc, @gnu_indirect_function
ifunc:	nop
	text ".leading"
	text same_a
	also same_b
	text amb
	text amb.part.7
	text amb2.x
	text amb2
	text amb3
	also amb3.y
	unit keys.S
	base .Lint, int, 5, 4
	func with, .Lint, with.llvm.123
	end
	func with.llvm.123, .Lint, with.llvm.123
	end
	func gone, .Lint, gone.cold
	end
	func gone2, .Lint, gone2.part.0
	end
	func gone3, .Lint, 0
	end
	func both, .Lint, both
	p a, .Lint, 0x55
	end
	func pre, .Lint, pre_x
	end
	func obj, .Lint, obj
	end
	func notype, .Lint, notype
	end
	func ifunc, .Lint, ifunc
	end
	func .leading, .Lint, .leading
	end
	func same_a, .Lint, same_a
	end
	func same_b, .Lint, same_b
	end
	func amb, .Lint, amb
	end
	func amb2, .Lint, amb2
	end
	func amb3, .Lint, amb3
	end
	/* a parameter without a name, left out */
	func pre_x, .Lint, pre_x
	p "", .Lint, 0x55
	end
	endunit
