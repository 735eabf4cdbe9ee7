/* Members whose place is an expression, one of each kind; DWVER picks the DWARF version, and with it the form: exprloc, or block1 before 4.
   Licence: GPL-2.0-only OR BSD-2-Clause. */
#ifndef DWVER
#define DWVER 5
#endif
#if DWVER >= 4
#define LOCFORM 0x18
#else
#define LOCFORM 0x0a
#endif
.section .debug_abbrev,"",@progbits
.byte 1,0x11,1,0x25,8,0x13,0x0b,3,8,0,0
.byte 2,0x13,1,3,8,0x0b,0x05,0,0
.byte 3,0x0d,0,3,8,0x49,0x13,0x38,LOCFORM,0,0
.byte 4,0x24,0,3,8,0x0b,0x0b,0x3e,0x0b,0,0
.byte 5,0x34,0,3,8,0x49,0x13,0,0
.byte 0
.section .debug_info,"",@progbits
.Ls: .long .Le-.Lv
.Lv: .value DWVER
#if DWVER >= 5
.byte 1,8
.long .debug_abbrev
#else
.long .debug_abbrev
.byte 8
#endif
.uleb128 1
.asciz "gcc"
.byte 12
.asciz "a.c"
.Lint: .uleb128 4
.asciz "int"
.byte 4,5
.uleb128 2
.asciz "s"
.value 4096
.uleb128 3
.asciz "m0"
.long .Lint-.Ls
.byte 1
.byte 0x33
.uleb128 3
.asciz "m1"
.long .Lint-.Ls
.byte 2
.byte 0x08,5
.uleb128 3
.asciz "m2"
.long .Lint-.Ls
.byte 3
.byte 0x0a,5,1
.uleb128 3
.asciz "m3"
.long .Lint-.Ls
.byte 5
.byte 0x0c,5,0,0,0
.uleb128 3
.asciz "m4"
.long .Lint-.Ls
.byte 9
.byte 0x0e,5,0,0,0,0,0,0,0
.uleb128 3
.asciz "m5"
.long .Lint-.Ls
.byte 2
.byte 0x09,5
.uleb128 3
.asciz "m6"
.long .Lint-.Ls
.byte 2
.byte 0x11,5
.uleb128 3
.asciz "m7"
.long .Lint-.Ls
.byte 2
.byte 0x10,5
.uleb128 3
.asciz "m8"
.long .Lint-.Ls
.byte 2
.byte 0x23,5
.uleb128 3
.asciz "m9"
.long .Lint-.Ls
.byte 4
.byte 0x23,5,0x23,6
.uleb128 3
.asciz "m10"
.long .Lint-.Ls
.byte 3
.byte 0x10,5,0x22
.uleb128 3
.asciz "m11"
.long .Lint-.Ls
.byte 2
.byte 0x91,5
.uleb128 3
.asciz "m12"
.long .Lint-.Ls
.byte 1
.byte 0x12
.uleb128 3
.asciz "m13"
.long .Lint-.Ls
.byte 9
.byte 0x03,8,0,0,0,0,0,0,0
.uleb128 3
.asciz "m14"
.long .Lint-.Ls
.byte 3
.byte 0x30,0x23,4
.uleb128 3
.asciz "m15"
.long .Lint-.Ls
.byte 3
.byte 0x23,4,0x06
.uleb128 3
.asciz "m16"
.long .Lint-.Ls
.byte 3
.byte 0x0b,5,0
.uleb128 3
.asciz "m17"
.long .Lint-.Ls
.byte 5
.byte 0x0d,5,0,0,0
.uleb128 3
.asciz "m18"
.long .Lint-.Ls
.byte 9
.byte 0x0f,5,0,0,0,0,0,0,0
.uleb128 3
.asciz "m19"
.long .Lint-.Ls
.byte 1
.byte 0x96
.uleb128 3
.asciz "m20"
.long .Lint-.Ls
.byte 3
.byte 0x96,0x23,4
.uleb128 3
.asciz "m21"
.long .Lint-.Ls
.byte 4
.byte 0x97,0x23,5,0x1c
.uleb128 3
.asciz "m22"
.long .Lint-.Ls
.byte 1
.byte 0x9c
.uleb128 3
.asciz "m23"
.long .Lint-.Ls
.byte 1
.byte 0x1a
.uleb128 3
.asciz "m24"
.long .Lint-.Ls
.byte 0
.byte 0
.byte 0
.Le:
