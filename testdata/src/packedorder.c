/* A struct with holes settles what its misaligned members are (spec 4.7): q looks packed after h was asked about, not before. */
#define P __attribute__((packed))
#define SIX int a1, int a2, int a3, int a4, int a5, int a6
struct P q { int a; int b; };
struct h { char a; struct q b; long c; };
struct P r { int a; int b; };
struct h2 { char a; struct r b; long c; };
int k1(SIX, struct q p) { return a1 + p.a; }
int k2(SIX, struct h p) { return a2 + p.a; }
int k3(SIX, struct q p) { return a3 + p.b; }
int k4(SIX, struct r p) { return a4 + p.a; }
int k5(SIX, struct h2 p) { return a5 + p.a; }
int k6(SIX, struct r p) { return a6 + p.b; }
