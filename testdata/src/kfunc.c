/* kfunc sets in .BTF_ids as the kernel's macros lay them out. */
typedef unsigned int u32;
struct obj { int a; };
#define USED __attribute__((used, noinline))
USED void *kf_arena_ret(void *a, void *b, int n) { return a; }
USED struct obj *kf_acquire(struct obj *o, void *ctx, u32 n) { return o; }
USED int kf_fast(int a) { return a; }
USED int kf_plain(struct obj *o) { return o->a; }
USED int kf_alias(struct obj *o) { return o->a; }
USED int not_in_set(int a) { return a + 1; }
USED int in_other_set(int a) { return a + 2; }
#define ID_(n, k, f) asm(".pushsection .BTF_ids,\"a\"\n.local __BTF_ID__func__" #n "__" #k "\n__BTF_ID__func__" #n "__" #k ": .zero 4\n.size __BTF_ID__func__" #n "__" #k ", 4\n.long " #f "\n.popsection");
#define ID__(n, k, f) ID_(n, k, f)
#define ID(n, f) ID__(n, __COUNTER__, f)
#define SET(n, cnt, flags) asm(".pushsection .BTF_ids,\"a\"\n.local __BTF_ID__set8__" #n "\n__BTF_ID__set8__" #n ": .long " #cnt ", " #flags "\n.popsection");
#define END(n) asm(".pushsection .BTF_ids,\"a\"\n.size __BTF_ID__set8__" #n ", . - __BTF_ID__set8__" #n "\n.popsection");
#ifdef ARENA
SET(arena, 2, 1) ID(kf_arena_ret, 0xe000) ID(kf_acquire, 0x6000) END(arena)
#endif
#ifdef ARENABAD
SET(arenabad, 1, 1) ID(kf_fast, 0x4000) END(arenabad)
#endif
SET(kf, 5, 1) ID(kf_acquire, 0x1) ID(kf_fast, 0x1000) ID(kf_plain, 0) ID(missing_fn, 0) ID(kf_alias, 0x3) END(kf)
SET(notkf, 1, 0) ID(in_other_set, 0) END(notkf)
ID(not_in_set, 0)
