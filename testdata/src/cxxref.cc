// A C++ reference: the reference writes nothing at all.
struct s { int a; };
int byref(s &x, s &&y) { return x.a + y.a; }
int plain(int a) { return a; }
