/* Types inside functions, blocks and members come before what contains them. */
int outer(int n)
{
	struct in_fn { int a; struct { long b; } c; } s = { n };
	typedef struct in_fn alias_t;
	{
		union in_block { char c[3]; alias_t *p; } u = { .c = { 1 } };
		enum in_block_e { IB1 = 3 } e = IB1;
		s.a += u.c[0] + e;
	}
	int nested(int k) { struct in_nested { short q; } w = { k }; return w.q + n; }
	return s.a + nested(n);
}
struct container {
	struct named { int x; } a;
	union { struct deep { char d; } b; int c; };
	enum in_struct { IS1 } e;
	int (*fn)(struct in_proto { int z; } *p);
};
struct container c;
