/* Units without "int": the index type of arrays is that of the first unit that has one, or one made up (spec 2.4). */
#ifdef A
long la[3]; char ca[2][2]; struct sa { short s[4]; } sa;
#elif defined B
struct sb { long l[5]; unsigned char c[6]; } sb; short tail[7];
#elif defined NOARR
struct na { long l; char c; } na; short alone;
#else
int xi; struct si { int a[3]; long b[2]; } si;
#endif
