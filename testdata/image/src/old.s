# What an image may bring along: a .BTF with no type in it, and a .BTF_ids behind it.
	.section .BTF, "a"
	.2byte 0xeb9f
	.byte 1, 0
	.4byte 24, 0, 0, 0, 1
	.byte 0
	.balign 4
	.section .BTF_ids, "a"
	.4byte 1, 2, 3
	.section .note.GNU-stack, ""
