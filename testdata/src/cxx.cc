// C++ without references: what of it has a BTF.
struct base { int b; virtual int m() { return b; } static int count; };
struct derived : base { long d; enum class ec : unsigned char { P = 1, Q } e; typedef int inner_t; inner_t t; static const int k = 3; int m() override { return d; } };
namespace ns { struct in_ns { char c; struct nested { int z; } n; }; in_ns var; int fn(in_ns *p) { return p->c; } namespace { int hidden(int x) { return x; } } int call() { return hidden(2); } }
class cls { int a; public: bool f : 3; int get(int x) const { return a + x; } };
template <typename T, int N> struct tmpl { T v[N]; };
tmpl<short, 4> tv;
enum neg : long { NA = -5, NB };
neg nv;
int base::count = 4;
extern "C" int cfn(derived *d, cls c, decltype(nullptr) n) { return d->d + c.get(1); }
int over(int a) { return a; }
int over(long a) { return a; }
