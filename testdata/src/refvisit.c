/* Which of equal pointers and qualifiers survives is the one visited first, which need not be the lowest id. */
struct n { struct n *next; const struct n *cnext; const struct n *const *ccp; };
#ifdef A
typedef const int cint; extern const cint *far(const int *a, volatile cint *b);
struct n na; const cint *pa; int *const *qa;
const cint *far(const int *a, volatile cint *b) { return a; }
#else
const int *fn(const int *const *b, struct n *c, const struct n *d) { return *b; }
struct n nb; const int *pb; const volatile int *const volatile qb;
int (*const fp)(const int *, struct n *);
#endif
