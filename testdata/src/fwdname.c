/* Phase 4: a forward that nothing else resolved goes to the one struct or union of its name; two of them, or the wrong kind,
   and it stays. */
#ifdef A
struct twice { int a; } ta; struct both { int a; } ba; struct once { int a; } oa; union uonce { int a; } ua; union onlyunion { int a; } ou;
#elif defined B
struct twice { long b; } tb; union both { long b; } bb;
#else
struct twice; struct both; struct once; union uonce; struct onlyunion; struct nowhere;
struct c { struct twice *a; struct both *b; struct once *c; union uonce *d; struct onlyunion *e; struct nowhere *f; } c;
#endif
