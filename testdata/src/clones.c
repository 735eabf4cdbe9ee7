/* gcc's clones: constant propagation, removal of unused parameters, parts, cold paths. */
#define NI __attribute__((noinline))
extern int ext(int), printf_like(const char *, ...);
struct s { int a, b, c; };
NI static int onlycp(int mode, int v)
{
	if (mode == 3)
		return ext(v) + 1;
	return ext(v * mode) + ext(v + 2);
}
NI static int onlyisra(struct s *s, int unused, int k)
{
	return s->b * k + ext(k);
}
NI static int bothcp(int mode, int v)
{
	return ext(mode) + ext(v * mode) * v;
}
static int part(int *p, int n)
{
	if (__builtin_expect(!p, 1))
		return 0;
	for (int i = 0; i < n; i++)
		ext(p[i]);
	return ext(n);
}
NI static int cold(int a)
{
	if (__builtin_expect(a == 77, 0)) {
		ext(1); ext(2); printf_like("x", a);
		__builtin_trap();
	}
	return ext(a);
}
int (*keep)(int, int) = bothcp;
int run(int v, struct s *s, int *p)
{
	return onlycp(3, v) + onlycp(3, v + 1) + onlyisra(s, 4, v) + onlyisra(s, 5, v + 2) + bothcp(9, v) + bothcp(9, v + 1) + part(p, v) + part(p + 1, v) + cold(v) + cold(v + 1);
}
#ifndef __clang__
int ext(int x) { return x; }
int printf_like(const char *f, ...) { return *f; }
#endif
