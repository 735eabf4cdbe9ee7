/* A forward on the canonical side stands for what it was resolved to: C's struct, with another definition behind the same
   name, is not the same one (spec dedup 3.6.1 rule 2). */
#ifdef A
struct x;
struct s { struct x *p; } sa;
#elif defined B
struct x { int b; };
struct s { struct x *p; } sb;
#else
struct x { long c; char d; };
struct s { struct x *p; } sc;
struct s3 { struct s *s; } s3;
#endif
