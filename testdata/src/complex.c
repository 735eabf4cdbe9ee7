double _Complex z; float _Complex y; struct s { int a; } s; int f(int a) { return a; }
