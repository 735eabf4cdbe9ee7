/* Bitfields that fill their storage, at its begin and not: --fixup_silly_bitfields takes the width from the first only. */
struct at_begin { int a : 32; char b : 8; unsigned char c : 8; short d : 16; long long e : 64; } at_begin;
struct at_byte { char c; int x : 32; } __attribute__((packed)) at_byte;
struct at_half { int c; long long x : 64; short y : 16; } __attribute__((packed)) at_half;
struct in_byte { signed char c : 4; unsigned char x : 8; } __attribute__((packed)) in_byte;
struct shared { long long c : 32; int y : 32; } shared;
union overlaid { int a : 32; long long b : 64; unsigned c : 31; } overlaid;
int touch(struct at_begin *p)
{
	return p->a;
}
