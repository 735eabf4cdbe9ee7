/* Registers, memory, floats, aggregates; the optimizer leaves some unused, constant or gone. */
struct two { long a, b; };
struct three { long a, b, c; };
struct mixed { double d; int i; };
struct tiny { char c; };
union u2 { long a; int b[4]; };
union u3 { long a[3]; };
#define NI __attribute__((noinline))
NI int fl(float a, double b, int c) { return a + b + c; }
NI int st(struct two a, int b) { return a.a + b; }
NI int st3(struct three a, int b) { return a.b + b; }
NI int flst(float a, struct tiny b, int c) { return a + b.c + c; }
NI int un2(union u2 a, int b) { return a.a + b; }
NI int un3(union u3 a, int b) { return a.a[1] + b; }
NI double mx(struct mixed a, int b) { return a.d + a.i + b; }
NI int unused(int a, int b, int c) { return c; }
NI int many(int a, long b, char c, short d, void *e, int f, long g, int h, long i, char j) { return a + b + c + d + f + g + h + i + j; }
NI static int cp(int a, int b, int c) { return a * b + c * 17 + a / 3; }
NI static int isra(struct three *p, int z) { return p->b * z; }
NI static int split(int a, struct two *t) { return a > 3 ? t->a : t->b; }
NI static int unusedst(int a, int b, int c) { return a * 3 + c; }
NI static void noret(int a, int *b) { *b = a; }
volatile int sink;
struct three g3;
struct two g2;
int user(int a, int b)
{
	sink = cp(a, 7, b) + cp(b, 7, a);
	sink += isra(&g3, b) + split(a, &g2) + unusedst(a, 3, b) + unusedst(b, 9, a);
	noret(a, &b);
	return b;
}
int va(int a, ...) { return a; }
#if __SIZEOF_INT128__
__int128 i128(int a, __int128 b, int c) { return a + b + c; }
#endif
long double ld(int a, long double b, int c) { return a + b + c; }
