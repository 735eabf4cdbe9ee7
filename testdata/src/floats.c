struct f { float a; double b; long double c; };
struct f f;
#ifdef F16
_Float16 h16;
__float128 q;
_Float32x x;
#endif
double mul(float a, double b, int c)
{
	return a * b + c;
}
int onlyint(int a, double b)
{
	return a + b;
}
double afterstruct(struct f s, float a, int b)
{
	return s.a + a + b;
}
