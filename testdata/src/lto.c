/* Two units that -flto turns into units that refer to each other: all are read as one (spec 1.6). */
struct shared { int a; struct shared *n; };
#ifdef A
int second(struct shared *s, long k);
__attribute__((used)) int first(struct shared *s) { return second(s, 3) + s->a; }
typedef struct { char c; } only_a;
only_a oa[3];
__attribute__((used)) only_a *geta(void) { return oa; }
#else
__attribute__((used)) int second(struct shared *s, long k) { return s->a + k; }
union only_b { short s; int i; } ob;
__attribute__((used)) int third(union only_b b) { return b.i; }
#endif
