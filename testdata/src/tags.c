/* clang: type tags and decl tags everywhere they can stand. */
#define T(x) __attribute__((btf_type_tag(x)))
#define D(x) __attribute__((btf_decl_tag(x)))
struct D("s_tag") D("s_tag2") s {
	int a D("m_tag");
	int T("t1") T("t2") *b;
	char c : 3 D("bit_tag") D("bit_tag2");
	void T("user") *v;
	struct s T("rcu") *T("percpu") *n;
	struct { int x D("inner"); } an;
} D("after");
union D("u_tag") u { int a; long T("ut") *b D("um"); };
typedef int td_t D("td_tag");
typedef struct s T("tdt") *stp D("td2");
struct s gs D("var_tag") D("var_tag2");
int T("x") *const T("y") *gp;
__attribute__((section(".data..percpu"))) td_t pc D("pc_tag");
void (*T("fnp") fp)(int T("arg") *);
D("f_tag") D("f_tag2") int fn(int a D("p0"), struct s T("rcu") *b D("p1") D("p1b"))
{
	return a + b->a;
}
D("decl_only") extern int ext(int);
static D("st") int st(stp a, union u *u D("uu")) { return a->a + u->a; }
int use(stp a) { return st(a, 0) + ext(1); }
__attribute__((nouwtable)) D("a_very_long_tag_value_that_goes_on_and_on_for_more_than_one_hundred_and_twenty_seven_characters_to_see_where_the_reference_cuts_it_off_in_functions_but_not_in_types")
int longtag(int a_very_long_parameter_name_that_goes_on_and_on_for_more_than_one_hundred_and_twenty_seven_characters_to_see_where_the_reference_cuts_it_off)
{
	return a_very_long_parameter_name_that_goes_on_and_on_for_more_than_one_hundred_and_twenty_seven_characters_to_see_where_the_reference_cuts_it_off;
}
