/* true_signature: clones under the name of their symbol; clang's changed signatures. */
#define NI __attribute__((noinline))
struct pair { long a, b; };
struct big { long a, b, c; };
int ext(int);
NI static int unusedp(int a, int unused, int c) { return ext(a) + ext(c); }
NI static int constp(int a, int k) { return ext(a * k) + ext(k); }
NI static int byptr(struct big *p, int n) { return ext(p->b) + ext(n); }
NI static int agg(struct pair p, int n) { return ext(p.a) + ext(n); }
NI static int agg2(struct pair p, int n) { return ext(p.b) + ext(n); }
NI static int aggb(struct pair p, int n) { return ext(p.a) + ext(p.b) * n; }
NI static int none(int a, struct pair p) { return ext(a); }
NI static int unret(int a, int b) { ext(a); return b; }
NI int kept(int a, int b) { return ext(a); }
struct big g;
int run(int v, long w)
{
	struct pair p = { v, w };
	unret(v, 1);
	return unusedp(v, 1, 2) + unusedp(v + 1, 2, v) + constp(v, 7) + constp(v + 2, 7) + byptr(&g, v) + byptr(&g, v + 1) + agg(p, v) + agg(p, 2) + agg2(p, v) + agg2(p, 3) + aggb(p, v) + aggb(p, 4) + none(v, p) + none(4, p) + kept(1, 2);
}
