typedef int row_t[7];
struct s {
	int a[4][2][5];
	char b[3][1];
	row_t c[2];
	int *d[6][2];
	int (*e)[3][4];
	struct { int x; } f[2][2];
	long z[0];
	const char g[2][8];
	int h[0][3];
	int i[3][0];
	volatile unsigned char j[1][1][1][1][1];
	int (*fn[2][3])(int[5][6], int[]);
	int flex[];
};
extern int un[];
extern int un2[][4];
struct s gs;
typedef int vec __attribute__((vector_size(16)));
vec gv;
int self[2][2];
int vla(int n, int m, int p[n][3], int q[][m])
{
	int z[n][3], y[n][m], x[4][n];
	z[0][0] = un[0] + un2[1][2];
	__asm__("" : : "r"(z), "r"(y), "r"(x) : "memory");
	return z[n - 1][1] + p[1][2] + q[1][0];
}
