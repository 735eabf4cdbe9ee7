/* Sources that share types unequally, so that dwz makes several partial units of them that import each other. */
#define CAT(a, b) a##_##b
#define CAT2(a, b) CAT(a, b)
#define FN(x) CAT2(x, U)
#if defined A || defined C || defined D || defined E
struct s1 { int a; long b; struct s1 *n; };
enum e1 { E1A, E1B = 3, E1C = -4 };
typedef struct s1 t1;
union u1 { struct s1 s; int i[3][4]; };
struct fw;
struct big1 { t1 x; union u1 *u; enum e1 e; struct fw *f; int (*cb)(struct big1 *, enum e1); };
int FN(f1)(struct big1 *b) { return b->x.a + b->e; }
struct big1 FN(g1);
#endif
#if defined B || defined C || defined E || defined G
struct s2 { char c; short d; struct s2 *n; unsigned long long bf : 7, bg : 9; };
enum e2 { E2A, E2B = 0x7000000000 };
typedef struct s2 t2;
struct big2 { t2 x[5]; enum e2 e; float fl; const volatile char *restrict p; };
int FN(f2)(struct big2 *b, enum e2 e) { return b->x[1].c + (int)e; }
struct big2 FN(g2);
#endif
#if defined D || defined E || defined F || defined G
struct s3 { unsigned u; struct s3 *n; double d[2]; };
typedef int (*fn3)(struct s3 *, ...);
struct fw { fn3 f; };
int FN(f3)(struct s3 *b, struct fw *f) { return f->f(b, 1); }
#endif
