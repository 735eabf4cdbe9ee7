/* Which structs look packed (spec 4.7) shows where one is the seventh parameter. */
#define P __attribute__((packed))
#define A(n) __attribute__((aligned(n)))
#define SIX int a1, int a2, int a3, int a4, int a5, int a6
#define F(n, t) int n(SIX, t p) { return a1 + sizeof(p); }
struct P p1 { char a; int b; };
struct p2 { char a; int b; };
struct P p3 { int a; char b; };
struct P p4 { int a; int b; };
struct P p5 { char a; int b : 5; int c : 20; };
struct P p6 { char a; long long b : 40; int c : 30; };
struct p7 { char a; struct p1 b; };
struct P p8 { char a; struct p2 b; };
struct p9 { char a[3]; short P b; };
struct p10 { int a; struct P { char x; long y; } b; char c; };
struct P p11 { long a; int b; };
struct P A(4) p12 { char a; long b; char c[3]; };
struct P p13 { char a; int b[2][2]; };
union P p14 { int a; char b[5]; };
struct p15 { int a : 3; int b : 30; char c; };
struct P p16 { int a : 3; int b : 30; char c; };
struct P p17 { char a; enum { X1 } b; };
struct P p18 { char a; void *b; };
struct P p19 { };
struct P p20 { char a; const volatile int b; };
struct P p21 { short a : 9; char b; int c : 31; int d : 31; };
struct p22 { char a; struct p8 b; long c; };
struct P p23 { char a; struct p3 b; struct p22 c; };
struct P p24 { struct p2 a; char b; };
typedef struct p1 tp1;
typedef struct P { char a; int b; } tanon;
F(f1, struct p1) F(f2, struct p2) F(f3, struct p3) F(f4, struct p4) F(f5, struct p5) F(f6, struct p6) F(f7, struct p7) F(f8, struct p8)
F(f9, struct p9) F(f10, struct p10) F(f11, struct p11) F(f12, struct p12) F(f13, struct p13) F(f14, union p14) F(f15, struct p15)
F(f16, struct p16) F(f17, struct p17) F(f18, struct p18) F(f19, struct p19) F(f20, struct p20) F(f21, struct p21) F(f22, struct p22)
F(f23, struct p23) F(f24, struct p24) F(ftd, tp1) F(fanon, tanon) F(fconst, const struct p1)
int early(struct p1 p, int a) { return a; }
int seventhok(SIX, int b, struct p1 *p) { return b; }
