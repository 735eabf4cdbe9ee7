	/* The note of kernel builds with LTO: owner Linux, type 0x101 */
	.section .note.Linux,"a",%note
	.balign 4
	.long 6, 4, 0x101
	.asciz "Linux"
	.balign 4
	.long VAL
