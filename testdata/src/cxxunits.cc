// C++ that BTF can say (A), and that it cannot: a reference (B), a pointer to a member (C).
struct s { int a; int get() const; };
#ifdef A
int plain(s *x) { return x->a; }
#endif
#ifdef B
int byref(s &x) { return x.a; }
#endif
#ifdef C
int member(s *x, int s::*m) { return x->*m; }
#endif
