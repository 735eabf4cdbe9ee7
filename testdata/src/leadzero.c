/* Linked at address 0: `at0` of unit A has value 0, which the ambiguity check overlooks; `later` is ambiguous as usual. */
#ifdef A
__attribute__((noinline, section(".text.0"))) static int at0(int a) { return a + 1; }
__attribute__((noinline)) static int later(int a) { return a + 2; }
int zua(int a) { return at0(a) + later(a); }
#else
__attribute__((noinline)) static int at0(int b) { return b + 3; }
__attribute__((noinline)) static int later(int b) { return b + 4; }
int zub(int a) { return at0(a) + later(a); }
#endif
