/* A member of variable length: where those behind it are depends on the program's state, so DWARF gives an expression.
   Licence: GPL-2.0-only OR BSD-2-Clause. */
int use(void *);

int vla(int n)
{
	struct tail {
		int first;
		char data[n];
		int behind;
		short last;
	} t;

	t.behind = 1;
	t.last = 2;
	return use(&t) + sizeof(t);
}
