/* Structs that are equal but for what a pointer in them leads to; the forward in D fits each of them, so the order of the
   candidate list decides (spec dedup 3.2, 3.10d). */
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#ifdef A
struct in { int a; };
#elif defined B
struct in { long b; };
#elif defined C
struct in { char c; };
#else
struct in;
#endif
#ifdef FILL
struct fill1 { char a; } fl1; struct fill2 { char a; } fl2; struct fill3 { char a; } fl3; struct fill4 { char a; } fl4;
#if FILL > 4
struct fill5 { char a; } fl5; struct fill6 { char a; } fl6; struct fill7 { char a; } fl7; struct fill8 { char a; } fl8; struct fill9 { char a; } fl9;
#endif
#endif
struct out { struct in *p; int n; };
struct CAT(user, U) { struct out o; struct in *q; } CAT(u, U);
