/* Two units with functions of one name. zz is the last key of the table: never ambiguous. */
#ifdef A
int lead(void) { return 0; }
__attribute__((noinline)) static int dup(int a) { return a + 1; }
__attribute__((noinline)) static int diff(int a) { return a + 1; }
__attribute__((noinline)) static int zz(int a) { return a + 2; }
int ua(int a) { return dup(a) + zz(a) + diff(a); }
#else
__attribute__((noinline)) static int dup(int b) { return b + 3; }
__attribute__((noinline)) static int diff(long *a) { return *a; }
__attribute__((noinline)) static int zz(int b) { return b + 4; }
int ub(int a) { long l = a; return dup(a) + zz(a) + diff(&l); }
int aa_last_by_place_only(void) { return 0; }
#endif
