#ifdef A
__attribute__((weak)) int f(int weak_param) { return weak_param; }
__attribute__((weak)) int onlyweak(char *p) { return *p; }
__attribute__((weak)) long differs(long weak_param) { return weak_param; }
int target(int a) { return a; }
extern __typeof__(target) aliased __attribute__((alias("target")));
extern __typeof__(target) waliased __attribute__((weak, alias("target")));
__attribute__((visibility("hidden"))) int hid(int a) { return a; }
static int ifimpl(int a) { return a; }
#else
int f(int strong_param) { return strong_param + 1; }
int differs(struct q *strong_param) { return !strong_param; }
int call(void) { return f(1); }
#endif
