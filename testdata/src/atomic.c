_Atomic int at; struct s { _Atomic long l; const _Atomic int *p; } s; int f(int a) { return a; }
