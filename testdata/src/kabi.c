/* --kabi_prefix: every name that begins with it becomes just it. */
struct s { int a; union { long __kabi_reserved1; struct { int __kabi_x; } __kabi_y; }; int __kabi_z : 3; };
struct __kabi_struct { int q; };
typedef int __kabi_td;
enum __kabi_e { __KABI_no, __kabi_one };
int __kabi_fn(int __kabi_p, struct s *s, struct __kabi_struct *t, __kabi_td d, enum __kabi_e e) { return __kabi_p; }
int fn(int __kabi_p1, int __kab) { return __kabi_p1; }
int __kabi(int x) { return x; }
