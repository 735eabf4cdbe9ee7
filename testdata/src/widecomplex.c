long double _Complex zl;
double _Complex zd;
struct s { int a; long double _Complex m; double _Complex n; } s;
int f(struct s *a) { return a->a; }
