enum small { S0, S1 = 7 };
enum neg { N1 = -1, N0, NMIN = -2147483647 - 1 };
enum umax { U1 = 4294967295u };
enum big { B1 = 1ull << 40, B2 = 3 };
enum bigneg { BN1 = -(1ll << 40), BN2 = 1 };
enum bigmax { BM = 18446744073709551615ull };
enum __attribute__((packed)) tiny { T1, T2 = 200 };
enum __attribute__((packed)) tinyneg { TN = -3, TP = 100 };
enum __attribute__((packed)) mid { M1 = 40000 };
enum { ANON1 = 11, ANON2 };
enum fwd;
typedef enum { TD1 = 77 } td_t;
struct s { enum small a; enum neg b; enum umax c; enum big d; enum bigneg e; enum bigmax f; enum tiny g; enum tinyneg h; enum mid i;
	enum fwd *j; td_t k; enum { IN1 = -5, IN2 } l; };
struct s v;
int anon(int x)
{
	enum { LOC = 4 } y = x;
	return y == ANON2;
}
int get(enum small a, enum bigneg b, enum fwd *f)
{
	return a + (b > 0) + !f;
}
