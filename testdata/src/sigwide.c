/* Aggregates by value of which a function uses one member or two, at offsets past two registers (spec 4.8). */
extern void use(long); extern void keep(long);
struct b { long m0, m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21; };
#define F(n) static __attribute__((noinline)) void f##n(struct b a, long z) { use(a.m##n); use(a.m##n); } void c##n(struct b *p) { f##n(*p, 1); keep(0); }
F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13) F(17) F(18) F(21)
static __attribute__((noinline)) void g(struct b a, long z) { use(a.m9); use(a.m12); } void cg(struct b *p) { g(*p, 1); keep(0); }
static __attribute__((noinline)) void h(struct b a, long z) { use(a.m9); use(a.m1); } void ch(struct b *p) { h(*p, 1); keep(0); }
struct i8 { int m0, m1, m2, m3, m4, m5, m6, m7; };
struct s14 { unsigned long long m0 : 41; unsigned int m1 : 32; };
struct s15 { int a:5, b:20; int c; };
#define F(n) static __attribute__((noinline)) void e##n(struct i8 a, long z) { use(a.m##n); use(a.m##n); } void d##n(struct i8 *p) { e##n(*p, 1); keep(0); }
F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7)
static __attribute__((noinline)) void k1(struct s14 a, long z) { use(a.m1); } void ck1(struct s14 *p) { k1(*p, 1); keep(0); }
static __attribute__((noinline)) void k2(struct s14 a, long z) { use(a.m0);} void ck2(struct s14 *p) { k2(*p, 1); keep(0); }
static __attribute__((noinline)) void i(struct s15 a, long z) { use(a.a);} void ci(struct s15 *p) { i(*p, 1); keep(0); }
static __attribute__((noinline)) void j(struct s15 a, long z) { use(a.b);} void cj(struct s15 *p) { j(*p, 1); keep(0); }
static __attribute__((noinline)) void k(struct s15 a, long z) { use(a.c);} void ck(struct s15 *p) { k(*p, 1); keep(0); }
