/* Types as such: there, their sizes, their ids, of the object and of the kernel. */
#include "core.h"
struct task_struct; struct file; struct path; 
struct task_struct { int pid; }; struct file { int f_flags; }; struct path { void *dentry; }; struct in_no_kernel { int x; };
typedef struct { int counter; } atomic_t; typedef unsigned int gfp_t;
union in_no_kernel_either { int x; };
SEC("kprobe/a") long a(void *c)
{
	return HAS_TYPE(struct task_struct) + TYPE_SIZE(struct file) + TARGET_ID(struct path) + LOCAL_ID(struct path) + HAS_TYPE(struct in_no_kernel) +
		HAS_TYPE(atomic_t) + TYPE_SIZE(gfp_t) + HAS_TYPE(union in_no_kernel_either);
}
