/* Bitfields of all widths, types and placements. The old style (DWARF 2, 3) counts from the other end. */
struct w8 { unsigned char a : 1, b : 2, c : 3, d : 4, e : 5, f : 6, g : 7, h : 8; };
struct w16 { unsigned short a : 9, b : 7, c : 15, d : 1, e : 16; };
struct w32 { int a : 31; unsigned b : 1; unsigned c : 17, d : 16, e : 32; int f : 2; };
struct w64 { long long a : 33, b : 63, c : 1; unsigned long long d : 64; long e : 5; };
struct mix { char a; int b : 5; char c; int d : 11, : 0, e : 3; long long f : 40; short g; unsigned char h : 1; };
struct __attribute__((packed)) pk { char a; int b : 13; int c : 30; long long d : 50; int e; char f : 3; };
union ubf { int a : 3; unsigned long long b : 47; char c; };
enum e { E1, E2 };
typedef const volatile unsigned tcv;
struct ty { enum e a : 2; tcv b : 4; _Bool c : 1; enum e d; signed char e : 3; };
struct only { int a : 32; };
struct aligned { int a : 3 __attribute__((aligned(8))); int b : 4; };
struct nest { int x : 1; struct { int y : 2; union { int z : 3; int w; }; }; struct w8 n; };
#if __SIZEOF_INT128__
struct big { unsigned __int128 a : 100; __int128 b; };
struct big bi;
#endif
struct { struct w8 a; struct w16 b; struct w32 c; struct w64 d; struct mix e; struct pk f; union ubf g; struct ty h; struct only i; struct aligned j; struct nest k; } everything;
int touch(struct mix *m)
{
	return m->b;
}
