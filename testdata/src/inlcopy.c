/* The header's function is only inlined in unit A, out of line in unit B: in a relocatable file B's copy is written. */
#ifdef A
static inline __attribute__((always_inline)) int shared(int a_name) { return a_name * 3; }
static int other(int x) { return x; }
int a_user(int v) { return shared(v) + other(v); }
#else
__attribute__((noinline)) int shared(int b_name) { return b_name * 3; }
__attribute__((noinline)) static int other(int y) { return y * 2; }
int b_user(int v) { return shared(v) + other(v); }
#endif
