/* Arrays inside one comparison are not compared by element: A then B merges two different structs, B then A does not. */
#ifdef A
struct s { int a[4]; int b[4]; } s;
struct deep { struct s *p[2]; } d;
#else
struct s { int a[4]; unsigned b[4]; } s;
struct deep { struct s *p[2]; } d;
#endif
