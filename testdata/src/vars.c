/* Per-cpu variables, variables of named sections, and those that are left out. Relative address 0 wants a symbol of that name. */
#define PERCPU __attribute__((section(".data..percpu")))
#define IN(s) __attribute__((section(s)))
struct s { int a; char b[3]; };
struct empty { };
PERCPU int pc_first __asm__("pc_first_symbol") = 1;
PERCPU int pc_second __asm__("other_symbol") = 2;
PERCPU struct s pc_struct = { 3 };
PERCPU static long pc_static = 4;
PERCPU int pc_array[3][2] = { { 5 } };
PERCPU int __UNIQUE_ID_x1 = 6;
PERCPU struct empty pc_empty;
PERCPU const char *pc_ptr = "x";
PERCPU int dollar$name = 7;
int plain = 8, zeroed;
const int konst = 9;
static int file_static = 10;
IN(".data..first") int zero_ok = 11;
IN(".data..first") int second = 12;
IN(".data..other") struct s third = { 13 };
IN(".data..other") int __tpstrtab_x = 14, __exitcall_y = 15, __gendwarfksyms_ptr_z = 16, __func_stack_frame_non_standard_w = 17;
IN(".bss..mine") int bss_mine;
extern int declared;
extern int sized_later[];
int sized_later[3] = { 1 };
extern struct s defined_later;
struct s defined_later = { 18 };
__thread int tls_var = 19;
int flex_arr[0];
struct { int f; } unnamed_type = { 20 };
int fn(int a)
{
	static int fn_static = 21;
	static PERCPU int fn_percpu = 22;
	return a + fn_static++ + fn_percpu++ + file_static + pc_static + declared;
}
int declared = 23;
__attribute__((weak)) int weak_var = 24;
extern int alias_var __attribute__((alias("plain")));
