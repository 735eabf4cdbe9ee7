/* Compiled with -fdebug-types-section: types are named by their signature and lie in units of their own. */
#ifdef __cplusplus
extern "C" {
#endif
struct inner { int a; enum { RED, GREEN } c; };
struct deep { struct inner i; struct deep *next; union { int x; float y; } u; };
typedef int (*cb)(struct deep *);
struct empty { };
__attribute__((used)) int f(struct deep *d, cb c) { return d->i.a + c(d); }
#ifdef A
__attribute__((used)) int g(struct inner *d, struct empty *e) { return d->a; }
#endif
#ifdef __cplusplus
}
#endif
