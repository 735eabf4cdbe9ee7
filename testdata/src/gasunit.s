	.text
	.globl gas_fn
	.type gas_fn, @function
gas_fn:	nop
	ret
	.size gas_fn, . - gas_fn
	.globl gas_two
	.type gas_two, @function
gas_two: ret
	.size gas_two, . - gas_two
