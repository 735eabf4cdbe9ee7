/* Merge rule 3: a forward on the new side goes to the definition that its struct was matched with, though the name is not unique. */
#ifdef A
struct amb { int a; };
struct s { struct amb *p; } sa;
#elif defined B
struct amb { long b; };
struct t { struct amb *p; } tb;
#else
struct amb;
struct s { struct amb *p; } sc;
struct c_only { struct amb **pp; } cc;
#endif
