/* Variables whose type has no members and one byte, or is an array of such: they count as empty. */
union n10 { unsigned int : 1; }; union n10 v0;
union n11 { unsigned int : 9; }; union n11 v1;
struct s1 { char : 3; }; struct s1 v2;
struct s2 { int : 9; }; struct s2 v3;
struct s3 { char x; }; struct s3 v4;
union u4 { char x; }; union u4 v5;
typedef const union n10 t; t v6; union n10 v7[3]; struct s1 v8[3]; struct s9 { union n10 a; } v9; 
