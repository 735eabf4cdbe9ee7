// C++ that BTF can say (A), and that it cannot: a reference (B), a pointer to a member (C).
struct s { int a; int get() const; };
#ifdef A
extern "C" int plain(s *x) { return x->a; }
#endif
#ifdef B
extern "C" int byref(s &x) { return x.a; }
#endif
#ifdef C
extern "C" int member(s *x, int s::*m) { return x->*m; }
#endif
