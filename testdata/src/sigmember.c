/* true_signature, clang: a parameter of which one member is left is called by it, unless the member has no name. */
#define NI __attribute__((noinline))
extern long ext(long);
struct an { struct { long x; }; long y; };
struct nm { struct { long x; } q; long y; };
struct un { union { long x; int z; }; long y; };
NI static void first(struct an a, long b) { ext(a.x); ext(b); }
NI static void second(struct an a, long b) { ext(a.y); ext(b); }
NI static void named(struct nm a, long b) { ext(a.q.x); ext(b); }
NI static void onion(struct un a, long b) { ext(a.x); ext(b); }
void run(struct an *p, struct nm *q, struct un *u, long b)
{
	first(*p, b), first(*p, b + 1);
	second(*p, b), second(*p, b + 1);
	named(*q, b), named(*q, b + 1);
	onion(*u, b), onion(*u, b + 1);
}
