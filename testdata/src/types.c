/* One of each: what every kernel unit has. */
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned char u8;
typedef _Bool bool_t;
struct list { struct list *next, **prev; };
union val { u32 i; u64 l; void *p; char c[8]; };
enum color { RED, GREEN = 5, BLUE };
struct opaque;
union uopaque;
struct flags { u32 a : 1, b : 3, c : 28; u64 d : 33; u8 e : 1; signed int f : 7; u32 : 3; u32 g; };
struct all {
	struct list l;
	union val v;
	enum color col;
	struct opaque *op;
	union uopaque *up;
	const char *const name;
	volatile int vol;
	char *restrict rp;
	int (*fn)(const struct all *, u64, ...);
	void (*kr)();
	void (*none)(void);
	struct { int x; union { int y; long z; }; } anon;
	u32 matrix[3][4][5];
	struct flags fl;
	bool_t ok;
	signed char sc;
	short s;
	long double *ldp;
	const volatile void *cvp;
	int tail[];
};
int count(const struct all *a, u32 n)
{
	return a->tail[n] + a->col;
}
void walk(struct list *l, void (*cb)(struct list *, void *), void *arg)
{
	for (; l; l = l->next)
		cb(l, arg);
}
u64 sum(u64 a, u8 b, short c, bool_t d, char e, union val *f, int g, long h, u32 i, char *j)
{
	return a + b + c + d + e + f->l + g + h + i + *j;
}
int vari(const char *fmt, ...)
{
	return *fmt;
}
int kandr(a, b)
	int a;
	char *b;
{
	return a + *b;
}
int unproto()
{
	return 1;
}
static int helper(int x)
{
	struct inner { int q; struct all *up; } v = { x, 0 };
	if (x > 3) {
		enum deep { D1, D2 = 9 } e = x;
		return e + v.q;
	}
	return v.q;
}
int use(int n)
{
	return helper(n) + helper(n * 2);
}
